//! One secure group of `ssp user`: its commands and its events.

use std::time::Duration;

use gcs_proto::{
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_core::{Authorship, SecureMessage, access::Action};
use ssp_tokio::{
    Error, Group, GroupEvent, SendFailure,
    persistent::{PersistentEvent, PersistentGroup},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{
    TEXT,
    command::Line,
    incoming::{Incoming, Whole},
    pending::{Message, Pending},
    report, show,
    transfer::{Idle, Outcome, Transfers},
    views::{self, Change},
};
use crate::output::{Event, Printer, printable};

/// How long messages that wait for a key may still go out after the last command.
const FAREWELL: Duration = Duration::from_secs(10);

/// Who a group's task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    Member,
    Gone,
}

/// What becomes of a group whose connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnLoss {
    /// It is joined again with the next connection, and what waits is sent then.
    Wait,
    End,
}

/// What happens next while the rest is sent.
#[expect(
    clippy::large_enum_variant,
    reason = "one value at a time, looked at and gone"
)]
enum Next {
    Event(Option<PersistentEvent>),
    File(Outcome),
}

/// A joined group.
pub(super) struct Room {
    group: PersistentGroup,
    /// The own name at the present connection, or the last one.
    me: Option<MemberName>,
    on_loss: OnLoss,
    printer: Printer,
    pending: Pending,
    transfers: Transfers,
    incoming: Incoming,
    /// Members of the view before.
    members: Vec<MemberName>,
}

impl Room {
    /// A group that is being joined as `me`.
    pub(super) fn new(
        group: PersistentGroup,
        me: Option<MemberName>,
        on_loss: OnLoss,
        printer: Printer,
    ) -> Self {
        Self {
            group,
            me,
            on_loss,
            printer,
            pending: Pending::default(),
            transfers: Transfers::new(printer),
            incoming: Incoming::default(),
            members: Vec::new(),
        }
    }

