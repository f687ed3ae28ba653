//! `ssp user`: secure groups, one task each, over a connection that is replaced when it is lost.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use gcs_proto::name::{GroupName, MemberName};
use ssp_core::{Credentials, FlushMode, GroupOptions, PartDelivery, Timestamp};
use ssp_tokio::{
    ClientConfig, files,
    persistent::{Backoff, ConnectionEvent, PersistentClient},
};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    Flow,
    command::Command,
    connection, help,
    input::Input,
    report,
    room::{OnLoss, Room},
    show,
};
use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
};

/// Commands that may wait for a group.
const COMMANDS_MAX: usize = 64;

pub(super) async fn run(options: &cli::User, printer: Printer) -> Result<(), Failure> {
    let credentials = credentials(options)?;
    let mut config =
        ClientConfig::new(options.name, credentials.clone()).connection(|_| connection(options));
    if let Some(path) = &options.policy {
        config = config.policy(Arc::new(files::policy(path)?));
    }
    let backoff = Backoff {
        attempts: options.attempts,
        ..Backoff::default()
    };
    let client = PersistentClient::connect(options.connect.as_slice(), config, backoff)
        .await
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let mut changes = client.connection_events();
    let me = client.private_group();
    let mut user = User {
        client,
        printer,
        credentials,
        options: group_options(options),
        on_loss: match options.attempts {
            Some(0) => OnLoss::End,
            Some(_) | None => OnLoss::Wait,
        },
        rooms: BTreeMap::new(),
        tasks: JoinSet::new(),
        unsent: 0,
    };
    if let Some(me) = me {
        user.connected(&me);
    }
    if let Some(group) = options.group {
        user.join(group);
    }
    let mut input = Input::open(options.group, printer);
    loop {
        tokio::select! {
            line = input.next(printer) => match user.carry_out(line).await {
                Flow::Continue => {}
                Flow::End => break,
            },
            Some(ended) = user.tasks.join_next() => user.room_ended(ended.unwrap_or(0)),
            change = changes.next() => match change {
                Some(ConnectionEvent::Connected { private_group }) => user.connected(&private_group),
                Some(ConnectionEvent::Lost(reason)) => match user.on_loss {
                    OnLoss::Wait => printer.print(&show::lost(&reason)),
                    OnLoss::End => {
                        user.wait_for_rooms().await;
                        return Err(super::lost(printer, &reason));
                    }
                },
                Some(ConnectionEvent::GivenUp(error)) => {
                    user.wait_for_rooms().await;
                    return Err(super::ended(printer, error.to_string()));
                }
                Some(_) => {}
                None => return Err(super::ended(printer, "connection is over".into())),
            },
        }
    }
    // Rooms end when nobody can command them any more, once what waits in them is sent.
    user.rooms.clear();
    user.wait_for_rooms().await;
    user.client.disconnect().await;
    super::all_sent(user.unsent)
}

fn credentials(options: &cli::User) -> Result<Credentials, Failure> {
    match (&options.identity, options.trust.as_slice()) {
        (Some(identity), trust @ [_, ..]) => Ok(files::credentials(identity, trust)?),
        _ => Err(Failure::Usage("--identity and --trust are needed".into())),
    }
}

fn group_options(options: &cli::User) -> GroupOptions {
    GroupOptions {
        flush: if options.manual_flush {
            FlushMode::Manual
        } else {
            FlushMode::Automatic
        },
        refresh: options.refreshing.policy(),
        parts: PartDelivery::Streamed,
        ..options.agreement.options(&options.sealing)
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}

struct User {
    client: PersistentClient,
    printer: Printer,
    credentials: Credentials,
    options: GroupOptions,
    on_loss: OnLoss,
    rooms: BTreeMap<GroupName, mpsc::Sender<Command>>,
    /// Each ends with the number of messages that it could not send.
    tasks: JoinSet<usize>,
    /// Messages that could not be sent.
    unsent: usize,
}

impl User {
    /// Tells the name at a new connection, and whether it fits the identity.
    fn connected(&self, me: &MemberName) {
        self.printer.print(&show::connected(me, "secure"));
        if let Err(error) = self.credentials.check(me, now()) {
            let reason =
                format!("the trust file does not confirm the own identity as {me}: {error}");
            self.printer
                .print(&Event::new("warning", format!("! {reason}")).with("reason", reason));
        }
    }

    async fn carry_out(&mut self, line: Command) -> Flow {
        let (group, line) = match line {
            Command::Quit => return Flow::End,
            Command::Nothing => return Flow::Continue,
            Command::Help => {
                help(self.printer);
                return Flow::Continue;
            }
            Command::Join(group) => {
                self.join(group);
                return Flow::Continue;
            }
            Command::Leave(group) => return self.leave(group).await,
            Command::Send(group, _)
            | Command::SendFile(group, _)
            | Command::Refresh(group)
            | Command::Flush(group)
            | Command::Key(group, _)
            | Command::Members(group) => (group, line),
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

    fn join(&mut self, group: GroupName) {
        if self.rooms.get(&group).is_some_and(|room| !room.is_closed()) {
            return report(self.printer, Some(&group), "joined already");
        }
        let handle = self.client.join(group, self.options.clone());
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        self.rooms.insert(group, sender);
        let me = self.client.private_group();
        let room = Room::new(handle, me, self.on_loss, self.printer);
        self.tasks.spawn(room.run(commands));
    }

    /// Lets the group be left. It can be joined again at once, which then waits for that.
    async fn leave(&mut self, group: GroupName) -> Flow {
        let taken = match self.rooms.remove(&group) {
            Some(room) => room.send(Command::Leave(group)).await.is_ok(),
            None => false,
        };
        if !taken {
            report(self.printer, Some(&group), "not a member");
        }
        Flow::Continue
    }

    fn room_ended(&mut self, unsent: usize) {
        self.unsent += unsent;
        // By the sender, not by name: the group may have been joined again since.
        self.rooms.retain(|_, room| !room.is_closed());
    }

    /// What came before the end is still shown; it ends with the queues of the rooms.
    async fn wait_for_rooms(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            self.unsent += ended.unwrap_or(0);
        }
    }
}
