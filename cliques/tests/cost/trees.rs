//! STR and TGDH, as they run, and in the order in which the papers and the notes count.

use cliques::{
    Change, Group, MemberName, NamedGroup, Protocol, Suite, constructor,
    keytree::KeyTiming,
    str_::{self, Str},
    testing::{
        bus::{Bus, Run, Schedule},
        world::{World, members},
    },
    tgdh::{self, Tgdh},
};

use super::{cost, found, group_of, number};

/// STR in the counted order.
const STR: Suite = Suite {
    name: "str, counted",
    number: 130,
    member: constructor!(counted_str),
    ..str_::SUITE
};

/// TGDH in the counted order.
const TGDH: Suite = Suite {
    name: "tgdh, counted",
    number: 131,
    member: constructor!(counted_tgdh),
    ..tgdh::SUITE
};

fn counted_str<G: Group>(group: G, me: MemberName) -> Str<G> {
    Str::new(group, me).with_timing(KeyTiming::Sequential)
}

fn counted_tgdh<G: Group>(group: G, me: MemberName) -> Tgdh<G> {
    Tgdh::new(group, me).with_timing(KeyTiming::Sequential)
}

/// The suite and, where it waits, how many exponentiations more are in series if it computes in the
/// counted order: the group secret, before a token is sent.
const STRS: [(Protocol, u64); 2] = [(Protocol::STR, 0), (Protocol::of(&STR), 1)];
const TGDHS: [(Protocol, u64); 2] = [(Protocol::TGDH, 0), (Protocol::of(&TGDH), 1)];

#[test]
fn founding() {
    for (protocol, _) in [STRS, TGDHS].concat() {
        assert_eq!(cost(&found(protocol)), [0, 0, 0, 1, 1]);
    }
}

/// A group that goes through events one after the other.
struct Chain {
    bus: Bus,
    present: Vec<MemberName>,
}

impl Chain {
    fn found(protocol: Protocol, most: usize) -> Self {
        let mut bus = Bus::new(Schedule::Rounds);
        bus.add_all(protocol, &"toy17".parse().unwrap(), &members(1..=most), 1);
        let present = members([1]);
        bus.change(&[(present[0], Change::Found)]).unwrap();
        Self { bus, present }
    }

    fn join(&mut self) -> Run {
        let joined = members([self.present.len() + 1]);
        let run = self
            .bus
            .change(&World::changes(&self.present, &[], &joined));
        self.present.extend(joined);
        run.unwrap()
    }

    fn refresh(&mut self) -> Run {
        self.bus
            .change(&World::changes(&self.present, &[], &[]))
            .unwrap()
    }

    /// The member at this place from the bottom leaves.
    fn leave(&mut self, place: usize) -> Run {
        let gone = [self.present[place]];
        let run = self.bus.change(&World::changes(&self.present, &gone, &[]));
        self.present.remove(place);
        run.unwrap()
    }
}

#[test]
fn joins_and_refreshes_of_str() {
    for (protocol, more) in STRS {
        let mut group = Chain::found(protocol, 33);
        for n in 1..=32 {
            // The first two have no key to compute before.
            let (total, serial) = if n == 1 { (4, 2) } else { (2 * n + 4, 5) };
            assert_eq!(cost(&group.join()), [1, 0, 2, total, serial], "n = {n}");
            let n = n + 1;
            assert_eq!(
                cost(&group.refresh()),
                [1, 0, 1, n + 1, 2 + more],
                "n = {n}"
            );
        }
    }
}

#[test]
fn leaves_of_str() {
    for (protocol, more) in STRS {
        for leaver in [1, 2, 7, 15] {
            let mut group = Chain::found(protocol, 32);
            while group.present.len() < 32 {
                let _ = group.join();
            }
            while group.present.len() > leaver + 1 {
                let run = group.leave(leaver);
                // The representative is right below the leaver, at level i of the survivors.
                let (n, i) = (number(group.present.len()), number(leaver));
                let serial = match i {
                    // br_1 is bk_1.
                    1 => 3 * n - 4 + more,
                    _ => 3 * (n - i) + 2 + more,
                };
                let [rounds, unicasts, broadcasts, _, chain] = cost(&run);
                let expected = [1, 0, 1, serial];
                assert_eq!([rounds, unicasts, broadcasts, chain], expected, "{n}, {i}");
            }
        }
    }
}

