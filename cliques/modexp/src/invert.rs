//! Inverses of public residues, single and in batches.

use alloc::vec::Vec;
use core::mem;

use crypto_bigint::{BoxedUint, modular::BoxedMontyForm};

use crate::{
    lehmer::{self, Batch, Cofactors, Steps},
    residue::Residue,
    words,
};

impl Residue {
    /// 1 / residue; `None` if the residue has a factor in common with the modulus. Time depends on the
    /// value.
    pub fn invert_vartime(&self) -> Option<Self> {
        let modulus = self.modulus();
        let number = words::to_u64_limbs(self.form().retrieve().as_words());
        let inverse = inverse(number, modulus.limbs())?;
        let mut value = BoxedUint::zero_with_precision(modulus.number().bits_precision());
        words::set_u64_limbs(value.as_mut_words(), &inverse);
        let form = BoxedMontyForm::new(value, modulus.params());
        Some(Self::new(modulus.clone(), form))
    }

    /// The inverses of all residues, in the order of the residues; `None` if one of them has no inverse.
    /// One inversion and three multiplications per residue (Montgomery, "Speeding the Pollard and
    /// elliptic curve methods of factorization", 1987, section 10.3.1). Time depends on the values.
    ///
    /// Only neighbours with the same modulus share an inversion.
    pub fn invert_each_vartime(residues: &[&Self]) -> Option<Vec<Self>> {
        let mut inverses = Vec::with_capacity(residues.len());
        for run in residues.chunk_by(|a, b| a.modulus() == b.modulus()) {
            inverses.extend(invert_run(run)?);
        }
        Some(inverses)
    }
}

/// The inverses of residues of one modulus.
fn invert_run(residues: &[&Residue]) -> Option<Vec<Residue>> {
    // products[i] is the product of the residues up to i.
    let mut products: Vec<Residue> = Vec::with_capacity(residues.len());
    for residue in residues {
        products.push(match products.last() {
            None => (*residue).clone(),
            Some(product) => product.multiply(residue),
        });
    }
    let Some(mut inverse) = products.pop() else {
        return Some(Vec::new());
    };
    inverse = inverse.invert_vartime()?;
    // From here on `inverse` is the inverse of the product up to the next residue.
    let mut inverses = Vec::with_capacity(residues.len());
    for residue in residues.iter().rev() {
        match products.pop() {
            None => inverses.push(inverse.clone()),
            Some(product) => {
                inverses.push(inverse.multiply(&product));
                inverse = inverse.multiply(residue);
            }
        }
    }
    inverses.reverse();
    Some(inverses)
}

/// An observer that ignores the steps.
struct Unobserved;

impl Steps for Unobserved {
    fn halved(&mut self, _: u64, _: u32) {}

    fn swapped_if(&mut self, _: u64, _: u64, _: u64) {}
}

/// 1 / x modulo an odd m above x, both in limbs with the least significant one first.
fn inverse(x: Vec<u64>, m: &[u64]) -> Option<Vec<u64>> {
    let (mut a, mut b) = (x, m.to_vec());
    a.resize(m.len(), 0);
    let mut cofactors = Cofactors::new(m);
    while a.iter().any(|limb| *limb != 0) {
        let batch = Batch::run(&a, &b, &mut Unobserved);
        if batch.halvings > 0 {
            batch.apply(&mut a, &mut b);
            cofactors.apply(&batch);
        } else {
            // No halving: a is odd, and its top word too close to that of b.
            if lehmer::is_less(&a, &b) {
                mem::swap(&mut a, &mut b);
                cofactors.swap();
            }
            lehmer::subtract(&mut a, &b);
            cofactors.subtract();
        }
        lehmer::shrink(&mut a, &mut b);
    }
    (b == [1]).then(|| cofactors.into_v())
}
