//! Powers of public and secret residues, single and in batches.

use alloc::vec::Vec;

use crypto_bigint::modular::BoxedMontyForm;

use crate::{
    batch,
    engine::{Comb, CombTable, Power},
    exponent::Exponent,
    modulus::Modulus,
    residue::{Residue, SecretResidue},
    words,
};

impl Residue {
    /// The residue to the power of `exponent`. Time depends on the modulus and the declared width of
    /// the exponent only. The result is secret until it is [published](SecretResidue::publish).
    pub fn pow(&self, exponent: &Exponent) -> SecretResidue {
        pow(self.modulus(), self.form(), exponent)
    }

    /// The residue to the power of each exponent, in the order of the exponents. Like
    /// [`pow`](Self::pow), but much faster than a call for each: two or more exponents share a table
    /// like that of a [`FixedBase`](crate::FixedBase).
    pub fn pow_all(&self, exponents: &[&Exponent]) -> Vec<SecretResidue> {
        pow_all(self.modulus(), self.form(), exponents)
    }

    /// Each base to the power of one exponent, in the order of the bases. Like [`pow`](Self::pow), but
    /// faster than a call for each.
    pub fn pow_each(bases: &[&Self], exponent: &Exponent) -> Vec<SecretResidue> {
        let pairs: Vec<_> = bases.iter().map(|base| (*base, exponent)).collect();
        Self::pow_pairs(&pairs)
    }

    /// Independent powers, in the order of the pairs. Like [`pow`](Self::pow), but faster than a call
    /// for each. Exponents may differ in width.
    ///
    /// Only neighbours with the same modulus are computed together.
    pub fn pow_pairs(pairs: &[(&Self, &Exponent)]) -> Vec<SecretResidue> {
        let mut results = Vec::with_capacity(pairs.len());
        for run in pairs.chunk_by(|a, b| a.0.modulus() == b.0.modulus()) {
            let Some((first, _)) = run.first() else {
                continue;
            };
            let powers: Vec<_> = run
                .iter()
                .map(|(base, exponent)| Power {
                    base: base.form(),
                    exponent: exponent.as_bits(),
                })
                .collect();
            results.extend(pow_batch(first.modulus(), &powers));
        }
        results
    }

    /// The residue to the power of a public exponent, a big-endian number. Time depends on both
    /// values.
    ///
    /// # Panics
    /// If the exponent is longer than [`Modulus::MAX_BITS`].
    #[must_use]
    pub fn pow_vartime(&self, exponent: &[u8]) -> Self {
        self.pow(&public_exponent(exponent)).publish()
    }
}

impl SecretResidue {
    /// The residue to the power of `exponent`, like [`Residue::pow`].
    #[must_use]
    pub fn pow(&self, exponent: &Exponent) -> Self {
        pow(self.modulus(), self.form(), exponent)
    }

    /// The residue to the power of each exponent, in the order of the exponents, like
    /// [`Residue::pow_all`]. The table that they share is erased afterwards.
    pub fn pow_each(&self, exponents: &[&Exponent]) -> Vec<Self> {
        pow_all(self.modulus(), self.form(), exponents)
    }
}

/// Powers of one base.
fn pow_all(
    modulus: &Modulus,
    base: &BoxedMontyForm,
    exponents: &[&Exponent],
) -> Vec<SecretResidue> {
    let width = exponents.iter().map(|exponent| exponent.width()).max();
    let width = width.unwrap_or(0);
    if let Some(shape) = Comb::for_powers(exponents.len(), width, modulus.bits()) {
        let table = modulus.kernel().comb_table(base, shape);
        return comb_powers(modulus, &*table, exponents);
    }
    let exponents = exponents.iter().map(|exponent| exponent.as_bits());
    let powers: Vec<_> = exponents.map(|exponent| Power { base, exponent }).collect();
    pow_batch(modulus, &powers)
}

fn pow(modulus: &Modulus, base: &BoxedMontyForm, exponent: &Exponent) -> SecretResidue {
    let exponent = exponent.as_bits();
    let value = modulus.kernel().pow(Power { base, exponent });
    SecretResidue::new(modulus.clone(), value)
}

fn pow_batch(modulus: &Modulus, powers: &[Power<'_>]) -> Vec<SecretResidue> {
    let kernel = modulus.kernel();
    let values = batch::run_groups(
        powers,
        kernel.lanes(),
        |power| batch::work(modulus, power.exponent),
        |group| kernel.pow_batch(group),
    );
    secrets(modulus, values)
}

/// Powers of exponents that are not wider than the table.
pub(crate) fn comb_powers(
    modulus: &Modulus,
    table: &dyn CombTable,
    exponents: &[&Exponent],
) -> Vec<SecretResidue> {
    let exponents: Vec<_> = exponents
        .iter()
        .map(|exponent| exponent.as_bits())
        .collect();
    let values = batch::run_groups(
        &exponents,
        modulus.kernel().lanes(),
        // A table saves the squarings.
        |exponent| batch::work(modulus, *exponent) / 4,
        |group| table.pow_batch(group),
    );
    secrets(modulus, values)
}

fn secrets(modulus: &Modulus, values: Vec<BoxedMontyForm>) -> Vec<SecretResidue> {
    let values = values.into_iter();
    values
        .map(|value| SecretResidue::new(modulus.clone(), value))
        .collect()
}

/// A public exponent, as wide as its value.
pub(crate) fn public_exponent(bytes: &[u8]) -> Exponent {
    let trimmed = words::trim_vartime(bytes);
    let bits = words::bits_vartime(trimmed);
    assert!(bits <= Modulus::MAX_BITS, "exponent of {bits} bits");
    Exponent::from_be_bytes(trimmed, bits)
}
