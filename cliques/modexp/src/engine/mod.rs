//! Engines: the inner loops of exponentiation, chosen once per modulus.
//!
//! The interface of the crate does not change with the engine, and neither does any result.

pub(crate) mod comb;
mod digits;
#[cfg(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    not(cliques_modexp_portable)
))]
mod ifma;
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    not(cliques_modexp_portable)
)))]
#[path = "absent.rs"]
mod ifma;
mod portable;

use alloc::vec::Vec;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};

use crate::exponent::Exponent;
use comb::{Comb, CombTable};

/// What computes powers. A modulus is made for the fastest one of the processor;
/// [`Modulus::with_engine`](crate::Modulus::with_engine) takes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// Word by word, on any processor.
    Portable,
    /// Vectors of 52-bit multiply-adds, on x86-64 processors with AVX-512 IFMA, for moduli of at
    /// most 4158 bits.
    Avx512Ifma,
}

impl Engine {
    /// Every engine of the crate, the fastest one last.
    pub const ALL: [Self; 2] = [Self::Portable, Self::Avx512Ifma];
}

/// A base with its secret exponent.
#[derive(Clone, Copy)]
pub(crate) struct Power<'a> {
    pub(crate) base: &'a BoxedMontyForm,
    pub(crate) exponent: &'a Exponent,
}

/// How far a running product has come: known from the position alone, so that it may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is still the 1 that it starts as: a square is itself, a product is the factor.
    One,
    /// Something was multiplied by.
    Begun,
}

/// An engine with what it computes once for a modulus.
pub(crate) enum Kernel {
    Portable,
    Ifma(ifma::Context),
}

/// Shorter moduli are left to the portable engine, whose numbers have no unused lanes.
const IFMA_MIN_BITS: u32 = 256;

impl Kernel {
    /// The fastest engine of this processor for a modulus.
    pub(crate) fn detect(params: &BoxedMontyParams, bits: u32) -> Self {
        if bits < IFMA_MIN_BITS {
            return Self::Portable;
        }
        Self::of(Engine::Avx512Ifma, params, bits).unwrap_or(Self::Portable)
    }

    /// A certain engine; none where the processor, or the engine for this modulus, is not up to it.
    pub(crate) fn of(engine: Engine, params: &BoxedMontyParams, bits: u32) -> Option<Self> {
        match engine {
            Engine::Portable => Some(Self::Portable),
            Engine::Avx512Ifma => ifma::Context::detect(params, bits).map(Self::Ifma),
        }
    }

    pub(crate) const fn engine(&self) -> Engine {
        match self {
            Self::Portable => Engine::Portable,
            Self::Ifma(_) => Engine::Avx512Ifma,
        }
    }

    /// How many powers it computes at once.
    pub(crate) const fn group(&self) -> usize {
        match self {
            Self::Portable => 1,
            Self::Ifma(_) => ifma::GROUP,
        }
    }

    /// In time that depends on the exponent's width and the modulus only, like all that follows.
    pub(crate) fn pow(&self, power: Power<'_>) -> BoxedMontyForm {
        match self {
            Self::Portable => portable::pow(power),
            Self::Ifma(context) => context.pow(power),
        }
    }

    /// Independent powers, in the given order.
    pub(crate) fn pow_batch(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm> {
        match self {
            Self::Portable => powers.iter().copied().map(portable::pow).collect(),
            Self::Ifma(context) => context.pow_batch(powers),
        }
    }

    /// The product of at least one power.
    pub(crate) fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
        match self {
            Self::Portable => portable::product(powers),
            Self::Ifma(context) => context.product(powers),
        }
    }

    /// The last of the running products of `first` and the factors, and the product of them all.
    pub(crate) fn running<'a>(
        &self,
        first: &BoxedMontyForm,
        factors: impl Iterator<Item = &'a BoxedMontyForm>,
    ) -> [BoxedMontyForm; 2] {
        match self {
            // Every factor would have to be brought to the form of the vectors first.
            Self::Portable | Self::Ifma(_) => portable::running(first, factors),
        }
    }

    /// The table of a fixed base.
    pub(crate) fn comb_table(&self, base: &BoxedMontyForm, comb: Comb) -> CombTable {
        match self {
            Self::Portable => CombTable::Portable(portable::CombTable::new(base, comb)),
            Self::Ifma(context) => context.comb_table(base, comb),
        }
    }
}
