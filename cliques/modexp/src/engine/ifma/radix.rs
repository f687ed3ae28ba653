//! Numbers in digits of 52 bits, and the constants of a modulus in this radix.

use alloc::{vec, vec::Vec};

use crypto_bigint::{
    BoxedUint, Word,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroize;

use crate::words;

/// Bits of a digit: the width of the vector multiplier.
pub(super) const DIGIT_BITS: u32 = 52;

/// A mask of the bits of a digit.
pub(super) const DIGIT: u64 = (1 << DIGIT_BITS) - 1;

/// Converts words to digits. The digits must have room for all bits.
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

/// Converts digits to words. Digits that the words have no room for must be 0.
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

/// The residue whose 64-bit Montgomery form the digits are, once reduced. The number must be below twice
/// the modulus.
pub(super) fn reduced(digits: &[u64], params: &BoxedMontyParams) -> BoxedMontyForm {
    // One word more, as twice the modulus may not fit in its own words.
    let modulus = params.modulus().as_ref().as_words();
    let mut wide = vec![0; modulus.len() + 1];
    to_words(digits, &mut wide);
    // Subtracts the modulus or 0, by masks.
    let mut borrow = 0;
    for (word, of_modulus) in wide.iter().zip(modulus.iter().chain(&[0])) {
        borrow = subtract(*word, *of_modulus, borrow).1;
    }
    // A `Choice` hides from the compiler that this is 0 or 1: it turns a plain mask into a branch.
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

/// The constants of almost-Montgomery multiplication with `count` digits: R = 2^(52 count).
pub(super) struct Constants {
    /// The modulus.
    pub(super) modulus: Vec<u64>,
    /// -1 / modulus modulo 2^52.
    pub(super) inverse: u64,
    /// 1 in this form: R modulo the modulus.
    pub(super) one: Vec<u64>,
    /// The factor that converts the 64-bit Montgomery form to this one.
    pub(super) enter: Vec<u64>,
    /// The factor that converts this form to the 64-bit Montgomery form.
    pub(super) leave: Vec<u64>,
}

impl Constants {
    /// The digits that a modulus of `bits` bits needs at least. The product of two numbers below
    /// 2m is below 2m again if 4m < R, so no comparison is needed between multiplications.
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
        let low = modulus.first().copied().unwrap_or(1);
        let (ours, theirs) = (DIGIT_BITS * count as u32, params.bits_precision());
        Self {
            inverse: words::negated_inverse(low) & DIGIT,
            modulus,
            one: power(ours),
            enter: power(2 * ours - theirs),
            leave: power(theirs),
        }
    }
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
}
