//! `ssp user --plain`: bare messages, memberships as the daemon tells them.

use std::collections::BTreeMap;

use gcs_proto::{
    gcs::{GcsCommand, GcsEvent, Multicast},
    limits,
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_tokio::plain::PlainClient;

use super::{
    FILE, Flow, TEXT, command::Command, connect_any, file_message, input::Input, keyless, report,
    show,
};
use crate::{cli, error::Failure, output::Printer};

pub(super) async fn run(options: &cli::User, printer: Printer) -> Result<(), Failure> {
    let config = keyless(options)?;
    let client = connect_any(&options.connect, async |endpoint| {
        PlainClient::connect(endpoint, config.clone()).await
    })
    .await?;
    printer.print(&show::connected(client.private_group(), "plain"));
    let mut user = User {
        client,
        printer,
        members: BTreeMap::new(),
    };
    if let Some(group) = options.group {
        user.carry_out(Command::Join(group)).await;
    }
    let mut input = Input::open(options.group, printer);
    loop {
        tokio::select! {
            line = input.next(printer) => if user.carry_out(line).await == Flow::End { break },
            event = user.client.recv() => match event {
                Some(event) => user.show(event)?,
                None => return Err(Failure::Failed("connection is closed".into())),
            },
        }
    }
    user.client.disconnect().await;
    Ok(())
}

struct User {
    client: PlainClient,
    printer: Printer,
    members: BTreeMap<GroupName, Vec<MemberName>>,
}

impl User {
    async fn carry_out(&mut self, line: Command) -> Flow {
        let (group, command) = match line {
            Command::Quit => return Flow::End,
            Command::Nothing => return Flow::Continue,
            Command::Help => {
                super::help(self.printer);
                return Flow::Continue;
            }
            Command::Join(group) => (group, GcsCommand::Join(group)),
            Command::Leave(group) => (group, GcsCommand::Leave(group)),
            Command::Send(group, text) => {
                let message = Multicast::to_group(group, Service::Agreed, TEXT, text.into());
                (group, GcsCommand::Multicast(message))
            }
            Command::SendFile(group, path) => {
                let room = limits::SAFE_MESSAGE - limits::NAME_SLOT;
                match file_message(&path, room).await {
                    Ok(body) => {
                        let message = Multicast::to_group(group, Service::Agreed, FILE, body);
                        (group, GcsCommand::Multicast(message))
                    }
                    Err(error) => {
                        report(self.printer, Some(&group), error);
                        return Flow::Continue;
                    }
                }
            }
            Command::Members(group) => {
                let members = self.members.get(&group).map_or(&[][..], Vec::as_slice);
                self.printer.print(&show::members(&group, members));
                return Flow::Continue;
            }
            Command::Refresh(group) | Command::Flush(group) | Command::Key(group, _) => {
                report(
                    self.printer,
                    Some(&group),
                    "bare groups have no views and no keys",
                );
                return Flow::Continue;
            }
        };
        let size = match &command {
            GcsCommand::Multicast(message) => Some(message.body.len()),
            GcsCommand::Join(_)
            | GcsCommand::Leave(_)
            | GcsCommand::Unicast { .. }
            | GcsCommand::Disconnect => None,
        };
        match (self.client.command(command).await, size) {
            (Ok(()), Some(size)) => self.printer.print(&show::sent(&group, size)),
            (Ok(()), None) => {}
            (Err(error), _) => report(self.printer, Some(&group), error),
        }
        Flow::Continue
    }

    fn show(&mut self, event: GcsEvent) -> Result<(), Failure> {
        match event {
            GcsEvent::Membership(membership) => {
                let text = format!(
                    "[{}] * {}: {}",
                    membership.group,
                    show::change(&membership.view.cause),
                    show::list(&membership.view.members)
                );
                let event = show::view(
                    "membership",
                    text,
                    &membership.group,
                    &membership.view.id,
                    &membership.view.members,
                    &membership.view.cause,
                );
                self.printer.print(&event.with(
                    "transitional_set",
                    show::names(&membership.view.transitional_set),
                ));
                self.members
                    .insert(membership.group, membership.view.members);
            }
            GcsEvent::TransitionalSignal { group } => {
                self.printer.print(&show::transitional(&group));
            }
            GcsEvent::SelfLeave { group } => {
                self.members.remove(&group);
                self.printer.print(&show::self_leave(&group));
            }
            GcsEvent::Message(message) => {
                let to: Vec<String> = message
                    .destinations
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                let group = message
                    .destinations
                    .iter()
                    .find_map(|name| GroupName::try_from(*name).ok());
                let event = show::message(
                    group.as_ref(),
                    &message.sender,
                    message.service,
                    message.message_type,
                    &message.body,
                );
                self.printer.print(&event.with("to", to));
            }
            GcsEvent::Refused(refused) => self.printer.print(&show::refused(&refused)),
            GcsEvent::Closed(reason) => {
                return Err(super::lost(self.printer, &reason));
            }
        }
        Ok(())
    }
}
