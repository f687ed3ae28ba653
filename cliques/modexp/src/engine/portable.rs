//! The engine for any processor: fixed windows over Montgomery multiplication.
//!
//! For an exponent of w bits and windows of k bits: 2^k - 2 multiplications for the table, w
//! squarings and w / k multiplications, whatever the bits are. Entry 0 of the table is 1 and is
//! multiplied by like any other; each look-up reads the whole table (Menezes, van Oorschot,
//! Vanstone, Handbook of Applied Cryptography, algorithm 14.82, with the zero digits kept).
//!
//! The table is built from the base, which is a secret for some callers, and the entry that is
//! looked up follows the exponent: both are erased. The windows are our own because those of the
//! library below leave their tables in freed memory.

use alloc::vec::Vec;

use crypto_bigint::{MontyForm, MontyMultiplier, Word, modular::BoxedMontyForm};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

type Multiplier<'a> = <BoxedMontyForm as MontyForm>::Multiplier<'a>;

/// Exponents of at least so many bits repay the larger table.
const LONG_EXPONENT: u32 = 640;

pub(crate) fn pow(base: &BoxedMontyForm, exponent: &[Word], width: u32) -> BoxedMontyForm {
    let window = if width < LONG_EXPONENT { 4 } else { 5 };
    let mut multiplier = Multiplier::from(base.params());
    let mut table = powers(base, 1 << window, &mut multiplier);
    let mut entry = BoxedMontyForm::zero(base.params());
    let mut power = BoxedMontyForm::one(base.params());
    for position in (0..width.div_ceil(window)).rev() {
        if position + 1 != width.div_ceil(window) {
            for _ in 0..window {
                multiplier.square_assign(&mut power);
            }
        }
        look_up(
            &table,
            digit(exponent, position * window, window),
            &mut entry,
        );
        multiplier.mul_assign(&mut power, &entry);
    }
    table.iter_mut().for_each(Zeroize::zeroize);
    entry.zeroize();
    power
}

/// base^0 to base^(count - 1).
fn powers(
    base: &BoxedMontyForm,
    count: usize,
    multiplier: &mut Multiplier<'_>,
) -> Vec<BoxedMontyForm> {
    let mut table = Vec::with_capacity(count);
    let mut power = BoxedMontyForm::one(base.params());
    for _ in 1..count {
        let mut next = power.clone();
        multiplier.mul_assign(&mut next, base);
        table.push(power);
        power = next;
    }
    table.push(power);
    table
}

/// The `count` bits of the exponent from bit `from` on; which bits is public, their value is not.
fn digit(exponent: &[Word], from: u32, count: u32) -> Word {
    let (index, shift) = ((from / Word::BITS) as usize, from % Word::BITS);
    let word = |index: usize| exponent.get(index).copied().unwrap_or(0);
    let low = word(index) >> shift;
    let high = word(index + 1).checked_shl(Word::BITS - shift).unwrap_or(0);
    (low | high) & ((1 << count) - 1)
}

/// Copies one entry out of the table, reading all of it.
fn look_up(table: &[BoxedMontyForm], digit: Word, entry: &mut BoxedMontyForm) {
    let target = entry.as_montgomery_mut().as_mut_words();
    target.fill(0);
    for (index, power) in (0 as Word..).zip(table) {
        let mask = Word::from(index.ct_eq(&digit).unwrap_u8()).wrapping_neg();
        for (to, from) in target.iter_mut().zip(power.as_montgomery().as_words()) {
            *to |= mask & from;
        }
    }
}
