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

use super::bits::{self, ExponentBits};

/// The shape of a table, for an exponent width and a modulus length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comb {
    /// w, bits of a digit.
    pub(super) window: u32,
    /// s, interleaved parts.
    pub(super) parts: u32,
    /// Values of j that have entries.
    pub(super) rows: u32,
}

/// Size limit of a table, in bytes of residues. Larger ones need fewer squarings, but fall out of
/// the second-level cache between uses, and all of a row is read for each digit.
const TABLE_BYTES: u32 = 128 * 1024;

impl Comb {
    pub(crate) fn new(width: u32, modulus_bits: u32) -> Self {
        let window = if width < 1024 { 4 } else { 5 };
        let row_bytes = modulus_bits.div_ceil(8) << window;
        Self::with_rows(window, TABLE_BYTES / row_bytes, width)
    }

    /// A table of at least one and at most `rows` rows.
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

    /// The shape for `count` powers of one base whose table is made for them alone; `None` if the
    /// table costs more than it saves.
    pub(crate) fn for_powers(count: usize, width: u32, modulus_bits: u32) -> Option<Self> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let mut best = Self::new(width, modulus_bits);
        // A table with fewer rows than there is room for takes less time to make.
        let mut rows = best.rows;
        while rows > 1 {
            rows = rows.div_ceil(2);
            let shape = Self::with_rows(best.window, rows, width);
            if shape.multiplications(count, width) < best.multiplications(count, width) {
                best = shape;
            }
        }
        let window = bits::window(width);
        let without = width
            .saturating_add(width.div_ceil(window))
            .saturating_add(1 << window)
            .saturating_mul(count);
        (best.multiplications(count, width) < without).then_some(best)
    }

    /// The multiplications of a table and `count` powers together.
    const fn multiplications(self, count: u32, width: u32) -> u32 {
        let table =
            self.window * self.parts * (self.rows - 1) + self.rows * ((1 << self.window) - 2);
        let power = width.div_ceil(self.window) + self.window * (self.parts - 1);
        table.saturating_add(power.saturating_mul(count))
    }

    /// The steps of a power of an exponent that is not wider than the table.
    pub(super) fn steps(self, exponent: ExponentBits<'_>) -> impl Iterator<Item = Step> + use<> {
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
pub(super) enum Step {
    /// Square.
    Square,
    /// Multiply by the entry of `row` that the digit at bit `from` of the exponent selects.
    Multiply { row: u32, from: u32 },
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
