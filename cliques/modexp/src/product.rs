//! Products of powers, which share their squarings (Straus's method).
//!
//! For n exponents of w bits, separate powers take about n (w + w / 5) multiplications, and their
//! product about w + n w / 4. With the 128-bit exponents of a joint test of many elements that is a
//! fifth.

use alloc::{borrow::Cow, vec::Vec};

use crypto_bigint::modular::BoxedMontyForm;

use crate::{
    engine::Power,
    exponent::Exponent,
    modulus::Modulus,
    powers::public_exponent,
    residue::{Residue, SecretResidue},
};

impl Modulus {
    /// The product of powers modulo this modulus, 1 if there are no powers. Time depends on the number
    /// of powers, the declared widths of the exponents and the modulus only. A base of another modulus
    /// is taken as an integer.
    pub fn product_of_powers(&self, pairs: &[(&Residue, &Exponent)]) -> SecretResidue {
        let bases: Vec<Cow<'_, BoxedMontyForm>> =
            pairs.iter().map(|(base, _)| base.form_in(self)).collect();
        let powers: Vec<_> = bases
            .iter()
            .zip(pairs)
            .map(|(base, (_, exponent))| Power {
                base,
                exponent: exponent.as_bits(),
            })
            .collect();
        let value = self.kernel().product(&powers);
        let value = value.unwrap_or_else(|| BoxedMontyForm::one(self.params()));
        SecretResidue::new(self.clone(), value)
    }

    /// The product of powers of public residues with public exponents, which are big-endian numbers; 1
    /// if there are no powers. Time depends on all values. A base of another modulus is taken as an
    /// integer.
    ///
    /// This is for testing jointly whether many elements are of order q: draw a short random exponent
    /// for each element, and test whether the product to the power of q is 1.
    ///
    /// # Panics
    /// If an exponent is longer than [`Modulus::MAX_BITS`].
    pub fn product_of_powers_vartime(&self, pairs: &[(&Residue, &[u8])]) -> Residue {
        let exponents: Vec<_> = pairs
            .iter()
            .map(|(_, exponent)| public_exponent(exponent))
            .collect();
        let pairs: Vec<_> = pairs
            .iter()
            .zip(&exponents)
            .map(|((base, _), exponent)| (*base, exponent))
            .collect();
        self.product_of_powers(&pairs).publish()
    }
}
