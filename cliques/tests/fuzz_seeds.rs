//! The inputs that fuzzing starts from, and a little fuzzing in every test run.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{env, fs, path::PathBuf};

use cliques::testing::fuzz;
use proptest::{collection::vec, prelude::*, sample::Index};

fn file(selector: u8) -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "fuzz",
        "seeds",
        "suite_bodies",
        &format!("{selector:02}"),
    ]
    .iter()
    .collect()
}

/// With `UPDATE_SEEDS` in the environment the files are written instead.
#[test]
fn the_seeds_are_those_of_honest_runs() {
    for selector in fuzz::selectors() {
        let seed = fuzz::seed(selector);
        if env::var_os("UPDATE_SEEDS").is_some() {
            fs::write(file(selector), &seed).unwrap();
        }
        let stored = fs::read(file(selector)).unwrap();
        assert!(stored == seed, "seed {selector}: run with UPDATE_SEEDS=1");
        fuzz::suite_bodies(&seed);
    }
}

proptest! {
    #[test]
    fn spoilt_seeds_do_no_harm(
        selector in prop::sample::select(fuzz::selectors().collect::<Vec<_>>()),
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
    ) {
        let mut input = fuzz::seed(selector);
        for (place, byte) in changes {
            // The selector stays.
            let place = 1 + place.index(input.len().max(2) - 1);
            if let Some(changed) = input.get_mut(place) {
                *changed = byte;
            }
        }
        fuzz::suite_bodies(&input);
        input.truncate(1 + cut.index(input.len()));
        fuzz::suite_bodies(&input);
    }

    #[test]
    fn arbitrary_inputs_do_no_harm(input in vec(any::<u8>(), 0..300)) {
        fuzz::suite_bodies(&input);
    }
}
