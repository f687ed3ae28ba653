//! Measured costs against the formulas of the suites' documentation, which are those of the key
//! agreement notes, section 9.3. A suite adds a file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

mod bd;
mod ckd;
mod gdh;
mod trees;

use cliques::{
    Change, Cost, MemberName, Protocol,
    testing::{
        bus::{Bus, Run, Schedule},
        world::{World, members},
    },
};

/// A group that has grown in one step, and members outside of it.
struct Grown {
    bus: Bus,
    all: Vec<MemberName>,
    new: Vec<MemberName>,
}

/// A group of `n` members, and `m` outside.
fn group_of(protocol: Protocol, n: usize, m: usize) -> Grown {
    let mut bus = Bus::new(Schedule::Rounds);
    let (all, new) = (members(1..=n), members(n + 1..=n + m));
    let toy = "toy17".parse().unwrap();
    bus.add_all(protocol, &toy, &all, 1);
    bus.add_all(protocol, &toy, &new, 2);
    let (first, rest) = all.split_at(1);
    bus.change(&[(*first.first().unwrap(), Change::Found)])
        .unwrap();
    if !rest.is_empty() {
        bus.change(&World::changes(first, &[], rest)).unwrap();
    }
    Grown { bus, all, new }
}

impl Grown {
    /// Everybody from outside joins.
    fn join(&mut self) -> Run {
        let changes = World::changes(&self.all, &[], &self.new);
        self.bus.change(&changes).unwrap()
    }

    /// The members at these places leave.
    fn leave(&mut self, places: &[usize]) -> Run {
        let gone: Vec<_> = places
            .iter()
            .map(|place| *self.all.get(*place).unwrap())
            .collect();
        let changes = World::changes(&self.all, &gone, &[]);
        self.bus.change(&changes).unwrap()
    }

    /// A new key among the same members.
    fn refresh(&mut self) -> Run {
        self.leave(&[])
    }
}

/// A member founds a group.
fn found(protocol: Protocol) -> Run {
    let mut bus = Bus::new(Schedule::Rounds);
    let me = members([1]);
    bus.add_all(protocol, &"toy17".parse().unwrap(), &me, 1);
    bus.change(&[(*me.first().unwrap(), Change::Found)])
        .unwrap()
}

/// Rounds, unicasts, broadcasts, exponentiations of all members and in series.
fn cost(run: &Run) -> [u64; 5] {
    let total = run.total();
    [
        run.rounds(),
        total.unicasts,
        total.broadcasts,
        total.exponentiations(),
        run.serial().exponentiations(),
    ]
}

/// A size as it stands in formulas.
fn number(size: usize) -> u64 {
    u64::try_from(size).unwrap()
}

/// No member does more in series than all do together, and one member alone does everything so.
#[test]
fn the_critical_path_lies_between_one_member_and_all() {
    for protocol in Protocol::ALL {
        let mut grown = group_of(*protocol, 5, 3);
        for run in [grown.join(), found(*protocol)] {
            let (serial, total) = (run.serial(), run.total());
            let least = run.costs.values().map(Cost::exponentiations).max().unwrap();
            assert!(serial.exponentiations() >= least, "{protocol}");
            assert!(serial.exponentiations() <= total.exponentiations());
            assert!(serial.cost().element_tests <= total.element_tests);
            assert!(serial.time() <= run.total_time());
            let longest = run.times.values().max().unwrap();
            assert!(serial.time() >= *longest);
        }
    }
}

#[test]
fn bytes_are_those_of_the_bodies() {
    for protocol in Protocol::ALL {
        let run = group_of(*protocol, 3, 2).join();
        let sent: usize = run.sent.iter().map(|sent| sent.token.body.len()).sum();
        assert_eq!(run.total().bytes, number(sent), "{protocol}");
    }
}
