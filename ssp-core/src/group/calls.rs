//! From the application to the group.

use gka_robust::Input;

use super::{Environment, Intent, Phase, SecureGroup, outputs::Sending, timers::Timer};
use crate::{Timestamp, config::FlushMode, error::Error, sending::Protection};

/// Milliseconds between the refresh requests of one member and the next when the key reaches its
/// maximum age, and before a request that failed is repeated.
const REFRESH_INTERVAL: u64 = 1_000;

impl SecureGroup {
    /// The application leaves: nothing can be sent any more.
    pub(crate) fn leave(&mut self) {
        self.intent = Intent::Leave;
        self.present.timers.stop(Timer::Flush);
    }

    /// How messages are protected by default.
    pub(crate) const fn protection(&self) -> Protection {
        self.options.protection
    }

    /// Whether the application is leaving.
    pub(crate) fn is_leaving(&self) -> bool {
        self.intent == Intent::Leave
    }

    /// The application permits a view change.
    pub(crate) fn flush_ok(&mut self, environment: &mut Environment<'_>) -> Result<(), Error> {
        if self.options.flush == FlushMode::Automatic {
            return Err(Error::IllegalFlushOk(self.name));
        }
        self.ask(Input::SecureFlushOk, environment)
    }

    /// The application wants a new key.
    pub(crate) fn refresh(&mut self, environment: &mut Environment<'_>) -> Result<(), Error> {
        if self.present.keys().is_none() {
            return Err(Error::GroupNotSecure(self.name));
        }
        self.ask(Input::RequestRefresh, environment)
    }

    /// The refresh policy asks for a new key.
    pub(super) fn refresh_is_due(&mut self, environment: &mut Environment<'_>) {
        let tried = match self.phase() {
            Phase::Secure => self.refresh(environment),
            // The key is being replaced anyway, or there is none to replace.
            Phase::Joining
            | Phase::Agreeing
            | Phase::Confirming
            | Phase::Refreshing
            | Phase::Flushing
            | Phase::Failed
            | Phase::Leaving => Err(Error::Refreshing(self.name)),
        };
        // Repeated until there is a new key, which starts the timer anew.
        let intervals = if tried.is_ok() { 30 } else { 1 };
        let again = environment.now.after(intervals * REFRESH_INTERVAL);
        if self.present.keys().is_some() {
            self.present.timers.set(Timer::Refresh, again);
        }
    }

    /// A key was installed: starts the timer for its maximum age, one interval later for each member
    /// in front of this one.
    pub(super) fn schedule_refresh(&mut self, index: usize, now: Timestamp) {
        if let Some(age) = self.options.refresh.age {
            let delay = REFRESH_INTERVAL.saturating_mul(index as u64);
            self.present
                .timers
                .set(Timer::Refresh, now.after(age.saturating_add(delay)));
        }
    }

    fn ask(
        &mut self,
        input: Input<super::Sealed>,
        environment: &mut Environment<'_>,
    ) -> Result<(), Error> {
        if self.is_leaving() {
            return Err(Error::Leaving(self.name));
        }
        let asked = self
            .driver
            .handle(input, environment.now.0, environment.rng);
        self.carry_out(Sending::Allowed, environment);
        asked.map(|_| ()).map_err(|error| match error {
            gka_robust::Error::GroupNotSecure => Error::GroupNotSecure(self.name),
            gka_robust::Error::Refreshing => Error::Refreshing(self.name),
            gka_robust::Error::NotAllowedToSend => Error::Flushing(self.name),
            gka_robust::Error::IllegalFlushOk => Error::IllegalFlushOk(self.name),
            gka_robust::Error::FlushOkAlreadySent => Error::FlushOkAlreadySent(self.name),
            gka_robust::Error::Internal(what) => Error::Internal(what),
            // Returned by the constructor of the driver only.
            gka_robust::Error::UnsupportedAlgorithm { .. } => Error::Internal("algorithm"),
        })
    }
}
