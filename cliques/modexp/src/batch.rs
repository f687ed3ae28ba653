//! Batches in groups that an engine computes at once, on several threads with feature `parallel`.

use alloc::vec::Vec;

use crate::{exponent::Exponent, modulus::Modulus};

/// Less work than this, in multiplications of words, is not worth a second thread: it is the order
/// of 100 microseconds, and waking a thread takes about ten.
#[cfg(feature = "parallel")]
const WORTH_THREADS: u64 = 1 << 18;

/// Multiplications of words that a power takes, roughly.
pub(crate) fn work(modulus: &Modulus, exponent: &Exponent) -> u64 {
    let words = u64::from(modulus.bits().div_ceil(64));
    u64::from(exponent.width()) * words * words
}

/// Runs over groups of items, and returns all results in the order of the items: the same with and
/// without threads.
#[cfg(feature = "parallel")]
pub(crate) fn run_groups<T: Sync, R: Send>(
    items: &[T],
    group: usize,
    work: impl Fn(&T) -> u64,
    run: impl Fn(&[T]) -> Vec<R> + Sync,
) -> Vec<R> {
    use rayon::prelude::*;

    if items.len() <= group || items.iter().map(work).sum::<u64>() < WORTH_THREADS {
        return run(items);
    }
    let groups: Vec<Vec<R>> = items.par_chunks(group).map(&run).collect();
    groups.into_iter().flatten().collect()
}

/// Runs over all items.
#[cfg(not(feature = "parallel"))]
pub(crate) fn run_groups<T, R>(
    items: &[T],
    _group: usize,
    _work: impl Fn(&T) -> u64,
    run: impl Fn(&[T]) -> Vec<R>,
) -> Vec<R> {
    run(items)
}
