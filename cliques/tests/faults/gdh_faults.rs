//! Hostile tokens against GDH that are not among the common ones.

use cliques::{
    Change, DecodeError, Error, NamedGroup, PeerFault, Protocol,
    testing::{
        bus::Schedule,
        faults::{self, GdhFaults},
        rng::seeded,
        world,
    },
};

use super::{schnorr_elements, toy};

/// Passed on, an element of order qr would make every honest member compute another key; it is
/// refused, wherever it stands in a token, by the first that receives it, who names the sender.
#[test]
fn elements_outside_a_schnorr_group_are_refused_by_their_first_receiver() {
    let refused = faults::altered_tokens(
        &GdhFaults,
        &NamedGroup::Schnorr2048,
        Schedule::Rounds,
        &schnorr_elements(),
    );
    assert!(refused > 1000, "only {refused}");
}

#[test]
fn a_second_factor_out_of_one_member_is_its_fault() {
    let mut seen = 0;
    faults::disturbed(
        Protocol::Gdh,
        &toy(),
        Schedule::Rounds,
        |_, machine, delivery, rng| {
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
        },
    );
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
