//! The engine for any processor: fixed windows over the Montgomery multiplication of
//! `montgomery.rs`.
//!
//! For an exponent of w bits and windows of k bits: 2^k - 2 multiplications for the table, w
//! squarings and w / k multiplications, whatever the bits are. Entry 0 of the table is 1 and is
//! multiplied by like any other entry; each lookup reads the whole table (Menezes, van Oorschot,
//! Vanstone, Handbook of Applied Cryptography, algorithm 14.82, with the zero digits kept).
//! Products of powers share the squarings (algorithm 14.88, with a table for each base).
//!
//! The table is built from the base, which is secret for some callers, and the entry that is
//! selected depends on the exponent, so both are erased. `crypto-bigint` has windows, too, but
//! leaves their tables in freed memory.

mod montgomery;

use alloc::{boxed::Box, vec::Vec};
use core::mem;

use crypto_bigint::{MontyForm, Word, modular::BoxedMontyForm};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{
    bits::{self, ExponentBits},
    comb::{Comb, Step},
    kernel::{CombTable, Implementation, Kernel, Power, Progress},
};
use montgomery::Montgomery;

pub(super) const ENGINE: Implementation = Implementation {
    name: "portable",
    is_available: || true,
    kernel: |_, _| Some(Box::new(Portable)),
};

/// Precomputes nothing.
pub(super) struct Portable;

impl Kernel for Portable {
    fn lanes(&self) -> usize {
        1
    }

    fn pow(&self, power: Power<'_>) -> BoxedMontyForm {
        let mut accumulator = Accumulator::one(power.base);
        accumulator.raise(&[power]);
        accumulator.finish()
    }

    fn pow_batch(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm> {
        powers.iter().map(|power| self.pow(*power)).collect()
    }

    fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
        let mut accumulator = Accumulator::one(powers.first()?.base);
        accumulator.raise(powers);
        Some(accumulator.finish())
    }

    fn comb_table(&self, base: &BoxedMontyForm, shape: Comb) -> Box<dyn CombTable> {
        Box::new(Rows::new(base, shape))
    }
}

/// The last of the running products of `first` and the factors, and the product of all of them.
pub(crate) fn running<'a>(
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

/// A running product, with the memory for its multiplications.
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

    /// Turns 1 into the product of the powers.
    fn raise(&mut self, powers: &[Power<'_>]) {
        let width = Power::widest(powers);
        let window = bits::window(width);
        let tables: Vec<Table> = powers
            .iter()
            .map(|power| Table::new(power.base, 1 << window, &mut self.montgomery))
            .collect();
        for position in (0..width.div_ceil(window)).rev() {
            self.square(window);
            for (power, table) in powers.iter().zip(&tables) {
                let digit = power.exponent.digit(position * window, window);
                self.multiply_entry(table, digit);
            }
        }
    }

    /// Returns the value and leaves no copy of it.
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

    /// Multiplies by the entry that `digit` selects, reading the whole table.
    fn multiply_entry(&mut self, table: &Table, digit: Word) {
        match self.progress {
            Progress::One => table.lookup(digit, &mut self.value),
            Progress::Begun => {
                table.lookup(digit, &mut self.entry);
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

/// base^0, base^1, .. in one block of memory.
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

    fn lookup(&self, digit: Word, entry: &mut BoxedMontyForm) {
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
struct Rows {
    shape: Comb,
    rows: Vec<Table>,
    one: BoxedMontyForm,
}

impl Rows {
    fn new(base: &BoxedMontyForm, shape: Comb) -> Self {
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
}

impl CombTable for Rows {
    fn pow(&self, exponent: ExponentBits<'_>) -> BoxedMontyForm {
        let mut accumulator = Accumulator::one(&self.one);
        for step in self.shape.steps(exponent) {
            match step {
                Step::Square => accumulator.square(1),
                Step::Multiply { row, from } => {
                    let digit = exponent.digit(from, self.shape.window);
                    if let Some(row) = self.rows.get(row as usize) {
                        accumulator.multiply_entry(row, digit);
                    }
                }
            }
        }
        accumulator.finish()
    }

    fn pow_batch(&self, exponents: &[ExponentBits<'_>]) -> Vec<BoxedMontyForm> {
        exponents
            .iter()
            .map(|exponent| self.pow(*exponent))
            .collect()
    }
}
