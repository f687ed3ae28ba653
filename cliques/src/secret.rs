//! The group secret.

use alloc::boxed::Box;
use core::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The group secret: the agreed group element in its fixed-length encoding.
///
/// Never used as a key itself: keys are derived from it and the view in which it was agreed. Erased on
/// drop, compared in constant time, without `Clone`, and not shown by `Debug`.
pub struct GroupSecret(Box<[u8]>);

impl GroupSecret {
    /// Takes ownership of an encoding.
    pub const fn new(bytes: Box<[u8]>) -> Self {
        Self(bytes)
    }

    /// The encoding, for a key derivation function.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl ConstantTimeEq for GroupSecret {
    /// Time depends on the lengths, which are public.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl Drop for GroupSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for GroupSecret {}

impl fmt::Debug for GroupSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupSecret({} bytes)", self.0.len())
    }
}
