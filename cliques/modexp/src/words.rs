//! Numbers as words: conversions to and from bytes, without temporary copies, and an inverse.

use alloc::vec::Vec;

use crypto_bigint::{BoxedUint, Word};

/// Big-endian bytes without leading zeros. Time depends on the value: for public numbers only.
pub(crate) fn trim_vartime(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// The number of significant bits of trimmed big-endian bytes.
pub(crate) fn bits_vartime(trimmed: &[u8]) -> u32 {
    match trimmed.split_first() {
        None => 0,
        Some((first, rest)) => 8 - first.leading_zeros() + 8 * rest.len() as u32,
    }
}

/// A number with exactly as many words as `precision` bits take; higher bytes are ignored.
pub(crate) fn from_be_bytes(bytes: &[u8], precision: u32) -> BoxedUint {
    let mut value = BoxedUint::zero_with_precision(precision);
    let mut rest = bytes.rchunks(size_of::<Word>());
    for (word, chunk) in value.as_mut_words().iter_mut().zip(&mut rest) {
        *word = chunk
            .iter()
            .fold(0, |word, byte| word << 8 | Word::from(*byte));
    }
    value
}

/// Writes the low bytes of `words`, least significant word first, in big-endian order.
pub(crate) fn write_be_bytes(words: &[Word], out: &mut [u8]) {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    let places = out.iter_mut().rev();
    for (place, byte) in places.zip(bytes) {
        *place = byte;
    }
}

/// A number in 64-bit limbs, for words of any size.
pub(crate) fn to_u64_limbs(words: &[Word]) -> Vec<u64> {
    const WORDS_PER_LIMB: usize = size_of::<u64>() / size_of::<Word>();
    let mut limbs = Vec::with_capacity(words.len().div_ceil(WORDS_PER_LIMB));
    for chunk in words.chunks(WORDS_PER_LIMB) {
        let mut bytes = [0; size_of::<u64>()];
        for (place, byte) in bytes
            .iter_mut()
            .zip(chunk.iter().flat_map(|word| word.to_le_bytes()))
        {
            *place = byte;
        }
        limbs.push(u64::from_le_bytes(bytes));
    }
    limbs
}

/// Writes a number in 64-bit limbs into words of any size.
pub(crate) fn set_u64_limbs(words: &mut [Word], limbs: &[u64]) {
    let bytes = limbs.iter().flat_map(|limb| limb.to_le_bytes());
    let mut bytes = bytes.chain(core::iter::repeat(0));
    for word in words {
        *word = bytes
            .by_ref()
            .take(size_of::<Word>())
            .enumerate()
            .fold(0, |word, (place, byte)| {
                word | Word::from(byte) << (8 * place)
            });
    }
}

/// -1 / m modulo 2^64, for an odd m.
pub(crate) const fn negated_inverse(m: u64) -> u64 {
    // Newton's iteration: 3 bits are right at the start, and each step doubles their number.
    let mut inverse = m;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(m.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negated_inverses_times_the_number_are_minus_one() {
        for m in [
            1,
            3,
            u64::MAX,
            0xf_ffff_ffff_ffff,
            0x8_0000_0000_0001,
            12345,
        ] {
            assert_eq!(m.wrapping_mul(negated_inverse(m)), u64::MAX);
        }
    }
}
