//! What happens in the group and to its connection.

use gcs_proto::name::{GroupName, MemberName};
use ssp_core::{Authorship, SecureMessage};
use ssp_tokio::{Error, GroupEvent, persistent::PersistentEvent};

use super::{OnLoss, Room, Stay};
use crate::{
    output::Event,
    user::{
        incoming::Whole,
        show,
        views::{self, Change},
    },
};

impl Room {
    /// What happens to the group's connection, and in the group.
    pub(super) async fn follow(&mut self, event: PersistentEvent) -> Stay {
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
            // Kinds of events that a later version of the client may add.
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
                self.members = view.view.members;
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
            GroupEvent::Failed { suspects, reason } => {
                self.printer
                    .print(&show::failure(&name, &suspects, &reason));
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
            // Kinds of events that a later version of the client may add.
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
