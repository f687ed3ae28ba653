//! The engine for processors with AVX-512 IFMA: 52-bit multiply-adds, eight at once.
//!
//! ```text
//!   Context ---- Kernels (one number of digits K: 10, 20, 30, 40, 60 or 80)
//!                  |-- one.rs     windows, tables of fixed bases, products     -- single.rs
//!                  |-- eight.rs   the same, eight at once                      -- lanes.rs
//!                  `-- radix.rs   64-bit words to digits of 52 bits and back
//! ```
//!
//! Numbers are below 2m between multiplications (almost-Montgomery multiplication; Gueron,
//! "Efficient software implementations of modular exponentiation", 2012), with R = 2^(52K) above
//! 4m; the residue is reduced on the way out. A product with a constant leads into the form and
//! another one out of it, so that callers see the 64-bit Montgomery form only. Both kernels have the
//! same R.
//!
//! # Security
//!
//! Branches and addresses depend on lengths, widths and positions. The machine code that rustc 1.95
//! makes of `single.rs`, `lanes.rs` and `radix.rs` was read for that: every conditional jump follows
//! a comparison of a counter or a length, comparisons of digits become masks (`setne`, mask
//! registers), and gathers, where the compiler makes them of copies, go by public positions.
#![allow(
    clippy::indexing_slicing,
    reason = "lengths are constants of the compiled kernel"
)]
#![allow(unsafe_code, reason = "vector instructions; see each block")]

mod eight;
mod lanes;
mod one;
mod radix;
mod single;
mod vector;

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use core::ops::Range;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use zeroize::Zeroize;

use super::{
    Power,
    comb::{self, Comb},
};
use crate::exponent::Exponent;
use eight::Eight;
use one::One;
use radix::Constants;
use vector::LANES;

cpufeatures::new!(features, "bmi2", "avx512f", "avx512ifma");

/// Proof that the processor has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Ifma(());

impl Ifma {
    pub(super) fn detect() -> Option<Self> {
        features::get().then_some(Self(()))
    }
}

/// What is computed once for a modulus.
#[derive(Clone)]
pub(crate) struct Context(Arc<dyn Kernels>);

impl Context {
    /// None on a processor without the instructions, and for a modulus that no kernel is compiled
    /// for.
    pub(super) fn detect(params: &BoxedMontyParams, bits: u32) -> Option<Self> {
        let ifma = Ifma::detect()?;
        let kernels: Arc<dyn Kernels> = match Constants::digits(bits) {
            0..=10 => Arc::new(Compiled::<10, 2, 2>::new(ifma, params)),
            11..=20 => Arc::new(Compiled::<20, 3, 4>::new(ifma, params)),
            21..=30 => Arc::new(Compiled::<30, 4, 6>::new(ifma, params)),
            31..=40 => Arc::new(Compiled::<40, 5, 8>::new(ifma, params)),
            41..=60 => Arc::new(Compiled::<60, 8, 4>::new(ifma, params)),
            61..=80 => Arc::new(Compiled::<80, 10, 8>::new(ifma, params)),
            _ => return None,
        };
        Some(Self(kernels))
    }

    pub(super) fn pow(&self, power: Power<'_>) -> BoxedMontyForm {
        self.0.pow(power)
    }

    pub(super) fn pow_batch(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm> {
        let mut results = Vec::with_capacity(powers.len());
        for group in powers.chunks(LANES) {
            if group.len() < WORTH_LANES {
                results.extend(group.iter().map(|power| self.0.pow(*power)));
            } else {
                results.extend(self.0.pow_eight(group));
            }
        }
        results
    }

    pub(super) fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
        self.0.product(powers)
    }

    pub(super) fn comb_table(&self, base: &BoxedMontyForm, shape: Comb) -> comb::CombTable {
        comb::CombTable::Ifma(CombTable {
            context: self.clone(),
            params: base.params().clone(),
            shape,
            digits: self.0.comb_table(base, shape).into_boxed_slice(),
        })
    }
}

/// Powers computed at once.
pub(super) const GROUP: usize = LANES;

/// Eight at once take as long as so many one after the other.
const WORTH_LANES: usize = 6;

/// Factors from which a product gains from lanes, each of which squares for itself.
const fn product_worth_lanes(digits: usize) -> usize {
    if digits <= 10 { WORTH_LANES } else { 32 }
}

/// The table of a fixed base.
pub(crate) struct CombTable {
    context: Context,
    params: BoxedMontyParams,
    shape: Comb,
    digits: Box<[u64]>,
}

