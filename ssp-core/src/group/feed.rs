//! From the flush layer to the driver.

use alloc::vec;

use bytes::Bytes;
use cliques::TokenKind;
use gcs_proto::{flush::ViewMessage, gcs::View, name::MemberName};
use gka_robust::{Handled, Input};

use super::{
    Around, Phase, Prospect, Sealed, SecureGroup, Timer,
    carry::{Sending, Withheld},
    confirm::Confirming,
    joiner::{self, Joined, Keep, Piece},
    wire::{self, Content},
};
use crate::{
    event::{GroupFailure, Mismatch, SessionEvent},
    record::{Header, OpenError},
};

impl SecureGroup {
    /// A VS view is installed.
    pub(crate) fn view(&mut self, view: &View, around: &mut Around<'_>) {
        if self.keys.is_none() {
            self.evidence.doubt();
        }
        // Nothing sent in the old view can arrive any more.
        self.keys = None;
        self.prospect = Prospect::Open;
        self.reported.clear();
        self.suspects.clear();
        let evidence = |withheld: &Withheld| matches!(withheld, Withheld::Evidence);
        if self.withheld.iter().any(evidence) {
            // Nobody has seen what was held back.
            self.evidence.showed(&[]);
        }
        self.withheld.clear();
        self.timers.stop(Timer::Flush);
        self.timers.stop(Timer::Suspicion);
        self.began = around.now;
        self.tokens = 0;
        self.confirming = Confirming::Done;
        self.early_confirmations.clear();
        self.messages.clear();
        self.receipts.clear();
        self.token_parts.clear();
        self.timers.stop(Timer::Evidence);
        self.timers.stop(Timer::Confirmation);
        self.timers.stop(Timer::Refresh);
        let refused = self.identify_all(&view.members, &view.transitional_set, around);
        let membership = Input::Membership(view.clone());
        // No key can be agreed on with a stranger, so nothing is said to it.
        let sending = if refused.is_empty() {
            // Before anything that is signed.
            self.show_evidence(&view.members, around);
            Sending::Carry
        } else {
            Sending::Suppress
        };
        if self.feed(membership, sending, around) == Handled::Impossible {
            return self.internal("view that no agreement can be run in", around);
        }
        for member in refused {
            self.fail_for(member, around);
        }
    }

    /// The VS view is to be replaced.
    pub(crate) fn flush_request(&mut self, around: &mut Around<'_>) {
        if self.feed(Input::FlushRequest, Sending::Carry, around) == Handled::Impossible {
            // It has no part in this view, but the others wait for the answer all the same.
            self.flush_ok_below(around);
        }
    }

    /// Members of the VS view are gone.
    pub(crate) fn transitional_signal(&mut self, around: &mut Around<'_>) {
        self.feed(Input::TransitionalSignal, Sending::Carry, around);
    }

