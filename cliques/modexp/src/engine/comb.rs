//! The shape of the table of a fixed base.
//!
//! An exponent of D digits of w bits is cut into s interleaved parts, digit i of every s digits to
//! part i:
//!
//! ```text
//!   e = sum over i < s of 2^(w i) (sum over j of digit(i + s j) 2^(w s j))
//! ```
//!
//! With a table of b^(d 2^(w s j)) for every j and every digit d, all parts need D multiplications
//! together, and w (s - 1) squarings join them. s = 1 has no squarings and the largest table
//! (Brickell, Gordon, McCurley, Wilson, "Fast exponentiation with precomputation", 1992; the
//! interleaving as in Lim and Lee, "More flexible exponentiation with precomputation", 1994).

use alloc::vec::Vec;

use crypto_bigint::modular::BoxedMontyForm;

use super::portable;
use crate::exponent::Exponent;

/// The shape of a table, for exponents of a width in a modulus of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comb {
    /// w, bits a digit.
    pub(crate) window: u32,
    /// s, interleaved parts.
    pub(crate) parts: u32,
    /// Entries for so many j.
    pub(crate) rows: u32,
}

/// What a table may take, in bytes of residues.
const TABLE_BYTES: u32 = 512 * 1024;

impl Comb {
    pub(crate) fn new(width: u32, modulus_bits: u32) -> Self {
        let window = if width < 1024 { 4 } else { 5 };
        let row_bytes = modulus_bits.div_ceil(8) << window;
        let digits = width.div_ceil(window);
        let rows = digits.min(TABLE_BYTES / row_bytes).max(1);
        let parts = digits.div_ceil(rows);
        Self {
            window,
            parts,
            rows: digits.div_ceil(parts),
        }
    }
}

/// A table in the form of the engine that made it.
pub(crate) enum CombTable {
    Portable(portable::Comb),
}

impl CombTable {
    /// The power of an exponent that is not wider than the table.
    pub(crate) fn pow(&self, exponent: &Exponent) -> BoxedMontyForm {
        match self {
            Self::Portable(table) => table.pow(exponent),
        }
    }

    /// Independent powers, in the given order.
    pub(crate) fn pow_batch(&self, exponents: &[&Exponent]) -> Vec<BoxedMontyForm> {
        match self {
            Self::Portable(table) => exponents.iter().map(|e| table.pow(e)).collect(),
        }
    }
}
