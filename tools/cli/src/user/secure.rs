//! `ssp user`: secure groups, one task each.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use gcs_proto::name::GroupName;
use ssp_core::{Credentials, FlushMode, GroupOptions, PartDelivery, Timestamp};
use ssp_tokio::{Client, ClientConfig};
use tokio::{sync::mpsc, task::JoinSet};

use super::{Flow, command::Line, connection, help, input::Input, report, room::Room, show};
use crate::{
    cli,
    error::Failure,
    identity,
    output::{Event, Printer},
};

/// Commands that may wait for a group.
const COMMANDS_MAX: usize = 64;

pub(super) async fn run(options: &cli::User, printer: Printer) -> Result<(), Failure> {
    let credentials = credentials(options)?;
    let config =
        ClientConfig::new(options.name, credentials.clone()).connection(|_| connection(options));
    let client = Client::connect(&options.connect, config)
        .await
        .map_err(|error| Failure::Failed(error.to_string()))?;
    printer.print(&show::connected(client.private_group(), "secure"));
    if let Err(error) = credentials.check(client.private_group(), now()) {
        let reason = format!(
            "the trust file does not confirm the own identity as {}: {error}",
            client.private_group()
        );
        printer.print(&Event::new("warning", format!("! {reason}")).with("reason", reason));
    }
    let flush = if options.manual_flush {
        FlushMode::Manual
    } else {
        FlushMode::Automatic
    };
    let mut user = User {
        client,
        printer,
        options: GroupOptions {
            protocol: options.protocol,
            mathematical_group: options.group_params.clone(),
            algorithm: options.algorithm,
            flush,
            parts: PartDelivery::Streamed,
            ..GroupOptions::default()
        },
        rooms: BTreeMap::new(),
        current: None,
        tasks: JoinSet::new(),
    };
    if let Some(group) = options.group {
        user.carry_out(Line::Join(group)).await;
    }
    let mut input = Input::open();
    loop {
        tokio::select! {
            line = input.next(printer) => if user.carry_out(line).await == Flow::End { break },
            Some(_) = user.tasks.join_next() => {
                // By the sender, not by name: the group may have been joined again since.
                user.rooms.retain(|_, room| !room.is_closed());
            }
            reason = user.client.closed() => {
                // What came before the end is still shown; it ends with the queues of the rooms.
                while user.tasks.join_next().await.is_some() {}
                return Err(super::lost(printer, &reason));
            }
        }
    }
    // Rooms end when nobody can command them any more, once what waits in them is sent.
    user.rooms.clear();
    let mut unsent = 0;
    while let Some(ended) = user.tasks.join_next().await {
        unsent += ended.unwrap_or(0);
    }
    user.client.disconnect().await;
    super::all_sent(unsent)
}

fn credentials(options: &cli::User) -> Result<Credentials, Failure> {
    match (&options.identity, options.trust.as_slice()) {
        (Some(identity), trust @ [_, ..]) => identity::credentials(identity, trust),
        _ => Err(Failure::Usage("--identity and --trust are needed".into())),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}

struct User {
    client: Client,
    printer: Printer,
    options: GroupOptions,
    rooms: BTreeMap<GroupName, mpsc::Sender<Line>>,
    /// The group joined last, which hears what is no command.
    current: Option<GroupName>,
    /// Each ends with the number of messages that it could not send.
    tasks: JoinSet<usize>,
}

impl User {
    async fn carry_out(&mut self, line: Line) -> Flow {
        let group = match &line {
            Line::Quit => return Flow::End,
            Line::Nothing => return Flow::Continue,
            Line::Help => {
                help(self.printer);
                return Flow::Continue;
            }
            Line::Say(text) => {
                let Some(group) = self.current else {
                    report(self.printer, None, "no group to speak to, join one");
                    return Flow::Continue;
                };
                return Box::pin(self.carry_out(Line::Send(group, text.clone()))).await;
            }
            Line::Join(group) => {
                self.join(*group).await;
                return Flow::Continue;
            }
            Line::Leave(group)
            | Line::Send(group, _)
            | Line::SendFile(group, _)
            | Line::Refresh(group)
            | Line::Flush(group)
            | Line::Key(group, _)
            | Line::Members(group) => *group,
        };
        let taken = match self.rooms.get(&group) {
            Some(room) => room.send(line).await.is_ok(),
            None => false,
        };
        if !taken {
            report(self.printer, Some(&group), "not a member");
        }
        Flow::Continue
    }

    async fn join(&mut self, group: GroupName) {
        match self.client.join(group, self.options.clone()).await {
            Ok(handle) => {
                let (sender, commands) = mpsc::channel(COMMANDS_MAX);
                self.rooms.insert(group, sender);
                self.current = Some(group);
                let room = Room::new(handle, self.printer);
                self.tasks.spawn(room.run(commands));
            }
            Err(error) => report(self.printer, Some(&group), error),
        }
    }
}
