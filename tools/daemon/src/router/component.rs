//! Daemons that reach each other, and the groups they share.

use std::collections::{BTreeMap, BTreeSet};

use gcs_proto::name::GroupName;

use super::{
    configuration::DaemonIndex,
    group::{Group, Pair},
};

/// Daemons that reach each other. All of them see the same groups in the same state, in one total
/// order of events.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) daemons: BTreeSet<DaemonIndex>,
    /// Pair of the membership these daemons form now: what a new group starts with.
    pub(crate) pair: Pair,
    pub(crate) state: State,
    pub(crate) groups: BTreeMap<GroupName, Group>,
}

/// Whether a component is one that clients hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As usual.
    Regular,
    /// In the middle of a change: those who stay together in it.
    Transitional,
}

/// The two times of one network change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) transitional: u32,
    pub(crate) regular: u32,
}

/// Times for daemon memberships: they follow the clock, and grow even where the clock does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    last: u32,
}

impl Clock {
    /// A clock whose first membership is formed now.
    pub(crate) fn new(now: u32) -> (Self, u32) {
        (Self { last: now }, now)
    }

    /// Two times for a change, both above all used before.
    pub(crate) fn change(&mut self, now: u32) -> Times {
        let transitional = now.max(self.last.wrapping_add(1));
        let regular = transitional.wrapping_add(1);
        self.last = regular;
        Times {
            transitional,
            regular,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_grow_when_the_clock_stands_still_or_goes_back() {
        let (mut clock, first) = Clock::new(100);
        assert_eq!(first, 100);
        let second = clock.change(100);
        assert_eq!((second.transitional, second.regular), (101, 102));
        let third = clock.change(90);
        assert_eq!((third.transitional, third.regular), (103, 104));
        let fourth = clock.change(500);
        assert_eq!((fourth.transitional, fourth.regular), (500, 501));
    }
}
