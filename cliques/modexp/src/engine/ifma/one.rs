//! One exponentiation on the kernel of `single.rs`: fixed windows as in the portable engine.

use alloc::{boxed::Box, vec, vec::Vec};
use core::arch::x86_64::{
    _mm512_cmpeq_epi64_mask, _mm512_mask_mov_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
};

use crypto_bigint::{
    Word,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use zeroize::Zeroize;

use super::{
    entries,
    radix::{self, Constants},
    single::{self, Copies, Digits, Number},
    vector::{self, LANES},
};
use crate::engine::{
    bits::{self, ExponentBits},
    comb::{Comb, Step},
    kernel::{Power, Progress},
};

/// A modulus with the constants of its form.
pub(super) struct One<const V: usize, const LAST: usize> {
    modulus: single::Modulus<V>,
    one: Number<V>,
    enter: Digits<V>,
    leave: Digits<V>,
}

impl<const V: usize, const LAST: usize> One<V, LAST> {
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    pub(super) fn new(constants: &Constants) -> Self {
        Self {
            modulus: single::Modulus::new(&grouped(&constants.modulus), constants.inverse),
            one: load(&grouped(&constants.one)),
            enter: grouped(&constants.enter),
            leave: grouped(&constants.leave),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    pub(super) fn pow(&self, power: Power<'_>) -> BoxedMontyForm {
        let mut run = Run::new(self);
        run.raise(&[power]);
        run.result(power.base.params())
    }

    /// The product of powers; `None` if there are no powers.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    pub(super) fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
        let params = powers.first()?.base.params();
        let mut run = Run::new(self);
        run.raise(powers);
        Some(run.result(params))
    }

    /// The table of a fixed base: in each row the powers b^0, b^1, .. of that row's b, 8V digits
    /// each.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    pub(super) fn comb_table(&self, base: &BoxedMontyForm, shape: Comb) -> Vec<u64> {
        let mut run = Run::new(self);
        run.enter(base);
        let mut first = run.value;
        let mut digits = Vec::with_capacity((shape.rows << shape.window) as usize * V * LANES);
        for row in 0..shape.rows {
            if row != 0 {
                run.value = first;
                for _ in 0..shape.window * shape.parts {
                    run.square();
                }
                first = run.value;
            }
            for power in &run.powers(1 << shape.window).0 {
                digits.extend_from_slice(store(power).as_flattened());
            }
        }
        first.zeroize();
        digits
    }

    /// A power of a fixed base.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    pub(super) fn comb_pow(
        &self,
        table: &[u64],
        shape: Comb,
        exponent: ExponentBits<'_>,
        params: &BoxedMontyParams,
    ) -> BoxedMontyForm {
        let table = table.as_chunks::<LANES>().0.as_chunks::<V>().0;
        let mut run = Run::new(self);
        for step in shape.steps(exponent) {
            match step {
                Step::Square => run.square(),
                Step::Multiply { row, from } => {
                    let digit = exponent.digit(from, shape.window);
                    let next = table.get(entries(shape, row + 1)).unwrap_or_default();
                    let row = &table[entries(shape, row)];
                    let entry = select(row.iter().map(|digits| load(digits)), digit);
                    // The table does not fit in the first-level cache.
                    vector::prefetch(next.as_flattened());
                    run.multiply_entry(&entry);
                }
            }
        }
        run.result(params)
    }
}

/// A running product with its working memory, which is erased on drop.
struct Run<'a, const V: usize, const LAST: usize> {
    one: &'a One<V, LAST>,
    value: Number<V>,
    progress: Progress,
    memory: Box<Memory<V>>,
}

struct Memory<const V: usize> {
    factor: Digits<V>,
    copies: Copies<V>,
}

impl<'a, const V: usize, const LAST: usize> Run<'a, V, LAST> {
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn new(one: &'a One<V, LAST>) -> Self {
        Self {
            one,
            value: one.one,
            progress: Progress::One,
            memory: Box::new(Memory {
                factor: [[0; LANES]; V],
                copies: Copies::new(),
            }),
        }
    }

