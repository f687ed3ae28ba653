//! The contract of a suite, for every suite and group.
#![allow(clippy::unwrap_used, missing_docs)]

use cliques::{
    NamedGroup, Protocol, Survival,
    testing::{bus::Schedule, contract, foreign::FOREIGN},
};
use proptest::prelude::*;

fn group(name: &str) -> NamedGroup {
    name.parse().unwrap()
}

/// Each part of the contract, for all suites over one group.
macro_rules! contract {
    ($($module:ident: $group:literal;)*) => {$(
        mod $module {
            use super::*;

            fn every_suite(check: impl Fn(Protocol, &NamedGroup)) {
                for protocol in Protocol::ALL.iter().chain(&[FOREIGN]) {
                    println!("{protocol}");
                    check(*protocol, &group($group));
                }
            }

            #[test]
            fn every_event_in_rounds() {
                every_suite(|suite, group| contract::every_event(suite, group, Schedule::Rounds));
            }

            #[test]
            fn every_event_shuffled() {
                let schedule = Schedule::Shuffled(11);
                every_suite(|suite, group| contract::every_event(suite, group, schedule));
            }

            #[test]
            fn order_of_delivery() {
                every_suite(|suite, group| contract::order_of_delivery(suite, group, 0..12));
            }

            #[test]
            fn abandoned_agreements() {
                every_suite(contract::abandoned_agreements);
            }

            #[test]
            fn restarts_after_a_cut() {
                every_suite(contract::restarts_after_a_cut);
            }

            #[test]
            fn superseded_agreements() {
                every_suite(contract::superseded_agreements);
            }

            #[test]
            fn misuse() {
                every_suite(contract::misuse);
            }
        }
    )*};
}

contract! {
    ristretto255: "ristretto255";
    rfc5114_1024_160: "rfc5114-1024-160";
}

#[test]
fn every_suite_over_a_standard_group() {
    for protocol in Protocol::ALL {
        contract::superseded_agreements(*protocol, &group("ffdhe2048"));
    }
}

/// The suites whose keys are formulas. The key of ckd-aead is no group element.
fn symbolic() -> impl Iterator<Item = Protocol> {
    let all = Protocol::ALL.iter().chain(&[FOREIGN]).copied();
    all.filter(|suite| *suite != Protocol::CKD_AEAD)
}

#[test]
fn who_is_not_in_a_view_cannot_know_its_key() {
    symbolic().for_each(contract::exclusion);
}

#[test]
fn who_is_not_in_a_view_of_many_cannot_know_its_key() {
    for suite in symbolic() {
        for seed in 0..6 {
            contract::random_exclusion(suite, seed, 30);
        }
    }
}

/// In CKD the controller chooses the key.
#[test]
fn every_member_contributes() {
    for suite in symbolic().filter(|suite| *suite != Protocol::CKD) {
        contract::contribution(suite);
    }
}

/// The suites that resume an agreement that was cut off.
fn resuming() -> impl Iterator<Item = Protocol> {
    let all = Protocol::ALL.iter().copied();
    all.filter(|suite| suite.survival() == Survival::Everything)
}

/// Views that change in the middle of agreements.
fn cascades(protocol: Protocol, seed: u64) {
    let cascades = contract::cascades(protocol, &group("ristretto255"), seed, 16);
    assert!(cascades.completed() > 0 && cascades.interrupted() > 0);
}

#[test]
fn who_is_not_in_a_view_of_a_cascade_cannot_know_its_key() {
    for seed in 0..4 {
        resuming().for_each(|suite| contract::cascading_exclusion(suite, seed, 12));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_events(seed: u64) {
        for protocol in Protocol::ALL {
            contract::random_events(*protocol, &group("ristretto255"), seed, 24);
        }
    }

    #[test]
    fn random_cascades(seed: u64) {
        resuming().for_each(|suite| cascades(suite, seed));
    }
}