    /// Serves the group until it is left or nobody commands it any more; tells how many messages
    /// could not be sent.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Line>) -> usize {
        loop {
            tokio::select! {
                line = commands.recv() => match line {
                    Some(Line::Leave(_)) => return self.leave().await,
                    Some(line) => self.carry_out(line).await,
                    None => break,
                },
                event = self.group.recv() => match event {
                    Some(event) => if self.follow(event).await == Stay::Gone {
                        return self.unsent();
                    },
                    None => return self.unsent(),
                },
                outcome = self.transfers.ended() => self.file_ended(outcome).await,
            }
        }
        self.send_the_rest().await;
        self.unsent()
    }

    /// Lets messages and files that still wait for a key go out, as long as there are keys and messages.
    async fn send_the_rest(&mut self) {
        let mut deadline = Instant::now() + FAREWELL;
        while self.pending.len() + self.transfers.len() > 0 {
            let next = timeout_at(deadline, async {
                tokio::select! {
                    event = self.group.recv() => Next::Event(event),
                    outcome = self.transfers.ended() => Next::File(outcome),
                }
            });
            match next.await {
                Ok(Next::Event(Some(event))) => {
                    // A group that is held up says so again and again, which is no progress.
                    if let PersistentEvent::Group(
                        GroupEvent::SecureView(_)
                        | GroupEvent::KeyRefreshed(_)
                        | GroupEvent::Message(_),
                    ) = event
                    {
                        deadline = Instant::now() + FAREWELL;
                    }
                    if self.follow(event).await == Stay::Gone {
                        return;
                    }
                }
                Ok(Next::File(outcome)) => self.file_ended(outcome).await,
                // A time that is up is told by what is left.
                Ok(Next::Event(None)) | Err(_) => return,
            }
        }
    }

    /// Begins files until one is under way or none is left; tells why they wait, if they do.
    async fn begin_files(&mut self) -> Option<String> {
        loop {
            let group = self.group.joined()?;
            match self.transfers.begin(group).await {
                Ok(()) | Err(Idle::Nothing) => return None,
                Err(Idle::NoKey(reason)) => return Some(reason),
                Err(Idle::Refused(failure)) => self.not_sent(&failure),
                Err(Idle::Failed(error)) => self.report(error),
            }
        }
    }

    async fn file_ended(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Sent(path, size, time) => {
                let speed = size as f64 / 1e6 / time.as_secs_f64().max(1e-6);
                let name = path.display().to_string();
                let text = format!(
                    "[{}] * sent {}, {size} bytes, {speed:.1} MB/s",
                    self.name(),
                    printable(&name)
                );
                self.printer.print(
                    &Event::new("sent", text)
                        .with("group", self.name().as_str())
                        .with("size", size)
                        .with("path", name)
                        .with("seconds", time.as_secs_f64()),
                );
            }
            Outcome::Again(reason) => {
                self.wait_for_key(format!("begins anew: {reason}"));
                self.begin_files().await;
                return;
            }
            Outcome::Refused(failure) => self.not_sent(&failure),
            Outcome::Failed(error) => self.report(error),
        }
        self.go_on_with_files().await;
    }

    async fn go_on_with_files(&mut self) {
        if let Some(reason) = self.begin_files().await {
            self.wait_for_key(reason);
        }
    }

    fn wait_for_key(&self, reason: String) {
        let text = format!("[{}] * waiting for a key: {reason}", self.name());
        self.printer.print(
            &Event::new("waiting", text)
                .with("group", self.name().as_str())
                .with("reason", reason)
                .with("messages", self.pending.len())
                .with("files", self.transfers.len()),
        );
    }

    fn unsent(&self) -> usize {
        let unsent = self.pending.len() + self.transfers.len();
        super::report_unsent(self.printer, self.group.name(), unsent)
    }

    async fn leave(self) -> usize {
        let unsent = self.unsent();
        let (name, printer) = (*self.group.name(), self.printer);
        match self.group.leave().await {
            Ok(()) => printer.print(&show::self_leave(&name)),
            Err(error) => report(printer, Some(&name), error),
        }
        unsent
    }

    fn name(&self) -> GroupName {
        *self.group.name()
    }

    fn report(&self, error: impl std::fmt::Display) {
        report(self.printer, Some(self.group.name()), error);
    }

    async fn carry_out(&mut self, line: Line) {
        match line {
            Line::Send(_, text) => {
                self.send(Message {
                    message_type: TEXT,
                    body: text.into(),
                })
                .await;
            }
            Line::SendFile(_, path) => match self.transfers.push(path) {
                Ok(()) => self.go_on_with_files().await,
                Err(error) => self.report(error),
            },
            Line::Refresh(_) => {
                if let Err(error) = self.refresh().await {
                    self.report(error);
                }
            }
            Line::Flush(_) => {
                if let Err(error) = self.flush_ok().await {
                    self.report(error);
                }
            }
            Line::Key(_, label) => match self.export(&label).await {
                Ok(key) => {
                    let text = format!("[{}] key {label}: {key}", self.name());
                    self.printer.print(
                        &Event::new("key", text)
                            .with("group", self.name().as_str())
                            .with("label", label)
                            .with("key", key),
                    );
                }
                Err(Error::Outdated(_)) => self.report("the key is about to change, try again"),
                Err(error) => self.report(error),
            },
            Line::Members(_) => {
                let members = self.group.joined().map_or(&[][..], Group::members);
                self.printer
                    .print(&show::members(self.group.name(), members));
            }
            // Taken by the caller.
            Line::Join(_)
            | Line::Leave(_)
            | Line::Say(_)
            | Line::Help
            | Line::Quit
            | Line::Nothing => {}
        }
    }

    /// The group, while there is a connection.
    fn joined(&self) -> Result<&Group, Error> {
        self.group.joined().ok_or(Error::Closed)
    }

    async fn refresh(&self) -> Result<(), Error> {
        self.joined()?.refresh().await
    }

    async fn flush_ok(&self) -> Result<(), Error> {
        self.joined()?.flush_ok().await
    }

    /// 32 bytes of the group's key, for this purpose, in hexadecimal.
    async fn export(&self, label: &str) -> Result<String, Error> {
        let key = self.joined()?.export(label, b"", 32).await?;
        Ok(hex::encode(&*key))
    }

    /// Sends in the view taken last, or keeps the message for the next key.
    async fn send(&mut self, message: Message) {
        match self.pending.push(message) {
            Ok(()) => self.send_pending().await,
            Err(error) => self.report(error),
        }
    }

    async fn send_pending(&mut self) {
        while let Some(message) = self.pending.pop() {
            let size = message.body.len();
            let sent = self
                .group
                .multicast(Service::Agreed, message.message_type, message.body.clone())
                .await;
            match sent {
                Ok(()) => self.printer.print(&show::sent(self.group.name(), size)),
                Err(error) if waits_for_key(&error.failure) => {
                    self.pending.put_back(message);
                    let reason = match error.failure {
                        SendFailure::NoView(_) => "the group has none yet".to_owned(),
                        SendFailure::Closed => "there is no connection".to_owned(),
                        other => other.to_string(),
                    };
                    return self.wait_for_key(reason);
                }
                Err(error) => self.not_sent(&error.failure),
            }
        }
    }

    /// A message that will not be sent.
    fn not_sent(&self, failure: &SendFailure) {
        match failure {
            SendFailure::Session(ssp_core::SendError::Denied { reason, .. }) => {
                self.denied_here(Action::Send, reason);
            }
            other => self.report(other),
        }
    }

    /// The group is not joined, and will not be.
    fn not_joined(&self, error: &ssp_core::Error) {
        match error {
            ssp_core::Error::Denied { action, reason, .. } => self.denied_here(*action, reason),
            other => self.report(other),
        }
    }

    /// The own policy does not let this member do something.
    fn denied_here(&self, action: Action, reason: &str) {
        match &self.me {
            Some(me) => self
                .printer
                .print(&show::denied(self.group.name(), me, action, reason)),
            None => self.report(reason),
        }
    }

    /// What happens to the group's connection, and in the group.
    async fn follow(&mut self, event: PersistentEvent) -> Stay {
        match event {
            PersistentEvent::Group(event) => return self.handle(event).await,
            PersistentEvent::Lost(_) => {
                self.cut_off();
                // To the others another member comes, and to it they all come anew.
                self.members.clear();
                if self.on_loss == OnLoss::End {
                    return Stay::Gone;
                }
            }
            PersistentEvent::Rejoining { private_group } => {
                self.me = Some(private_group);
                self.printer
                    .print(&show::rejoining(self.group.name(), &private_group));
            }
            // That the connection is given up is told for all groups together.
            PersistentEvent::GivenUp(error) => {
                if let Error::Session(error) = error {
                    self.not_joined(&error);
                }
                return Stay::Gone;
            }
            _ => {}
        }
        Stay::Member
    }

    async fn handle(&mut self, event: GroupEvent) -> Stay {
        let name = self.name();
        match event {
            GroupEvent::SecureView(view) => {
                self.cut_off();
                let change = Change::between(&self.members, &view);
                let event = views::event("view", change.to_string(), &view);
                self.printer.print(&change.add_to(event));
                self.members = view.members;
                self.send_pending().await;
                self.go_on_with_files().await;
            }
            GroupEvent::KeyRefreshed(view) => {
                self.printer
                    .print(&views::event("refresh", "key refreshed".into(), &view));
                self.cut_off();
                self.send_pending().await;
                self.go_on_with_files().await;
            }
            GroupEvent::FlushRequest => self.printer.print(&show::flush_request(&name)),
            GroupEvent::TransitionalSignal => self.printer.print(&show::transitional(&name)),
            GroupEvent::Message(message) => {
                if let Some(event) = self.arrived(&name, &message) {
                    let signed = message.authorship == Authorship::Signed;
                    self.printer
                        .print(&event.with("epoch", message.epoch).with("signed", signed));
                }
            }
            GroupEvent::Failed { member, reason } => {
                self.failure(
                    "failure",
                    &member,
                    format!("no key with {member}: {reason}"),
                    &reason,
                );
            }
            GroupEvent::IdentityRefused { member, reason } => {
                self.failure("identity", &member, format!("{member}: {reason}"), &reason);
            }
            GroupEvent::Denied {
                member,
                action,
                reason,
            } => self
                .printer
                .print(&show::denied(&name, &member, action, &reason)),
            GroupEvent::MessageRejected { sender } => {
                let text = format!("message of {sender} could not be opened");
                self.failure("rejected", &sender, text, &"could not be opened");
            }
            GroupEvent::Mismatch { sender, what } => {
                self.failure("mismatch", &sender, format!("{sender}: {what}"), &what);
            }
            GroupEvent::FlushBlocked { members } => {
                self.printer.print(&show::blocked(&name, &members));
            }
            // All members have the key: what waited for that goes out.
            GroupEvent::KeyConfirmed { epoch } => {
                self.printer.print(&show::confirmed(&name, epoch));
                self.send_pending().await;
                self.go_on_with_files().await;
            }
            GroupEvent::Refused(refused) => self.printer.print(&show::refused(&refused)),
            GroupEvent::SelfLeave => {
                self.printer.print(&show::self_leave(&name));
                return Stay::Gone;
            }
            GroupEvent::Closed(_) => return Stay::Gone,
            _ => {}
        }
        Stay::Member
    }

    /// What a message comes to, once it is complete.
    fn arrived(&mut self, name: &GroupName, message: &SecureMessage) -> Option<Event> {
        let SecureMessage {
            sender,
            service,
            message_type,
            payload,
            ..
        } = message;
        let Some(part) = &message.part else {
            return Some(show::message(
                Some(name),
                sender,
                *service,
                *message_type,
                payload,
            ));
        };
        match self.incoming.push(message, part)? {
            Whole::Text(text) => Some(show::message(
                Some(name),
                sender,
                *service,
                *message_type,
                &text,
            )),
            Whole::File {
                name: file,
                size,
                sha256,
            } => Some(
                show::file(name.as_str(), sender, &file, size, &sha256)
                    .with("group", name.as_str())
                    .with("from", sender.as_str())
                    .with("type", *message_type)
                    .with("service", service.as_str()),
            ),
            Whole::TooLong => {
                let text = format!("message of {sender} is too long to be shown");
                self.failure("rejected", sender, text, &"too long");
                None
            }
        }
    }

    /// What is incomplete is not completed under another key.
    fn cut_off(&mut self) {
        // Own messages are told where they are sent from.
        let others = self.incoming.cut_off().into_iter();
        for sender in others.filter(|sender| Some(*sender) != self.me) {
            let text = format!("message of {sender} was cut off by a new key");
            self.failure("cut_off", &sender, text, &"new key");
        }
    }

    fn failure(
        &self,
        event: &str,
        member: &MemberName,
        text: String,
        reason: &dyn std::fmt::Display,
    ) {
        let group = self.group.name();
        self.printer
            .print(&show::trouble(event, group, member, &text, reason));
    }
}

/// Whether the next key makes the message possible.
pub(super) fn waits_for_key(failure: &SendFailure) -> bool {
    match failure {
        SendFailure::ViewChanged { .. }
        | SendFailure::NoView(_)
        | SendFailure::Timeout(_)
        | SendFailure::Closed => true,
        SendFailure::Session(error) => matches!(
            error,
            ssp_core::SendError::GroupNotSecure(_)
                | ssp_core::SendError::NotAllowedToSend(_)
                | ssp_core::SendError::Refreshing(_)
                | ssp_core::SendError::Unconfirmed(_)
        ),
        _ => false,
    }
}
