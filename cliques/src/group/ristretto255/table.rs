//! Many powers of one secret base, as CKD sends them.
//!
//! An exponent is cut into 64 digits from -8 to 8, of four bits each, and these into four
//! interleaved parts: digit i of every four to part i. With a table of the multiples 1 to 8 of
//! 16^(4 j) B for every j, a power needs 64 additions and 12 doublings instead of 64 and 252 (Lim and Lee,
//! "More flexible exponentiation with precomputation", 1994; notation is additive here).
//!
//! Each look-up reads a whole row and selects, and negates, by masks. The table is erased.

use alloc::vec::Vec;

use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar, traits::Identity};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

const DIGITS: usize = 64;
const PARTS: usize = 4;
const ROWS: usize = DIGITS / PARTS;
const MULTIPLES: usize = 8;

/// The multiples of one base, erased on drop.
pub(super) struct Table(Vec<[RistrettoPoint; MULTIPLES]>);

impl Table {
    /// The number of powers from which on a table saves more time than it takes.
    pub(super) const WORTH: usize = 6;

    pub(super) fn new(base: &RistrettoPoint) -> Self {
        let mut first = *base;
        let mut rows = Vec::with_capacity(ROWS);
        for row in 0..ROWS {
            if row != 0 {
                for _ in 0..4 * PARTS {
                    first += first;
                }
            }
            let mut multiple = first;
            let mut multiples = [first; MULTIPLES];
            for place in multiples.iter_mut().skip(1) {
                multiple += first;
                *place = multiple;
            }
            multiple.zeroize();
            rows.push(multiples);
            multiples.zeroize();
        }
        first.zeroize();
        Self(rows)
    }

    pub(super) fn power(&self, exponent: &Scalar) -> RistrettoPoint {
        let digits = digits(exponent);
        let mut result = RistrettoPoint::identity();
        for part in (0..PARTS).rev() {
            if part + 1 != PARTS {
                for _ in 0..4 {
                    result += result;
                }
            }
            let of_part = digits.iter().skip(part).step_by(PARTS);
            for (row, digit) in self.0.iter().zip(of_part) {
                result += select(row, *digit);
            }
        }
        result
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Digits from -8 to 8, least significant first: the exponent is the sum of digit(i) 16^i.
fn digits(exponent: &Scalar) -> Zeroizing<[i8; DIGITS]> {
    let mut digits = Zeroizing::new([0; DIGITS]);
    for (pair, byte) in digits.chunks_exact_mut(2).zip(exponent.as_bytes()) {
        for (digit, half) in pair.iter_mut().zip([byte & 15, byte >> 4]) {
            *digit = half.cast_signed();
        }
    }
    // The exponent has 253 bits, so the last digit has room for the carry.
    let mut carried = 0;
    for (place, digit) in (1..).zip(digits.iter_mut()) {
        *digit += carried;
        if place != DIGITS {
            carried = (*digit + 8) >> 4;
            *digit -= carried << 4;
        }
    }
    digits
}

/// `digit` times the base of the row.
fn select(row: &[RistrettoPoint; MULTIPLES], digit: i8) -> RistrettoPoint {
    let sign = digit >> 7;
    let absolute = (digit + sign) ^ sign;
    let mut selected = RistrettoPoint::identity();
    for (multiple, point) in (1_i8..).zip(row) {
        selected.conditional_assign(point, multiple.ct_eq(&absolute));
    }
    let negative = -selected;
    selected.conditional_assign(&negative, Choice::from(sign.cast_unsigned() & 1));
    selected
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
    use proptest::prelude::*;

    use super::*;

    fn check(base: &RistrettoPoint, exponent: &Scalar) {
        assert_eq!(Table::new(base).power(exponent), base * exponent);
    }

    #[test]
    fn edges_equal_plain_multiplication() {
        let g = RISTRETTO_BASEPOINT_POINT;
        let eights = Scalar::from_bytes_mod_order([0x88; 32]);
        let sevens = Scalar::from_bytes_mod_order([0x77; 32]);
        let most = -Scalar::ONE;
        for exponent in [
            Scalar::ZERO,
            Scalar::ONE,
            Scalar::from(8_u8),
            eights,
            sevens,
            most,
        ] {
            check(&g, &exponent);
            check(&(g + g), &exponent);
            check(&RistrettoPoint::identity(), &exponent);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn powers_equal_plain_multiplication(base: [u8; 32], exponent: [u8; 32]) {
            let base = RistrettoPoint::mul_base(&Scalar::from_bytes_mod_order(base));
            check(&base, &Scalar::from_bytes_mod_order(exponent));
        }
    }
}
