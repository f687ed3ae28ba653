//! The engine for processors with AVX-512 IFMA: 52-bit multiply-adds, eight at once.
//!
//! ```text
//!   Compiled ---- Kernels, for K digits (10, 20, 30, 40, 60 or 80)
//!                   |-- one.rs     windows, tables of fixed bases, products     -- single.rs
//!                   |-- eight.rs   the same, eight at once                      -- lanes.rs
//!                   `-- radix.rs   64-bit words to digits of 52 bits and back
//! ```
//!
//! Numbers are below 2m between multiplications (almost-Montgomery multiplication; Gueron,
//! "Efficient software implementations of modular exponentiation", 2012), with R = 2^(52K) above
//! 4m; results are reduced at the end. A multiplication by a constant converts into this form and
//! another one converts back, so callers see the 64-bit Montgomery form only. Both kernels have the
//! same R.
//!
//! # Security
//!
//! Branches and addresses depend on lengths, widths and positions. The machine code that rustc 1.95
//! generates for `single.rs`, `lanes.rs` and `radix.rs` was read for that: every conditional jump
//! follows a comparison of a counter or a length, comparisons of digits become masks (`setne`, mask
//! registers), and gathers, which the compiler uses for some copies, have public positions.
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
    bits::ExponentBits,
    comb::Comb,
    kernel::{CombTable, Implementation, Kernel, Power},
};
use eight::Eight;
use one::One;
use radix::Constants;
use vector::LANES;

cpufeatures::new!(features, "bmi2", "avx512f", "avx512ifma");

pub(super) const ENGINE: Implementation = Implementation {
    name: "avx512-ifma",
    is_available: || Ifma::detect().is_some(),
    kernel,
};

/// Proof that the processor has the instructions.
#[derive(Clone, Copy)]
struct Ifma(());

impl Ifma {
    fn detect() -> Option<Self> {
        features::get().then_some(Self(()))
    }
}

fn kernel(params: &BoxedMontyParams, bits: u32) -> Option<Box<dyn Kernel>> {
    let ifma = Ifma::detect()?;
    Some(match Constants::digits(bits) {
        0..=10 => Box::new(Compiled::<10, 2, 2>::new(ifma, params)),
        11..=20 => Box::new(Compiled::<20, 3, 4>::new(ifma, params)),
        21..=30 => Box::new(Compiled::<30, 4, 6>::new(ifma, params)),
        31..=40 => Box::new(Compiled::<40, 5, 8>::new(ifma, params)),
        41..=60 => Box::new(Compiled::<60, 8, 4>::new(ifma, params)),
        61..=80 => Box::new(Compiled::<80, 10, 8>::new(ifma, params)),
        _ => return None,
    })
}

/// From this number of powers on, computing eight at once is faster than one after the other.
const WORTH_LANES: usize = 6;

/// The number of factors from which a product is faster in lanes, each of which squares for itself.
const fn product_worth_lanes(digits: usize) -> usize {
    if digits <= 10 { WORTH_LANES } else { 32 }
}

/// The entries of a row of a table.
const fn entries(shape: Comb, row: u32) -> Range<usize> {
    let first = (row << shape.window) as usize;
    first..first + (1 << shape.window)
}

/// Both kernels for K digits, which a modulus shares with its tables.
struct Compiled<const K: usize, const V: usize, const LAST: usize>(Arc<Kernels<K, V, LAST>>);

struct Kernels<const K: usize, const V: usize, const LAST: usize> {
    // Its presence makes the calls below sound.
    _ifma: Ifma,
    one: One<V, LAST>,
    eight: Eight<K>,
}

impl<const K: usize, const V: usize, const LAST: usize> Compiled<K, V, LAST> {
    fn new(ifma: Ifma, params: &BoxedMontyParams) -> Self {
        let constants = Constants::new(params, K);
        // Both kernels have the same R.
        debug_assert_eq!(K, LANES * (V - 1) + LAST);
        Self(Arc::new(Kernels {
            _ifma: ifma,
            // SAFETY: `ifma` proves that the processor has the instructions.
            one: unsafe { One::new(&constants) },
            // SAFETY: `ifma` proves that the processor has the instructions.
            eight: unsafe { Eight::new(&constants) },
        }))
    }
}

impl<const K: usize, const V: usize, const LAST: usize> Kernel for Compiled<K, V, LAST> {
    fn lanes(&self) -> usize {
        LANES
    }

    fn pow(&self, power: Power<'_>) -> BoxedMontyForm {
        // SAFETY: the kernels hold the proof that the processor has the instructions.
        unsafe { self.0.one.pow(power) }
    }

    fn pow_batch(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm> {
        let mut results = Vec::with_capacity(powers.len());
        for group in powers.chunks(LANES) {
            if group.len() < WORTH_LANES {
                results.extend(group.iter().map(|power| self.pow(*power)));
            } else {
                // SAFETY: the kernels hold the proof that the processor has the instructions.
                results.extend(unsafe { self.0.eight.pow(group) });
            }
        }
        results
    }

    fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
        if powers.len() < product_worth_lanes(K) {
            // SAFETY: the kernels hold the proof that the processor has the instructions.
            return unsafe { self.0.one.product(powers) };
        }
        // SAFETY: the kernels hold the proof that the processor has the instructions.
        unsafe { self.0.eight.product(powers) }
    }

    fn comb_table(&self, base: &BoxedMontyForm, shape: Comb) -> Box<dyn CombTable> {
        // SAFETY: the kernels hold the proof that the processor has the instructions.
        let digits = unsafe { self.0.one.comb_table(base, shape) };
        Box::new(Rows {
            kernels: Arc::clone(&self.0),
            params: base.params().clone(),
            shape,
            digits: digits.into_boxed_slice(),
        })
    }
}

/// The table of a fixed base, all rows one after the other. Erased on drop, because the base may be
/// secret.
struct Rows<const K: usize, const V: usize, const LAST: usize> {
    kernels: Arc<Kernels<K, V, LAST>>,
    params: BoxedMontyParams,
    shape: Comb,
    digits: Box<[u64]>,
}

impl<const K: usize, const V: usize, const LAST: usize> CombTable for Rows<K, V, LAST> {
    fn pow(&self, exponent: ExponentBits<'_>) -> BoxedMontyForm {
        let one = &self.kernels.one;
        // SAFETY: the kernels hold the proof that the processor has the instructions.
        unsafe { one.comb_pow(&self.digits, self.shape, exponent, &self.params) }
    }

    fn pow_batch(&self, exponents: &[ExponentBits<'_>]) -> Vec<BoxedMontyForm> {
        let (eight, entry_len) = (&self.kernels.eight, LANES * V);
        let mut results = Vec::with_capacity(exponents.len());
        for group in exponents.chunks(LANES) {
            if group.len() < WORTH_LANES {
                results.extend(group.iter().map(|exponent| self.pow(*exponent)));
            } else {
                // SAFETY: the kernels hold the proof that the processor has the instructions.
                results.extend(unsafe {
                    eight.comb_pow(&self.digits, entry_len, self.shape, group, &self.params)
                });
            }
        }
        results
    }
}

impl<const K: usize, const V: usize, const LAST: usize> Drop for Rows<K, V, LAST> {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}
