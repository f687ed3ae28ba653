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

use super::{ifma, portable};
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

/// What a table may take, in bytes of residues. Larger ones need fewer squarings, but fall out of
/// the second-level cache between uses, and all of a row is read for each digit.
const TABLE_BYTES: u32 = 128 * 1024;

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

    /// What a power of an exponent that is not wider than the table takes.
    pub(crate) fn steps(self, exponent: &Exponent) -> impl Iterator<Item = Step> {
        let digits = exponent.width().div_ceil(self.window);
        (0..self.parts).rev().flat_map(move |part| {
            let squares = if part + 1 == self.parts {
                0
            } else {
                self.window
            };
            let squares = (0..squares).map(|_| Step::Square);
            let positions = (part..digits).step_by(self.parts as usize);
            let products = (0..)
                .zip(positions)
                .map(move |(row, position)| Step::Multiply {
                    row,
                    from: position * self.window,
                });
            squares.chain(products)
        })
    }
}

/// A step of a power.
pub(crate) enum Step {
    /// Square.
    Square,
    /// Multiply by the entry of a row that the digit from some bit of the exponent on selects.
    Multiply { row: u32, from: u32 },
}

/// A table with the engine that made it.
pub(crate) enum CombTable {
    Portable(portable::CombTable),
    #[allow(
        dead_code,
        reason = "never made where the vector engine is not compiled"
    )]
    Ifma(ifma::CombTable),
}

impl CombTable {
    /// The power of an exponent that is not wider than the table.
    pub(crate) fn pow(&self, exponent: &Exponent) -> BoxedMontyForm {
        match self {
            Self::Portable(table) => table.pow(exponent),
            Self::Ifma(table) => table.pow(exponent),
        }
    }

    /// Independent powers, in the given order.
    pub(crate) fn pow_batch(&self, exponents: &[&Exponent]) -> Vec<BoxedMontyForm> {
        match self {
            Self::Portable(table) => exponents.iter().map(|e| table.pow(e)).collect(),
            Self::Ifma(table) => table.pow_batch(exponents),
        }
    }
}
