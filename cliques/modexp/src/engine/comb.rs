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

use super::{digits, ifma, portable};
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
        Self::with_rows(window, TABLE_BYTES / row_bytes, width)
    }

    /// At most so many rows, and at least one.
    fn with_rows(window: u32, rows: u32, width: u32) -> Self {
        let digits = width.div_ceil(window).max(1);
        let rows = digits.min(rows).max(1);
        let parts = digits.div_ceil(rows);
        Self {
            window,
            parts,
            rows: digits.div_ceil(parts),
        }
    }

    /// The shape for `count` powers of one base whose table is made for them alone; none where the
    /// table costs more than it saves.
    pub(crate) fn for_powers(count: usize, width: u32, modulus_bits: u32) -> Option<Self> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let mut best = Self::new(width, modulus_bits);
        // Fewer rows than there is room for are made sooner.
        let mut rows = best.rows;
        while rows > 1 {
            rows = rows.div_ceil(2);
            let shape = Self::with_rows(best.window, rows, width);
            if shape.multiplications(count, width) < best.multiplications(count, width) {
                best = shape;
            }
        }
        let window = digits::window(width);
        let without = width
            .saturating_add(width.div_ceil(window))
            .saturating_add(1 << window)
            .saturating_mul(count);
        (best.multiplications(count, width) < without).then_some(best)
    }

    /// What a table and `count` powers take together, in multiplications.
    const fn multiplications(self, count: u32, width: u32) -> u32 {
        let table =
            self.window * self.parts * (self.rows - 1) + self.rows * ((1 << self.window) - 2);
        let power = width.div_ceil(self.window) + self.window * (self.parts - 1);
        table.saturating_add(power.saturating_mul(count))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_for_some_powers_are_no_larger_than_for_any_number() {
        for (width, bits) in [(1, 16), (160, 512), (256, 2048), (256, 3072), (2048, 2048)] {
            let most = Comb::new(width, bits);
            let mut rows = 0;
            for count in [0, 1, 2, 6, 8, 48, 100, 100_000] {
                let Some(shape) = Comb::for_powers(count, width, bits) else {
                    assert!(count < 2 || width < 8, "{count} powers of {width} bits");
                    continue;
                };
                let digits = width.div_ceil(shape.window);
                assert!(shape.rows * shape.parts >= digits);
                assert!(
                    (rows..=most.rows).contains(&shape.rows),
                    "more powers, more rows"
                );
                rows = shape.rows;
            }
        }
    }
}
