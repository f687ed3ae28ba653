//! From the flush layer to the driver.

use bytes::Bytes;
use cliques::TokenKind;
use gcs_proto::{flush::ViewMessage, gcs::View, name::MemberName};
use gka_robust::{Handled, Input};

use super::{
    Environment, Phase, Sealed, SecureGroup,
    outputs::Sending,
    reassembly::{self, Keep, Piece, Reassembled},
    wire::{self, Content},
};
use crate::{
    event::SessionEvent,
    record::{Header, OpenError},
};

impl SecureGroup {
    /// A VS view is installed. Nothing sent in the old one can arrive any more, so everything that
    /// belonged to it is erased.
    pub(crate) fn view(&mut self, view: &View, environment: &mut Environment<'_>) {
        let ended = self.present.replace(environment.now);
        if !ended.evidence_was_seen() {
            // Perhaps there was no key because somebody did not receive the own evidence intact.
            self.admission.evidence.forget_audience();
        }
        drop(ended);
        let refused = self.identify_all(&view.members, &view.transitional_set, environment);
        let membership = Input::Membership(view.clone());
        // No key can be agreed on with a member that is not accepted, so nothing is said to it.
        let sending = if refused.is_empty() {
            // Before anything that is signed.
            self.show_evidence(&view.members, environment);
            Sending::Allowed
        } else {
            Sending::Suppressed
        };
        if self.drive(membership, sending, environment) == Handled::Impossible {
            return self.fail_internally("view that no agreement can be run in", environment);
        }
        for member in refused {
            self.fail_agreement(member, environment);
        }
    }

    /// The VS view is to be replaced.
    pub(crate) fn flush_request(&mut self, environment: &mut Environment<'_>) {
        let handled = self.drive(Input::FlushRequest, Sending::Allowed, environment);
        if handled == Handled::Impossible {
            // The driver takes no part in this view, but the others wait for the answer all the same.
            self.flush_ok_below(environment);
        }
    }

    /// Members of the VS view are gone.
    pub(crate) fn transitional_signal(&mut self, environment: &mut Environment<'_>) {
        self.drive(Input::TransitionalSignal, Sending::Allowed, environment);
    }

    /// A message of the VS view.
    pub(crate) fn message(&mut self, message: ViewMessage, environment: &mut Environment<'_>) {
        match Content::of(message.message_type) {
            Content::Sealed => self.sealed(message, environment),
            Content::Token(kind) => self.token(message.sender, kind, message.body, environment),
            Content::TokenPart => self.token_part(&message, environment),
            Content::Evidence => self.evidence(&message, environment),
            Content::Reserved => self.stats.reserved += 1,
            Content::User => {
                tracing::debug!(group = %self.name, sender = %message.sender, "unsealed message dropped");
                self.stats.rejections.plaintext += 1;
                environment.events.push_back(SessionEvent::MessageRejected {
                    group: self.name,
                    sender: message.sender,
                });
            }
        }
    }

    fn token(
        &mut self,
        sender: MemberName,
        kind: Option<TokenKind>,
        bytes: Bytes,
        environment: &mut Environment<'_>,
    ) {
        let kind = kind.or_else(|| wire::untyped_kind(&bytes, self.options.protocol));
        let Some(kind) = kind else {
            self.stats.reserved += 1;
            return;
        };
        if kind == TokenKind::KEY_CONFIRMATION {
            return self.confirmation(sender, &bytes, environment);
        }
        self.present.agreement.tokens += 1;
        if kind == TokenKind::REFRESH_REQUEST && self.phase() == Phase::Secure {
            self.present.agreement.began = environment.now;
        }
        let token = Input::Token {
            sender,
            kind: Some(kind),
            bytes,
        };
        self.drive(token, Sending::Allowed, environment);
    }

    /// Part of a token that is too long for one message of the engine. The signature covers the whole
    /// token, so a part alone is not examined.
    fn token_part(&mut self, message: &ViewMessage, environment: &mut Environment<'_>) {
        let part = reassembly::read_token_part(&message.body);
        let Some((message_type, part, bytes)) = part else {
            self.stats.broken += 1;
            return;
        };
        let piece = Piece {
            sender: message.sender,
            service: message.service,
            kind: reassembly::Kind::Token(message_type),
            epoch: 0,
            part,
            bytes,
        };
        match (
            self.present.token_parts.take(&piece, Keep::Bytes),
            Content::of(message_type),
        ) {
            (Reassembled::Incomplete | Reassembled::Late, _) => {}
            (Reassembled::Complete(bytes), Content::Token(kind)) => {
                self.token(message.sender, kind, bytes.into(), environment);
            }
            (Reassembled::Complete(_) | Reassembled::Broken, _) => {
                tracing::debug!(group = %self.name, sender = %message.sender, "token in parts dropped");
                self.stats.broken += 1;
            }
        }
    }

    /// A sealed message, whose key is here, may be here soon, or is unknown.
    fn sealed(&mut self, message: ViewMessage, environment: &mut Environment<'_>) {
        let mut sealed = Sealed {
            sender: message.sender,
            service: message.service,
            body: message.body,
        };
        let keys = self.present.keys();
        let keyed = keys.is_some();
        let unknown_key = match (Header::accept(&sealed.body), keys) {
            // Opening it reports the other suite.
            (Ok(header), _) if header.suite != self.options.record.number() => false,
            (Ok(header), Some(keys)) => !keys.knows(header.key_id),
            (Ok(_), None) => true,
            // Opening it reports what is wrong.
            (Err(_), _) => false,
        };
        if unknown_key || !keyed {
            // It may be kept, and the buffer it came in may be much longer.
            sealed.body = Bytes::copy_from_slice(&sealed.body);
        }
        if unknown_key && self.driver.keeps_early_data() {
            self.stats.early += 1;
            // Its sender may be ahead by a refresh, or hold another key: the next key decides.
            if !self.driver.awaiting_key()
                && let Some(due) = self.deadline(environment.now)
            {
                self.present.report_unknown_key(sealed.sender, due);
            }
            self.drive(Input::EarlyData(sealed), Sending::Allowed, environment);
        } else if unknown_key && keyed {
            // Perhaps sealed after a refresh that was given up here. The driver drops it, and
            // delivers the transitional signal before the gap.
            let sender = sealed.sender;
            self.drive(Input::EarlyData(sealed), Sending::Allowed, environment);
            self.reject(sender, &OpenError::WrongKey, environment);
        } else {
            self.drive(Input::Data(sealed), Sending::Allowed, environment);
        }
    }

    /// Gives the driver an input from the network and carries out its outputs.
    pub(super) fn drive(
        &mut self,
        input: Input<Sealed>,
        sending: Sending,
        environment: &mut Environment<'_>,
    ) -> Handled {
        let handled = self
            .driver
            .handle(input, environment.now.0, environment.rng);
        self.carry_out(sending, environment);
        handled.unwrap_or_else(|error| {
            // Inputs from the network cause no errors but internal ones.
            tracing::error!(group = %self.name, %error, "driver");
            self.fail_internally("driver", environment);
            Handled::Taken
        })
    }
}
