//! The engine for any processor: fixed windows over the Montgomery multiplication of
//! `montgomery.rs`.
//!
//! For an exponent of w bits and windows of k bits: 2^k - 2 multiplications for the table, w
//! squarings and w / k multiplications, whatever the bits are. Entry 0 of the table is 1 and is
//! multiplied by like any other; each look-up reads the whole table (Menezes, van Oorschot,
//! Vanstone, Handbook of Applied Cryptography, algorithm 14.82, with the zero digits kept).
//! Products of powers share the squarings (algorithm 14.88, with a table for each base).
//!
//! The table is built from the base, which is a secret for some callers, and the entry that is
//! looked up follows the exponent: both are erased. The windows are our own because those of the
//! library below leave their tables in freed memory.

mod montgomery;

use alloc::vec::Vec;
use core::mem;

use crypto_bigint::{MontyForm, Word, modular::BoxedMontyForm};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{
    Power, Progress,
    comb::{Comb, Step},
    digits,
};
use crate::exponent::Exponent;
use montgomery::Montgomery;

pub(super) fn pow(power: Power<'_>) -> BoxedMontyForm {
    let mut accumulator = Accumulator::one(power.base);
    accumulator.raise(&[power]);
    accumulator.finish()
}

/// The product of powers; none for no power at all.
pub(super) fn product(powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
    let mut accumulator = Accumulator::one(powers.first()?.base);
    accumulator.raise(powers);
    Some(accumulator.finish())
}

/// The last of the running products of `first` and the factors, and the product of them all.
pub(super) fn running<'a>(
    first: &BoxedMontyForm,
    factors: impl Iterator<Item = &'a BoxedMontyForm>,
) -> [BoxedMontyForm; 2] {
    let mut montgomery = Montgomery::new(first.params());
    let (mut last, mut product) = (first.clone(), first.clone());
    for factor in factors {
        montgomery.multiply(words_mut(&mut last), factor.as_montgomery().as_words());
        montgomery.multiply(words_mut(&mut product), last.as_montgomery().as_words());
    }
    [last, product]
}

/// A running product with what multiplying it needs.
struct Accumulator<'a> {
    value: BoxedMontyForm,
    progress: Progress,
    entry: BoxedMontyForm,
    montgomery: Montgomery<'a>,
}

impl<'a> Accumulator<'a> {
    /// 1, modulo the modulus of `like`.
    fn one(like: &'a BoxedMontyForm) -> Self {
        Self {
            value: BoxedMontyForm::one(like.params()),
            progress: Progress::One,
            entry: BoxedMontyForm::zero(like.params()),
            montgomery: Montgomery::new(like.params()),
        }
    }

    /// 1 becomes the product of the powers.
    fn raise(&mut self, powers: &[Power<'_>]) {
        let width = powers.iter().map(|power| power.exponent.width()).max();
        let width = width.unwrap_or(0);
        let window = digits::window(width);
        let tables: Vec<Table> = powers
            .iter()
            .map(|power| Table::new(power.base, 1 << window, &mut self.montgomery))
            .collect();
        for position in (0..width.div_ceil(window)).rev() {
            self.square(window);
            for (power, table) in powers.iter().zip(&tables) {
                let digit = digits::digit(power.exponent.words(), position * window, window);
                self.multiply_entry(table, digit);
            }
        }
    }

    /// Hands the value out, leaving no copy.
    fn finish(mut self) -> BoxedMontyForm {
        let erased = BoxedMontyForm::zero(self.entry.params());
        mem::replace(&mut self.value, erased)
    }

    fn square(&mut self, times: u32) {
        match self.progress {
            Progress::One => (),
            Progress::Begun => {
                for _ in 0..times {
                    self.montgomery.square(words_mut(&mut self.value));
                }
            }
        }
    }

    /// Multiplies by one entry, reading all of the table.
    fn multiply_entry(&mut self, table: &Table, digit: Word) {
        match self.progress {
            Progress::One => table.look_up(digit, &mut self.value),
            Progress::Begun => {
                table.look_up(digit, &mut self.entry);
                let entry = self.entry.as_montgomery().as_words();
                self.montgomery.multiply(words_mut(&mut self.value), entry);
            }
        }
        self.progress = Progress::Begun;
    }
}

impl Drop for Accumulator<'_> {
    fn drop(&mut self) {
        self.entry.zeroize();
    }
}

/// The words of a number in Montgomery form.
fn words_mut(form: &mut BoxedMontyForm) -> &mut [Word] {
    form.as_montgomery_mut().as_mut_words()
}

/// base^0, base^1, ... one after the other.
struct Table {
    words: Vec<Word>,
    entry_words: usize,
}

impl Table {
    fn new(base: &BoxedMontyForm, count: usize, montgomery: &mut Montgomery<'_>) -> Self {
        let mut power = BoxedMontyForm::one(base.params());
        let entry_words = power.as_montgomery().as_words().len();
        let mut words = Vec::with_capacity(count * entry_words);
        for index in 0..count {
            match index {
                0 => (),
                1 => power.copy_montgomery_from(base),
                _ => montgomery.multiply(words_mut(&mut power), base.as_montgomery().as_words()),
            }
            words.extend_from_slice(power.as_montgomery().as_words());
        }
        power.zeroize();
        Self { words, entry_words }
    }

    fn look_up(&self, digit: Word, entry: &mut BoxedMontyForm) {
        let target = words_mut(entry);
        target.fill(0);
        for (index, power) in (0 as Word..).zip(self.words.chunks_exact(self.entry_words)) {
            let mask = Word::from(index.ct_eq(&digit).unwrap_u8()).wrapping_neg();
            for (to, from) in target.iter_mut().zip(power) {
                *to |= mask & from;
            }
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

/// The table of a fixed base, a row for each j of [`Comb`].
pub(crate) struct CombTable {
    shape: Comb,
    rows: Vec<Table>,
    one: BoxedMontyForm,
}

impl CombTable {
    pub(super) fn new(base: &BoxedMontyForm, shape: Comb) -> Self {
        let mut montgomery = Montgomery::new(base.params());
        let mut first = base.clone();
        let mut rows = Vec::with_capacity(shape.rows as usize);
        for row in 0..shape.rows {
            if row != 0 {
                for _ in 0..shape.window * shape.parts {
                    montgomery.square(words_mut(&mut first));
                }
            }
            rows.push(Table::new(&first, 1 << shape.window, &mut montgomery));
        }
        first.zeroize();
        Self {
            shape,
            rows,
            one: BoxedMontyForm::one(base.params()),
        }
    }

    /// The power of an exponent that is not wider than the table.
    pub(crate) fn pow(&self, exponent: &Exponent) -> BoxedMontyForm {
        let mut accumulator = Accumulator::one(&self.one);
        for step in self.shape.steps(exponent) {
            match step {
                Step::Square => accumulator.square(1),
                Step::Multiply { row, from } => {
                    let digit = digits::digit(exponent.words(), from, self.shape.window);
                    if let Some(row) = self.rows.get(row as usize) {
                        accumulator.multiply_entry(row, digit);
                    }
                }
            }
        }
        accumulator.finish()
    }
}
