//! CKD: the context of mode 1, pairs made anew, erasure, and who may make sense of what.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::sync::Arc;

use cliques::{
    Change, Error, KeyAgreement, NamedGroup, PeerFault, Protocol, Survival,
    ckd::Ckd,
    testing::{
        bus::{Run, Schedule},
        symbolic::{Algebra, Knowledge, SymbolicGroup},
        world::{World, members},
    },
};

fn toy() -> NamedGroup {
    "toy17".parse().unwrap()
}

/// The context of the key is part of the wrapping keys: members of another context cannot take part.
#[test]
fn members_of_another_context_are_refused() {
    let all = members(1..=3);
    for odd in [None, Some(2)] {
        let (mut world, _) = World::grown(Protocol::CKD_AEAD, &toy(), Schedule::Rounds, 3);
        for (place, member) in all.iter().enumerate() {
            let context = [if Some(place) == odd { 9 } else { 8 }; 32];
            world.bus.machine(member).bind(context);
        }
        let run = world.bus.change(&World::changes(&all, &[], &[]));
        match odd {
            None => assert_eq!(run.unwrap().secrets.len(), 3),
            Some(place) => {
                let (culprit, fault) = (all[0], PeerFault::Inconsistent);
                let error = Error::Peer { culprit, fault };
                assert_eq!(run.unwrap_err(), (all[place], error));
            }
        }
    }
}

#[test]
fn the_secret_of_mode_1_is_a_random_string() {
    let (world, _) = World::grown(Protocol::CKD_AEAD, &toy(), Schedule::Rounds, 3);
    for past in world.past() {
        assert_eq!(past.secret.expose().len(), 32);
    }
}

/// A world of members that make their pairs anew in every event.
fn renewing() -> (World, Arc<Algebra>) {
    let algebra = Algebra::new();
    let shared = algebra.clone();
    let maker = move |me: cliques::MemberName| {
        let owner = members(1..=9).iter().position(|name| *name == me).unwrap();
        let group = SymbolicGroup::new(shared.clone(), owner);
        let machine: Box<dyn KeyAgreement> = Box::new(Ckd::new(group, me).with_fresh_pairs());
        machine
    };
    let mut world = World::with_maker(Box::new(maker), Schedule::Rounds, 1);
    world.add(&members(1..=4));
    (world, algebra)
}

fn rounds(run: &Run) -> (u64, u64, u64) {
    (run.rounds(), run.total().unicasts, run.total().broadcasts)
}

/// What an intruder who learns the shares of one event can read: that event, unless pairs last.
#[test]
fn fresh_pairs_protect_other_events_from_a_share_that_leaks() {
    let (mut world, algebra) = renewing();
    let all = members(1..=4);
    world.found(&all[..1]);
    let run = world.update("growth", &all[..1], &[], &all[1..]);
    assert_eq!(rounds(&run), (3, 3, 2));
    let drawn = algebra.drawn();
    let run = world.update("leave", &all, &all[3..], &[]);
    assert_eq!(rounds(&run), (3, 2, 2));
    let run = world.update("refresh", &all[..3], &[], &[]);
    assert_eq!(rounds(&run), (3, 2, 2));
    let run = world.update("join", &all[..3], &[], &all[3..]);
    assert_eq!(rounds(&run), (3, 3, 2));
    world.update("leave of the controller", &all, &all[..1], &[]);

    let mut intruder = Knowledge::new(&algebra);
    for sent in world.past().iter().flat_map(|past| &past.sent) {
        intruder.learn(&sent.token.body);
    }
    for share in 0..drawn {
        intruder.learn_share(share);
    }
    for past in world.past() {
        let early = ["found", "growth"].contains(&past.event.as_str());
        assert_eq!(
            intruder.reaches(past.secret.expose()),
            early,
            "{}",
            past.event
        );
    }
}

/// Without that option the controller's share opens its whole reign, as the documentation says.
#[test]
fn the_share_of_a_controller_opens_its_reign() {
    let algebra = Algebra::new();
    let shared = algebra.clone();
    let maker = move |me: cliques::MemberName| {
        let group = SymbolicGroup::new(shared.clone(), usize::from(me != members([1])[0]));
        let machine: Box<dyn KeyAgreement> = Box::new(Ckd::new(group, me));
        machine
    };
    let mut world = World::with_maker(Box::new(maker), Schedule::Rounds, 1);
    let all = members(1..=4);
    world.add(&all);
    world.found(&all[..1]);
    let first_share = 0;
    world.update("growth", &all[..1], &[], &all[1..]);
    world.update("leave", &all, &all[3..], &[]);
    world.update("leave of the controller", &all[..3], &all[..1], &[]);
    let mut intruder = Knowledge::new(&algebra);
    for sent in world.past().iter().flat_map(|past| &past.sent) {
        intruder.learn(&sent.token.body);
    }
    intruder.learn_share(first_share);
    for past in world.past() {
        // A lone member encrypts nothing.
        let open = ["growth", "leave"].contains(&past.event.as_str());
        assert_eq!(
            intruder.reaches(past.secret.expose()),
            open,
            "{}",
            past.event
        );
    }
}

/// Pairs of those who are gone, shares of those who are no controllers: nothing stays behind.
#[test]
fn nothing_is_kept_but_the_share_of_the_controller_and_the_pairs() {
    let algebra = Algebra::new();
    let shared = algebra.clone();
    let maker = move |me: cliques::MemberName| {
        Protocol::CKD.member(SymbolicGroup::new(shared.clone(), 0), me)
    };
    let mut world = World::with_maker(Box::new(maker), Schedule::Rounds, 1);
    let all = members(1..=5);
    world.add(&all);
    // One share, and each pair twice: at the controller and at the member.
    let expected = |n: usize| 1 + 2 * (n - 1);
    world.found(&all[..1]);
    assert_eq!(algebra.alive(), expected(1));
    world.update("growth", &all[..1], &[], &all[1..]);
    assert_eq!(algebra.alive(), expected(5));
    world.update("leave", &all, &all[4..], &[]);
    world.bus.machine(&all[4]).reset();
    assert_eq!(algebra.alive(), expected(4));
    world.update("leave of the controller", &all[..4], &all[..1], &[]);
    world.bus.machine(&all[0]).reset();
    assert_eq!(algebra.alive(), expected(3));
    for member in &all {
        world.bus.machine(member).reset();
    }
    assert_eq!((algebra.alive(), algebra.alive_secrets()), (0, 0));
}

#[test]
fn only_suites_of_which_everything_survives_can_resume() {
    let mut rng = cliques::testing::rng::seeded(1);
    let all = Protocol::ALL.iter().copied();
    for protocol in all.filter(|protocol| protocol.survival() != Survival::Everything) {
        let (mut world, all) = World::grown(protocol, &toy(), Schedule::Rounds, 3);
        let machine = world.bus.machine(&all[0]);
        let before = machine.order().to_vec();
        let resume = Change::Resume {
            left: all[2..].to_vec(),
            joined: Vec::new(),
        };
        let error = machine.begin(resume, &mut rng).unwrap_err();
        assert!(matches!(error, Error::ApiMisuse(_)), "{protocol}");
        assert_eq!(machine.order(), before);
    }
}
