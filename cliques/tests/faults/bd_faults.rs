//! Hostile tokens against BD that are not among the common ones.

use cliques::{
    Change, Error, MemberName, Outgoing, PeerFault, Protocol, Rejected,
    group::ElementPolicy,
    testing::{
        bus::{Flow, Schedule},
        faults::{self, BdFaults},
        rng::seeded,
        world::{self, World},
    },
};

use super::{schnorr, schnorr_elements, toy, toy_elements};

#[test]
fn elements_outside_a_schnorr_group_are_refused_by_whoever_uses_them() {
    let (group, elements) = (schnorr(ElementPolicy::Strict), schnorr_elements());
    let cases = faults::late_cases(&BdFaults, &group, Schedule::Rounds, &elements);
    // Rounds of five members, six, and five: a few of each are enough in the large group.
    assert!(cases.len() > 100, "only {}", cases.len());
    for case in cases.iter().step_by(37) {
        case.check(&BdFaults, &group, Schedule::Rounds);
    }
}

#[test]
fn late_tests_find_something() {
    let found = faults::late_tokens(&BdFaults, &toy(), Schedule::Rounds, &toy_elements());
    assert!(found > 100, "only {found}");
}

/// An X that is in the group but not the right one: the product is not 1, and nobody can tell who
/// did it.
#[test]
fn a_wrong_quotient_makes_everybody_a_suspect() {
    let (mut world, all) = World::grown(Protocol::BD, &toy(), Schedule::Rounds, 4);
    let changes = World::changes(&all, &[], &[]);
    let run = world.bus.change_with(&changes, |_, delivery, _| {
        let spoilt = delivery.sent.token.kind == cliques::bd::QUOTIENT
            && delivery.sent.from == all[1]
            && *delivery.to == all[3];
        match spoilt {
            true => Flow::Instead(vec![0, 0, 4]),
            false => Flow::Go,
        }
    });
    let (member, error) = run.unwrap_err();
    assert_eq!(member, all[3]);
    let suspects = all[..3].to_vec();
    assert_eq!(error.culprits(), suspects);
    assert_eq!(error, Error::Contradiction { suspects });
}

/// A member of two who is told the tokens of the other by hand.
fn pair() -> (Box<dyn cliques::KeyAgreement>, Vec<MemberName>, Outgoing) {
    let all = world::members(1..=2);
    let mut machine = Protocol::BD.member(toy(), all[0]);
    let members = all.clone();
    let mut step = machine
        .begin(Change::Enter { members }, &mut seeded(1))
        .unwrap();
    (machine, all, step.send.remove(0))
}

#[test]
fn quotients_of_two_members_are_one() {
    let (mut machine, all, mine) = pair();
    let mut rng = seeded(2);
    let mut process =
        |from: &MemberName, kind, body: &[u8]| machine.process(from, kind, body, &mut rng);
    let blinded = [&mine.body[..32], &[0, 0, 16]].concat();
    let _ = process(&all[1], cliques::bd::BLINDED_SHARE, &blinded).unwrap();
    let step = process(&all[0], cliques::bd::BLINDED_SHARE, &mine.body).unwrap();
    assert_eq!(step.send[0].body, [0, 0, 1]);
    for (body, fault) in [
        ([0, 0, 0], PeerFault::ZeroElement),
        ([0, 0, 16], PeerFault::Inconsistent),
        ([0x01, 0xfd, 0x3b], PeerFault::NotInGroup),
    ] {
        let culprit = all[1];
        let error = process(&all[1], cliques::bd::QUOTIENT, &body).unwrap_err();
        assert_eq!(error, Error::Peer { culprit, fault });
    }
    let _ = process(&all[0], cliques::bd::QUOTIENT, &[0, 0, 1]).unwrap();
    let step = process(&all[1], cliques::bd::QUOTIENT, &[0, 0, 1]).unwrap();
    assert!(step.secret.is_some());
}

#[test]
fn a_quotient_that_is_early_waits_and_a_second_one_is_a_fault() {
    let (mut machine, all, mine) = pair();
    let mut rng = seeded(2);
    let mut process =
        |from: &MemberName, kind, body: &[u8]| machine.process(from, kind, body, &mut rng);
    let _ = process(&all[1], cliques::bd::QUOTIENT, &[0, 0, 1]).unwrap();
    let repeated = Rejected::Repeated(all[1]);
    let error = process(&all[1], cliques::bd::QUOTIENT, &[0, 0, 1]).unwrap_err();
    assert_eq!(error, Error::Rejected(repeated));
    let (culprit, fault) = (all[1], PeerFault::Duplicate);
    let error = process(&all[1], cliques::bd::QUOTIENT, &[0, 0, 16]).unwrap_err();
    assert_eq!(error, Error::Peer { culprit, fault });
    let _ = process(&all[0], cliques::bd::BLINDED_SHARE, &mine.body).unwrap();
    let blinded = [&mine.body[..32], &[0, 0, 16]].concat();
    let _ = process(&all[1], cliques::bd::BLINDED_SHARE, &blinded).unwrap();
    let step = process(&all[0], cliques::bd::QUOTIENT, &[0, 0, 1]).unwrap();
    assert!(step.secret.is_some());
}
