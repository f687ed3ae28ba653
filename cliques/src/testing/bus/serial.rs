//! The critical path: what must happen one after the other in a run.

use core::time::Duration;

use crate::Cost;

/// Work along the longest chain of steps that wait for one another.
///
/// A member does one thing at a time and a token is processed no earlier than it was sent; members
/// work in parallel and tokens travel in no time. So the chain ends with the last computation of
/// some receiver (key agreement notes, section 9.3). Each number is the greatest over all chains,
/// by itself: the chain with most exponentiations need not be the one with most element tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Serial {
    exponentiations: u64,
    cost: Cost,
    time: Duration,
}

impl Serial {
    /// Exponentiations of every kind.
    pub const fn exponentiations(&self) -> u64 {
        self.exponentiations
    }

    /// Each kind of work. Its [`Cost::exponentiations`] can exceed
    /// [`exponentiations`](Self::exponentiations), which are those of one chain.
    pub const fn cost(&self) -> &Cost {
        &self.cost
    }

    /// Measured time, by the clock of the bus.
    pub const fn time(&self) -> Duration {
        self.time
    }

    /// What happens here happens after that as well.
    pub(super) fn wait_for(&mut self, other: &Self) {
        self.exponentiations = self.exponentiations.max(other.exponentiations);
        self.cost = self.cost.max(&other.cost);
        self.time = self.time.max(other.time);
    }

    /// Work is done here.
    pub(super) fn work(&mut self, cost: Cost, time: Duration) {
        self.exponentiations = self.exponentiations.saturating_add(cost.exponentiations());
        self.cost += cost;
        self.time = self.time.saturating_add(time);
    }
}
