//! The map F from secret elements to exponents.
//!
//! Both maps take constant time. `abs` exists for safe primes: of x and p - x exactly one is a
//! square, so x -> min(x, p - x) maps the group one to one onto 1 .. q, and what was uniform in the
//! group is uniform as an exponent.
//!
//! Source: key agreement notes, section 1.3.

use alloc::vec::Vec;

use cliques_modexp::{Exponent, SecretResidue};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

use super::Parameters;

/// The map F of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ScalarMap {
    /// F(x) = x mod q.
    #[default]
    ModQ,
    /// F(x) = min(x, p - x) mod q, where p = 2q + 1.
    Abs,
}

impl ScalarMap {
    /// F(`secret`), which may be 0.
    pub(super) fn apply(self, parameters: &Parameters, secret: &SecretResidue) -> Exponent {
        let x = secret.to_be_bytes();
        match self {
            Self::ModQ => parameters.order.reduce(&x),
            Self::Abs => {
                let folded = smaller_of_both(&x, &parameters.modulus.to_be_bytes());
                parameters.order.reduce(&folded)
            }
        }
    }
}

/// min(x, p - x) of big-endian numbers of one length with 0 < x < p.
fn smaller_of_both(x: &[u8], p: &[u8]) -> Zeroizing<Vec<u8>> {
    let negated = subtract(p, x).0;
    let is_smaller = Choice::from(subtract(x, &negated).1);
    let folded = x.iter().zip(negated.iter());
    let select = |(x, negated): (&u8, &u8)| u8::conditional_select(negated, x, is_smaller);
    Zeroizing::new(folded.map(select).collect())
}

/// a - b modulo 256^length and the borrow, 0 or 1, of big-endian numbers of one length.
fn subtract(a: &[u8], b: &[u8]) -> (Zeroizing<Vec<u8>>, u8) {
    let mut difference = Zeroizing::new(a.to_vec());
    let mut borrow = 0;
    for (place, subtrahend) in difference.iter_mut().zip(b).rev() {
        let wide = u16::from(*place)
            .wrapping_sub(u16::from(*subtrahend))
            .wrapping_sub(borrow);
        let [high, low] = wide.to_be_bytes();
        *place = low;
        borrow = u16::from(high & 1);
    }
    (difference, u8::from(borrow != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_number_and_its_negative_the_smaller_is_taken() {
        for p in [[0, 7], [1, 1], [0x7f, 0xff], [0xff, 0xff]] {
            let modulus = u16::from_be_bytes(p);
            for x in 1..modulus {
                let folded = smaller_of_both(&x.to_be_bytes(), &p);
                assert_eq!(**folded, x.min(modulus - x).to_be_bytes());
            }
        }
    }
}
