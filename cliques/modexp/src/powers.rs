//! Powers of public and of secret residues, one and many.

use alloc::vec::Vec;

use crypto_bigint::modular::BoxedMontyForm;

use crate::{
    batch,
    engine::{
        Power,
        comb::{Comb, CombTable},
    },
    exponent::Exponent,
    modulus::Modulus,
    residue::{Residue, SecretResidue},
    words,
};

impl Residue {
    /// The residue to the power of `exponent`, in time that depends on the declared width of the
    /// exponent and on the modulus only. The result is a secret until it is
    /// [published](SecretResidue::publish).
    pub fn pow(&self, exponent: &Exponent) -> SecretResidue {
        pow(self.modulus(), self.form(), exponent)
    }

    /// Every base to the power of one exponent, in the order of the bases; as [`pow`](Self::pow),
    /// and faster than one after the other.
    pub fn pow_each(bases: &[&Self], exponent: &Exponent) -> Vec<SecretResidue> {
        let pairs: Vec<_> = bases.iter().map(|base| (*base, exponent)).collect();
        Self::pow_pairs(&pairs)
    }

    /// Independent powers, in the order of the pairs; as [`pow`](Self::pow), and faster than one
    /// after the other. Exponents may differ in width.
    ///
    /// Powers of several moduli do not gain from each other.
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
                    exponent,
                })
                .collect();
            results.extend(pow_batch(first.modulus(), &powers));
        }
        results
    }

    /// The residue to the power of a public exponent, a big-endian number. Time depends on the
    /// values of both.
    ///
    /// # Panics
    /// When the exponent is longer than [`Modulus::MAX_BITS`].
    #[must_use]
    pub fn pow_vartime(&self, exponent: &[u8]) -> Self {
        self.pow(&public_exponent(exponent)).publish()
    }
}

impl SecretResidue {
    /// The residue to the power of `exponent`, as [`Residue::pow`].
    #[must_use]
    pub fn pow(&self, exponent: &Exponent) -> Self {
        pow(self.modulus(), self.form(), exponent)
    }

    /// The residue to the power of each exponent, in their order, as [`Residue::pow_pairs`], and much
    /// faster: from two exponents on they share a table like that of a
    /// [`FixedBase`](crate::FixedBase), which is erased afterwards.
    pub fn pow_each(&self, exponents: &[&Exponent]) -> Vec<Self> {
        let (base, modulus) = (self.form(), self.modulus());
        let width = exponents.iter().map(|exponent| exponent.width()).max();
        let width = width.unwrap_or(0);
        if let Some(shape) = Comb::for_powers(exponents.len(), width, modulus.bits()) {
            let table = modulus.kernel().comb_table(base, shape);
            return comb_powers(modulus, &table, exponents);
        }
        let powers: Vec<_> = exponents
            .iter()
            .map(|exponent| Power { base, exponent })
            .collect();
        pow_batch(self.modulus(), &powers)
    }
}

fn pow(modulus: &Modulus, base: &BoxedMontyForm, exponent: &Exponent) -> SecretResidue {
    let value = modulus.kernel().pow(Power { base, exponent });
    SecretResidue::new(modulus.clone(), value)
}

fn pow_batch(modulus: &Modulus, powers: &[Power<'_>]) -> Vec<SecretResidue> {
    let kernel = modulus.kernel();
    let values = batch::run_groups(
        powers,
        kernel.group(),
        |power| batch::work(modulus, power.exponent),
        |group| kernel.pow_batch(group),
    );
    values
        .into_iter()
        .map(|value| SecretResidue::new(modulus.clone(), value))
        .collect()
}

/// Powers of exponents that are not wider than the table.
pub(crate) fn comb_powers(
    modulus: &Modulus,
    table: &CombTable,
    exponents: &[&Exponent],
) -> Vec<SecretResidue> {
    let values = batch::run_groups(
        exponents,
        modulus.kernel().group(),
        // A table saves the squarings.
        |exponent| batch::work(modulus, exponent) / 4,
        |group| table.pow_batch(group),
    );
    values
        .into_iter()
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
