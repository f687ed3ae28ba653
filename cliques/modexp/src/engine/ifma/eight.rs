//! Eight exponentiations at once on the kernel of `lanes.rs`.
//!
//! Fixed windows as in the portable engine. Eight tables lie side by side in the lanes of one, and the
//! digits of eight exponents select from them: every entry is read, and a comparison decides in each
//! lane whether to keep it.

use alloc::{boxed::Box, vec, vec::Vec};
use core::arch::x86_64::{
    __m512i, _mm512_alignr_epi64, _mm512_cmpeq_epi64_mask, _mm512_mask_mov_epi64,
    _mm512_mask_set1_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
};

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use zeroize::Zeroize;

use super::{
    entries,
    lanes::{self, Columns, Lanes},
    radix::{self, Constants},
    vector::{self, LANES},
};
use crate::engine::{
    bits::{self, ExponentBits},
    comb::{Comb, Step},
    kernel::{Power, Progress},
};

/// Digits that one pass over a table selects, in registers.
const SELECTED: usize = 10;

/// A modulus in every lane, with the constants of its form.
pub(super) struct Eight<const K: usize> {
    modulus: lanes::Modulus<K>,
    one: Lanes<K>,
    enter: Lanes<K>,
    leave: Lanes<K>,
}

impl<const K: usize> Eight<K> {
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn new(constants: &Constants) -> Self {
        Self {
            modulus: lanes::Modulus {
                digits: splat(&constants.modulus),
                inverse: _mm512_set1_epi64(constants.inverse as i64),
            },
            one: splat(&constants.one),
            enter: splat(&constants.enter),
            leave: splat(&constants.leave),
        }
    }

    /// At most eight powers.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn pow(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm> {
        let Some(params) = powers.first().map(|power| power.base.params()) else {
            return Vec::new();
        };
        let mut run = Run::new(self);
        run.raise(powers);
        run.results(params, powers.len())
    }

    /// The product of any number of powers; `None` if there are no powers.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
        let params = powers.first()?.base.params();
        let mut run = Run::new(self);
        run.raise(powers);
        run.fold();
        run.results(params, 1).pop()
    }

    /// At most eight powers of a fixed base; an entry of the table has `entry_len` digits.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn comb_pow(
        &self,
        table: &[u64],
        entry_len: usize,
        shape: Comb,
        exponents: &[ExponentBits<'_>],
        params: &BoxedMontyParams,
    ) -> Vec<BoxedMontyForm> {
        let by_width = exponents.iter().max_by_key(|exponent| exponent.width());
        let Some(widest) = by_width.copied() else {
            return Vec::new();
        };
        let mut run = Run::new(self);
        for step in shape.steps(widest) {
            match step {
                Step::Square => run.square(),
                Step::Multiply { row, from } => {
                    let row = entries(shape, row);
                    let row = &table[row.start * entry_len..row.end * entry_len];
                    let exponents = exponents.iter().copied();
                    let selectors = selectors(exponents, from, shape.window);
                    select_shared(row, entry_len, selectors, &mut run.entry);
                    run.multiply_entry();
                }
            }
        }
        run.results(params, exponents.len())
    }
}

/// Eight running products with their working memory, which is erased on drop.
struct Run<'a, const K: usize> {
    eight: &'a Eight<K>,
    value: Box<Lanes<K>>,
    progress: Progress,
    entry: Box<Lanes<K>>,
    columns: Box<Columns<K>>,
}

impl<'a, const K: usize> Run<'a, K> {
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(eight: &'a Eight<K>) -> Self {
        let zero = _mm512_setzero_si512();
        Self {
            eight,
            value: Box::new(eight.one),
            progress: Progress::One,
            entry: Box::new([zero; K]),
            columns: Box::new([[zero; K]; 2]),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiply(&mut self) {
        lanes::multiply(
            &mut self.value,
            &self.entry,
            &self.eight.modulus,
            &mut self.columns,
        );
    }

    /// Multiplies by the entry.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiply_entry(&mut self) {
        match self.progress {
            Progress::One => *self.value = *self.entry,
            Progress::Begun => self.multiply(),
        }
        self.progress = Progress::Begun;
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn square(&mut self) {
        match self.progress {
            Progress::One => (),
            Progress::Begun => {
                lanes::square(&mut self.value, &self.eight.modulus, &mut self.columns);
            }
        }
    }

    /// Turns 1 into products: that of every eighth power in each lane, starting with its own.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn raise(&mut self, powers: &[Power<'_>]) {
        let width = Power::widest(powers);
        let window = bits::window(width);
        let groups: Vec<&[Power<'_>]> = powers.chunks(LANES).collect();
        let tables: Vec<_> = groups
            .iter()
            .map(|group| self.table(group, 1 << window))
            .collect();
        *self.value = self.eight.one;
        self.progress = Progress::One;
        for position in (0..width.div_ceil(window)).rev() {
            for _ in 0..window {
                self.square();
            }
            for (group, table) in groups.iter().zip(&tables) {
                let exponents = group.iter().map(|power| power.exponent);
                let selectors = selectors(exponents, position * window, window);
                select(&table.0, selectors, &mut self.entry);
                self.multiply_entry();
            }
        }
    }

    /// base^0, base^1, .. of each base; lanes without a base have zeros.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn table(&mut self, bases: &[Power<'_>], count: usize) -> Table<K> {
        self.load(bases);
        self.progress = Progress::Begun;
        *self.entry = self.eight.enter;
        self.multiply();
        *self.entry = *self.value;
        let mut table = Table(vec![self.eight.one; count]);
        for index in 1..count {
            if let Some(place) = table.0.get_mut(index) {
                *place = *self.value;
            }
            if index + 1 == count {
                break;
            }
            if index % 2 == 1 {
                // The next entry is the square of the one at half its index, cheaper than a product.
                if let Some(half) = table.0.get(index.div_ceil(2)) {
                    *self.value = *half;
                }
                self.square();
            } else {
                self.multiply();
            }
        }
        table
    }

    /// Loads the 64-bit Montgomery form of each base into its lane.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn load(&mut self, bases: &[Power<'_>]) {
        let mut transposed = vec![[0; LANES]; K];
        let mut digits = [0; K];
        for (lane, power) in bases.iter().enumerate() {
            radix::to_digits(power.base.as_montgomery().as_words(), &mut digits);
            for (place, digit) in transposed.iter_mut().zip(digits) {
                place[lane] = digit;
            }
        }
        for (vector, words) in self.value.iter_mut().zip(&transposed) {
            *vector = vector::load(words);
        }
        transposed.zeroize();
        digits.zeroize();
    }

