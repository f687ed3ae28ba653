//! What every suite must do over every mathematical group.
//!
//! A suite's tests call these functions, one line each. They panic where the contract is broken.
//! The group must be large enough for keys not to repeat by chance.

mod cascades;
mod events;
mod secrecy;

use alloc::{vec, vec::Vec};

use subtle::ConstantTimeEq;

pub use self::{
    cascades::{Cascades, cascades},
    secrecy::{cascading_exclusion, contribution, exclusion, random_exclusion},
};
use crate::{
    Change, Error, MemberName, NamedGroup, Protocol,
    testing::{
        bus::{Flow, Schedule},
        rng::seeded,
        world::{World, members},
    },
};

/// Each event once, in a row: all members get one key that was not there before.
pub fn every_event(protocol: Protocol, group: &NamedGroup, schedule: Schedule) {
    events::each_once(&mut World::new(protocol, group, schedule, 7));
}

/// Random events on several components of one set of members.
pub fn random_events(protocol: Protocol, group: &NamedGroup, seed: u64, count: usize) {
    let schedule = Schedule::Shuffled(seed);
    let mut world = World::new(protocol, group, schedule, seed);
    events::random(&mut world, seed, count);
}

/// Who receives what first makes no difference: one key for all schedules that the services
/// permit, as long as every member draws the same shares.
pub fn order_of_delivery(protocol: Protocol, group: &NamedGroup, seeds: core::ops::Range<u64>) {
    let mut first = None;
    for seed in seeds {
        let (mut world, all) = World::grown(protocol, group, Schedule::Shuffled(seed), 3);
        let joined = members(4..=6);
        world.add(&joined);
        let gone: Vec<MemberName> = all.iter().take(1).cloned().collect();
        let run = world.update("leave with joins", &all, &gone, &joined);
        let secret = run.secrets.into_values().next().expect("a secret");
        let order = world
            .bus
            .machine(all.last().expect("a member"))
            .order()
            .to_vec();
        match &first {
            None => first = Some((secret, order)),
            Some((first, first_order)) => {
                assert!(
                    bool::from(first.ct_eq(&secret)),
                    "schedule {seed} has another key"
                );
                assert_eq!(*first_order, order, "schedule {seed} has another order");
            }
        }
    }
}

/// An agreement that is abandoned at any point leaves the last completed state: the members agree
/// on a next key as if nothing had been.
pub fn abandoned_agreements(protocol: Protocol, group: &NamedGroup) {
    let mut cut = 0;
    loop {
        let (mut world, all) = World::grown(protocol, group, Schedule::Shuffled(cut), 3);
        let joined = members(4..=5);
        world.add(&joined);
        let order = world
            .bus
            .machine(all.first().expect("a member"))
            .order()
            .to_vec();
        let changes = World::changes(&all, &[], &joined);
        let mut left = cut;
        let run = world
            .bus
            .change_with(&changes, |_, _, _| match left {
                0 => Flow::Stop,
                _ => {
                    left -= 1;
                    Flow::Go
                }
            })
            .expect("an honest run");
        if !run.secrets.is_empty() {
            assert!(cut > 4, "an agreement needs more than {cut} deliveries");
            return;
        }
        for member in &all {
            let machine = world.bus.machine(member);
            machine.abandon();
            assert_eq!(machine.order(), order, "{member} after {cut} deliveries");
        }
        for member in &joined {
            let machine = world.bus.machine(member);
            machine.abandon();
            assert!(
                machine.order().is_empty(),
                "{member} after {cut} deliveries"
            );
        }
        world.update("refresh after abandoning", &all, &[], &[]);
        world.update("merge after abandoning", &all, &[], &joined);
        cut += 1;
    }
}

