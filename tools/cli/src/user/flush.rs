//! `ssp user --flush`: view-synchronous messages without keys.

use std::{collections::BTreeMap, time::Duration};

use gcs_proto::{
    flush::FlushEvent,
    gcs::{Refused, SelfDelivery},
    limits,
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_tokio::flush::{FlushClient, FlushCommand};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    FILE, Flow, TEXT,
    command::Command,
    connect_any, file_message,
    input::Input,
    keyless,
    pending::{Message, Pending},
    report, show,
};
use crate::{cli, error::Failure, output::Printer};

/// How long the others may take to answer a flush request before they are named.
const TIME_LIMIT: Duration = Duration::from_secs(3);

pub(super) async fn run(options: &cli::User, printer: Printer) -> Result<(), Failure> {
    let config = keyless(options)?;
    let client = connect_any(&options.connect, async |endpoint| {
        FlushClient::connect(endpoint, config.clone()).await
    })
    .await?;
    printer.print(&show::connected(client.private_group(), "flush"));
    let answer = if options.manual_flush {
        Answer::Asked
    } else {
        Answer::AtOnce
    };
    let mut user = User {
        client,
        printer,
        answer,
        rooms: BTreeMap::new(),
        unsent: 0,
    };
    if let Some(group) = options.group {
        user.carry_out(Command::Join(group)).await;
    }
    let mut input = Input::open(options.group, printer);
    loop {
        let overdue = user.rooms.values().filter_map(Room::deadline).min();
        tokio::select! {
            line = input.next(printer) => if user.carry_out(line).await == Flow::End { break },
            event = user.client.recv() => match event {
                Some(event) => user.handle(event).await?,
                None => return Err(Failure::Failed("connection is closed".into())),
            },
            () = sleep_until(overdue.unwrap_or_else(Instant::now)), if overdue.is_some() => {
                user.name_the_missing().await;
            }
        }
    }
    let unsent = user.say_farewell().await?;
    user.client.disconnect().await;
    super::all_sent(unsent)
}

/// How long messages that wait for a view may still go out after the last command.
const FAREWELL: Duration = Duration::from_secs(10);

/// Who answers flush requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The program.
    AtOnce,
    /// Whoever types the command `flush`.
    Asked,
}

/// Where a group is between two views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No view yet; others may still have to agree.
    Joining { overdue: Instant },
    /// Messages can be sent.
    Open,
    /// The flush request was answered.
    Answered { overdue: Instant },
    /// A leave was asked for.
    Leaving,
}

#[derive(Debug)]
struct Room {
    stage: Stage,
    members: Vec<MemberName>,
    pending: Pending,
}

impl Room {
    fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Joining { overdue } | Stage::Answered { overdue } => Some(overdue),
            Stage::Open | Stage::Leaving => None,
        }
    }
}

struct User {
    client: FlushClient,
    printer: Printer,
    answer: Answer,
    rooms: BTreeMap<GroupName, Room>,
    /// Messages that could not be sent to groups that are left.
    unsent: usize,
}

impl User {
    async fn carry_out(&mut self, line: Command) -> Flow {
        match line {
            Command::Quit => return Flow::End,
            Command::Nothing => {}
            Command::Help => super::help(self.printer),
            Command::Join(group) => {
                if self.call(group, FlushCommand::Join(group)).await == Done::Yes {
                    let stage = Stage::Joining {
                        overdue: Instant::now() + TIME_LIMIT,
                    };
                    let room = Room {
                        stage,
                        members: Vec::new(),
                        pending: Pending::default(),
                    };
                    self.rooms.insert(group, room);
                }
            }
            Command::Leave(group) => {
                if self.call(group, FlushCommand::Leave(group)).await == Done::Yes
                    && let Some(room) = self.rooms.get_mut(&group)
                {
                    room.stage = Stage::Leaving;
                }
            }
            Command::Send(group, text) => {
                self.send(
                    group,
                    Message {
                        message_type: TEXT,
                        body: text.into(),
                    },
                )
                .await;
            }
            Command::SendFile(group, path) => {
                let room = limits::SAFE_MESSAGE - limits::NAME_SLOT - limits::FLUSH_OVERHEAD;
                match file_message(&path, room).await {
                    Ok(body) => {
                        self.send(
                            group,
                            Message {
                                message_type: FILE,
                                body,
                            },
                        )
                        .await
                    }
                    Err(error) => report(self.printer, Some(&group), error),
                }
            }
            Command::Flush(group) => self.flush_ok(group).await,
            Command::Members(group) => {
                let members = self.rooms.get(&group).map_or(&[][..], |room| &room.members);
                self.printer.print(&show::members(&group, members));
            }
            Command::Refresh(group) | Command::Key(group, _) => {
                report(
                    self.printer,
                    Some(&group),
                    "groups of the flush layer have no keys",
                );
            }
        }
        Flow::Continue
    }

