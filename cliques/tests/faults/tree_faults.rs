//! Hostile tokens against STR and TGDH that are not among the common ones, and keys that map to 0.

use cliques::{
    Change, Error, Group, MemberName, PeerFault, Protocol, Rejected, Suite, TokenKind, constructor,
    group::{ElementPolicy, Modp},
    keytree::Verification,
    str_::{self, Str},
    testing::{
        bus::{Bus, Flow, Schedule},
        faults::{self, Faults, StrFaults, TgdhFaults},
        rng::{ReplayRng, seeded},
        world::{self, World},
    },
    tgdh::{self, Tgdh},
};

use super::{schnorr, schnorr_elements, toy, toy_elements};

/// Both suites, with their kinds.
const SUITES: [(Protocol, TokenKind, TokenKind); 2] = [
    (Protocol::STR, str_::TREE, str_::UPDATE),
    (Protocol::TGDH, tgdh::TREE, tgdh::UPDATE),
];

#[test]
fn late_tests_find_something() {
    for (suite, least) in [(&StrFaults as &dyn Faults, 20), (&TgdhFaults, 20)] {
        let found = faults::late_tokens(suite, &toy(), Schedule::Rounds, &toy_elements());
        assert!(found > least, "only {found} of {}", suite.protocol());
    }
}

#[test]
fn elements_outside_a_schnorr_group_are_refused_by_whoever_uses_them() {
    let (group, elements) = (schnorr(ElementPolicy::Strict), schnorr_elements());
    for suite in [&StrFaults as &dyn Faults, &TgdhFaults] {
        let cases = faults::late_cases(suite, &group, Schedule::Rounds, &elements);
        assert!(cases.len() > 20, "only {}", cases.len());
        for case in cases.iter().step_by(11) {
            case.check(suite, &group, Schedule::Rounds);
        }
    }
}

/// Bodies of tokens and who sent them.
type Sent = Vec<(MemberName, Vec<u8>)>;

/// The tree of m01, m02, m03 in an agreement with m04, with the tokens of all.
fn merging(protocol: Protocol) -> (World, Vec<MemberName>, Sent) {
    let (mut world, _) = World::grown(protocol, &toy(), Schedule::Rounds, 3);
    let all = world::members(1..=4);
    world.add(&all[3..]);
    let mut bodies = Vec::new();
    for (member, change) in World::changes(&all[..3], &[], &all[3..]) {
        let mut rng = seeded(9);
        let step = world.bus.machine(&member).begin(change, &mut rng).unwrap();
        bodies.extend(step.send.into_iter().map(|token| (member, token.body)));
    }
    (world, all, bodies)
}

fn peer(culprit: &MemberName, fault: PeerFault) -> Error {
    Error::Peer {
        culprit: *culprit,
        fault,
    }
}

#[test]
fn one_tree_comes_from_each_component_and_from_its_representative() {
    for (protocol, tree, update) in SUITES {
        let (mut world, all, bodies) = merging(protocol);
        let machine = world.bus.machine(&all[0]);
        let mut rng = seeded(1);
        let mut error = |from: &MemberName, kind, body: &[u8]| {
            let before = format!("{machine:?}");
            let error = machine.process(from, kind, body, &mut rng).err();
            match &error {
                Some(_) => assert_eq!(format!("{machine:?}"), before, "{protocol}"),
                None => assert_ne!(format!("{machine:?}"), before, "{protocol}"),
            }
            error
        };
        assert_eq!(bodies.len(), 2, "{protocol}");
        let ((representative, own), (joiner, foreign)) = (&bodies[0], &bodies[1]);
        assert_eq!((representative, joiner), (&all[2], &all[3]), "{protocol}");
        let unexpected = Error::Unexpected {
            sender: all[2],
            kind: update,
        };
        let no_nodes = [0, 0, 0];
        assert_eq!(error(&all[2], update, &no_nodes), Some(unexpected));
        let fault = PeerFault::NotController;
        assert_eq!(error(&all[1], tree, own), Some(peer(&all[1], fault)));
        let fault = PeerFault::MemberListMismatch;
        assert_eq!(error(joiner, tree, own), Some(peer(joiner, fault)));
        assert_eq!(
            error(representative, tree, foreign),
            Some(peer(&all[2], fault))
        );
        assert_eq!(error(joiner, tree, foreign), None);
        let repeated = Error::Rejected(Rejected::Repeated(*joiner));
        assert_eq!(error(joiner, tree, foreign), Some(repeated));
        let mut other = foreign.clone();
        let at = other.len() - 3;
        if protocol == Protocol::STR {
            let share = at - 3 - 4;
            other[share..share + 3].copy_from_slice(&[0, 0, 16]);
        }
        other[at..].copy_from_slice(&[0, 0, 16]);
        let fault = PeerFault::Duplicate;
        assert_eq!(error(joiner, tree, &other), Some(peer(joiner, fault)));
    }
}

