//! Residues in Montgomery form: public ones, and secret ones that erase themselves.

use alloc::{borrow::Cow, boxed::Box, vec, vec::Vec};
use core::{fmt, mem};

use crypto_bigint::modular::BoxedMontyForm;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    jacobi::{self, Jacobi},
    modulus::Modulus,
    words,
};

/// Why bytes are not the encoding of a residue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ResidueError {
    /// Not as long as the modulus.
    #[error("residue of {got} bytes, expected {expected}")]
    Length {
        /// Length given.
        got: usize,
        /// Length of the modulus.
        expected: usize,
    },
    /// At or above the modulus.
    #[error("residue is not reduced")]
    NotReduced,
}

/// A public residue, kept in Montgomery form.
#[derive(Clone, PartialEq, Eq)]
pub struct Residue {
    modulus: Modulus,
    value: BoxedMontyForm,
}

impl Residue {
    pub(crate) const fn new(modulus: Modulus, value: BoxedMontyForm) -> Self {
        Self { modulus, value }
    }

    /// The modulus.
    pub const fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    pub(crate) const fn form(&self) -> &BoxedMontyForm {
        &self.value
    }

    /// The Montgomery form modulo `modulus` of the integer that the residue stands for.
    pub(crate) fn form_in(&self, modulus: &Modulus) -> Cow<'_, BoxedMontyForm> {
        if self.modulus == *modulus {
            return Cow::Borrowed(&self.value);
        }
        let integer = self.value.retrieve().rem_vartime(modulus.non_zero());
        Cow::Owned(BoxedMontyForm::new(integer, modulus.params()))
    }

    /// The product. A factor of another modulus counts as the integer it stands for.
    #[must_use]
    pub fn multiply(&self, factor: &Self) -> Self {
        let value = self.value.mul(&factor.form_in(&self.modulus));
        Self::new(self.modulus.clone(), value)
    }

    /// The square.
    #[must_use]
    pub fn square(&self) -> Self {
        Self::new(self.modulus.clone(), self.value.square())
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        self.value.is_zero().into()
    }

    /// Whether this is 1.
    pub fn is_one(&self) -> bool {
        is_one(&self.modulus, &self.value).into()
    }

    /// The Jacobi symbol (residue / modulus). Time depends on the value.
    pub fn jacobi_vartime(&self) -> Jacobi {
        // The Montgomery form is the residue times a power of two with an even exponent, thus
        // times a square: it has the same symbol.
        let form = words::to_u64_limbs(self.value.as_montgomery().as_words());
        jacobi::symbol_vartime(form, self.modulus.limbs().to_vec())
    }

    /// Big-endian bytes, as many as the modulus has.
    pub fn to_be_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.modulus.byte_len()];
        words::write_be_bytes(self.value.retrieve().as_words(), &mut bytes);
        bytes
    }
}

impl fmt::Debug for Residue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Residue(")?;
        let bytes = self.to_be_bytes();
        for byte in words::trim_vartime(&bytes) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// A secret residue, kept in Montgomery form.
///
/// Erased on drop; has no `Clone` and no equality, and shows nothing in `Debug`.
pub struct SecretResidue {
    modulus: Modulus,
    value: BoxedMontyForm,
}

impl SecretResidue {
    pub(crate) const fn new(modulus: Modulus, value: BoxedMontyForm) -> Self {
        Self { modulus, value }
    }

    /// The modulus.
    pub const fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    pub(crate) const fn form(&self) -> &BoxedMontyForm {
        &self.value
    }

    /// The product with a public factor. A factor of another modulus counts as the integer it
    /// stands for.
    #[must_use]
    pub fn multiply(&self, factor: &Residue) -> Self {
        let value = self.value.mul(&factor.form_in(&self.modulus));
        Self::new(self.modulus.clone(), value)
    }

    /// The product with another secret.
    ///
    /// # Panics
    /// When the factor is of another modulus: that is a mistake of the caller.
    #[must_use]
    pub fn multiply_secret(&self, factor: &Self) -> Self {
        assert!(
            self.modulus == factor.modulus,
            "secret residues of two moduli"
        );
        Self::new(self.modulus.clone(), self.value.mul(&factor.value))
    }

    /// The last of the running products a_0 = self, a_1 = a_0 x_1, a_2 = a_1 x_2, .., and the product
    /// of all of them. A factor of another modulus counts as the integer it stands for.
    #[must_use]
    pub fn multiply_running(&self, factors: &[&Residue]) -> (Self, Self) {
        let factors: Vec<_> = factors
            .iter()
            .map(|factor| factor.form_in(&self.modulus))
            .collect();
        let kernel = self.modulus.kernel();
        let values = kernel.running(&self.value, factors.iter().map(|factor| &**factor));
        let [last, product] = values.map(|value| Self::new(self.modulus.clone(), value));
        (last, product)
    }

    /// Whether this is 1, in constant time.
    pub fn is_one(&self) -> Choice {
        is_one(&self.modulus, &self.value)
    }

    /// Declares the value public: a blinded key, an element that is to be sent.
    #[must_use]
    pub fn publish(mut self) -> Residue {
        let erased = BoxedMontyForm::zero(self.modulus.params());
        let value = mem::replace(&mut self.value, erased);
        Residue::new(self.modulus.clone(), value)
    }

    /// Big-endian bytes, as many as the modulus has, in constant time.
    pub fn to_be_bytes(&self) -> Zeroizing<Box<[u8]>> {
        let mut bytes = Zeroizing::new(vec![0; self.modulus.byte_len()].into_boxed_slice());
        let mut integer = self.value.retrieve();
        words::write_be_bytes(integer.as_words(), &mut bytes);
        integer.zeroize();
        bytes
    }
}

impl ConstantTimeEq for SecretResidue {
    /// Time depends on the moduli, which are public.
    fn ct_eq(&self, other: &Self) -> Choice {
        let same_modulus = Choice::from(u8::from(self.modulus == other.modulus));
        let (ours, theirs) = (self.value.as_montgomery(), other.value.as_montgomery());
        same_modulus & ours.as_words().ct_eq(theirs.as_words())
    }
}

impl Drop for SecretResidue {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl ZeroizeOnDrop for SecretResidue {}

impl fmt::Debug for SecretResidue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretResidue({} bits)", self.modulus.bits())
    }
}

fn is_one(modulus: &Modulus, value: &BoxedMontyForm) -> Choice {
    let one = BoxedMontyForm::one(modulus.params());
    one.as_montgomery()
        .as_words()
        .ct_eq(value.as_montgomery().as_words())
}
