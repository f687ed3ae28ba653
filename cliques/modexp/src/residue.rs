//! Residues in Montgomery form: public ones, and secret ones that erase themselves.

use alloc::{borrow::Cow, boxed::Box, vec, vec::Vec};
use core::{fmt, mem};

use crypto_bigint::modular::BoxedMontyForm;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    engine,
    jacobi::{self, Jacobi},
    modulus::Modulus,
    words,
};

/// Why bytes are not the encoding of a residue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ResidueError {
    /// Shorter or longer than the modulus.
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

impl Modulus {
    /// Decodes a public residue of [`byte_len`](Self::byte_len) big-endian bytes, in variable time.
    ///
    /// # Errors
    /// [`ResidueError`] if the length differs or the number is not below the modulus.
    pub fn residue(&self, bytes: &[u8]) -> Result<Residue, ResidueError> {
        if bytes.len() != self.byte_len() {
            return Err(ResidueError::Length {
                got: bytes.len(),
                expected: self.byte_len(),
            });
        }
        let value = words::from_be_bytes(bytes, self.bits());
        if value >= *self.number() {
            return Err(ResidueError::NotReduced);
        }
        let value = BoxedMontyForm::new(value, self.params());
        Ok(Residue::new(self.clone(), value))
    }

    /// A public number of any length, big-endian bytes, modulo the modulus. Variable time.
    pub fn reduce_vartime(&self, bytes: &[u8]) -> Residue {
        let precision = (bytes.len() as u32).saturating_mul(8).max(self.bits());
        let reduced = words::from_be_bytes(bytes, precision).rem_vartime(self.non_zero());
        Residue::new(self.clone(), BoxedMontyForm::new(reduced, self.params()))
    }

    /// The residue of a small number.
    pub fn residue_of(&self, number: u64) -> Residue {
        self.reduce_vartime(&number.to_be_bytes())
    }

    /// The residue 1.
    pub fn one(&self) -> Residue {
        Residue::new(self.clone(), BoxedMontyForm::one(self.params()))
    }
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

    /// The Montgomery form of this integer modulo `modulus`.
    pub(crate) fn form_in(&self, modulus: &Modulus) -> Cow<'_, BoxedMontyForm> {
        if self.modulus == *modulus {
            return Cow::Borrowed(&self.value);
        }
        let integer = self.value.retrieve().rem_vartime(modulus.non_zero());
        Cow::Owned(BoxedMontyForm::new(integer, modulus.params()))
    }

    /// The product. A factor of another modulus is taken as an integer.
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
        // The Montgomery form is the residue times a power of two with an even exponent, which is a
        // square, so it has the same symbol.
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
/// Erased on drop. There is no `Clone` and no `==`, and `Debug` shows the length of the modulus only.
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

    /// The product with a public factor. A factor of another modulus is taken as an integer.
    #[must_use]
    pub fn multiply(&self, factor: &Residue) -> Self {
        let value = self.value.mul(&factor.form_in(&self.modulus));
        Self::new(self.modulus.clone(), value)
    }

    /// The product with another secret.
    ///
    /// # Panics
    /// If the factor has another modulus, which is a mistake of the caller.
    #[must_use]
    pub fn multiply_secret(&self, factor: &Self) -> Self {
        assert!(
            self.modulus == factor.modulus,
            "secret residues of different moduli"
        );
        Self::new(self.modulus.clone(), self.value.mul(&factor.value))
    }

    /// The last of the running products a_0 = self, a_1 = a_0 x_1, a_2 = a_1 x_2, .., and the product
    /// of all of them. A factor of another modulus is taken as an integer.
    #[must_use]
    pub fn multiply_running(&self, factors: &[&Residue]) -> (Self, Self) {
        let factors = factors.iter().map(|factor| factor.form_in(&self.modulus));
        let factors: Vec<_> = factors.collect();
        let values = engine::running(&self.value, factors.iter().map(|factor| &**factor));
        let [last, product] = values.map(|value| Self::new(self.modulus.clone(), value));
        (last, product)
    }

    /// Whether this is 1, in constant time.
    pub fn is_one(&self) -> Choice {
        is_one(&self.modulus, &self.value)
    }

    /// Declares the value public, as a blinded key or an element to be sent.
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
    /// Constant time in the values; the moduli are public.
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