#[test]
fn updates_come_from_whose_turn_it_is() {
    for (protocol, tree, update) in SUITES {
        let (mut world, all) = World::grown(protocol, &toy(), Schedule::Rounds, 5);
        let changes = World::changes(&all, &[], &[]);
        let mut seen = 0;
        let run = world.bus.change_with(&changes, |machine, delivery, rng| {
            if *delivery.to == all[0] {
                let body = &delivery.sent.token.body;
                for stranger in &all[1..4] {
                    let error = machine.process(stranger, update, body, rng).unwrap_err();
                    assert_eq!(error, peer(stranger, PeerFault::NotController));
                }
                let error = machine.process(&all[4], tree, body, rng).unwrap_err();
                let kind = tree;
                let sender = all[4];
                assert_eq!(error, Error::Unexpected { sender, kind });
                let error = machine
                    .process(&all[4], cliques::bd::BLINDED_SHARE, body, rng)
                    .unwrap_err();
                assert!(matches!(error, Error::Unexpected { .. }), "{error}");
                seen += 1;
            }
            Flow::Go
        });
        assert_eq!((run.unwrap().secrets.len(), seen), (5, 1), "{protocol}");
    }
}

/// A second update of one member, while others are awaited.
#[test]
fn a_second_update_is_a_duplicate() {
    // Two subtrees of (((m01 m02) (m03 m04)) ((m05 m06) (m07 m08))) lose a member each.
    let (mut world, all) = World::grown(Protocol::TGDH, &toy(), Schedule::Rounds, 8);
    let gone = [all[0], all[4]];
    let changes = World::changes(&all, &gone, &[]);
    let mut first = None;
    let mut seen = 0;
    let run = world.bus.change_with(&changes, |machine, delivery, rng| {
        if *delivery.to == all[1] && delivery.sent.from != all[1] {
            match &first {
                None => first = Some(delivery.sent.clone()),
                Some(first) => {
                    let mut body = first.token.body.clone();
                    let at = body.len() - 3;
                    body[at..].copy_from_slice(&[0, 0, 16]);
                    let error = machine
                        .process(&first.from, first.token.kind, &body, rng)
                        .unwrap_err();
                    assert_eq!(error, peer(&first.from, PeerFault::Duplicate));
                    seen += 1;
                }
            }
        }
        Flow::Go
    });
    assert_eq!(run.unwrap().secrets.len(), 6);
    assert!(seen > 0, "a partition has several updates");
}

