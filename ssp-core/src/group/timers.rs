//! Timers of a group.

use crate::Timestamp;

/// What a group waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The others' permission for a view change that this member has permitted, or needs to join.
    Flush,
    /// A key that a message was sealed under although no agreement is known to be running.
    UnknownKey,
    /// Evidence of the identities of members.
    Evidence,
    /// Confirmations of the key.
    Confirmation,
    /// The age or use of the key at which this member asks for a new one.
    Refresh,
}

impl Timer {
    const ALL: [Self; 5] = [
        Self::Flush,
        Self::UnknownKey,
        Self::Evidence,
        Self::Confirmation,
        Self::Refresh,
    ];
}

/// When each timer expires, if it is running.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timers([Option<Timestamp>; Timer::ALL.len()]);

impl Timers {
    pub(super) const fn set(&mut self, timer: Timer, at: Timestamp) {
        *self.slot(timer) = Some(at);
    }

    pub(super) const fn stop(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    /// When the next one expires.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.iter().flatten().min().copied()
    }

    /// Stops and returns those that have expired.
    pub(super) fn expired(&mut self, now: Timestamp) -> impl Iterator<Item = Timer> + use<> {
        let expired = Timer::ALL.map(|timer| {
            let slot = self.slot(timer);
            slot.take_if(|at| *at <= now).map(|_| timer)
        });
        expired.into_iter().flatten()
    }

    const fn slot(&mut self, timer: Timer) -> &mut Option<Timestamp> {
        let Self([flush, unknown_key, evidence, confirmation, refresh]) = self;
        match timer {
            Timer::Flush => flush,
            Timer::UnknownKey => unknown_key,
            Timer::Evidence => evidence,
            Timer::Confirmation => confirmation,
            Timer::Refresh => refresh,
        }
    }
}
