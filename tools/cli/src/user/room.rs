//! One secure group of `ssp user`: its commands and its events.

use std::time::Duration;

use gcs_proto::{
    limits,
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_core::SecureViewEvent;
use ssp_tokio::{Error, Group, GroupEvent, SendFailure};
use tokio::{sync::mpsc, time::timeout};

use super::{
    FILE, TEXT,
    command::Line,
    file_message,
    pending::{Message, Pending},
    report, show,
};
use crate::output::{Event, Printer};

/// How long messages that wait for a key may still go out after the last command.
const FAREWELL: Duration = Duration::from_secs(10);

/// Bytes that sealing adds at most.
const SEAL_OVERHEAD: usize = 128;

/// Who a group's task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    Member,
    Gone,
}

/// A joined group.
pub(super) struct Room {
    group: Group,
    printer: Printer,
    pending: Pending,
}

impl Room {
    pub(super) fn new(group: Group, printer: Printer) -> Self {
        Self {
            group,
            printer,
            pending: Pending::default(),
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
                    Some(event) => if self.handle(event).await == Stay::Gone {
                        return self.unsent();
                    },
                    None => return self.unsent(),
                },
            }
        }
        // A time that is up is told by what is left.
        let _ = timeout(FAREWELL, self.send_the_rest()).await;
        self.unsent()
    }

    /// Lets messages that still wait for a key go out.
    async fn send_the_rest(&mut self) {
        while self.pending.len() > 0 {
            match self.group.recv().await {
                Some(event) => {
                    if self.handle(event).await == Stay::Gone {
                        return;
                    }
                }
                None => return,
            }
        }
    }

    fn unsent(&self) -> usize {
        super::report_unsent(self.printer, self.group.name(), self.pending.len())
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
            Line::SendFile(_, path) => {
                let room = limits::SAFE_MESSAGE
                    - limits::NAME_SLOT
                    - limits::FLUSH_OVERHEAD
                    - SEAL_OVERHEAD;
                match file_message(&path, room).await {
                    Ok(body) => {
                        self.send(Message {
                            message_type: FILE,
                            body,
                        })
                        .await
                    }
                    Err(error) => self.report(error),
                }
            }
            Line::Refresh(_) => {
                if let Err(error) = self.group.refresh().await {
                    self.report(error);
                }
            }
            Line::Flush(_) => {
                if let Err(error) = self.group.flush_ok().await {
                    self.report(error);
                }
            }
            Line::Key(_, label) => match self.group.export(&label, b"", 32).await {
                Ok(key) => {
                    let key = hex::encode(&*key);
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
                self.printer
                    .print(&show::members(self.group.name(), self.group.members()));
            }
            // Taken by the caller.
            Line::Join(_) | Line::Leave(_) | Line::Quit | Line::Nothing => {}
        }
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
                        other => other.to_string(),
                    };
                    let text = format!("[{}] * waiting for a key: {reason}", self.name());
                    self.printer.print(
                        &Event::new("waiting", text)
                            .with("group", self.name().as_str())
                            .with("reason", reason)
                            .with("messages", self.pending.len()),
                    );
                    return;
                }
                Err(error) => self.report(error),
            }
        }
    }

    async fn handle(&mut self, event: GroupEvent) -> Stay {
        let name = self.name();
        match event {
            GroupEvent::SecureView(view) => {
                self.printer
                    .print(&secure_view("view", show::change(&view.cause), &view));
                self.send_pending().await;
            }
            GroupEvent::KeyRefreshed(view) => {
                self.printer
                    .print(&secure_view("refresh", "key refreshed".into(), &view));
                self.send_pending().await;
            }
            GroupEvent::FlushRequest => self.printer.print(&show::flush_request(&name)),
            GroupEvent::TransitionalSignal => self.printer.print(&show::transitional(&name)),
            GroupEvent::Message(message) => {
                let event = show::message(
                    Some(&name),
                    &message.sender,
                    message.service,
                    message.message_type,
                    &message.payload,
                );
                self.printer.print(&event.with("epoch", message.epoch));
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
            } => {
                let text = format!("{member} may not {action}: {reason}");
                self.failure("denied", &member, text, &reason);
            }
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

    fn failure(
        &self,
        event: &str,
        member: &MemberName,
        text: String,
        reason: &dyn std::fmt::Display,
    ) {
        self.printer.print(
            &Event::new(event, format!("[{}] ! {text}", self.name()))
                .with("group", self.name().as_str())
                .with("member", member.as_str())
                .with("reason", reason.to_string()),
        );
    }
}

/// Whether the next key makes the message possible.
fn waits_for_key(failure: &SendFailure) -> bool {
    match failure {
        SendFailure::ViewChanged { .. } | SendFailure::NoView(_) | SendFailure::Timeout(_) => true,
        SendFailure::Session(error) => matches!(
            error,
            ssp_core::SendError::GroupNotSecure(_)
                | ssp_core::SendError::NotAllowedToSend(_)
                | ssp_core::SendError::Refreshing(_)
        ),
        _ => false,
    }
}

fn secure_view(name: &str, what: String, view: &SecureViewEvent) -> Event {
    let text = format!(
        "[{}] * {what}: {}\n[{}] * key {} ({}, epoch {}, {} ms)",
        view.group,
        show::list(&view.members),
        view.group,
        view.fingerprint,
        view.protocol,
        view.epoch,
        view.duration,
    );
    show::view(
        name,
        text,
        &view.group,
        &view.id,
        &view.members,
        &view.cause,
    )
    .with("epoch", view.epoch)
    .with("fingerprint", view.fingerprint.to_string())
    .with("protocol", view.protocol.as_str())
    .with("group_params", view.mathematical_group.to_string())
    .with("transitional_set", show::names(&view.transitional_set))
    .with("ms", view.duration)
}
