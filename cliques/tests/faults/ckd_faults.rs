//! Hostile tokens against CKD that are not among the common ones.

use cliques::{
    Error, MemberName, PeerFault, Protocol, Rejected, TokenKind,
    group::ElementPolicy,
    testing::{
        bus::{Flow, Schedule},
        faults::{self, CkdFaults},
        world::{self, World},
    },
};

use super::{schnorr, schnorr_elements, toy, toy_elements};

#[test]
fn elements_outside_a_schnorr_group_are_refused_by_whoever_uses_them() {
    let (group, elements) = (schnorr(ElementPolicy::Strict), schnorr_elements());
    let faults = CkdFaults(Protocol::CKD);
    let refused = faults::altered_tokens(&faults, &group, Schedule::Rounds, &elements);
    assert!(refused > 1000, "only {refused}");
    let cases = faults::late_cases(&faults, &group, Schedule::Rounds, &elements);
    for case in cases.iter().step_by(3) {
        case.check(&faults, &group, Schedule::Rounds);
    }
}

#[test]
fn late_tests_find_something() {
    let faults = CkdFaults(Protocol::CKD);
    let found = faults::late_tokens(&faults, &toy(), Schedule::Rounds, &toy_elements());
    // The responses of four targets and of two, with two bad elements each.
    assert_eq!(found, 12);
}

/// Three members and two who join; what is done to one delivery.
fn spoilt(
    kind: TokenKind,
    from: usize,
    to: usize,
    body: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<(), (MemberName, Error)> {
    let (mut world, all) = World::grown(Protocol::CKD, &toy(), Schedule::Rounds, 3);
    let joined = world::members(4..=5);
    world.add(&joined);
    let (from, to) = (name(from), name(to));
    let changes = World::changes(&all, &[], &joined);
    let run = world.bus.change_with(&changes, |_, it, _| {
        match it.sent.token.kind == kind && it.sent.from == from && *it.to == to {
            true => Flow::Instead(body(&it.sent.token.body)),
            false => Flow::Go,
        }
    });
    run.map(drop)
}

fn name(number: usize) -> MemberName {
    world::members([number]).remove(0)
}

/// Members that have a pair with the controller notice when it shows others another share.
#[test]
fn an_announcement_to_others_must_show_the_share_of_the_own_pair() {
    let other = |body: &[u8]| [&body[..body.len() - 3], &[0, 0, 4]].concat();
    let (culprit, fault) = (name(1), PeerFault::Inconsistent);
    assert_eq!(
        spoilt(cliques::ckd::OLD_CONTROLLER, 1, 2, other),
        Err((name(2), Error::Peer { culprit, fault }))
    );
    let outside = |body: &[u8]| [&body[..body.len() - 3], &[0, 0, 1]].concat();
    let (culprit, fault) = (name(1), PeerFault::OneElement);
    assert_eq!(
        spoilt(cliques::ckd::OLD_CONTROLLER, 1, 2, outside),
        Err((name(2), Error::Peer { culprit, fault }))
    );
}

/// Tokens that a member gives by hand in the middle of the join.
fn in_the_join(
    mut hook: impl FnMut(&mut dyn cliques::KeyAgreement, &cliques::testing::bus::Delivery<'_>),
) {
    let (mut world, all) = World::grown(Protocol::CKD, &toy(), Schedule::Rounds, 3);
    let joined = world::members(4..=5);
    world.add(&joined);
    let changes = World::changes(&all, &[], &joined);
    let run = world.bus.change_with(&changes, |machine, it, _| {
        hook(machine, it);
        Flow::Go
    });
    run.unwrap();
}

#[test]
fn responses_come_from_targets_and_once() {
    let mut seen = 0;
    in_the_join(|machine, it| {
        if it.sent.token.kind != cliques::ckd::RESPONSE || it.sent.from != name(5) {
            return;
        }
        // m04 has answered; m02 has a pair already.
        let mut rng = cliques::testing::rng::seeded(1);
        for (from, fault) in [(4, PeerFault::Duplicate), (2, PeerFault::NotController)] {
            let culprit = name(from);
            let error = machine
                .process(&culprit, cliques::ckd::RESPONSE, &[0, 0, 4], &mut rng)
                .unwrap_err();
            assert_eq!(error, Error::Peer { culprit, fault });
        }
        seen += 1;
    });
    assert_eq!(seen, 1);
}

#[test]
fn a_second_announcement_is_a_fault_and_another_kind_is_not_awaited() {
    let mut seen = 0;
    in_the_join(|machine, it| {
        let mut rng = cliques::testing::rng::seeded(1);
        let token = &it.sent.token;
        if token.kind == cliques::ckd::OLD_CONTROLLER && *it.to == name(2) {
            let (sender, kind) = (name(1), cliques::ckd::NEW_CONTROLLER);
            let error = machine.process(&sender, kind, &token.body, &mut rng);
            assert_eq!(error.unwrap_err(), Error::Unexpected { sender, kind });
            seen += 1;
        }
        if token.kind == cliques::ckd::KEY && *it.to != name(1) {
            let (culprit, fault) = (name(1), PeerFault::Duplicate);
            let error = machine
                .process(&culprit, cliques::ckd::OLD_CONTROLLER, &[0], &mut rng)
                .unwrap_err();
            assert_eq!(error, Error::Peer { culprit, fault });
            seen += 1;
        }
    });
    assert_eq!(seen, 1 + 4);
}

/// The two modes share a number in the envelope; their bodies keep them apart, without blame.
#[test]
fn a_key_of_the_other_mode_is_for_another_configuration() {
    let wrapped = |body: &[u8]| {
        let mut other = vec![1, 0, 4];
        for place in 0..4 {
            let entry = &body[3 + place * 8..];
            other.extend(&entry[..5]);
            other.extend([0, 1, 0]);
        }
        other
    };
    let rejected = Rejected::SuiteMismatch { field: "mode" };
    assert_eq!(
        spoilt(cliques::ckd::KEY, 1, 3, wrapped),
        Err((name(3), Error::Rejected(rejected)))
    );
}