    /// The first `count` lanes as residues.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn results(&mut self, params: &BoxedMontyParams, count: usize) -> Vec<BoxedMontyForm> {
        *self.entry = self.eight.leave;
        self.multiply();
        let mut transposed: Vec<[u64; LANES]> =
            self.value.iter().map(|v| vector::store(*v)).collect();
        let mut digits = [0; K];
        let results = (0..count).map(|lane| {
            for (digit, words) in digits.iter_mut().zip(&transposed) {
                *digit = words[lane];
            }
            radix::reduced(&digits, params)
        });
        let results = results.collect();
        transposed.zeroize();
        digits.zeroize();
        results
    }

    /// Multiplies all lanes with each other: every lane then has the product.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn fold(&mut self) {
        for rotate in [rotate::<4>, rotate::<2>, rotate::<1>] {
            for (to, from) in self.entry.iter_mut().zip(self.value.iter()) {
                *to = rotate(*from);
            }
            self.multiply();
        }
    }
}

impl<const K: usize> Drop for Run<'_, K> {
    fn drop(&mut self) {
        self.value.zeroize();
        self.entry.zeroize();
        self.columns.zeroize();
    }
}

/// The powers of eight bases, erased on drop.
struct Table<const K: usize>(Vec<Lanes<K>>);

impl<const K: usize> Drop for Table<K> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A digit of each exponent.
#[target_feature(enable = "avx512f,avx512ifma")]
fn selectors<'a>(
    exponents: impl Iterator<Item = ExponentBits<'a>>,
    from: u32,
    count: u32,
) -> __m512i {
    let mut selectors = [0; LANES];
    for (selector, exponent) in selectors.iter_mut().zip(exponents) {
        *selector = exponent.digit(from, count);
    }
    let vector = vector::load(&selectors);
    selectors.zeroize();
    vector
}

/// The entry that each lane selects from a table that all lanes share. Reads the whole table.
#[target_feature(enable = "avx512f,avx512ifma")]
fn select_shared<const K: usize>(
    table: &[u64],
    entry_len: usize,
    selectors: __m512i,
    entry: &mut Lanes<K>,
) {
    let blocks = entry.as_chunks_mut::<SELECTED>().0;
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut selected = [_mm512_setzero_si512(); SELECTED];
        for (number, digits) in (0..).zip(table.chunks_exact(entry_len)) {
            let lanes = _mm512_cmpeq_epi64_mask(selectors, _mm512_set1_epi64(number));
            let digits = &digits.as_chunks::<SELECTED>().0[index];
            for (to, from) in selected.iter_mut().zip(digits) {
                *to = _mm512_mask_set1_epi64(*to, lanes, *from as i64);
            }
        }
        *block = selected;
    }
}

/// The entry that each lane selects from its own table. Reads the whole table.
#[target_feature(enable = "avx512f,avx512ifma")]
fn select<const K: usize>(table: &[Lanes<K>], selectors: __m512i, entry: &mut Lanes<K>) {
    let blocks = entry.as_chunks_mut::<SELECTED>().0;
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut selected = [_mm512_setzero_si512(); SELECTED];
        for (number, power) in (0..).zip(table) {
            let lanes = _mm512_cmpeq_epi64_mask(selectors, _mm512_set1_epi64(number));
            let digits = &power.as_chunks::<SELECTED>().0[index];
            for (to, from) in selected.iter_mut().zip(digits) {
                *to = _mm512_mask_mov_epi64(*to, lanes, *from);
            }
        }
        *block = selected;
    }
}

#[target_feature(enable = "avx512f")]
fn rotate<const BY: i32>(vector: __m512i) -> __m512i {
    _mm512_alignr_epi64::<BY>(vector, vector)
}

#[target_feature(enable = "avx512f")]
fn splat<const K: usize>(digits: &[u64]) -> Lanes<K> {
    core::array::from_fn(|index| _mm512_set1_epi64(digits[index] as i64))
}
