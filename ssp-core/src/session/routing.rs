//! From the flush layer to the groups.
//!
//! The flush layer checks calls against the last event that was taken from it, so each event is handled
//! completely before the next one is taken.

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
    group::{Environment, SecureGroup},
    identity::answer_join_challenge,
};

impl Session {
    /// Answers a daemon's challenge before a join; false for any other event.
    pub(super) fn answer_challenge(&mut self, event: &GcsEvent) -> bool {
        let signer = &*self.credentials.signer;
        let is_joining = |group: &GroupName| self.flush.is_joining(group);
        let Some(answer) = answer_join_challenge(event, &self.me, Some(signer), is_joining) else {
            return false;
        };
        let Some(group) = answer.group else {
            tracing::debug!(outcome = ?answer.outcome, "challenge for another join dropped");
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

    /// Handles all events of the flush layer.
    pub(super) fn route(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        self.route_bare();
        while let Some(event) = self.flush.poll_event() {
            let Some(event) = self.route_clear(event) else {
                continue;
            };
            match event {
                FlushEvent::View(view) => {
                    self.with(view.group, now, rng, |group, environment| {
                        group.view(&view.view, environment)
                    });
                }
                FlushEvent::FlushRequest { group } => {
                    self.with(group, now, rng, SecureGroup::flush_request);
                }
                FlushEvent::TransitionalSignal { group } => {
                    self.with(group, now, rng, SecureGroup::transitional_signal);
                }
                FlushEvent::Message(message) => {
                    self.with(message.group, now, rng, |group, environment| {
                        group.message(message, environment);
                    });
                }
                FlushEvent::Private(message) => {
                    self.events.push_back(SessionEvent::Private(message));
                }
                FlushEvent::SelfLeave { group } => {
                    // This erases its keys.
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
                // A refusal changes nothing for a group that is joined already.
                if self.flush.view(group).is_none() {
                    drop(self.groups.remove(group));
                }
            }
            Refused::Leave(group) => {
                self.with(*group, now, rng, SecureGroup::leave_refused);
            }
            Refused::Multicast(_) => {}
        }
        self.events.push_back(SessionEvent::Refused(refused));
    }

    /// Calls `act` with the group, if there is one.
    fn with(
        &mut self,
        name: GroupName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        act: impl FnOnce(&mut SecureGroup, &mut Environment<'_>),
    ) {
        if let Some(group) = self.groups.get_mut(&name) {
            let mut environment = Environment {
                flush: &mut self.flush,
                events: &mut self.events,
                now,
                rng,
            };
            act(group, &mut environment);
        }
    }
}
