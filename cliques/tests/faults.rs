//! Hostile tokens against GDH.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use cliques::{
    Change, DecodeError, Error, NamedGroup, PeerFault, Protocol,
    testing::{bus::Schedule, faults, rng::seeded, world},
};
use proptest::prelude::*;

/// The group of 17 bits: p = 130367, generator 4.
fn toy() -> NamedGroup {
    "toy17".parse().unwrap()
}

fn bad_toy_elements() -> Vec<faults::BadElement> {
    vec![
        (vec![0, 0, 0], PeerFault::ZeroElement),
        (vec![0, 0, 1], PeerFault::OneElement),
        // p - 1, of order two; p itself; the largest number of this length; a non-residue.
        (vec![0x01, 0xfd, 0x3e], PeerFault::NotInGroup),
        (vec![0x01, 0xfd, 0x3f], PeerFault::NotInGroup),
        (vec![0xff, 0xff, 0xff], PeerFault::NotInGroup),
        (vec![0x01, 0xfd, 0x3b], PeerFault::NotInGroup),
    ]
}

#[test]
fn altered_tokens_are_refused_by_name() {
    for schedule in [
        Schedule::Rounds,
        Schedule::Shuffled(1),
        Schedule::Shuffled(2),
    ] {
        let refused = faults::altered_tokens(&toy(), schedule, &[0, 0, 4], &bad_toy_elements());
        assert!(refused > 1000, "only {refused}");
    }
}

#[test]
fn altered_tokens_of_an_elliptic_group() {
    let good = hex::decode("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76");
    // Not canonical, and a field element that no point has.
    let bad = vec![
        (vec![0xff; 32], PeerFault::NotInGroup),
        ([&[1][..], &[0; 31]].concat(), PeerFault::NotInGroup),
    ];
    let group: NamedGroup = "ristretto255".parse().unwrap();
    let refused = faults::altered_tokens(&group, Schedule::Rounds, &good.unwrap(), &bad);
    assert!(refused > 1000, "only {refused}");
}

/// Elements of order r and qr pass the Jacobi symbol of the groups with p = 2qr + 1. Passed on, one
/// of order qr would make every honest member compute another key; it is refused, wherever it
/// stands in a token, by the first that receives it, who names the sender.
#[test]
fn elements_outside_a_schnorr_group_are_refused_by_their_first_receiver() {
    let file = include_str!("vectors/dh-groups.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let element = |hex: &str| hex::decode(format!("{hex:0>512}")).unwrap();
    let of = |name: &'static str, field: &'static str| {
        file[name]
            .as_array()
            .unwrap()
            .iter()
            .filter(move |entry| entry[field] == "schnorr2048-256")
    };
    let good = of("groups", "name").next().unwrap();
    let bad: Vec<_> = of("element_checks", "group")
        .filter(|case| case["accept"] == false && case["accept_jacobi"] == true)
        .map(|case| {
            let element = element(case["element"].as_str().unwrap());
            (element, PeerFault::NotInGroup)
        })
        .collect();
    assert!(bad.len() >= 2, "order r and order qr");
    let refused = faults::altered_tokens(
        &NamedGroup::Schnorr2048,
        Schedule::Rounds,
        &element(good["g"].as_str().unwrap()),
        &bad,
    );
    assert!(refused > 1000, "only {refused}");
}

#[test]
fn replayed_tokens_are_refused() {
    for seed in 0..4 {
        let refused = faults::replayed_tokens(&toy(), Schedule::Shuffled(seed));
        assert!(refused > 50, "only {refused}");
    }
}

#[test]
fn a_second_factor_out_of_one_member_is_its_fault() {
    let mut seen = 0;
    faults::disturbed(&toy(), Schedule::Rounds, |_, machine, delivery, rng| {
        if delivery.sent.token.kind != cliques::TokenKind::GdhFactorOut {
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
                culprit: before.clone(),
                fault
            }
        );
        seen += 1;
    });
    assert!(seen >= 3);
}

#[test]
fn a_partial_token_comes_from_the_predecessor() {
    let members = world::members(1..=3);
    let mut machine = Protocol::Gdh.member(toy(), members[1].clone());
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
    let kind = cliques::TokenKind::GdhPartial;
    // First of the order, so without a predecessor; then behind somebody else than the sender.
    for order in [[b"m02", b"m01", b"m03"], [b"m01", b"m03", b"m02"]] {
        let error = machine
            .process(&members[0], kind, &body(order), &mut rng)
            .unwrap_err();
        let fault = PeerFault::NotController;
        assert_eq!(
            error,
            Error::Peer {
                culprit: members[0].clone(),
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
    let mut machine = Protocol::Gdh.member(toy(), members[1].clone());
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
            .process(&members[0], cliques::TokenKind::GdhPartial, &body, &mut rng)
            .unwrap_err()
    };
    let what = "length of a name";
    let none = DecodeError::Unknown { what, value: 0 };
    assert_eq!(error(0), Error::Decode(none));
    for value in [256, 60_000] {
        let long = DecodeError::TooLarge {
            what,
            value: u64::from(value),
            max: 255,
        };
        assert_eq!(error(value), Error::Decode(long));
    }
    let fault = PeerFault::MemberListMismatch;
    let culprit = members[0].clone();
    assert_eq!(error(255), Error::Peer { culprit, fault });
}

#[test]
fn the_culprit_is_named() {
    let error = Error::Peer {
        culprit: world::members([3]).remove(0),
        fault: PeerFault::Duplicate,
    };
    assert_eq!(error.culprits(), world::members([3]));
}

proptest! {
    /// Bytes from the network: no panic, and no change of an agreement under way.
    #[test]
    fn arbitrary_bodies_are_refused(
        kind in 0..cliques::TokenKind::ALL.len(),
        sender in 1_usize..5,
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut machine = Protocol::Gdh.member(toy(), world::members([2]).remove(0));
        let mut rng = seeded(1);
        let members = world::members(1..=3);
        let _ = machine.begin(Change::Enter { members: members.clone() }, &mut rng).unwrap();
        let sender = world::members([sender]).remove(0);
        let kind = cliques::TokenKind::ALL[kind];
        prop_assert!(machine.process(&sender, kind, &body, &mut rng).is_err());
        prop_assert_eq!(machine.order(), &members);
    }
}