/// A blinded key that is in the group, but not the one of the key.
#[test]
fn a_wrong_blinded_key_is_found_by_whoever_verifies() {
    fn verifying_str<G: Group>(group: G, me: MemberName) -> Str<G> {
        Str::new(group, me).with_verification(Verification::On)
    }
    fn verifying_tgdh<G: Group>(group: G, me: MemberName) -> Tgdh<G> {
        Tgdh::new(group, me).with_verification(Verification::On)
    }
    const STR: Suite = Suite {
        member: constructor!(verifying_str),
        ..str_::SUITE
    };
    const TGDH: Suite = Suite {
        member: constructor!(verifying_tgdh),
        ..tgdh::SUITE
    };
    let verifying = [Protocol::of(&STR), Protocol::of(&TGDH)];
    for ((protocol, _, update), verifying) in SUITES.into_iter().zip(verifying) {
        for (member, finds) in [(protocol, false), (verifying, true)] {
            let mut world = World::new(member, &toy(), Schedule::Rounds, 3);
            let all = world::members(1..=5);
            world.add(&all);
            world.found(&all[..1]);
            world.update("honest growth", &all[..1], &[], &all[1..4]);
            if protocol == Protocol::TGDH {
                world.update("honest join", &all[..4], &[], &all[4..]);
            }
            // m01 knows the keys of the nodes that are announced once m02 is gone.
            let mut changed = false;
            let present = world.bus.machine(&all[0]).order().to_vec();
            let changes = World::changes(&present, &all[1..2], &[]);
            let result = world.bus.change_with(&changes, |_, delivery, _| {
                let token = &delivery.sent.token;
                if token.kind != update || *delivery.to == delivery.sent.from || changed {
                    return Flow::Go;
                }
                // The last blinded key of the token, at the first who receives it.
                let mut body = token.body.clone();
                let at = body.len() - 3;
                body[at..].copy_from_slice(&[0, 0, 16]);
                changed = true;
                Flow::Instead(body)
            });
            assert!(changed, "{protocol}");
            match finds {
                true => {
                    let (_, error) = result.unwrap_err();
                    let inconsistent = PeerFault::Inconsistent;
                    assert_eq!(
                        error,
                        peer(&error.culprits()[0], inconsistent),
                        "{protocol}"
                    );
                }
                false => assert!(result.is_ok(), "{protocol}"),
            }
        }
    }
}

/// An element off the own co-path is not tested. When it comes to be used, in a later event, that
/// fails; nothing has changed then, and the author is named.
#[test]
fn what_is_used_later_is_tested_later() {
    let mut world = World::new(Protocol::TGDH, &toy(), Schedule::Rounds, 1);
    let all = world::members(1..=8);
    world.add(&all);
    world.found(&all[..1]);
    // Into (((m01 m02) (m03 m04)) ((m05 m06) (m07 m08))): m01 is told of a blinded key of m05 and
    // m06 that is no square, and does not use it.
    let path = [2, 0b1000_0000];
    let mut author = None;
    let changes = World::changes(&all[..1], &[], &all[1..]);
    let run = world.bus.change_with(&changes, |_, delivery, _| {
        let mut body = delivery.sent.token.body.clone();
        let place = body.windows(2).position(|bytes| bytes == path);
        match (delivery.sent.token.kind, place) {
            (tgdh::UPDATE, Some(place)) if *delivery.to == all[0] => {
                body[place + 2..place + 5].copy_from_slice(&[0x01, 0xfd, 0x3b]);
                author = Some(delivery.sent.from);
                Flow::Instead(body)
            }
            _ => Flow::Go,
        }
    });
    assert_eq!(run.unwrap().secrets.len(), 8);
    let author = author.unwrap();
    // Now (m01 (m05 m06)), and m01 is to announce the key of the root to somebody who joins.
    let machine = world.bus.machine(&all[0]);
    let before = format!("{machine:?}");
    let change = |joined| Change::Update {
        left: [&all[1..4], &all[6..]].concat(),
        joined,
    };
    let mut rng = seeded(4);
    let error = machine
        .begin(change(world::members([9])), &mut rng)
        .unwrap_err();
    assert_eq!(error, peer(&author, PeerFault::NotInGroup));
    assert_eq!(format!("{machine:?}"), before);
    // Or it has nothing to announce but its own share, and finds out when that comes back.
    let step = machine.begin(change(Vec::new()), &mut rng).unwrap();
    let me = all[0];
    let token = &step.send[0];
    let error = machine
        .process(&me, token.kind, &token.body, &mut rng)
        .unwrap_err();
    assert_eq!(error, peer(&author, PeerFault::NotInGroup));
}

