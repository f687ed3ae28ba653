//! Vectors of eight 64-bit words, to and from memory.

use core::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_loadu_si512, _mm512_storeu_si512,
};

/// Lanes of a vector.
pub(super) const LANES: usize = 8;

/// Loads a vector.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(words: &[u64; LANES]) -> __m512i {
    // SAFETY: the reference is valid for reads of 64 bytes, and the load is unaligned.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// The words of a vector.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(vector: __m512i) -> [u64; LANES] {
    let mut words = [0; LANES];
    // SAFETY: the reference is valid for writes of 64 bytes, and the store is unaligned.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) };
    words
}

/// Prefetches memory that is read soon.
#[inline]
pub(super) fn prefetch(lines: &[[u64; LANES]]) {
    for line in lines {
        // SAFETY: a prefetch accesses no memory and is allowed for any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}
