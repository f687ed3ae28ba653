//! Hostile tokens against GDH that are not among the common ones.

use cliques::{
    Change, DecodeError, Error, KeyAgreement, MathematicalGroup, PeerFault, Protocol,
    group::ElementPolicy,
    testing::{
        bus::{Delivery, Schedule},
        faults::{self, GdhFaults},
        rng::seeded,
        world::{self, World},
    },
};
use rand_core::CryptoRng;

use super::{schnorr, schnorr_elements, toy};

/// Under the strict policy an element of order r or qr is refused, wherever it stands in a token, by
/// the first that uses it, who names the sender.
#[test]
fn elements_outside_a_schnorr_group_are_refused_by_their_first_receiver() {
    let refused = faults::altered_tokens(
        &GdhFaults,
        &schnorr(ElementPolicy::Strict),
        Schedule::Rounds,
        &schnorr_elements(),
    );
    assert!(refused > 1000, "only {refused}");
}

/// Passed on, a token of order qr would make every honest member compute another key. Whatever the
/// policy, it is refused by its first receiver, who names its sender.
#[test]
fn a_token_outside_a_schnorr_group_is_refused_by_its_first_receiver() {
    let mut refused = 0;
    let group = schnorr(ElementPolicy::Jacobi);
    let elements = schnorr_elements();
    let hook =
        |_, machine: &mut dyn KeyAgreement, delivery: &Delivery<'_>, rng: &mut dyn CryptoRng| {
            let (token, from) = (&delivery.sent.token, delivery.sent.from);
            if !matches!(
                token.kind,
                cliques::gdh::PARTIAL_TOKEN | cliques::gdh::FINAL_TOKEN
            ) || from == *delivery.to
            {
                return;
            }
            // The element is what the body ends in.
            let head = &token.body[..token.body.len() - 256];
            for bad in &elements.bad {
                let body = [head, &bad.encoding].concat();
                let error = machine.process(&from, token.kind, &body, rng).unwrap_err();
                let (culprit, fault) = (from, PeerFault::NotInGroup);
                assert_eq!(error, Error::Peer { culprit, fault });
                refused += 1;
            }
        };
    faults::disturbed(Protocol::GDH, &group, Schedule::Rounds, hook);
    assert!(refused > 10, "only {refused}");
}

/// Four members, of which m04 leaves, so that m03 writes a list. It reaches m02 with `element` as
/// the partial key of `victim`, and is accepted.
fn after_a_bad_list(group: &MathematicalGroup, victim: usize, element: &[u8]) -> World {
    let (mut world, all) = World::grown(Protocol::GDH, group, Schedule::Rounds, 4);
    let mut rng = seeded(7);
    let mut lists = Vec::new();
    for member in &all[..3] {
        let change = Change::Update {
            left: vec![all[3]],
            joined: vec![],
        };
        let step = world.bus.machine(member).begin(change, &mut rng).unwrap();
        lists.extend(step.send);
    }
    let mut body = lists.remove(0).body;
    assert!(lists.is_empty(), "only m03 writes");
    // u16 count, then u16 length, name of three bytes and element for each member.
    let start = 2 + victim * (5 + element.len()) + 5;
    body[start..start + element.len()].copy_from_slice(element);
    let machine = world.bus.machine(&all[1]);
    let step = machine.process(&all[2], cliques::gdh::KEY_LIST, &body, &mut rng);
    assert!(step.unwrap().secret.is_some(), "accepted at first");
    world
}

/// The partial keys of others are tested by a member that becomes controller. It names who brought
/// a bad one in a list that everybody had accepted, and is left as it was.
#[test]
fn a_bad_partial_key_is_found_by_the_controller_who_uses_it() {
    let culprit = world::members([3]).remove(0);
    for (group, element) in [
        (toy().into(), vec![0x01, 0xfd, 0x3b]),
        (
            schnorr(ElementPolicy::Strict).into(),
            schnorr_elements().bad.remove(0).encoding,
        ),
    ] {
        // m02 becomes controller of m01 and itself, and needs the partial key of m01.
        let mut world = after_a_bad_list(&group, 0, &element);
        let controller = world.bus.machine(&world::members([2])[0]);
        let left = vec![culprit];
        let (before, mut rng) = (format!("{controller:?}"), seeded(1));
        for joined in [vec![], world::members([5])] {
            // With a join the list is made of factor-outs: the old ones are not needed.
            let used = joined.is_empty();
            let change = Change::Update {
                left: left.clone(),
                joined,
            };
            let result = controller.begin(change, &mut rng);
            match used {
                true => {
                    let (culprit, fault) = (culprit, PeerFault::NotInGroup);
                    assert_eq!(result.unwrap_err(), Error::Peer { culprit, fault });
                    assert_eq!(format!("{controller:?}"), before);
                }
                false => assert_eq!(result.unwrap().send.len(), 1),
            }
        }
    }
}

