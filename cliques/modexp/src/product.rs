//! Products of powers, which share their squarings (Straus's method).
//!
//! n powers one after the other take n (w + w / 5) multiplications, their product w + n w / 4: in
//! batches of 128-bit powers, as a joint test of many elements has them, a fifth.

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
    /// The product of powers modulo this modulus, 1 for no power. Time depends on the number of the
    /// powers, the declared widths of the exponents and the modulus only. A base of another
    /// modulus counts as the integer it stands for.
    pub fn product_of_powers(&self, pairs: &[(&Residue, &Exponent)]) -> SecretResidue {
        let bases: Vec<Cow<'_, BoxedMontyForm>> =
            pairs.iter().map(|(base, _)| base.form_in(self)).collect();
        let powers: Vec<_> = bases
            .iter()
            .zip(pairs)
            .map(|(base, (_, exponent))| Power { base, exponent })
            .collect();
        let value = self.kernel().product(&powers);
        let value = value.unwrap_or_else(|| BoxedMontyForm::one(self.params()));
        SecretResidue::new(self.clone(), value)
    }

    /// The product of powers of public residues with public exponents, big-endian numbers; 1 for no
    /// power. Time depends on all values. A base of another modulus counts as the integer it
    /// stands for.
    ///
    /// The joint test of many elements for being of order q: the product, with a short exponent of
    /// its own for each element that nobody could foresee, to the power of q is 1.
    ///
    /// # Panics
    /// When an exponent is longer than [`Modulus::MAX_BITS`].
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