/// The subgroup of order 65521 modulo 655211, in which F maps g^6552 to 0: that is a multiple of
/// 65521.
fn small() -> Modp {
    let bytes = |number: u64| number.to_be_bytes();
    Modp::custom_insecure(&bytes(655_211), &bytes(65_521), &bytes(1024)).unwrap()
}

/// The exponent of the element that F maps to 0.
const TO_ZERO: u16 = 6552;

/// Members of a group with F(g^6552) = 0 who draw these shares, in a row.
fn drawing(protocol: Protocol, shares: &[&[u16]]) -> (Bus, Vec<MemberName>) {
    let mut bus = Bus::new(Schedule::Rounds);
    let all = world::members(1..=shares.len());
    for (member, shares) in all.iter().zip(shares) {
        let mut rng = ReplayRng::new();
        for share in *shares {
            rng.push(&share.to_be_bytes());
        }
        let machine = protocol.member(small(), *member);
        bus.add(machine, Box::new(rng));
    }
    (bus, all)
}

#[test]
fn a_share_that_makes_a_key_0_is_drawn_again() {
    for (protocol, ..) in SUITES {
        // With 6552 the key g^(1 * 6552) of m01 and m02 is 0 as an exponent, so m02 draws again.
        let (mut bus, all) = drawing(protocol, &[&[5, 1], &[7, TO_ZERO, 2, 9], &[3]]);
        let _ = bus.change(&[(all[0], Change::Found)]).unwrap();
        let _ = bus
            .change(&World::changes(&all[..1], &[], &all[1..2]))
            .unwrap();
        let run = bus
            .change(&World::changes(&all[..2], &[], &all[2..]))
            .unwrap();
        assert_eq!(run.secrets.len(), 3, "{protocol}");
        // The next share that m02 draws, alone, is the fourth.
        let gone = [all[0], all[2]];
        let run = bus.change(&World::changes(&all, &gone, &[])).unwrap();
        assert_eq!(run.secrets[&all[1]].expose(), [0, 0, 9], "{protocol}");
    }
}

#[test]
fn a_key_that_is_0_to_others_than_its_refresher_fails_the_run() {
    // STR: m02 would fill in k_3 = g^(F(k_2) r_3), where F(g^(1 * 2)) is 239, but m01 is faster.
    // TGDH: m03 fills in the key of m03 and m04, g^(r_3 r_4).
    let fails = [(Protocol::STR, 1124, 1, 0), (Protocol::TGDH, 1, TO_ZERO, 2)];
    for (protocol, third, fourth, who) in fails {
        for (fourth, third) in [(fourth, third), (fourth + 1, third + 1)] {
            let shares: [&[u16]; 4] = [&[5, 1], &[7, 2, 2], &[third, 3], &[fourth, 3]];
            let (mut bus, all) = drawing(protocol, &shares);
            let _ = bus.change(&[(all[0], Change::Found)]).unwrap();
            let _ = bus
                .change(&World::changes(&all[..1], &[], &all[1..2]))
                .unwrap();
            let run = bus.change(&World::changes(&all[..2], &[], &all[2..]));
            if third == 1125 || fourth == TO_ZERO + 1 {
                assert_eq!(run.unwrap().secrets.len(), 4, "{protocol}");
                continue;
            }
            let (member, error) = run.unwrap_err();
            assert_eq!(
                (&member, &error),
                (&all[who], &Error::DegenerateKey),
                "{protocol}"
            );
            assert!(error.culprits().is_empty());
            let machine = bus.machine(&all[0]);
            machine.abandon();
            assert_eq!(machine.order(), &all[..2], "{protocol}");
        }
    }
}
