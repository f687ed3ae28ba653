//! One secure group of `ssp user`: its commands (`commands`), its events (`events`), and what waits for
//! a key.

mod commands;
mod events;

use std::time::Duration;

use gcs_proto::name::{GroupName, MemberName};
use ssp_tokio::{
    GroupEvent,
    persistent::{PersistentEvent, PersistentGroup},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{
    command::Command,
    incoming::Incoming,
    pending::Pending,
    report, show,
    transfer::{Idle, Outcome, Transfers},
};
use crate::{
    output::{Event, Printer},
    printable::printable,
};

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
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> usize {
        loop {
            tokio::select! {
                line = commands.recv() => match line {
                    Some(Command::Leave(_)) => return self.leave().await,
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
}
