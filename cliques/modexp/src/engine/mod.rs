//! Engines: the inner loops of exponentiation, chosen once per modulus.
//!
//! The interface of the crate does not change with the engine, and neither does any result.

pub(crate) mod comb;
mod digits;
mod portable;

use alloc::vec::Vec;

use crypto_bigint::modular::BoxedMontyForm;

use crate::exponent::Exponent;
use comb::{Comb, CombTable};

/// What computes powers. A modulus is made for the fastest one of the processor;
/// [`Modulus::with_engine`](crate::Modulus::with_engine) takes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// Word by word, on any processor.
    Portable,
}

impl Engine {
    /// Every engine of the crate, the fastest one last.
    pub const ALL: [Self; 1] = [Self::Portable];
}

/// A base with its secret exponent.
#[derive(Clone, Copy)]
pub(crate) struct Power<'a> {
    pub(crate) base: &'a BoxedMontyForm,
    pub(crate) exponent: &'a Exponent,
}

/// An engine with what it computes once for a modulus.
pub(crate) enum Kernel {
    Portable,
}

impl Kernel {
    /// The fastest engine of this processor for moduli of so many bits.
    pub(crate) const fn detect() -> Self {
        Self::Portable
    }

    /// A certain engine; none where the processor, or the engine for this modulus, is not up to it.
    pub(crate) const fn of(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Portable => Some(Self::Portable),
        }
    }

    pub(crate) const fn engine(&self) -> Engine {
        match self {
            Self::Portable => Engine::Portable,
        }
    }

    /// In time that depends on the exponent's width and the modulus only, like all that follows.
    pub(crate) fn pow(&self, power: Power<'_>) -> BoxedMontyForm {
        match self {
            Self::Portable => portable::pow(power),
        }
    }

    /// Independent powers, in the given order.
    pub(crate) fn pow_batch(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm> {
        match self {
            Self::Portable => powers.iter().copied().map(portable::pow).collect(),
        }
    }

    /// The product of at least one power.
    pub(crate) fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm> {
        match self {
            Self::Portable => portable::product(powers),
        }
    }

    /// The table of a fixed base.
    pub(crate) fn comb_table(&self, base: &BoxedMontyForm, comb: Comb) -> CombTable {
        match self {
            Self::Portable => CombTable::Portable(portable::Comb::new(base, comb)),
        }
    }
}
