//! Secret exponents.

use alloc::{boxed::Box, vec};
use core::fmt;

use crypto_bigint::{BoxedUint, Word};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{engine::ExponentBits, modulus::Modulus, words};

/// A secret exponent of a declared width.
///
/// The time of an exponentiation depends on the declared width, never on the value: a width taken from
/// the value would reveal its leading zeros. Exponents made by an [`Order`](crate::Order) are as wide
/// as the order.
///
/// Erased on drop. There is no `Clone` and no `==`, and `Debug` shows the width only.
///
/// ```compile_fail
/// # fn a(exponent: &cliques_modexp::Exponent) -> cliques_modexp::Exponent {
/// exponent.clone()
/// # }
/// ```
pub struct Exponent {
    value: BoxedUint,
    width: u32,
    reduced_by: Option<Modulus>,
}

impl Exponent {
    /// An exponent of `width` bits, at most [`Modulus::MAX_BITS`]; bits of the big-endian `bytes`
    /// above the width are cleared.
    pub fn from_be_bytes(bytes: &[u8], width: u32) -> Self {
        let width = width.clamp(1, Modulus::MAX_BITS);
        let mut value = words::from_be_bytes(bytes, width);
        let spare = value.bits_precision().saturating_sub(width);
        if let Some(top) = value.as_mut_words().last_mut() {
            *top &= Word::MAX.checked_shr(spare).unwrap_or(0);
        }
        Self {
            value,
            width,
            reduced_by: None,
        }
    }

    /// An exponent below `order`.
    pub(crate) fn reduced(value: BoxedUint, order: &Modulus) -> Self {
        Self {
            value,
            width: order.bits(),
            reduced_by: Some(order.clone()),
        }
    }

    /// The same exponent, after the caller compared it with `order`.
    pub(crate) fn known_below(mut self, order: &Modulus) -> Self {
        self.reduced_by = Some(order.clone());
        self
    }

    /// Whether the value is known to be below `order`.
    pub(crate) fn is_reduced_by(&self, order: &Modulus) -> bool {
        self.reduced_by.as_ref() == Some(order)
    }

    pub(crate) const fn value(&self) -> &BoxedUint {
        &self.value
    }

    pub(crate) fn as_bits(&self) -> ExponentBits<'_> {
        ExponentBits::new(self.value.as_words(), self.width)
    }

    /// The declared width, in bits.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Whether the exponent is 0, in constant time.
    pub fn is_zero(&self) -> Choice {
        let words = self.value.as_words().iter();
        words.fold(0, |bits, word| bits | *word).ct_eq(&0)
    }

    /// Big-endian bytes, as many as the declared width takes, in constant time.
    pub fn to_be_bytes(&self) -> Zeroizing<Box<[u8]>> {
        let len = self.width.div_ceil(8) as usize;
        let mut bytes = Zeroizing::new(vec![0; len].into_boxed_slice());
        words::write_be_bytes(self.value.as_words(), &mut bytes);
        bytes
    }
}

impl Drop for Exponent {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl ZeroizeOnDrop for Exponent {}

impl fmt::Debug for Exponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exponent({} bits)", self.width)
    }
}
