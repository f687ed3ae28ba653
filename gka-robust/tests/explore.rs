//! Exhaustive exploration with a small bound; `examples/explore.rs` goes further.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use cliques::Protocol;
use gka_robust::{
    Algorithm,
    testing::{
        Fault, Options, RECOMMENDED,
        explore::{Bounds, Report, Start, explore},
    },
};

const NAMES: [&str; 3] = ["a", "b", "c"];

fn bounds(changes: u32, refreshes: u32) -> Bounds {
    Bounds {
        changes,
        refreshes,
        states: 200_000,
        exclusion: 10,
    }
}

fn sound(report: &Report, label: &str) {
    if let Some((violation, story)) = &report.violation {
        panic!("{label}: {violation}\n{}", story.join("\n"));
    }
    assert!(report.complete, "{label}: {report:?}");
    eprintln!(
        "{label}: {} states, {} steps, {} ends",
        report.states, report.steps, report.ends
    );
}

#[test]
fn two_changes_from_nothing() {
    for (protocol, algorithm) in RECOMMENDED {
        let options = Options::of(protocol, algorithm, 1);
        let report = explore(options, &NAMES, Start::Nothing, bounds(2, 0));
        sound(&report, &format!("{algorithm} {protocol}"));
        assert!(report.states > 100);
    }
}

#[test]
fn one_refresh_in_peace() {
    for (protocol, algorithm) in [
        (Protocol::GDH, Algorithm::Optimized),
        (Protocol::STR, Algorithm::Incremental),
        (Protocol::TGDH, Algorithm::Incremental),
    ] {
        let options = Options::of(protocol, algorithm, 1);
        let report = explore(options, &NAMES, Start::Together, bounds(0, 1));
        sound(&report, &format!("{algorithm} {protocol}"));
    }
}

#[test]
fn faults_are_found() {
    for (fault, changes, invariants) in [
        (Fault::LocalChoice, 2, &["I17", "I22", "I24"][..]),
        (Fault::SwallowSignal, 3, &["I13"]),
        (Fault::FlushTwice, 3, &["I16"]),
    ] {
        let options = Options {
            fault: Some(fault),
            ..Options::of(Protocol::GDH, Algorithm::Basic, 1)
        };
        let report = explore(options, &NAMES, Start::Nothing, bounds(changes, 0));
        let found = report.violation.map(|(violation, _)| violation.invariant);
        assert!(
            found.is_some_and(|found| invariants.contains(&found)),
            "{fault:?}: {found:?} of {invariants:?}"
        );
    }
}
