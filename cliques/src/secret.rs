//! Secrets that erase themselves and never show.

use alloc::boxed::Box;
use core::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The group secret: the agreed group element in its fixed-length encoding.
///
/// Never a key itself: keys are derived from it together with the view it was agreed in.
/// Erased on drop; compares in constant time; has no `Clone` and shows nothing in `Debug`.
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