/// An agreement that is cut off at any point, when some may have completed it and others not, does
/// not keep the members from starting over: from the same membership all get one new key.
pub fn restarts_after_a_cut(protocol: Protocol, group: &NamedGroup) {
    let mut completed = 0;
    for cut in 0.. {
        let (mut world, all) = World::grown(protocol, group, Schedule::Shuffled(cut), 3);
        let joined = members(4..=5);
        world.add(&joined);
        let changes = World::changes(&all, &all[..1], &joined);
        let mut left = cut;
        let run = world
            .bus
            .change_with(&changes, |_, _, _| match left {
                0 => Flow::Stop,
                _ => {
                    left -= 1;
                    Flow::Go
                }
            })
            .expect("an honest run");
        let view: Vec<MemberName> = all[1..].iter().chain(&joined).cloned().collect();
        world.restart(&view);
        world.update("refresh after a restart", &view, &[], &[]);
        if run.secrets.len() == view.len() {
            assert!(completed > 0, "nobody completed before somebody else");
            return;
        }
        completed += run.secrets.len();
    }
}

/// A change that begins while another is under way takes its place.
pub fn superseded_agreements(protocol: Protocol, group: &NamedGroup) {
    let (mut world, all) = World::grown(protocol, group, Schedule::Rounds, 4);
    let mut rng = seeded(5);
    let (gone, stay) = all.split_at(1);
    for member in stay {
        let change = Change::Update {
            left: gone.to_vec(),
            joined: members([7]),
        };
        let _ = world
            .bus
            .machine(member)
            .begin(change, &mut rng)
            .expect("a legal change");
    }
    let all: Vec<MemberName> = all.to_vec();
    world.update("another change instead", &all, &all[1..2], &[]);
}

/// Calls that do not fit are refused by name, and nothing changes.
pub fn misuse(protocol: Protocol, group: &NamedGroup) {
    let mut rng = seeded(3);
    let me = members([1]);
    let mut lone = protocol.member(*group, me[0]);
    let refused = |result: Result<_, Error>, what: &str| match result {
        Err(Error::ApiMisuse(_)) => {}
        other => panic!("{what}: {other:?}"),
    };
    refused(lone.refresh(&mut rng), "refresh without a group");
    refused(
        lone.begin(
            Change::Update {
                left: vec![],
                joined: members([2]),
            },
            &mut rng,
        ),
        "merge without a group",
    );
    let enter = |numbers: &[usize]| Change::Enter {
        members: members(numbers.iter().copied()),
    };
    refused(
        lone.begin(enter(&[2, 3]), &mut rng),
        "entering without being a member",
    );
    refused(lone.begin(enter(&[1, 2, 2]), &mut rng), "a member twice");
    refused(lone.begin(enter(&[1]), &mut rng), "entering alone");
    let restart = |numbers: &[usize]| Change::Restart {
        joined: members(numbers.iter().copied()),
    };
    refused(
        lone.begin(restart(&[1, 2]), &mut rng),
        "restarting with itself",
    );
    refused(
        lone.begin(restart(&[2, 2]), &mut rng),
        "restarting with a member twice",
    );
    assert!(lone.order().is_empty() && lone.controller().is_none());

    let (mut world, all) = World::grown(protocol, group, Schedule::Rounds, 3);
    let update = |left: &[usize], joined: &[usize]| Change::Update {
        left: members(left.iter().copied()),
        joined: members(joined.iter().copied()),
    };
    for member in &all {
        let machine = world.bus.machine(member);
        let order = machine.order().to_vec();
        refused(
            machine.begin(update(&[9], &[]), &mut rng),
            "a stranger leaves",
        );
        refused(
            machine.begin(update(&[1, 2, 3], &[]), &mut rng),
            "this member leaves",
        );
        refused(
            machine.begin(update(&[], &[2]), &mut rng),
            "a member joins again",
        );
        refused(
            machine.begin(update(&[], &[7, 7]), &mut rng),
            "a joiner twice",
        );
        assert_eq!(machine.order(), order);
    }
    world.update("refresh after misuse", &all, &[], &[]);
    for member in &all {
        let machine = world.bus.machine(member);
        machine.reset();
        assert!(machine.order().is_empty() && machine.controller().is_none());
        refused(machine.refresh(&mut rng), "refresh after a reset");
    }
}
