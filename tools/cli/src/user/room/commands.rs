//! What a user wants of the group.

use gcs_proto::service::Service;
use ssp_core::access::Action;
use ssp_tokio::{Error, Group, SendFailure};

use super::{super::pending::waits_for_key, Room};
use crate::{
    output::Event,
    user::{TEXT, command::Command, pending::Message, show},
};

impl Room {
    pub(super) async fn carry_out(&mut self, line: Command) {
        match line {
            Command::Send(_, text) => {
                self.send(Message {
                    message_type: TEXT,
                    body: text.into(),
                })
                .await;
            }
            Command::SendFile(_, path) => match self.transfers.push(path) {
                Ok(()) => self.go_on_with_files().await,
                Err(error) => self.report(error),
            },
            Command::Refresh(_) => {
                if let Err(error) = self.refresh().await {
                    self.report(error);
                }
            }
            Command::Flush(_) => {
                if let Err(error) = self.flush_ok().await {
                    self.report(error);
                }
            }
            Command::Key(_, label) => match self.export(&label).await {
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
            Command::Members(_) => {
                let members = self.group.joined().map_or(&[][..], Group::members);
                self.printer
                    .print(&show::members(self.group.name(), members));
            }
            // Taken by the caller.
            Command::Join(_)
            | Command::Leave(_)
            | Command::Help
            | Command::Quit
            | Command::Nothing => {}
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

    pub(super) async fn send_pending(&mut self) {
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
    pub(super) fn not_sent(&self, failure: &SendFailure) {
        match failure {
            SendFailure::Session(ssp_core::SendError::Denied { reason, .. }) => {
                self.denied_here(Action::Send, reason);
            }
            other => self.report(other),
        }
    }

    /// The group is not joined, and will not be.
    pub(super) fn not_joined(&self, error: &ssp_core::Error) {
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
}