impl CombTable {
    pub(super) fn pow(&self, exponent: &Exponent) -> BoxedMontyForm {
        let kernels = &*self.context.0;
        kernels.comb_pow(&self.digits, self.shape, exponent, &self.params)
    }

    pub(super) fn pow_batch(&self, exponents: &[&Exponent]) -> Vec<BoxedMontyForm> {
        let kernels = &*self.context.0;
        let mut results = Vec::with_capacity(exponents.len());
        for group in exponents.chunks(LANES) {
            if group.len() < WORTH_LANES {
                results.extend(group.iter().map(|exponent| self.pow(exponent)));
            } else {
                results.extend(kernels.comb_pow_eight(
                    &self.digits,
                    self.shape,
                    group,
                    &self.params,
                ));
            }
        }
        results
    }
}

/// The base may be a secret.
impl Drop for CombTable {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}

/// The entries of a row of a table.
const fn entries(shape: Comb, row: u32) -> Range<usize> {
    let first = (row << shape.window) as usize;
    first..first + (1 << shape.window)
}

/// The kernels for one number of digits.
trait Kernels: Send + Sync {
    fn pow(&self, power: Power<'_>) -> BoxedMontyForm;
    fn pow_eight(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm>;
    fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm>;
    fn comb_table(&self, base: &BoxedMontyForm, shape: Comb) -> Vec<u64>;
    fn comb_pow(
        &self,
        table: &[u64],
        shape: Comb,
        exponent: &Exponent,
        params: &BoxedMontyParams,
    ) -> BoxedMontyForm;
    fn comb_pow_eight(
        &self,
        table: &[u64],
        shape: Comb,
        exponents: &[&Exponent],
        params: &BoxedMontyParams,
    ) -> Vec<BoxedMontyForm>;
}

struct Compiled<const K: usize, const V: usize, const LAST: usize> {
    // Its presence makes the calls below sound.
    _ifma: Ifma,
    one: One<V, LAST>,
    eight: Eight<K>,
}

impl<const K: usize, const V: usize, const LAST: usize> Compiled<K, V, LAST> {
    fn new(ifma: Ifma, params: &BoxedMontyParams) -> Self {
        let constants = Constants::new(params, K);
        // Both kernels share R.
        debug_assert_eq!(K, LANES * (V - 1) + LAST);
        Self {
            _ifma: ifma,
            // SAFETY: `ifma` proves that the processor has the instructions.
            one: unsafe { One::new(&constants) },
            // SAFETY: `ifma` proves that the processor has the instructions.
            eight: unsafe { Eight::new(&constants) },
        }
    }
}

impl<const K: usize, const V: usize, const LAST: usize> Kernels for Compiled<K, V, LAST> {
    fn pow(&self, power: Power<'_>) -> BoxedMontyForm {
        // SAFETY: `self` has the proof that the processor has the instructions.
        unsafe { self.one.pow(power) }
    }

    fn pow_eight(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm> {
        // SAFETY: `self` has the proof that the processor has the instructions.
        unsafe { self.eight.pow(powers) }
    }

    fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
        if powers.len() < product_worth_lanes(K) {
            // SAFETY: `self` has the proof that the processor has the instructions.
            return unsafe { self.one.product(powers) };
        }
        // SAFETY: `self` has the proof that the processor has the instructions.
        unsafe { self.eight.product(powers) }
    }

    fn comb_table(&self, base: &BoxedMontyForm, shape: Comb) -> Vec<u64> {
        // SAFETY: `self` has the proof that the processor has the instructions.
        unsafe { self.one.comb_table(base, shape) }
    }

    fn comb_pow(
        &self,
        table: &[u64],
        shape: Comb,
        exponent: &Exponent,
        params: &BoxedMontyParams,
    ) -> BoxedMontyForm {
        // SAFETY: `self` has the proof that the processor has the instructions.
        unsafe { self.one.comb_pow(table, shape, exponent, params) }
    }

    fn comb_pow_eight(
        &self,
        table: &[u64],
        shape: Comb,
        exponents: &[&Exponent],
        params: &BoxedMontyParams,
    ) -> Vec<BoxedMontyForm> {
        let entry_len = LANES * V;
        // SAFETY: `self` has the proof that the processor has the instructions.
        unsafe {
            self.eight
                .comb_pow(table, entry_len, shape, exponents, params)
        }
    }
}
