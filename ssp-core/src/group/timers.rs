//! Timers of a group: one table, one line for each.

use crate::Timestamp;

/// What a group waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The others' permission for a view change that we have permitted, or need to get in.
    Flush,
    /// A key that a message was sealed under although nobody is known to agree on one.
    Suspicion,
    /// Evidence of the identities of members.
    Evidence,
    /// Confirmations of the key.
    Confirmation,
    /// The age or use of the key at which this member asks for another one.
    Refresh,
}

impl Timer {
    const ALL: [Self; 5] = [
        Self::Flush,
        Self::Suspicion,
        Self::Evidence,
        Self::Confirmation,
        Self::Refresh,
    ];
}

/// When they run out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timers([Option<Timestamp>; Timer::ALL.len()]);

impl Timers {
    pub(crate) const fn set(&mut self, timer: Timer, at: Timestamp) {
        *self.slot(timer) = Some(at);
    }

    pub(crate) const fn stop(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    /// The next one to run out.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.iter().flatten().min().copied()
    }

    /// Those that have run out; they are stopped.
    pub(crate) fn expired(&mut self, now: Timestamp) -> impl Iterator<Item = Timer> + use<> {
        let expired = Timer::ALL.map(|timer| {
            let slot = self.slot(timer);
            slot.take_if(|at| *at <= now).map(|_| timer)
        });
        expired.into_iter().flatten()
    }

    const fn slot(&mut self, timer: Timer) -> &mut Option<Timestamp> {
        let Self([flush, suspicion, evidence, confirmation, refresh]) = self;
        match timer {
            Timer::Evidence => evidence,
            Timer::Confirmation => confirmation,
            Timer::Refresh => refresh,
            Timer::Flush => flush,
            Timer::Suspicion => suspicion,
        }
    }
}
