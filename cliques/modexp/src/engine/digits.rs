//! Digits of secret exponents.

use crypto_bigint::Word;

/// The `count` bits of the exponent from bit `from` on; which bits is public, their value is not.
/// Bits beyond the words are 0.
pub(super) fn digit(exponent: &[Word], from: u32, count: u32) -> Word {
    let (index, shift) = ((from / Word::BITS) as usize, from % Word::BITS);
    let word = |index: usize| exponent.get(index).copied().unwrap_or(0);
    let low = word(index) >> shift;
    let high = word(index + 1).checked_shl(Word::BITS - shift).unwrap_or(0);
    (low | high) & ((1 << count) - 1)
}

/// Exponents of at least so many bits repay the larger table.
const LONG_EXPONENT: u32 = 640;

/// Bits a window, for one base and one exponent of `width` bits.
pub(super) const fn window(width: u32) -> u32 {
    if width < LONG_EXPONENT { 4 } else { 5 }
}