    /// A message of the VS view.
    pub(crate) fn message(&mut self, message: ViewMessage, around: &mut Around<'_>) {
        match Content::of(message.message_type) {
            Content::Sealed => self.sealed(message, around),
            Content::Token(kind) => self.token(message.sender, kind, message.body, around),
            Content::TokenPart => self.token_part(&message, around),
            Content::Evidence => self.evidence(&message, around),
            Content::Reserved => self.stats.reserved += 1,
            Content::User => {
                tracing::debug!(group = %self.name, sender = %message.sender, "message in the clear dropped");
                self.stats.rejections.plaintext += 1;
                around.events.push_back(SessionEvent::MessageRejected {
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
        around: &mut Around<'_>,
    ) {
        let kind = kind.or_else(|| wire::untyped_kind(&bytes, self.options.protocol));
        let Some(kind) = kind else {
            self.stats.reserved += 1;
            return;
        };
        if kind == TokenKind::KEY_CONFIRMATION {
            return self.confirmation(sender, &bytes, around);
        }
        self.tokens += 1;
        if kind == TokenKind::REFRESH_REQUEST && self.phase() == Phase::Secure {
            self.began = around.now;
        }
        let token = Input::Token {
            sender,
            kind: Some(kind),
            bytes,
        };
        self.feed(token, Sending::Carry, around);
    }

    /// Part of a token that the engine could not carry in one piece. Its signature is over the
    /// whole, so only that is looked at.
    fn token_part(&mut self, message: &ViewMessage, around: &mut Around<'_>) {
        let part = joiner::read_token_part(&message.body);
        let Some((message_type, part, bytes)) = part else {
            self.stats.broken += 1;
            return;
        };
        let piece = Piece {
            sender: message.sender,
            service: message.service,
            kind: joiner::Kind::Token(message_type),
            epoch: 0,
            part,
            bytes,
        };
        match (
            self.token_parts.take(&piece, Keep::Bytes),
            Content::of(message_type),
        ) {
            (Joined::Open | Joined::Late, _) => {}
            (Joined::Complete(bytes), Content::Token(kind)) => {
                self.token(message.sender, kind, bytes.into(), around);
            }
            (Joined::Complete(_) | Joined::Broken, _) => {
                tracing::debug!(group = %self.name, sender = %message.sender, "split token dropped");
                self.stats.broken += 1;
            }
        }
    }

    /// A sealed message: is its key here, or may it be here soon?
    fn sealed(&mut self, message: ViewMessage, around: &mut Around<'_>) {
        let mut sealed = Sealed {
            sender: message.sender,
            service: message.service,
            body: message.body,
        };
        let unknown_key = match (Header::accept(&sealed.body), &self.keys) {
            // Opening it tells that the suite is another one.
            (Ok(header), _) if header.suite != self.options.record.number() => false,
            (Ok(header), Some(keys)) => !keys.knows(header.key_id),
            (Ok(_), None) => true,
            // Whatever it is, opening it tells.
            (Err(_), _) => false,
        };
        if unknown_key || self.keys.is_none() {
            // It may be kept. What it came in, perhaps much longer than itself, shall not be.
            sealed.body = Bytes::copy_from_slice(&sealed.body);
        }
        if unknown_key && self.driver.keeps_early_data() {
            self.stats.early += 1;
            if !self.driver.awaiting_key() {
                // Ahead of us by a refresh, or not in agreement with us: time will tell.
                let patience = self.config.flush_patience;
                if patience > 0 {
                    self.suspect(sealed.sender, around.now.after(patience));
                }
            }
            self.feed(Input::EarlyData(sealed), Sending::Carry, around);
        } else if unknown_key && self.keys.is_some() {
            // Perhaps sealed after a refresh that was given up here. The driver drops it, and
            // gives the signal before the gap.
            let sender = sealed.sender;
            self.feed(Input::EarlyData(sealed), Sending::Carry, around);
            self.reject(sender, &OpenError::WrongKey, around);
        } else {
            self.feed(Input::Data(sealed), Sending::Carry, around);
        }
    }

    /// Tells the application, once per member and key, that a member seals differently.
    pub(super) fn report(
        &mut self,
        sender: MemberName,
        what: Mismatch,
        events: &mut alloc::collections::VecDeque<SessionEvent>,
    ) {
        if self.reported.insert(sender) {
            tracing::warn!(group = %self.name, %sender, %what, "member seals differently");
            events.push_back(SessionEvent::Mismatch {
                group: self.name,
                sender,
                what,
            });
        }
    }

    /// Gives the driver an input from the network and carries out what it wants.
    pub(super) fn feed(
        &mut self,
        input: Input<Sealed>,
        sending: Sending,
        around: &mut Around<'_>,
    ) -> Handled {
        let handled = self.driver.handle(input, around.now.0, around.rng);
        self.carry_out(sending, around);
        handled.unwrap_or_else(|error| {
            // Inputs of the network have no other errors.
            tracing::error!(group = %self.name, %error, "driver");
            self.internal("driver", around);
            Handled::Taken
        })
    }

    /// A bug was found: this view has no key.
    pub(super) fn internal(&mut self, what: &'static str, around: &mut Around<'_>) {
        self.give_up(GroupFailure::Internal(what), around);
    }

    /// This view has no key, and no other member is to blame.
    pub(super) fn give_up(&mut self, reason: GroupFailure, around: &mut Around<'_>) {
        self.give_up_for(self.me, reason, around);
    }

    /// This view has no key because of a member, as this side alone knows.
    pub(super) fn give_up_for(
        &mut self,
        member: MemberName,
        reason: GroupFailure,
        around: &mut Around<'_>,
    ) {
        self.lose_key();
        around.events.push_back(SessionEvent::GroupFailed {
            group: self.name,
            suspects: vec![member],
            reason,
        });
    }

    /// The view has no key from now on, and nobody has to confirm or replace one.
    pub(super) fn lose_key(&mut self) {
        self.prospect = Prospect::Failed;
        self.keys = None;
        self.confirming = Confirming::Done;
        self.timers.stop(Timer::Confirmation);
        self.timers.stop(Timer::Refresh);
    }
}
