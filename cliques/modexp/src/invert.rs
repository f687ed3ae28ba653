//! Inverses of public residues, one and many.

use alloc::vec::Vec;

use crate::residue::Residue;

impl Residue {
    /// 1 / residue; none where the residue has a factor in common with the modulus. Time depends on
    /// the value.
    pub fn invert_vartime(&self) -> Option<Self> {
        self.form()
            .invert_vartime()
            .into_option()
            .map(|inverse| Self::new(self.modulus().clone(), inverse))
    }

    /// The inverses of all residues, in their order, with one inversion and three multiplications a
    /// residue (Montgomery, "Speeding the Pollard and elliptic curve methods of factorization",
    /// 1987, section 10.3.1); none where one of them has no inverse. Time depends on the values.
    ///
    /// Residues of several moduli do not gain from each other.
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
    // From here on `inverse` is that of the product up to the residue that is next.
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
