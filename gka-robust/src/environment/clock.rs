//! What depends on time: the log of agreements, and the policy for refreshes.

use super::Environment;
use crate::{
    envelope::TokenChannel,
    input::Payload,
    log::{AgreementEvent, Cut, Happening},
};

impl<D: Payload> Environment<D> {
    /// A call begins at `now`.
    pub(crate) const fn set_time(&mut self, now: u64) {
        self.now = now;
    }

    /// Notes an event of the agreement.
    pub(crate) fn note(&mut self, what: Happening) {
        if self.config.event_log == 0 {
            return;
        }
        let event = AgreementEvent {
            at: self.now,
            view: self.continuity.view().map(|view| view.id),
            run: self.channel.as_ref().map_or(0, TokenChannel::run),
            what,
        };
        if !self.log.push(event) {
            self.stats.events_lost += 1;
        }
    }

    /// Notes a change of state.
    pub(crate) fn note_state(&mut self, from: &'static str, to: &'static str) {
        let lasted = self.log.enter(self.now);
        self.note(Happening::State { from, to, lasted });
    }

    /// Notes the end of the agreement under way, if there is one.
    pub(super) fn note_cut(&mut self, by: Cut) {
        if let Some(lasted) = self.log.end(self.now) {
            self.note(Happening::Cut { by, lasted });
        }
    }

    pub(crate) fn poll_event(&mut self) -> Option<AgreementEvent> {
        self.log.pop()
    }

    /// When the policy wants a refresh at the latest, if this member is the one to ask for it.
    pub(crate) fn refresh_timeout(&self) -> Option<u64> {
        self.key_use
            .expires(self.config.refresh)
            .filter(|_| self.acts_on_policy())
    }

    /// Whether the policy wants this member to ask for a refresh now.
    pub(crate) fn refresh_is_due(&self) -> bool {
        self.acts_on_policy() && self.key_use.is_due(self.config.refresh, self.now)
    }

    fn acts_on_policy(&self) -> bool {
        self.has_key() && self.agreement.controller() == Some(self.me())
    }
}
