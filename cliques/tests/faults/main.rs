//! Hostile tokens against every suite.
//!
//! A suite adds a line to the table below, and a module for what is its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod bd_faults;
mod ckd_faults;
mod gdh_faults;
mod tree_faults;

use cliques::{
    Change, Error, NamedGroup, PeerFault, Protocol,
    group::{ElementPolicy, Modp},
    testing::{
        bus::Schedule,
        faults::{
            self, BadElement, BdFaults, CkdFaults, Elements, Faults, GdhFaults, StrFaults,
            TgdhFaults,
        },
        rng::seeded,
        world,
    },
};
use proptest::prelude::*;

/// The group of 17 bits: p = 130367, generator 4.
fn toy() -> NamedGroup {
    "toy17".parse().unwrap()
}

fn toy_elements() -> Elements {
    Elements {
        good: vec![0, 0, 4],
        bad: vec![
            BadElement::unreadable(vec![0, 0, 0], PeerFault::ZeroElement),
            BadElement::unreadable(vec![0, 0, 1], PeerFault::OneElement),
            // p itself; the largest number of this length; p - 1, of order two; a non-residue.
            BadElement::unreadable(vec![0x01, 0xfd, 0x3f], PeerFault::NotInGroup),
            BadElement::unreadable(vec![0xff, 0xff, 0xff], PeerFault::NotInGroup),
            BadElement::outside(vec![0x01, 0xfd, 0x3e]),
            BadElement::outside(vec![0x01, 0xfd, 0x3b]),
        ],
    }
}

fn ristretto_elements() -> Elements {
    let good = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";
    Elements {
        good: hex::decode(good).unwrap(),
        // Not canonical, and a field element that no point has.
        bad: vec![
            BadElement::unreadable(vec![0xff; 32], PeerFault::NotInGroup),
            BadElement::unreadable([&[1][..], &[0; 31]].concat(), PeerFault::NotInGroup),
        ],
    }
}

/// The group with p = 2qr + 1, in which the policy decides who notices what.
fn schnorr(policy: ElementPolicy) -> Modp {
    let group = NamedGroup::Schnorr2048.modp().unwrap();
    group.with_policy(policy)
}

/// Elements of order r and qr, which pass the Jacobi symbol of the groups with p = 2qr + 1.
fn schnorr_elements() -> Elements {
    let file = include_str!("../vectors/dh-groups.json");
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
        .map(|case| BadElement::outside(element(case["element"].as_str().unwrap())))
        .collect();
    assert!(bad.len() >= 2, "order r and order qr");
    Elements {
        good: element(good["g"].as_str().unwrap()),
        bad,
    }
}

/// Hostile tokens of one suite; what is refused at least, in the small group.
macro_rules! hostile {
    ($($module:ident: $faults:expr, $altered:literal, $replayed:literal;)*) => {$(
        mod $module {
            use super::*;

            #[test]
            fn altered_tokens_are_refused_by_name() {
                for schedule in [Schedule::Rounds, Schedule::Shuffled(1), Schedule::Shuffled(2)] {
                    let refused =
                        faults::altered_tokens(&$faults, &toy(), schedule, &toy_elements());
                    assert!(refused > $altered, "only {refused}");
                }
            }

            #[test]
            fn altered_tokens_of_an_elliptic_group() {
                let group: NamedGroup = "ristretto255".parse().unwrap();
                let elements = ristretto_elements();
                let refused =
                    faults::altered_tokens(&$faults, &group, Schedule::Rounds, &elements);
                assert!(refused > $altered, "only {refused}");
            }

            #[test]
            fn replayed_tokens_are_refused() {
                for seed in 0..4 {
                    let schedule = Schedule::Shuffled(seed);
                    let refused = faults::replayed_tokens(&$faults, &toy(), schedule);
                    assert!(refused > $replayed, "only {refused}");
                }
            }

            #[test]
            fn elements_that_are_tested_late_are_refused_by_name() {
                for schedule in [Schedule::Rounds, Schedule::Shuffled(3)] {
                    faults::late_tokens(&$faults, &toy(), schedule, &toy_elements());
                }
            }

            /// Bytes from the network: no panic, and no change of an agreement under way.
            #[test]
            fn arbitrary_bodies_are_refused() {
                proptest!(|(
                    kind in 0..Protocol::all_kinds().len(),
                    sender in 1_usize..5,
                    body in proptest::collection::vec(any::<u8>(), 0..200),
                )| {
                    let me = world::members([2]).remove(0);
                    let mut machine = Faults::protocol(&$faults).member(toy(), me);
                    let mut rng = seeded(1);
                    let members = world::members(1..=3);
                    let change = Change::Enter { members: members.clone() };
                    let _ = machine.begin(change, &mut rng).unwrap();
                    let before = format!("{machine:?}");
                    let sender = world::members([sender]).remove(0);
                    let kind = Protocol::all_kinds()[kind];
                    prop_assert!(machine.process(&sender, kind, &body, &mut rng).is_err());
                    prop_assert_eq!(machine.order(), &members);
                    prop_assert_eq!(format!("{machine:?}"), before);
                });
            }
        }
    )*};
}

hostile! {
    bd: BdFaults, 1000, 50;
    ckd: CkdFaults(Protocol::CKD), 500, 50;
    ckd_aead: CkdFaults(Protocol::CKD_AEAD), 1000, 50;
    gdh: GdhFaults, 1000, 50;
    str_: StrFaults, 1000, 50;
    tgdh: TgdhFaults, 1000, 50;
}

#[test]
fn the_culprit_is_named() {
    let error = Error::Peer {
        culprit: world::members([3]).remove(0),
        fault: PeerFault::Duplicate,
    };
    assert_eq!(error.culprits(), world::members([3]));
}
