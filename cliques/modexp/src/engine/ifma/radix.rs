//! Numbers in digits of 52 bits, and the constants of a modulus in that radix.

use alloc::{vec, vec::Vec};

use crypto_bigint::{
    BoxedUint, Word,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroize;

/// Bits of a digit: what the multiplier multiplies.
pub(super) const DIGIT_BITS: u32 = 52;

/// The bits of a digit.
pub(super) const DIGIT: u64 = (1 << DIGIT_BITS) - 1;

/// Cuts words into as many digits as `digits` has room for; every bit must have its place there.
pub(super) fn to_digits(words: &[Word], digits: &mut [u64]) {
    let mut words = words.iter().copied();
    let (mut pending, mut bits) = (0_u128, 0_u32);
    for digit in digits {
        if bits < DIGIT_BITS {
            pending |= u128::from(words.next().unwrap_or(0)) << bits;
            bits += Word::BITS;
        }
        *digit = pending as u64 & DIGIT;
        pending >>= DIGIT_BITS;
        bits -= DIGIT_BITS;
    }
}

/// Joins digits to words; digits that the words have no room for must be 0.
pub(super) fn to_words(digits: &[u64], words: &mut [Word]) {
    let mut digits = digits.iter().copied();
    let (mut pending, mut bits) = (0_u128, 0_u32);
    for word in words {
        while bits < Word::BITS {
            pending |= u128::from(digits.next().unwrap_or(0)) << bits;
            bits += DIGIT_BITS;
        }
        *word = pending as Word;
        pending >>= Word::BITS;
        bits -= Word::BITS;
    }
}

/// The residue of digits below twice the modulus that are its 64-bit Montgomery form.
pub(super) fn reduced(digits: &[u64], params: &BoxedMontyParams) -> BoxedMontyForm {
    // One word more, as twice the modulus may not fit in its own words.
    let modulus = params.modulus().as_ref().as_words();
    let mut wide = vec![0; modulus.len() + 1];
    to_words(digits, &mut wide);
    // Subtracts the modulus once, or 0, by masks.
    let mut borrow = 0;
    for (word, of_modulus) in wide.iter().zip(modulus.iter().chain(&[0])) {
        borrow = subtract(*word, *of_modulus, borrow).1;
    }
    // Through a `Choice`, of which the compiler does not know that it is 0 or 1: it makes a branch
    // of a plain mask.
    let keep = Word::conditional_select(&0, &Word::MAX, Choice::from(borrow as u8));
    let mut value = BoxedUint::zero_with_precision(params.bits_precision());
    borrow = 0;
    for ((place, word), of_modulus) in value.as_mut_words().iter_mut().zip(&wide).zip(modulus) {
        (*place, borrow) = subtract(*word, of_modulus & !keep, borrow);
    }
    wide.zeroize();
    BoxedMontyForm::from_montgomery(value, params)
}

fn subtract(a: Word, b: Word, borrow: Word) -> (Word, Word) {
    let difference = i128::from(a) - i128::from(b) - i128::from(borrow);
    (difference as Word, (difference >> 127) as Word & 1)
}

/// What almost-Montgomery multiplication with `count` digits needs: R = 2^(52 count).
pub(super) struct Constants {
    /// The modulus.
    pub(super) modulus: Vec<u64>,
    /// -1 / modulus modulo 2^52.
    pub(super) inverse: u64,
    /// 1 in this form: R modulo the modulus.
    pub(super) one: Vec<u64>,
    /// Multiplied by, it turns the 64-bit Montgomery form into this one.
    pub(super) enter: Vec<u64>,
    /// Multiplied by, it turns this form into the 64-bit Montgomery form.
    pub(super) leave: Vec<u64>,
}

impl Constants {
    /// How many digits a modulus of `bits` bits needs at least. The product of two numbers below
    /// 2m is again below 2m if 4m < R, so that no comparison is needed between multiplications.
    pub(super) const fn digits(bits: u32) -> usize {
        (bits + 2).div_ceil(DIGIT_BITS) as usize
    }

    pub(super) fn new(params: &BoxedMontyParams, count: usize) -> Self {
        let digits = |number: &BoxedUint| {
            let mut digits = vec![0; count];
            to_digits(number.as_words(), &mut digits);
            digits
        };
        let two = BoxedMontyForm::one(params).double();
        let power = |exponent: u32| {
            let power = two.pow_bounded_exp(&BoxedUint::from(exponent), 32);
            digits(&power.retrieve())
        };
        let modulus = digits(params.modulus().as_ref());
        let inverse = inverse(modulus.first().copied().unwrap_or(1));
        let (ours, theirs) = (DIGIT_BITS * count as u32, params.bits_precision());
        Self {
            inverse,
            modulus,
            one: power(ours),
            enter: power(2 * ours - theirs),
            leave: power(theirs),
        }
    }
}

/// -1 / m modulo 2^52, for odd m, by Newton's iteration: each step doubles the right bits, of
/// which 3 are right at the start.
const fn inverse(m: u64) -> u64 {
    let mut inverse = m;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(m.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg() & DIGIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_words_are_the_same_number() {
        let words = [
            0x0123_4567_89ab_cdef,
            u64::MAX,
            0,
            0x8000_0000_0000_0001,
            77,
        ];
        for count in [7, 10, 20] {
            let mut digits = vec![0; count];
            to_digits(&words, &mut digits);
            assert!(digits.iter().all(|digit| *digit <= DIGIT));
            let mut back = [0; 5];
            to_words(&digits, &mut back);
            assert_eq!(back, words);
        }
    }

    #[test]
    fn inverses_are_inverses() {
        for m in [1_u64, 3, 0xf_ffff_ffff_ffff, 0x8_0000_0000_0001, 12345] {
            assert_eq!(m.wrapping_mul(inverse(m)) & DIGIT, DIGIT);
        }
    }
}
