//! What a group does when a timer expires.

use super::{Environment, SecureGroup, timers::Timer};
use crate::{
    Timestamp,
    event::{Mismatch, SessionEvent},
};

impl SecureGroup {
    /// When [`expire`](Self::expire) is to be called.
    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        self.present.timers.next()
    }

    /// Acts on timers that have expired.
    pub(crate) fn expire(&mut self, environment: &mut Environment<'_>) {
        let now = environment.now;
        for timer in self.present.timers.expired(now) {
            match timer {
                Timer::Flush => self.flush_is_late(environment),
                Timer::Evidence => self.evidence_is_late(environment),
                Timer::Confirmation => self.confirmation_is_late(environment),
                Timer::Refresh => self.refresh_is_due(environment),
                Timer::UnknownKey => {
                    for sender in self.present.unknown_keys_due(now) {
                        self.report(sender, Mismatch::Key, environment.events);
                    }
                }
            }
        }
    }

    /// Starts a timer with the configured timeout, unless there is none.
    pub(super) fn start(&mut self, timer: Timer, now: Timestamp) {
        if let Some(due) = self.deadline(now) {
            self.present.timers.set(timer, due);
        }
    }

    /// When others that do not answer are reported; `None` for never.
    pub(super) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let timeout = self.config.flush_timeout;
        (timeout > 0).then(|| now.after(timeout))
    }

    fn flush_is_late(&mut self, environment: &mut Environment<'_>) {
        let mut members = environment.flush.missing_flush(&self.name);
        members.retain(|member| *member != self.me);
        if !members.is_empty() {
            tracing::warn!(group = %self.name, ?members, "members hold up a view change");
            let blocked = SessionEvent::FlushBlocked {
                group: self.name,
                members,
            };
            // Once is enough for an application that has not taken its events.
            if !environment.events.contains(&blocked) {
                environment.events.push_back(blocked);
            }
        }
        self.start(Timer::Flush, environment.now);
    }
}
