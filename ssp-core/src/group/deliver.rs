//! Sealed messages that the driver delivers: opened, admitted by policy, reassembled.

use alloc::collections::VecDeque;

use gcs_proto::{name::MemberName, service::Service};

use super::{
    Environment, Sealed, SecureGroup,
    reassembly::{self, Keep, Piece, Reassembled},
    wire,
};
use crate::{
    access::{Action, Decision, Request},
    config::PartDelivery,
    epoch::{Opened, Signatures},
    event::{Mismatch, SecureMessage, SessionEvent},
    record::{Authorship, OpenError},
    sending::Signing,
};

impl SecureGroup {
    pub(super) fn deliver(&mut self, sealed: &Sealed, environment: &mut Environment<'_>) {
        let Sealed {
            sender,
            service,
            body,
        } = sealed;
        let roster = &*self.admission.roster;
        let signatures = match self.options.protection.signing {
            Signing::Off | Signing::Sign => Signatures::Verified(roster),
            Signing::Require => Signatures::Required(roster),
        };
        let opened = match self.present.keys_mut() {
            Some(keys) => keys.open_verified(sender, *service, body, signatures),
            // After a repeated key or a bug.
            None => Err(OpenError::WrongKey),
        };
        match opened {
            Ok(opened) => self.opened(*sender, *service, opened, environment),
            Err(reason) => self.reject(*sender, &reason, environment),
        }
    }

    /// Passes an opened message to the application if the policy allows it and it is complete.
    fn opened(
        &mut self,
        sender: MemberName,
        service: Service,
        opened: Opened,
        environment: &mut Environment<'_>,
    ) {
        self.stats.opened += 1;
        self.stats.opened_bytes += opened.payload.len() as u64;
        if opened.message_type <= wire::HIGHEST_RESERVED {
            return self.internal_message(sender, &opened, environment);
        }
        let identity = self.admission.roster.get(&sender);
        let decision = self.admission.policy.decide(&Request {
            action: Action::Receive,
            group: &self.name,
            member: &sender,
            identity: identity.as_ref(),
        });
        if let Decision::Deny(reason) = decision {
            return self.deny(sender, Action::Receive, reason, environment);
        }
        let message = SecureMessage {
            group: self.name,
            sender,
            service,
            message_type: opened.message_type,
            payload: opened.payload,
            view: self.history.number(),
            epoch: opened.epoch,
            part: opened.part,
            authorship: opened.authorship,
        };
        match self.reassemble(message) {
            Ok(Some(message)) => environment.events.push_back(SessionEvent::Message(message)),
            Ok(None) => {}
            Err(Incoherent) => {
                tracing::debug!(group = %self.name, %sender, "message in parts given up");
                self.stats.broken += 1;
                environment.events.push_back(SessionEvent::MessageRejected {
                    group: self.name,
                    sender,
                });
            }
        }
    }

    /// The message that the application gets: the same, the whole when its last part is here, or none.
    fn reassemble(
        &mut self,
        mut message: SecureMessage,
    ) -> Result<Option<SecureMessage>, Incoherent> {
        let (Some(part), Some(keyed)) = (message.part, self.present.keyed_mut()) else {
            return Ok(Some(message));
        };
        let keep = match self.options.parts {
            PartDelivery::Joined => Keep::Bytes,
            PartDelivery::Streamed => Keep::Nothing,
        };
        // Either all parts of a message are signed or none.
        let kind = match message.authorship {
            Authorship::Group => reassembly::Kind::Group(message.message_type),
            Authorship::Signed => reassembly::Kind::Signed(message.message_type),
        };
        let piece = Piece {
            sender: message.sender,
            service: message.service,
            kind,
            epoch: message.epoch,
            part,
            bytes: &message.payload,
        };
        match (keyed.messages.take(&piece, keep), keep) {
            (Reassembled::Late, _) | (Reassembled::Incomplete, Keep::Bytes) => Ok(None),
            (Reassembled::Complete(whole), Keep::Bytes) => {
                message.payload = whole.into();
                message.part = None;
                Ok(Some(message))
            }
            (Reassembled::Incomplete | Reassembled::Complete(_), Keep::Nothing) => {
                Ok(Some(message))
            }
            (Reassembled::Broken, _) => Err(Incoherent),
        }
    }

    /// Drops a message that cannot be opened, and reports it to the application.
    pub(super) fn reject(
        &mut self,
        sender: MemberName,
        reason: &OpenError,
        environment: &mut Environment<'_>,
    ) {
        tracing::debug!(group = %self.name, %sender, %reason, "message rejected");
        self.stats.rejections.count(reason);
        environment.events.push_back(SessionEvent::MessageRejected {
            group: self.name,
            sender,
        });
        let mismatch = match *reason {
            OpenError::SuiteMismatch { ours, theirs } => {
                Some(Mismatch::RecordSuite { ours, theirs })
            }
            OpenError::WrongKey => Some(Mismatch::Key),
            OpenError::Truncated(_)
            | OpenError::Version(_)
            | OpenError::Flags(_)
            | OpenError::UnknownSuite(_)
            | OpenError::NotInView
            | OpenError::Blocks(_)
            | OpenError::Tag
            | OpenError::Replay(_)
            | OpenError::Signature
            | OpenError::Unsigned
            | OpenError::Malformed
            | OpenError::Internal(_) => None,
        };
        if let Some(what) = mismatch {
            self.report(sender, what, environment.events);
        }
    }

    /// Reports, once per member and key, that a member seals differently.
    pub(super) fn report(
        &mut self,
        sender: MemberName,
        what: Mismatch,
        events: &mut VecDeque<SessionEvent>,
    ) {
        if self.present.mismatches.is_first(sender) {
            tracing::warn!(group = %self.name, %sender, %what, "member seals differently");
            events.push_back(SessionEvent::Mismatch {
                group: self.name,
                sender,
                what,
            });
        }
    }
}

/// Parts of a message do not fit together, or are too long.
struct Incoherent;