/// A partial key of order qr passes the Jacobi symbol, but not as the token that a merge starts with.
#[test]
fn the_own_partial_key_is_tested_exactly_before_it_becomes_a_token() {
    let culprit = world::members([3]).remove(0);
    let element = schnorr_elements().bad.remove(0).encoding;
    let group = schnorr(ElementPolicy::Jacobi).into();
    let mut world = after_a_bad_list(&group, 1, &element);
    let controller = world.bus.machine(&world::members([2])[0]);
    let (before, mut rng) = (format!("{controller:?}"), seeded(1));
    let change = Change::Update {
        left: vec![culprit],
        joined: world::members([5]),
    };
    let error = controller.begin(change, &mut rng).unwrap_err();
    let fault = PeerFault::NotInGroup;
    assert_eq!(error, Error::Peer { culprit, fault });
    assert_eq!(format!("{controller:?}"), before);
}

#[test]
fn a_second_factor_out_of_one_member_is_its_fault() {
    let mut seen = 0;
    faults::disturbed(
        Protocol::GDH,
        &toy(),
        Schedule::Rounds,
        |_, machine, delivery, rng| {
            if delivery.sent.token.kind != cliques::gdh::FACTOR_OUT {
                return;
            }
            // The sender before this one in the order has sent its factor-out already.
            let order = machine.order().to_vec();
            let place = order
                .iter()
                .position(|name| *name == delivery.sent.from)
                .unwrap();
            if place == 0 {
                return;
            }
            let before = &order[place - 1];
            let error = machine
                .process(before, delivery.sent.token.kind, &[0, 0, 4], rng)
                .unwrap_err();
            let fault = PeerFault::Duplicate;
            assert_eq!(
                error,
                Error::Peer {
                    culprit: *before,
                    fault
                }
            );
            seen += 1;
        },
    );
    assert!(seen >= 3);
}

#[test]
fn a_partial_token_comes_from_the_predecessor() {
    let members = world::members(1..=3);
    let mut machine = Protocol::GDH.member(toy(), members[1]);
    let mut rng = seeded(1);
    let _ = machine
        .begin(
            Change::Enter {
                members: members.clone(),
            },
            &mut rng,
        )
        .unwrap();
    let body = |order: [&[u8; 3]; 3]| {
        let names = order.map(|name| [&[0, 3], &name[..]].concat()).concat();
        [&[0, 1, 0, 3], &names[..], &[0, 0, 4]].concat()
    };
    let kind = cliques::gdh::PARTIAL_TOKEN;
    // First of the order, so without a predecessor; then behind somebody else than the sender.
    for order in [[b"m02", b"m01", b"m03"], [b"m01", b"m03", b"m02"]] {
        let error = machine
            .process(&members[0], kind, &body(order), &mut rng)
            .unwrap_err();
        let fault = PeerFault::NotController;
        assert_eq!(
            error,
            Error::Peer {
                culprit: members[0],
                fault
            }
        );
    }
    let honest = body([b"m01", b"m02", b"m03"]);
    let step = machine
        .process(&members[0], kind, &honest, &mut rng)
        .unwrap();
    assert_eq!(step.send.len(), 1);
    assert_eq!(machine.controller(), Some(&members[2]));
}

/// A name that no member can have makes a body unreadable; one that is merely not expected breaks a
/// rule.
#[test]
fn names_that_no_member_can_have_are_undecodable() {
    let members = world::members(1..=3);
    let mut machine = Protocol::GDH.member(toy(), members[1]);
    let mut rng = seeded(1);
    let change = Change::Enter {
        members: members.clone(),
    };
    let _ = machine.begin(change, &mut rng).unwrap();
    let mut error = |length: u16| {
        let name = vec![b'x'; usize::from(length)];
        let body = [
            &[0, 1, 0, 3, 0, 3][..],
            b"m01\0\x03m02",
            &length.to_be_bytes(),
            &name,
            &[0, 0, 4],
        ]
        .concat();
        machine
            .process(&members[0], cliques::gdh::PARTIAL_TOKEN, &body, &mut rng)
            .unwrap_err()
    };
    let what = "length of a name";
    let none = DecodeError::Unknown { what, value: 0 };
    assert_eq!(error(0), Error::Decode(none));
    for value in [32, 60_000] {
        let long = DecodeError::TooLarge {
            what,
            value: u64::from(value),
            max: 31,
        };
        assert_eq!(error(value), Error::Decode(long));
    }
    let fault = PeerFault::MemberListMismatch;
    let culprit = members[0];
    assert_eq!(error(31), Error::Peer { culprit, fault });
}
