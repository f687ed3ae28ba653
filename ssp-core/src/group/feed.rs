//! From the flush layer to the driver.

use bytes::Bytes;
use cliques::TokenKind;
use gcs_proto::{
    flush::{View, ViewMessage},
    name::MemberName,
};
use gka_robust::{Failure, FailureReason, Handled, Input};

use super::{
    Around, Phase, Prospect, Sealed, SecureGroup, Timer, carry::Sending, translate, wire::Content,
};
use crate::{
    event::{GroupFailure, Mismatch, SessionEvent},
    record::{Header, OpenError},
};

impl SecureGroup {
    /// A VS view is installed.
    pub(crate) fn view(&mut self, view: &View, around: &mut Around<'_>) {
        // Nothing sent in the old view can arrive any more.
        self.keys = None;
        self.prospect = Prospect::Open;
        self.reported.clear();
        self.suspects.clear();
        self.withheld.clear();
        self.timers.stop(Timer::Flush);
        self.timers.stop(Timer::Suspicion);
        self.began = around.now;
        self.tokens = 0;
        let unknown = self.unknown(view);
        let membership = match translate::view(view) {
            Ok(membership) => Input::Membership(membership),
            // The engine's names are never empty.
            Err(_) => return self.internal("member name", around),
        };
        // No key can be agreed on with a stranger, so nothing is said to it.
        let sending = if unknown.is_empty() {
            Sending::Carry
        } else {
            Sending::Suppress
        };
        if self.feed(membership, sending, around) == Handled::Impossible {
            return self.internal("view that no agreement can be run in", around);
        }
        for member in unknown {
            let Ok(culprit) = translate::id(&member) else {
                continue;
            };
            let failure = Failure {
                culprit,
                reason: FailureReason::UnknownIdentity,
            };
            self.feed(Input::Fail(failure), Sending::Suppress, around);
        }
    }

    /// Members whose identity nobody has vouched for.
    fn unknown(&self, view: &View) -> alloc::vec::Vec<MemberName> {
        let unknown = |member: &&MemberName| match translate::id(member) {
            Ok(id) => self.trust.knows(&id).is_err(),
            Err(_) => true,
        };
        view.members.iter().filter(unknown).copied().collect()
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
            Content::Token(kind) => {
                let Ok(sender) = translate::id(&message.sender) else {
                    return self.internal("member name", around);
                };
                self.tokens += 1;
                if kind == TokenKind::RefreshRequest && self.phase() == Phase::Secure {
                    self.began = around.now;
                }
                let token = Input::Token {
                    sender,
                    kind: Some(kind),
                    bytes: message.body,
                };
                self.feed(token, Sending::Carry, around);
            }
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
    fn feed(&mut self, input: Input<Sealed>, sending: Sending, around: &mut Around<'_>) -> Handled {
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
        self.prospect = Prospect::Failed;
        self.keys = None;
        around.events.push_back(SessionEvent::GroupFailed {
            group: self.name,
            member: self.me,
            reason,
        });
    }
}
