//! Random cascades of membership changes, checked by the oracle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use gka_robust::testing::{
    Options, Suite,
    cascade::{Shape, run},
    oracle::secure_views,
};

/// Runs the cascades of a range of seeds; gives the number of secure views in them.
fn cascades(seeds: std::ops::Range<u64>, suite: &Suite) -> usize {
    let mut views = 0;
    for seed in seeds {
        let options = Options {
            suite: suite.clone(),
            ..Options::new(seed)
        };
        let (violations, simulation) = run(options, Shape::of(seed));
        if !violations.is_empty() {
            let list: String = violations
                .iter()
                .map(|found| format!("\n  {found}"))
                .collect();
            let story = simulation.trace().story.join("\n  ");
            panic!("seed {seed}, {:?}:{list}\n  {story}", Shape::of(seed));
        }
        views += secure_views(simulation.trace());
    }
    views
}

#[test]
fn two_thousand_cascades_keep_all_properties() {
    let views = cascades(0..2_400, &Suite::Symbolic);
    // The adversary must leave the members time to agree now and then.
    assert!(views > 2 * 2_400, "{views} secure views only");
}

/// Rare: a refresh that one side completes and the other gives up, and data under either key in
/// the common order.
#[test]
fn refresh_completed_on_one_side_only() {
    for seed in [202_502, 243_466, 298_992] {
        assert!(cascades(seed..seed + 1, &Suite::Symbolic) > 0);
    }
}

#[test]
fn cascades_over_a_real_group_keep_all_properties() {
    let suite = Suite::Real("ristretto255".parse().unwrap());
    assert!(cascades(10_000..10_060, &suite) > 100);
}
