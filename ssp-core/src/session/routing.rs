//! From the flush layer to the groups.
//!
//! The flush layer judges every call by the last event that was taken from it, so each event is
//! handled completely before the next one is taken.

use alloc::format;

use gcs_proto::{
    flush::FlushEvent,
    gcs::{GcsEvent, Refused},
    name::GroupName,
};
use rand_core::CryptoRng;

use super::{Session, State};
use crate::{
    Timestamp,
    access::Action,
    event::SessionEvent,
    group::{Around, SecureGroup},
    identity::answer_join_challenge,
};

impl Session {
    /// Deals with a daemon's challenge before a join; false for any other event.
    pub(super) fn answer_challenge(&mut self, event: &GcsEvent) -> bool {
        let signer = &*self.credentials.signer;
        let is_joining = |group: &GroupName| self.flush.is_joining(group);
        let Some(answer) = answer_join_challenge(event, &self.me, Some(signer), is_joining) else {
            return false;
        };
        let Some(group) = answer.group else {
            tracing::debug!(outcome = ?answer.outcome, "challenge for no join of ours dropped");
            return true;
        };
        self.answers.extend(answer.command);
        if let Err(error) = answer.outcome {
            self.events.push_back(SessionEvent::Denied {
                group,
                member: self.me,
                action: Action::Join,
                reason: format!("daemon asks for proof of identity: {error}"),
            });
        }
        true
    }

    /// Handles everything that the flush layer has.
    pub(super) fn route(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        self.route_bare();
        while let Some(event) = self.flush.poll_event() {
            let Some(event) = self.route_clear(event) else {
                continue;
            };
            match event {
                FlushEvent::View(view) => {
                    self.with(view.group, now, rng, |group, around| {
                        group.view(&view.view, around)
                    });
                }
                FlushEvent::FlushRequest { group } => {
                    self.with(group, now, rng, SecureGroup::flush_request);
                }
                FlushEvent::TransitionalSignal { group } => {
                    self.with(group, now, rng, SecureGroup::transitional_signal);
                }
                FlushEvent::Message(message) => {
                    self.with(message.group, now, rng, |group, around| {
                        group.message(message, around);
                    });
                }
                FlushEvent::Private(message) => {
                    self.events.push_back(SessionEvent::Private(message));
                }
                FlushEvent::SelfLeave { group } => {
                    // Its keys go with it.
                    drop(self.groups.remove(&group));
                    self.events.push_back(SessionEvent::SelfLeave { group });
                }
                FlushEvent::Refused(refused) => self.refused(refused, now, rng),
                FlushEvent::Closed(reason) => {
                    self.groups.clear();
                    self.clear.clear();
                    self.state = State::Closed;
                    self.events.push_back(SessionEvent::Closed(reason));
                }
            }
        }
    }

    fn refused(&mut self, refused: Refused, now: Timestamp, rng: &mut dyn CryptoRng) {
        match &refused {
            Refused::Join(group) => {
                // A refusal that comes for somebody who is a member already changes nothing.
                if self.flush.view(group).is_none() {
                    drop(self.groups.remove(group));
                }
            }
            Refused::Leave(group) => {
                self.with(*group, now, rng, SecureGroup::stay);
            }
            Refused::Multicast(_) => {}
        }
        self.events.push_back(SessionEvent::Refused(refused));
    }

    /// Lets a group act, if there is one: the flush layer has no others.
    fn with(
        &mut self,
        name: GroupName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        act: impl FnOnce(&mut SecureGroup, &mut Around<'_>),
    ) {
        if let Some(group) = self.groups.get_mut(&name) {
            let mut around = Around {
                flush: &mut self.flush,
                events: &mut self.events,
                now,
                rng,
            };
            act(group, &mut around);
        }
    }
}
