//! Laurent monomials and polynomials.

use alloc::{collections::BTreeMap, vec::Vec};

use sha2::{Digest, Sha256};

/// Number of a share, in the order of drawing.
pub type ShareId = u32;

/// What formulas are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A share that a member drew.
    Share(ShareId),
    /// The image of a secret element under F, by the number of the element.
    Image(u32),
}

impl Atom {
    fn feed(self, hash: &mut Sha256) {
        let (tag, number) = match self {
            Self::Share(number) => (0, number),
            Self::Image(number) => (1, number),
        };
        hash.update([tag]);
        hash.update(number.to_be_bytes());
    }
}

/// A product of atoms with exponents other than 0, sorted by atom.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monomial(Vec<(Atom, i32)>);

impl Monomial {
    /// The atom itself.
    pub fn atom(atom: Atom) -> Self {
        Self([(atom, 1)].into())
    }

    /// Its atoms and their exponents.
    pub fn factors(&self) -> impl Iterator<Item = (Atom, i32)> + '_ {
        self.0.iter().copied()
    }

    /// The atoms in it.
    pub fn atoms(&self) -> impl Iterator<Item = Atom> + '_ {
        self.0.iter().map(|(atom, _)| *atom)
    }

    /// The product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let mut product = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    let sum = (a.0, a.1 + b.1);
                    right.next();
                    left.next();
                    sum
                }
                (Some(a), Some(b)) if a.0 > b.0 => {
                    let factor = **b;
                    right.next();
                    factor
                }
                (Some(a), _) => {
                    let factor = **a;
                    left.next();
                    factor
                }
                (None, Some(b)) => {
                    let factor = **b;
                    right.next();
                    factor
                }
                (None, None) => return Self(product),
            };
            if next.1 != 0 {
                product.push(next);
            }
        }
    }

    /// One over it.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let inverted = self.0.iter().map(|(atom, exponent)| (*atom, -exponent));
        Self(inverted.collect())
    }

    fn feed(&self, hash: &mut Sha256) {
        hash.update(self.0.len().to_be_bytes());
        for (atom, exponent) in &self.0 {
            atom.feed(hash);
            hash.update(exponent.to_be_bytes());
        }
    }

    /// Name of the exponent itself, not of g to its power.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"exponent");
        self.feed(&mut hash);
        hash.finalize().into()
    }
}

/// A sum of monomials with coefficients other than 0, sorted by monomial: the logarithm of an
/// element to the base g.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Polynomial(Vec<(Monomial, i64)>);

impl Polynomial {
    /// 1, the logarithm of g.
    pub fn one() -> Self {
        Self::from(Monomial::default())
    }

    /// Whether it is 0, the logarithm of the identity.
    pub const fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// Its monomials and their coefficients.
    pub fn terms(&self) -> impl Iterator<Item = (&Monomial, i64)> {
        self.0.iter().map(|(monomial, count)| (monomial, *count))
    }

    /// The only monomial, if there is one with the coefficient 1.
    pub fn monomial(&self) -> Option<&Monomial> {
        match self.0.as_slice() {
            [(monomial, 1)] => Some(monomial),
            _ => None,
        }
    }

    /// The product with a monomial.
    #[must_use]
    pub fn times(&self, factor: &Monomial) -> Self {
        let mut terms: Vec<_> = self
            .0
            .iter()
            .map(|(monomial, count)| (monomial.times(factor), *count))
            .collect();
        terms.sort();
        Self(terms)
    }

    /// The sum with `count` times the other.
    #[must_use]
    pub fn plus(&self, other: &Self, count: i64) -> Self {
        let mut terms: BTreeMap<&Monomial, i64> =
            self.0.iter().map(|(m, count)| (m, *count)).collect();
        for (monomial, more) in &other.0 {
            *terms.entry(monomial).or_default() += more * count;
        }
        let terms = terms.into_iter().filter(|(_, count)| *count != 0);
        Self(terms.map(|(m, count)| (m.clone(), count)).collect())
    }

    /// Name of g to its power.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"element");
        for (monomial, count) in &self.0 {
            monomial.feed(&mut hash);
            hash.update(count.to_be_bytes());
        }
        hash.finalize().into()
    }
}

impl From<Monomial> for Polynomial {
    fn from(monomial: Monomial) -> Self {
        Self([(monomial, 1)].into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(number: ShareId) -> Monomial {
        Monomial::atom(Atom::Share(number))
    }

    #[test]
    fn products_and_inverses_of_monomials_cancel() {
        let product = share(1).times(&share(0)).times(&share(1));
        assert_eq!(product, share(0).times(&share(1)).times(&share(1)));
        assert_eq!(product.atoms().count(), 2);
        assert_eq!(product.times(&product.inverse()), Monomial::default());
        assert_eq!(
            product.times(&share(1).inverse()),
            share(0).times(&share(1))
        );
    }

    #[test]
    fn sums_of_polynomials_cancel() {
        let sum = Polynomial::from(share(0)).plus(&Polynomial::from(share(1)), 2);
        assert_eq!(sum.terms().count(), 2);
        assert!(sum.plus(&sum, -1).is_zero());
        let product = sum.times(&share(0).inverse());
        let expected =
            Polynomial::one().plus(&Polynomial::from(share(1).times(&share(0).inverse())), 2);
        assert_eq!(product, expected);
        assert_ne!(product.hash(), sum.hash());
        assert_eq!(Polynomial::one().monomial(), Some(&Monomial::default()));
        assert_eq!(sum.monomial(), None);
    }
}