    async fn handle(&mut self, event: FlushEvent) -> Result<(), Failure> {
        match event {
            FlushEvent::View(view) => {
                let text = format!(
                    "[{}] * {}: {}",
                    view.group,
                    show::change(&view.view.cause),
                    show::list(&view.view.members)
                );
                let event = show::view(
                    "view",
                    text,
                    &view.group,
                    &view.view.id,
                    &view.view.members,
                    &view.view.cause,
                );
                self.printer.print(
                    &event
                        .with("index", view.index)
                        .with("transitional_set", show::names(&view.view.transitional_set)),
                );
                if let Some(room) = self.rooms.get_mut(&view.group) {
                    room.stage = Stage::Open;
                    room.members = view.view.members;
                }
                self.send_pending(view.group).await;
            }
            FlushEvent::FlushRequest { group } => match self.answer {
                Answer::AtOnce => self.flush_ok(group).await,
                Answer::Asked => self.printer.print(&show::flush_request(&group)),
            },
            FlushEvent::TransitionalSignal { group } => {
                self.printer.print(&show::transitional(&group));
            }
            FlushEvent::Message(message) => self.printer.print(&show::message(
                Some(&message.group),
                &message.sender,
                message.service,
                message.message_type,
                &message.body,
            )),
            FlushEvent::Private(message) => self.printer.print(&show::message(
                None,
                &message.sender,
                message.service,
                message.message_type,
                &message.body,
            )),
            FlushEvent::SelfLeave { group } => {
                self.printer.print(&show::self_leave(&group));
                self.forget(&group);
            }
            FlushEvent::Refused(refused) => {
                self.printer.print(&show::refused(&refused));
                if let Refused::Join(group) = refused
                    && let Some(Stage::Joining { .. } | Stage::Leaving) =
                        self.rooms.get(&group).map(|room| room.stage)
                {
                    self.forget(&group);
                }
            }
            FlushEvent::Closed(reason) => {
                return Err(super::lost(self.printer, &reason));
            }
        }
        Ok(())
    }

    /// The group is over, and what waits for its next view with it.
    fn forget(&mut self, group: &GroupName) {
        if let Some(room) = self.rooms.remove(group) {
            self.unsent += super::report_unsent(self.printer, group, room.pending.len());
        }
    }

    /// Lets messages that still wait for a view go out; tells how many could not.
    async fn say_farewell(&mut self) -> Result<usize, Failure> {
        let deadline = Instant::now() + FAREWELL;
        while self.rooms.values().any(|room| room.pending.len() > 0) {
            match timeout_at(deadline, self.client.recv()).await {
                Ok(Some(event)) => self.handle(event).await?,
                Ok(None) | Err(_) => break,
            }
        }
        let rooms = self.rooms.iter();
        let left: usize = rooms
            .map(|(group, room)| super::report_unsent(self.printer, group, room.pending.len()))
            .sum();
        Ok(self.unsent + left)
    }

    async fn flush_ok(&mut self, group: GroupName) {
        if self.call(group, FlushCommand::FlushOk(group)).await == Done::Yes
            && let Some(room) = self.rooms.get_mut(&group)
        {
            room.stage = Stage::Answered {
                overdue: Instant::now() + TIME_LIMIT,
            };
        }
    }

    /// Sends in the present view, or keeps the message for the next one.
    async fn send(&mut self, group: GroupName, message: Message) {
        let Some(room) = self.rooms.get_mut(&group) else {
            return report(self.printer, Some(&group), "not a member");
        };
        if let Err(error) = room.pending.push(message) {
            return report(self.printer, Some(&group), error);
        }
        self.send_pending(group).await;
    }

    async fn send_pending(&mut self, group: GroupName) {
        while let Some(room) = self.rooms.get_mut(&group) {
            if room.stage != Stage::Open {
                return;
            }
            let Some(message) = room.pending.pop() else {
                return;
            };
            let size = message.body.len();
            let command = FlushCommand::Multicast {
                group,
                service: Service::Agreed,
                self_delivery: SelfDelivery::Deliver,
                message_type: message.message_type,
                body: message.body,
            };
            if self.call(group, command).await == Done::Yes {
                self.printer.print(&show::sent(&group, size));
            }
        }
    }

    /// Names those whose answer to a flush request is overdue.
    async fn name_the_missing(&mut self) {
        let now = Instant::now();
        let mut overdue = Vec::new();
        for (group, room) in &mut self.rooms {
            match &mut room.stage {
                Stage::Joining { overdue: at } | Stage::Answered { overdue: at } if *at <= now => {
                    *at = now + TIME_LIMIT;
                    overdue.push(*group);
                }
                Stage::Joining { .. } | Stage::Answered { .. } | Stage::Open | Stage::Leaving => {}
            }
        }
        for group in overdue {
            match self.client.missing_flush(group).await {
                Ok(members) if members.is_empty() => {}
                Ok(members) => self.printer.print(&show::blocked(&group, &members)),
                Err(error) => report(self.printer, Some(&group), error),
            }
        }
    }

    async fn call(&self, group: GroupName, command: FlushCommand) -> Done {
        match self.client.command(command).await {
            Ok(()) => Done::Yes,
            Err(error) => {
                report(self.printer, Some(&group), error);
                Done::No
            }
        }
    }
}

/// Whether a call was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Yes,
    No,
}
