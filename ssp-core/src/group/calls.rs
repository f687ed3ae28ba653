//! From the application to the group.

use gka_robust::Input;

use super::{Around, Intent, Phase, SecureGroup, Timer, carry::Sending};
use crate::{Timestamp, config::FlushMode, error::Error, outgoing::Protection};

/// Milliseconds between the requests of members for a refresh that is due by age, and before one that
/// could not be made is tried again.
const TURN: u64 = 1_000;

impl SecureGroup {
    /// The application leaves; nothing can be sent any more.
    pub(crate) fn leave(&mut self) {
        self.intent = Intent::Leave;
        self.timers.stop(Timer::Flush);
    }

    /// How messages are protected unless they say otherwise.
    pub(crate) const fn protection(&self) -> Protection {
        self.options.protection
    }

    /// Whether the application is leaving.
    pub(crate) fn is_leaving(&self) -> bool {
        self.intent == Intent::Leave
    }

    /// The application permits a view change.
    pub(crate) fn flush_ok(&mut self, around: &mut Around<'_>) -> Result<(), Error> {
        if self.options.flush == FlushMode::Automatic {
            return Err(Error::IllegalFlushOk(self.name));
        }
        self.ask(Input::SecureFlushOk, around)
    }

    /// The application wants a new key.
    pub(crate) fn refresh(&mut self, around: &mut Around<'_>) -> Result<(), Error> {
        if self.keys.is_none() {
            return Err(Error::GroupNotSecure(self.name));
        }
        self.ask(Input::RequestRefresh, around)
    }

    /// The refresh policy asks for a new key.
    pub(super) fn refresh_is_due(&mut self, around: &mut Around<'_>) {
        let tried = match self.phase() {
            Phase::Secure => self.refresh(around),
            // The key is being replaced anyway, or is not there to be replaced.
            Phase::Joining
            | Phase::Agreeing
            | Phase::Confirming
            | Phase::Refreshing
            | Phase::Flushing
            | Phase::Failed
            | Phase::Leaving => Err(Error::Refreshing(self.name)),
        };
        // If it comes to nothing, for whatever reason, it stays due; a new key starts over.
        let turns = if tried.is_ok() { 30 } else { 1 };
        let again = around.now.after(turns * TURN);
        if self.keys.is_some() {
            self.timers.set(Timer::Refresh, again);
        }
    }

    /// A key was installed: its age begins.
    pub(super) fn age_begins(&mut self, index: usize, now: Timestamp) {
        self.timers.stop(Timer::Refresh);
        if let Some(age) = self.options.refresh.age {
            let turn = TURN.saturating_mul(index as u64);
            self.timers
                .set(Timer::Refresh, now.after(age.saturating_add(turn)));
        }
    }

    fn ask(&mut self, input: Input<super::Sealed>, around: &mut Around<'_>) -> Result<(), Error> {
        if self.is_leaving() {
            return Err(Error::Leaving(self.name));
        }
        let asked = self.driver.handle(input, around.now.0, around.rng);
        self.carry_out(Sending::Carry, around);
        asked.map(|_| ()).map_err(|error| match error {
            gka_robust::Error::GroupNotSecure => Error::GroupNotSecure(self.name),
            gka_robust::Error::Refreshing => Error::Refreshing(self.name),
            gka_robust::Error::NotAllowedToSend => Error::Flushing(self.name),
            gka_robust::Error::IllegalFlushOk => Error::IllegalFlushOk(self.name),
            gka_robust::Error::FlushOkAlreadySent => Error::FlushOkAlreadySent(self.name),
            gka_robust::Error::Internal(what) => Error::Internal(what),
            // Only made with a driver.
            gka_robust::Error::UnsupportedAlgorithm { .. } => Error::Internal("algorithm"),
        })
    }
}
