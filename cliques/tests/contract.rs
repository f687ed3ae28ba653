//! The contract of a suite, for every suite and group.
#![allow(clippy::unwrap_used, missing_docs)]

use cliques::{
    NamedGroup, Protocol,
    testing::{bus::Schedule, contract},
};
use proptest::prelude::*;

fn group(name: &str) -> NamedGroup {
    name.parse().unwrap()
}

macro_rules! contract {
    ($($module:ident: $protocol:expr, $group:literal;)*) => {$(
        mod $module {
            use super::*;

            #[test]
            fn every_event_in_rounds() {
                contract::every_event($protocol, &group($group), Schedule::Rounds);
            }

            #[test]
            fn every_event_shuffled() {
                contract::every_event($protocol, &group($group), Schedule::Shuffled(11));
            }

            #[test]
            fn order_of_delivery() {
                contract::order_of_delivery($protocol, &group($group), 0..12);
            }

            #[test]
            fn abandoned_agreements() {
                contract::abandoned_agreements($protocol, &group($group));
            }

            #[test]
            fn restarts_after_a_cut() {
                contract::restarts_after_a_cut($protocol, &group($group));
            }

            #[test]
            fn superseded_agreements() {
                contract::superseded_agreements($protocol, &group($group));
            }

            #[test]
            fn misuse() {
                contract::misuse($protocol, &group($group));
            }
        }
    )*};
}

contract! {
    bd_ristretto255: Protocol::Bd, "ristretto255";
    bd_rfc5114_1024_160: Protocol::Bd, "rfc5114-1024-160";
    ckd_ristretto255: Protocol::Ckd, "ristretto255";
    ckd_rfc5114_1024_160: Protocol::Ckd, "rfc5114-1024-160";
    ckd_aead_ristretto255: Protocol::CkdAead, "ristretto255";
    gdh_ristretto255: Protocol::Gdh, "ristretto255";
    gdh_rfc5114_1024_160: Protocol::Gdh, "rfc5114-1024-160";
    str_ristretto255: Protocol::Str, "ristretto255";
    str_rfc5114_1024_160: Protocol::Str, "rfc5114-1024-160";
    tgdh_ristretto255: Protocol::Tgdh, "ristretto255";
    tgdh_rfc5114_1024_160: Protocol::Tgdh, "rfc5114-1024-160";
}

#[test]
fn every_suite_over_a_standard_group() {
    for protocol in Protocol::ALL {
        contract::superseded_agreements(*protocol, &group("ffdhe2048"));
    }
}

/// What holds of the formulas behind the keys.
macro_rules! secrecy {
    ($($module:ident: $protocol:expr;)*) => {$(
        mod $module {
            use super::*;

            #[test]
            fn who_is_not_in_a_view_cannot_know_its_key() {
                contract::exclusion($protocol);
            }

            #[test]
            fn who_is_not_in_a_view_of_many_cannot_know_its_key() {
                for seed in 0..6 {
                    contract::random_exclusion($protocol, seed, 30);
                }
            }
        }
    )*};
}

secrecy! {
    bd_secrecy: Protocol::Bd;
    // Not ckd-aead: its key is no group element.
    ckd_secrecy: Protocol::Ckd;
    gdh_secrecy: Protocol::Gdh;
    str_secrecy: Protocol::Str;
    tgdh_secrecy: Protocol::Tgdh;
}

#[test]
fn every_member_contributes() {
    for protocol in [Protocol::Bd, Protocol::Gdh] {
        contract::contribution(protocol);
    }
}

#[test]
fn every_member_of_str_contributes() {
    contract::contribution(Protocol::Str);
}

#[test]
fn every_member_of_tgdh_contributes() {
    contract::contribution(Protocol::Tgdh);
}

/// Views that change in the middle of agreements.
fn cascades(protocol: Protocol, seed: u64) {
    let cascades = contract::cascades(protocol, &group("ristretto255"), seed, 16);
    assert!(cascades.completed() > 0 && cascades.interrupted() > 0);
}

#[test]
fn who_is_not_in_a_view_of_a_cascade_cannot_know_its_key() {
    for seed in 0..4 {
        contract::cascading_exclusion(Protocol::Str, seed, 12);
        contract::cascading_exclusion(Protocol::Tgdh, seed, 12);
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
    fn str_cascades(seed: u64) {
        cascades(Protocol::Str, seed);
    }

    #[test]
    fn tgdh_cascades(seed: u64) {
        cascades(Protocol::Tgdh, seed);
    }

    #[test]
    fn str_random_events(seed: u64) {
        contract::random_events(Protocol::Str, &group("ristretto255"), seed, 24);
    }

    #[test]
    fn tgdh_random_events(seed: u64) {
        contract::random_events(Protocol::Tgdh, &group("ristretto255"), seed, 24);
    }
}
