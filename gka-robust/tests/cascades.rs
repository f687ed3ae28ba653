//! Random cascades of membership changes over every suite and algorithm, checked by the oracle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::ops::Range;

use cliques::{Protocol, testing::foreign::FOREIGN};
use gka_robust::{
    Algorithm,
    testing::{
        Options, Suite,
        cascade::{Shape, run},
        check_exclusion,
        oracle::secure_views,
    },
};

/// One cascade in so many is also checked for what outsiders can compute, which takes longer than
/// all the rest.
const EXCLUSION: u64 = 8;

/// Runs the cascades of a range of seeds; gives the number of secure views in them.
fn cascades(seeds: Range<u64>, options: impl Fn(u64) -> Options) -> usize {
    let mut views = 0;
    for seed in seeds {
        let options = options(seed);
        let label = (options.protocol, options.algorithm);
        let (mut violations, simulation) = run(options, Shape::of(seed));
        if seed.is_multiple_of(EXCLUSION) {
            violations.extend(check_exclusion(&simulation));
        }
        if !violations.is_empty() {
            let list: String = violations
                .iter()
                .map(|found| format!("\n  {found}"))
                .collect();
            let story = simulation.trace().story.join("\n  ");
            panic!(
                "{label:?}, seed {seed}, {:?}:{list}\n  {story}",
                Shape::of(seed)
            );
        }
        views += secure_views(simulation.trace());
    }
    views
}

/// All cascades of an algorithm; the adversary must leave the members time to agree now and then.
fn keep_all_properties(protocol: Protocol, algorithm: Algorithm, count: u64) {
    let views = cascades(0..count, |seed| Options::of(protocol, algorithm, seed));
    assert!(views as u64 > 2 * count, "{views} secure views only");
}

#[test]
fn gdh_basic() {
    keep_all_properties(Protocol::GDH, Algorithm::Basic, 1_500);
}

#[test]
fn gdh_optimized() {
    keep_all_properties(Protocol::GDH, Algorithm::Optimized, 1_500);
}

#[test]
fn gdh_restart() {
    keep_all_properties(Protocol::GDH, Algorithm::Restart, 1_000);
}

#[test]
fn bd_restart() {
    keep_all_properties(Protocol::BD, Algorithm::Restart, 1_500);
}

#[test]
fn ckd_restart() {
    keep_all_properties(Protocol::CKD, Algorithm::Restart, 1_000);
}

#[test]
fn ckd_incremental() {
    keep_all_properties(Protocol::CKD, Algorithm::Incremental, 1_500);
}

#[test]
fn str_restart() {
    keep_all_properties(Protocol::STR, Algorithm::Restart, 1_000);
}

#[test]
fn str_incremental() {
    keep_all_properties(Protocol::STR, Algorithm::Incremental, 1_500);
}

#[test]
fn tgdh_restart() {
    keep_all_properties(Protocol::TGDH, Algorithm::Restart, 1_000);
}

#[test]
fn tgdh_incremental() {
    keep_all_properties(Protocol::TGDH, Algorithm::Incremental, 1_500);
}

/// Rare: a refresh that one side completes and the other gives up, and data under either key in
/// the common order.
#[test]
fn refresh_completed_on_one_side_only() {
    for algorithm in [Algorithm::Basic, Algorithm::Optimized] {
        for seed in [202_502, 243_466, 298_992] {
            let options = |seed| Options::of(Protocol::GDH, algorithm, seed);
            assert!(cascades(seed..seed + 1, options) > 0);
        }
    }
}

/// A suite that no list has, over symbols and over a real group.
#[test]
fn a_suite_of_another_crate() {
    keep_all_properties(FOREIGN, Algorithm::Restart, 300);
    assert_eq!(Algorithm::of(FOREIGN), Algorithm::Restart);
}

#[test]
fn cascades_over_a_real_group() {
    for protocol in Protocol::ALL.iter().chain(&[FOREIGN]) {
        let views = cascades(10_000..10_040, |seed| Options {
            suite: Suite::Real("ristretto255".parse().unwrap()),
            ..Options::of(*protocol, Algorithm::of(*protocol), seed)
        });
        assert!(views > 60);
    }
}
