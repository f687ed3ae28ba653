//! Cost of GDH events against the formulas of its documentation.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cliques::{
    MemberId, Protocol,
    testing::{
        bus::{Bus, Run, Schedule},
        world::{World, members},
    },
};

/// A bus with `n` members in a group and `m` outside.
fn group_of(n: usize, m: usize) -> (Bus, Vec<MemberId>, Vec<MemberId>) {
    let mut bus = Bus::new(Schedule::Rounds);
    let (all, new) = (members(1..=n), members(n + 1..=n + m));
    let toy = "toy17".parse().unwrap();
    bus.add_all(Protocol::Gdh, &toy, &all, 1);
    bus.add_all(Protocol::Gdh, &toy, &new, 2);
    let (first, rest) = all.split_at(1);
    bus.change(&[(first.first().unwrap().clone(), cliques::Change::Found)])
        .unwrap();
    if !rest.is_empty() {
        bus.change(&World::changes(first, &[], rest)).unwrap();
    }
    (bus, all, new)
}

/// Rounds, unicasts, broadcasts, exponentiations.
fn cost(run: &Run) -> [u64; 4] {
    let total = run.total();
    [
        run.rounds(),
        total.unicasts,
        total.broadcasts,
        total.exponentiations(),
    ]
}

#[test]
fn founding() {
    let mut bus = Bus::new(Schedule::Rounds);
    let me = members([1]);
    bus.add_all(Protocol::Gdh, &"toy17".parse().unwrap(), &me, 1);
    let run = bus
        .change(&[(me.first().unwrap().clone(), cliques::Change::Found)])
        .unwrap();
    assert_eq!(cost(&run), [0, 0, 0, 1]);
}

#[test]
fn join() {
    for size in 1..=32 {
        let (mut bus, all, new) = group_of(size, 1);
        let run = bus.change(&World::changes(&all, &[], &new)).unwrap();
        let n = u64::try_from(size).unwrap();
        assert_eq!(cost(&run), [4, n + 1, 2, 3 * n + 2], "n = {n}");
    }
}

#[test]
fn merge() {
    for size in 1..=32 {
        for added in [1, 2, 3, 7] {
            let (mut bus, all, new) = group_of(size, added);
            let run = bus.change(&World::changes(&all, &[], &new)).unwrap();
            let (n, m) = (u64::try_from(size).unwrap(), u64::try_from(added).unwrap());
            let expected = [m + 3, n + 2 * m - 1, 2, 3 * n + 4 * m - 2];
            assert_eq!(cost(&run), expected, "n = {n}, m = {m}");
        }
    }
}

#[test]
fn leave() {
    for size in 3..=32 {
        for leaver in [0, size / 2, size - 1] {
            let (mut bus, all, _) = group_of(size, 0);
            let gone: Vec<_> = all.get(leaver).cloned().into_iter().collect();
            let run = bus.change(&World::changes(&all, &gone, &[])).unwrap();
            let n = u64::try_from(size).unwrap();
            assert_eq!(cost(&run), [1, 0, 1, 2 * n - 3], "n = {n}");
        }
    }
}

#[test]
fn refresh() {
    for size in 2..=32 {
        let (mut bus, all, _) = group_of(size, 0);
        let run = bus.change(&World::changes(&all, &[], &[])).unwrap();
        let n = u64::try_from(size).unwrap();
        assert_eq!(cost(&run), [1, 0, 1, 2 * n - 1], "n = {n}");
    }
}

#[test]
fn loss_of_all_others_costs_one_exponentiation_and_no_message() {
    let (mut bus, all, _) = group_of(4, 0);
    let (first, rest) = all.split_at(1);
    let run = bus.change(&World::changes(&all, rest, &[])).unwrap();
    assert_eq!(
        run.secrets.keys().collect::<Vec<_>>(),
        first.iter().collect::<Vec<_>>()
    );
    assert_eq!(cost(&run), [0, 0, 0, 1]);
}

#[test]
fn bytes_are_those_of_the_bodies() {
    let (mut bus, all, new) = group_of(3, 2);
    let run = bus.change(&World::changes(&all, &[], &new)).unwrap();
    let sent: usize = run.sent.iter().map(|sent| sent.token.body.len()).sum();
    assert_eq!(run.total().bytes, u64::try_from(sent).unwrap());
    // A key list of five: count, then names of three bytes and elements of three.
    assert_eq!(
        run.sent.last().expect("a key list").token.body.len(),
        2 + 5 * (2 + 3 + 3)
    );
}