    /// Multiplies by the digits in memory.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn multiply(&mut self) {
        let Memory { factor, copies } = &mut *self.memory;
        single::multiply::<V, LAST>(&mut self.value, factor, &self.one.modulus, copies);
    }

    /// Multiplies by an entry.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn multiply_entry(&mut self, entry: &Number<V>) {
        match self.progress {
            Progress::One => self.value = *entry,
            Progress::Begun => {
                self.memory.factor = store(entry);
                self.multiply();
            }
        }
        self.progress = Progress::Begun;
    }

    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn square(&mut self) {
        match self.progress {
            Progress::One => (),
            Progress::Begun => {
                self.memory.factor = store(&self.value);
                self.multiply();
            }
        }
    }

    /// Turns 1 into the product of the powers, which share their squarings.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn raise(&mut self, powers: &[Power<'_>]) {
        let width = Power::widest(powers);
        let window = bits::window(width);
        let mut tables = Vec::with_capacity(powers.len());
        for power in powers {
            self.enter(power.base);
            tables.push(self.powers(1 << window));
        }
        self.value = self.one.one;
        self.progress = Progress::One;
        for position in (0..width.div_ceil(window)).rev() {
            for _ in 0..window {
                self.square();
            }
            for (power, table) in powers.iter().zip(&tables) {
                let digit = power.exponent.digit(position * window, window);
                let entry = select(table.0.iter().copied(), digit);
                self.multiply_entry(&entry);
            }
        }
    }

    /// Loads a base, converted to the form of this engine.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn enter(&mut self, base: &BoxedMontyForm) {
        let factor = self.memory.factor.as_flattened_mut();
        radix::to_digits(base.as_montgomery().as_words(), factor);
        self.value = load(&self.memory.factor);
        self.progress = Progress::Begun;
        self.memory.factor = self.one.enter;
        self.multiply();
    }

    /// The powers of the value, from power 0 on.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn powers(&mut self, count: usize) -> Table<V> {
        self.memory.factor = store(&self.value);
        let mut table = Table(vec![self.one.one; count]);
        for (index, place) in table.0.iter_mut().enumerate().skip(1) {
            *place = self.value;
            if index + 1 != count {
                self.multiply();
            }
        }
        table
    }

    /// The value, converted back to the 64-bit Montgomery form.
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn result(&mut self, params: &BoxedMontyParams) -> BoxedMontyForm {
        self.memory.factor = self.one.leave;
        self.multiply();
        self.memory.factor = store(&self.value);
        radix::reduced(self.memory.factor.as_flattened(), params)
    }
}

impl<const V: usize, const LAST: usize> Drop for Run<'_, V, LAST> {
    fn drop(&mut self) {
        self.value.zeroize();
        self.memory.factor.zeroize();
        self.memory.copies.zeroize();
    }
}

/// The powers of a base, erased on drop.
struct Table<const V: usize>(Vec<Number<V>>);

impl<const V: usize> Drop for Table<V> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The entry that a digit selects. Reads the whole table.
#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
fn select<const V: usize>(table: impl Iterator<Item = Number<V>>, digit: Word) -> Number<V> {
    let digit = _mm512_set1_epi64(digit as i64);
    let mut selected = [_mm512_setzero_si512(); V];
    for (number, power) in (0..).zip(table) {
        let lanes = _mm512_cmpeq_epi64_mask(digit, _mm512_set1_epi64(number));
        for (to, from) in selected.iter_mut().zip(power) {
            *to = _mm512_mask_mov_epi64(*to, lanes, from);
        }
    }
    selected
}

#[target_feature(enable = "avx512f")]
fn load<const V: usize>(digits: &Digits<V>) -> Number<V> {
    core::array::from_fn(|v| vector::load(&digits[v]))
}

#[target_feature(enable = "avx512f")]
fn store<const V: usize>(number: &Number<V>) -> Digits<V> {
    core::array::from_fn(|v| vector::store(number[v]))
}

fn grouped<const V: usize>(digits: &[u64]) -> Digits<V> {
    let mut grouped = [[0; LANES]; V];
    for (place, digit) in grouped.as_flattened_mut().iter_mut().zip(digits) {
        *place = *digit;
    }
    grouped
}
