//! The order of a group: arithmetic with exponents modulo a prime q.

use alloc::{vec, vec::Vec};

use crypto_bigint::{BoxedUint, CtLt, MontyForm, modular::BoxedMontyForm};
use subtle::Choice;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    exponent::Exponent,
    modulus::{Modulus, ModulusError},
    words,
};

/// A prime q, the order of a group. Exponents are numbers modulo q.
///
/// A handle: clones share what was precomputed. Unless stated otherwise, the time of an operation depends
/// on q only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order(Modulus);

impl Order {
    /// Creates an order from the big-endian bytes of a prime. Whether the number is prime is not tested.
    ///
    /// # Errors
    /// [`ModulusError`] if it is even, too short or too long.
    pub fn from_be_bytes(bytes: &[u8]) -> Result<Self, ModulusError> {
        Modulus::from_be_bytes(bytes).map(Self)
    }

    /// Length in bits, which is the width of every exponent modulo q.
    pub fn bits(&self) -> u32 {
        self.0.bits()
    }

    /// Length in bytes.
    pub fn byte_len(&self) -> usize {
        self.0.byte_len()
    }

    /// The order itself, [`byte_len`](Self::byte_len) big-endian bytes.
    pub fn to_be_bytes(&self) -> Vec<u8> {
        self.0.to_be_bytes()
    }

    /// q itself as an exponent: x is in the group if x^q = 1.
    pub fn to_exponent(&self) -> Exponent {
        Exponent::from_be_bytes(&self.to_be_bytes(), self.bits())
    }

    /// Draws uniformly from 1 to q - 1 by rejection.
    ///
    /// `fill` fills [`byte_len`](Self::byte_len) random bytes, a big-endian number. Bits above the length
    /// of q are cleared, and a number outside the range is rejected and drawn again. A generator that
    /// replays the bytes of an exponent therefore yields that exponent. With random bytes, at least half
    /// of the numbers are accepted on average; with zeros only, this never returns.
    pub fn sample(&self, mut fill: impl FnMut(&mut [u8])) -> Exponent {
        let mut bytes = Zeroizing::new(vec![0; self.byte_len()]);
        loop {
            fill(&mut bytes);
            let candidate = Exponent::from_be_bytes(&bytes, self.bits());
            let below: bool = candidate.value().ct_lt(self.0.number()).into();
            // Time reveals how many numbers were rejected, and nothing about the accepted one.
            if below && !bool::from(candidate.is_zero()) {
                return candidate.known_below(&self.0);
            }
        }
    }

    /// A number of any length, big-endian bytes, modulo q. Time depends on the length and q only.
    pub fn reduce(&self, bytes: &[u8]) -> Exponent {
        let precision = (bytes.len() as u32).saturating_mul(8).max(self.bits());
        let mut wide = words::from_be_bytes(bytes, precision);
        let reduced = wide.rem(self.0.non_zero());
        wide.zeroize();
        Exponent::reduced(reduced, &self.0)
    }

    /// `a` times `b` modulo q. Factors that are not reduced modulo q are taken as integers.
    pub fn multiply(&self, a: &Exponent, b: &Exponent) -> Exponent {
        self.with_reduced(a, |a| {
            self.with_reduced(b, |b| {
                // A Montgomery product removes one factor R, and only `a` has it: the result is
                // an ordinary integer.
                let mut a = BoxedMontyForm::new(a.clone(), self.0.params());
                let mut b = BoxedMontyForm::from_montgomery(b.clone(), self.0.params());
                let product = a.mul(&b).into_montgomery();
                a.zeroize();
                b.zeroize();
                Exponent::reduced(product, &self.0)
            })
        })
    }

    /// 1 / `exponent` modulo q; 0 has no inverse and gives 0.
    pub fn invert(&self, exponent: &Exponent) -> Exponent {
        self.with_reduced(exponent, |value| {
            // Moved, because a constant-time selection would leave the inverse in freed memory. Time may
            // reveal that the exponent is 0.
            let inverse = value
                .invert_odd_mod(self.0.params().modulus())
                .into_option()
                .unwrap_or_else(|| BoxedUint::zero_with_precision(self.bits()));
            Exponent::reduced(inverse, &self.0)
        })
    }

    /// Whether two exponents are equal modulo q, in constant time.
    pub fn ct_eq(&self, a: &Exponent, b: &Exponent) -> Choice {
        use subtle::ConstantTimeEq;
        self.with_reduced(a, |a| {
            self.with_reduced(b, |b| a.as_words().ct_eq(b.as_words()))
        })
    }

    fn with_reduced<T>(&self, exponent: &Exponent, run: impl FnOnce(&BoxedUint) -> T) -> T {
        if exponent.is_reduced_by(&self.0) {
            return run(exponent.value());
        }
        let mut reduced = exponent.value().rem(self.0.non_zero());
        let result = run(&reduced);
        reduced.zeroize();
        result
    }
}