/// Two trees of several members each.
fn two_trees(protocol: Protocol, n: usize, m: usize) -> Run {
    let mut bus = Bus::new(Schedule::Rounds);
    let all = members(1..=n + m);
    let toy: NamedGroup = "toy17".parse().unwrap();
    bus.add_all(protocol, &toy, &all, 1);
    let (one, other) = all.split_at(n);
    for tree in [one, other] {
        let (first, rest) = tree.split_at(1);
        bus.change(&[(first[0], Change::Found)]).unwrap();
        if !rest.is_empty() {
            bus.change(&World::changes(first, &[], rest)).unwrap();
        }
    }
    let mut changes = Vec::new();
    for (tree, joined) in [(one, other), (other, one)] {
        let left = Vec::new();
        let joined = joined.to_vec();
        let change = Change::Update { left, joined };
        changes.extend(tree.iter().map(|member| (*member, change.clone())));
    }
    let run = bus.change(&changes).unwrap();
    assert_eq!(run.secrets.len(), n + m);
    run
}

#[test]
fn merges_of_str() {
    for (protocol, _) in STRS {
        for (n, m) in [(2, 2), (3, 2), (5, 5), (16, 16), (20, 3), (3, 20)] {
            let run = two_trees(protocol, n, m);
            // Two trees, and what the sponsor fills in.
            let [rounds, unicasts, broadcasts, ..] = cost(&run);
            assert_eq!([rounds, unicasts, broadcasts], [2, 0, 3]);
            // 3 for each tree's announcement, two for each level filled in, then everybody's path.
            let filled = number(n.min(m)) - 1;
            let serial = run.serial().exponentiations();
            if protocol == Protocol::STR {
                assert!(serial <= 4 + 3 * filled, "{n} + {m}: {serial}");
            } else {
                assert_eq!(serial, 5 + 3 * filled, "{n} + {m}");
            }
        }
    }
}

/// Height of a tree that members have joined one after the other.
fn height(n: usize) -> u64 {
    number(n).next_power_of_two().ilog2().into()
}

#[test]
fn joins_of_tgdh() {
    for (protocol, _) in TGDHS {
        for size in 1..=32 {
            let run = group_of(protocol, size, 1).join();
            let [rounds, unicasts, broadcasts, _, serial] = cost(&run);
            // Inserted beside the root, the tree needs nothing filled in.
            let full = size.is_power_of_two();
            let expected = if full { [1, 0, 2] } else { [2, 0, 3] };
            assert_eq!([rounds, unicasts, broadcasts], expected, "n = {size}");
            let h = height(size + 1);
            assert!(serial <= 5 * h, "n = {size}: {serial}, height {h}");
        }
    }
}

#[test]
fn refreshes_and_leaves_of_tgdh() {
    for (protocol, more) in TGDHS {
        for size in 2..=32 {
            let h = height(size);
            let run = group_of(protocol, size, 0).refresh();
            let [rounds, unicasts, broadcasts, _, serial] = cost(&run);
            assert_eq!([rounds, unicasts, broadcasts], [1, 0, 1]);
            match size.is_power_of_two() {
                // The representative's path has h keys and h blinded keys, its sibling's h keys.
                true => assert_eq!(serial, 3 * h - 1 + more, "n = {size}"),
                false => assert!(serial <= 3 * h, "n = {size}: {serial}"),
            }
            for leaver in [0, size / 2, size - 1] {
                let run = group_of(protocol, size, 0).leave(&[leaver]);
                let [rounds, unicasts, broadcasts, _, serial] = cost(&run);
                let alone = size == 2;
                let messages = u64::from(!alone);
                assert_eq!([rounds, unicasts, broadcasts], [messages, 0, messages]);
                assert!(serial <= 3 * h, "n = {size}: {serial}");
            }
        }
    }
}

#[test]
fn partitions_of_tgdh() {
    for (protocol, _) in TGDHS {
        for size in [4, 8, 13, 16, 32] {
            // Every other member, so that all the lowest keys are lost.
            let places: Vec<usize> = (0..size).step_by(2).collect();
            let run = group_of(protocol, size, 0).leave(&places);
            let [rounds, unicasts, broadcasts, ..] = cost(&run);
            let h = height(size);
            assert!(rounds <= h && broadcasts <= number(size / 2), "{size}");
            assert_eq!(unicasts, 0);
        }
    }
}

#[test]
fn merges_of_tgdh() {
    for (protocol, _) in TGDHS {
        for (n, m) in [(2, 2), (3, 2), (5, 5), (16, 16), (20, 3), (3, 20)] {
            let run = two_trees(protocol, n, m);
            let [rounds, unicasts, broadcasts, ..] = cost(&run);
            assert!(rounds <= 2 && broadcasts <= 3, "{n} + {m}");
            assert_eq!(unicasts, 0);
        }
    }
}
