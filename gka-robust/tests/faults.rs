//! Wrong drivers, to see whether the oracle notices: each fault is caught, by an invariant that has
//! to do with it, within a stated number of cascades.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::collections::BTreeMap;

use gka_robust::{
    Fault,
    testing::{
        Options,
        cascade::{Shape, run},
    },
};

/// Runs cascades until one of the invariants is seen broken, at most `bound`.
fn caught(fault: Fault, invariants: &[&str], bound: u64) {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..bound {
        let options = Options {
            fault: Some(fault),
            ..Options::new(seed)
        };
        let (violations, _) = run(options, Shape::of(seed));
        for violation in violations {
            *seen.entry(violation.invariant).or_default() += 1;
            if invariants.contains(&violation.invariant) {
                return;
            }
        }
    }
    panic!("{fault:?}: none of {invariants:?} within {bound} cascades, only {seen:?}");
}

#[test]
fn published_flush_rule_blocks_without_signals() {
    caught(Fault::PublishedFlushRule, &["I22"], 200);
}

#[test]
fn key_taken_when_sent_is_not_common() {
    caught(Fault::EarlyCommit, &["I9"], 200);
}

#[test]
fn local_choice_makes_two_starters_or_none() {
    caught(Fault::LocalChoice, &["I24"], 50);
    caught(Fault::LocalChoice, &["I22"], 50);
}

#[test]
fn key_list_in_fifo_order_is_installed_by_some() {
    caught(Fault::FifoKeyList, &["I9"], 400);
}

#[test]
fn members_that_came_back_are_not_members_that_stayed() {
    caught(Fault::PruneByList, &["I11"], 50);
    caught(Fault::PruneByList, &["I9", "I10"], 200);
}

#[test]
fn data_without_a_key_is_seen() {
    caught(Fault::DeliverWithoutKey, &["I5"], 3_000);
}

#[test]
fn swallowed_signal_is_missed() {
    caught(Fault::SwallowSignal, &["I13"], 50);
}
