//! Engines: the inner loops of exponentiation, chosen once per modulus.
//!
//! The interface of the crate does not change with the engine. An engine for vector instructions
//! is one more variant here, detected at run time, and one more file beside `portable.rs`.

mod portable;

use crypto_bigint::modular::BoxedMontyForm;

use crate::exponent::Exponent;

/// What computes powers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Word by word, on any processor.
    Portable,
}

impl Engine {
    /// The fastest engine of this processor.
    pub(crate) const fn detect() -> Self {
        Self::Portable
    }

    /// `base` to the power of `exponent`, in time that depends on neither value.
    pub(crate) fn pow(self, base: &BoxedMontyForm, exponent: &Exponent) -> BoxedMontyForm {
        match self {
            Self::Portable => portable::pow(base, exponent.words(), exponent.width()),
        }
    }
}
