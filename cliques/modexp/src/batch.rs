//! Batches, split into the groups that an engine computes at once; with feature `parallel` on several
//! threads.

use alloc::vec::Vec;

use crate::{engine::ExponentBits, modulus::Modulus};

/// The work that repays a second thread, in multiplications of words. It takes in the order of 100
/// microseconds, and waking a thread about 10.
#[cfg(feature = "parallel")]
const WORTH_THREADS: u64 = 1 << 18;

/// Roughly the multiplications of words of one power.
pub(crate) fn work(modulus: &Modulus, exponent: ExponentBits<'_>) -> u64 {
    let words = u64::from(modulus.bits().div_ceil(64));
    u64::from(exponent.width()) * words * words
}

/// Runs over groups of items, on several threads if the work repays them. Results are in the order of
/// the items.
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

/// Runs over all items on this thread.
#[cfg(not(feature = "parallel"))]
pub(crate) fn run_groups<T, R>(
    items: &[T],
    _group: usize,
    _work: impl Fn(&T) -> u64,
    run: impl Fn(&[T]) -> Vec<R>,
) -> Vec<R> {
    run(items)
}
