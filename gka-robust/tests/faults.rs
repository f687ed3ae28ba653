//! Wrong drivers, to see whether the oracle notices: each fault is caught, by an invariant that has
//! to do with it, within a stated number of cascades.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::collections::BTreeMap;

use cliques::Protocol;
use gka_robust::{
    Algorithm,
    testing::{
        Fault, Options,
        cascade::{Shape, run},
        check_exclusion,
    },
};

/// A fault, where it is put in, the invariants that notice it, and the cascades that take at most.
struct Case(Fault, Protocol, Algorithm, &'static [&'static str], u64);

#[rustfmt::skip]
const CASES: &[Case] = &[
    // The published rule blocks without signals (variant T of the notes, 5.3).
    Case(Fault::PublishedFlushRule, Protocol::GDH, Algorithm::Basic, &["I22"], 100),
    Case(Fault::PublishedFlushRule, Protocol::GDH, Algorithm::Optimized, &["I22"], 100),
    // What is taken when it is sent is not common.
    Case(Fault::EarlyCommit, Protocol::GDH, Algorithm::Basic, &["I9"], 200),
    Case(Fault::EarlyCommit, Protocol::GDH, Algorithm::Optimized, &["I9"], 200),
    Case(Fault::EarlyCommit, Protocol::GDH, Algorithm::Restart, &["I9"], 200),
    Case(Fault::EarlyCommit, Protocol::STR, Algorithm::Incremental, &["I9", "I17", "I22"], 200),
    Case(Fault::EarlyCommit, Protocol::TGDH, Algorithm::Incremental, &["I9", "I17", "I22"], 200),
    // Two start, or none.
    Case(Fault::LocalChoice, Protocol::GDH, Algorithm::Basic, &["I24"], 50),
    Case(Fault::LocalChoice, Protocol::GDH, Algorithm::Basic, &["I22"], 50),
    Case(Fault::ChoiceByState, Protocol::GDH, Algorithm::Optimized, &["I22"], 100),
    // What takes effect out of the common order takes effect for some.
    Case(Fault::FifoKeyList, Protocol::GDH, Algorithm::Basic, &["I9"], 400),
    Case(Fault::FifoKeyList, Protocol::GDH, Algorithm::Optimized, &["I9"], 400),
    Case(Fault::FifoKeyList, Protocol::BD, Algorithm::Restart, &["I9"], 400),
    Case(Fault::FifoKeyList, Protocol::STR, Algorithm::Incremental, &["I9", "I17", "I22"], 400),
    // Members that came back are not members that stayed.
    Case(Fault::PruneByList, Protocol::GDH, Algorithm::Basic, &["I11"], 50),
    Case(Fault::PruneByList, Protocol::GDH, Algorithm::Basic, &["I9", "I10"], 200),
    Case(Fault::PruneByList, Protocol::GDH, Algorithm::Optimized, &["I22"], 200),
    Case(Fault::PruneByList, Protocol::STR, Algorithm::Incremental, &["I17", "I22"], 200),
    Case(Fault::PruneByList, Protocol::TGDH, Algorithm::Incremental, &["I17", "I22"], 200),
    Case(Fault::DeliverWithoutKey, Protocol::GDH, Algorithm::Basic, &["I5"], 2_000),
    Case(Fault::SwallowSignal, Protocol::GDH, Algorithm::Basic, &["I13"], 50),
    Case(Fault::KeepInterrupted, Protocol::GDH, Algorithm::Optimized, &["I22"], 100),
    Case(Fault::KeepRunning, Protocol::GDH, Algorithm::Basic, &["I15"], 200),
    Case(Fault::KeepRunning, Protocol::BD, Algorithm::Restart, &["I15"], 200),
    Case(Fault::KeepShares, Protocol::GDH, Algorithm::Basic, &["I26"], 50),
    Case(Fault::FlushUnasked, Protocol::GDH, Algorithm::Basic, &["I14"], 50),
    Case(Fault::FlushTwice, Protocol::GDH, Algorithm::Basic, &["I16"], 50),
    Case(Fault::SignalAgain, Protocol::GDH, Algorithm::Basic, &["I13"], 1_000),
    Case(Fault::KeepLeavers, Protocol::GDH, Algorithm::Basic, &["I9"], 50),
    Case(Fault::KeepLeavers, Protocol::GDH, Algorithm::Basic, &["I11"], 50),
    Case(Fault::DeliverEarly, Protocol::GDH, Algorithm::Basic, &["I5"], 200),
    Case(Fault::DropBehindRequest, Protocol::GDH, Algorithm::Basic, &["I8", "I10", "I12"], 50),
    Case(Fault::KeepVsSignal, Protocol::GDH, Algorithm::Basic, &["I22"], 50),
    Case(Fault::IgnoreFlushRequest, Protocol::GDH, Algorithm::Basic, &["I22"], 100),
    Case(Fault::RepeatShares, Protocol::GDH, Algorithm::Optimized, &["I2"], 50),
    Case(Fault::RepeatShares, Protocol::GDH, Algorithm::Optimized, &["I19"], 50),
    Case(Fault::RepeatShares, Protocol::GDH, Algorithm::Optimized, &["I20"], 50),
    Case(Fault::RepeatShares, Protocol::TGDH, Algorithm::Incremental, &["I19"], 50),
];

/// Runs cascades until one of the invariants is seen broken; gives how many that took.
fn caught(case: &Case) -> Result<u64, String> {
    let Case(fault, protocol, algorithm, invariants, bound) = *case;
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..bound {
        let options = Options {
            fault: Some(fault),
            ..Options::of(protocol, algorithm, seed)
        };
        let (mut violations, simulation) = run(options, Shape::of(seed));
        if invariants.contains(&"I20") {
            violations.extend(check_exclusion(&simulation));
        }
        for violation in violations {
            *seen.entry(violation.invariant).or_default() += 1;
            if invariants.contains(&violation.invariant) {
                return Ok(seed + 1);
            }
        }
    }
    Err(format!(
        "{fault:?} in {algorithm} {protocol}: none of {invariants:?} within {bound} cascades, only {seen:?}"
    ))
}

#[test]
fn every_fault_is_caught_by_an_invariant_that_has_to_do_with_it() {
    let missed: Vec<String> = CASES
        .iter()
        .filter_map(|case| match caught(case) {
            Ok(count) => {
                eprintln!(
                    "{:?} in {} {}: {:?} after {count}",
                    case.0, case.2, case.1, case.3
                );
                None
            }
            Err(missed) => Some(missed),
        })
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn there_is_a_case_for_every_fault() {
    // Rare in random runs: tests/directed.rs brings it about.
    let directed = Fault::InstallAfterSignal;
    for fault in Fault::ALL.iter().filter(|fault| **fault != directed) {
        assert!(CASES.iter().any(|case| case.0 == *fault), "{fault:?}");
    }
    assert!(Fault::ALL.len() >= 15);
}
