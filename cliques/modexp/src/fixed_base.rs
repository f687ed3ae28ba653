//! Powers of a base that is known in advance.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::fmt;

use crate::{
    engine::{Comb, CombTable},
    exponent::Exponent,
    modulus::Modulus,
    powers,
    residue::{Residue, SecretResidue},
};

/// A public base, such as the generator of a group, with a table for exponents up to a width.
///
/// A power takes a fraction of the time of [`Residue::pow`]. The table takes up to about 256 KiB, and
/// as long to make as a few powers. A handle: clones share the table.
#[derive(Clone)]
pub struct FixedBase(Arc<Shared>);

struct Shared {
    base: Residue,
    width: u32,
    table: Box<dyn CombTable>,
}

impl FixedBase {
    /// Creates the table for exponents of at most `width` bits.
    pub fn new(base: &Residue, width: u32) -> Self {
        let modulus = base.modulus();
        let width = width.clamp(1, Modulus::MAX_BITS);
        let comb = Comb::new(width, modulus.bits());
        Self(Arc::new(Shared {
            base: base.clone(),
            width,
            table: modulus.kernel().comb_table(base.form(), comb),
        }))
    }

    /// The base.
    pub fn base(&self) -> &Residue {
        &self.0.base
    }

    /// The width of the widest exponent that the table serves, in bits.
    pub fn width(&self) -> u32 {
        self.0.width
    }

    /// The base to the power of `exponent`, like [`Residue::pow`]. An exponent wider than the table is
    /// allowed and takes as long as there.
    pub fn pow(&self, exponent: &Exponent) -> SecretResidue {
        if exponent.width() > self.0.width {
            return self.base().pow(exponent);
        }
        let value = self.0.table.pow(exponent.as_bits());
        SecretResidue::new(self.base().modulus().clone(), value)
    }

    /// The base to the power of each exponent, in the order of the exponents. Like
    /// [`pow`](Self::pow), but faster than a call for each.
    pub fn pow_each(&self, exponents: &[&Exponent]) -> Vec<SecretResidue> {
        let base = self.base();
        if exponents.iter().any(|e| e.width() > self.0.width) {
            let pairs: Vec<_> = exponents.iter().map(|e| (base, *e)).collect();
            return Residue::pow_pairs(&pairs);
        }
        powers::comb_powers(base.modulus(), &*self.0.table, exponents)
    }
}

impl fmt::Debug for FixedBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedBase")
            .field("base", &self.0.base)
            .field("width", &self.0.width)
            .finish_non_exhaustive()
    }
}
