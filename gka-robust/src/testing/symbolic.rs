//! A group whose elements are formulas: g to the power of a polynomial in named shares.
//!
//! The suites run over it unchanged. Exponentiation is the merging of lists, so thousands of cascades
//! take seconds; and a key says which shares are in it and who drew them, which is what contribution
//! and freshness are about. What an outsider can compute is linear algebra, see
//! [`Knowledge`](super::knowledge::Knowledge).
//!
//! An *atom* is a share, or F of an element. Exponents are products of atoms with integer powers
//! (GDH divides by shares); elements are sums of such products, because BD multiplies and divides
//! elements. Elements travel as the hash of their formula, which the common [`Algebra`] translates
//! back. Shares are numbered by who draws them, so a formula is a function of what its authors did,
//! not of the order in which independent members did it.

use alloc::{sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cliques::{Exponentiation, Group, GroupSecret, group::ElementError};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::ZeroizeOnDrop;

/// A share: who drew it, and which of its draws it was, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    /// Who drew it.
    pub owner: usize,
    /// The number of the draw.
    pub number: u32,
}

/// What exponents are products of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A share.
    Share(Share),
    /// F of the element with this encoding.
    Image([u8; 32]),
}

/// A product of atoms with powers other than 0, sorted by atom.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monomial(Vec<(Atom, i32)>);

impl Monomial {
    /// Its atoms and their powers.
    pub fn atoms(&self) -> &[(Atom, i32)] {
        &self.0
    }

    /// A product without its checks: atoms sorted, no power 0.
    pub(super) fn of(atoms: impl IntoIterator<Item = (Atom, i32)>) -> Self {
        Self(atoms.into_iter().collect())
    }

    fn times(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        let mut product = Vec::with_capacity(a.len() + b.len());
        loop {
            match (a, b) {
                ([x, rest @ ..], [y, ..]) if x.0 < y.0 => {
                    product.push(*x);
                    a = rest;
                }
                ([x, ..], [y, rest @ ..]) if y.0 < x.0 => {
                    product.push(*y);
                    b = rest;
                }
                ([x, after_x @ ..], [y, after_y @ ..]) => {
                    if x.1 + y.1 != 0 {
                        product.push((x.0, x.1 + y.1));
                    }
                    (a, b) = (after_x, after_y);
                }
                (rest, []) | ([], rest) => {
                    product.extend_from_slice(rest);
                    return Self(product);
                }
            }
        }
    }

    fn inverse(&self) -> Self {
        Self(self.0.iter().map(|(atom, power)| (*atom, -power)).collect())
    }
}

/// The exponent of an element: a sum of monomials with coefficients other than 0, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Formula(Vec<(Monomial, i32)>);

impl Formula {
    /// Its monomials and their coefficients.
    pub fn terms(&self) -> &[(Monomial, i32)] {
        &self.0
    }

    fn times(&self, factor: &Monomial) -> Self {
        let mut terms: Vec<_> = self
            .0
            .iter()
            .map(|(monomial, count)| (monomial.times(factor), *count))
            .collect();
        terms.sort();
        Self(terms)
    }

    fn plus(&self, other: &Self, sign: i32) -> Self {
        let mut sum: BTreeMap<&Monomial, i32> = self.0.iter().map(|(m, c)| (m, *c)).collect();
        for (monomial, count) in &other.0 {
            *sum.entry(monomial).or_default() += sign * count;
        }
        Self(
            sum.into_iter()
                .filter(|(_, count)| *count != 0)
                .map(|(monomial, count)| (monomial.clone(), count))
                .collect(),
        )
    }

    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let size = |len: usize| (len as u64).to_be_bytes();
        hash.update(size(self.0.len()));
        for (monomial, count) in &self.0 {
            hash.update(count.to_be_bytes());
            hash.update(size(monomial.0.len()));
            for (atom, power) in &monomial.0 {
                hash.update(power.to_be_bytes());
                match atom {
                    Atom::Share(share) => {
                        hash.update([0]);
                        hash.update(size(share.owner));
                        hash.update(share.number.to_be_bytes());
                    }
                    Atom::Image(encoding) => {
                        hash.update([1]);
                        hash.update(encoding);
                    }
                }
            }
        }
        hash.finalize().into()
    }
}

/// What all groups of a simulation share: the formulas behind encodings.
#[derive(Debug, Default)]
pub struct Algebra {
    formulas: Mutex<BTreeMap<[u8; 32], Formula>>,
    /// Encodings of public elements, that is those that were encoded to be sent.
    public: Mutex<BTreeSet<[u8; 32]>>,
}

/// Nothing here panics while it holds a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Algebra {
    /// An algebra without elements.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The formula of an encoded element or secret.
    pub fn formula(&self, encoding: &[u8]) -> Option<Formula> {
        let encoding: [u8; 32] = encoding.try_into().ok()?;
        lock(&self.formulas).get(&encoding).cloned()
    }

    /// All elements that were encoded to be sent.
    pub fn public(&self) -> Vec<Formula> {
        let formulas = lock(&self.formulas);
        lock(&self.public)
            .iter()
            .filter_map(|encoding| formulas.get(encoding).cloned())
            .collect()
    }

    /// The shares in an element, those inside of F included.
    pub fn shares(&self, encoding: &[u8]) -> Option<BTreeSet<Share>> {
        let mut shares = BTreeSet::new();
        let formula = self.formula(encoding)?;
        formula
            .0
            .iter()
            .for_each(|(monomial, _)| self.collect(monomial, &mut shares));
        Some(shares)
    }

    fn collect(&self, monomial: &Monomial, shares: &mut BTreeSet<Share>) {
        for (atom, _) in &monomial.0 {
            match atom {
                Atom::Share(share) => {
                    shares.insert(*share);
                }
                Atom::Image(encoding) => shares.extend(self.shares(encoding).unwrap_or_default()),
            }
        }
    }

    fn intern(&self, formula: &Formula) -> [u8; 32] {
        let hash = formula.hash();
        lock(&self.formulas)
            .entry(hash)
            .or_insert_with(|| formula.clone());
        hash
    }
}

/// What one process holds: its instrumented secrets, and how many shares it has drawn.
#[derive(Debug, Default)]
struct Holdings {
    drawn: AtomicU32,
    /// Whether draws have no effect on the number of the next.
    stuck: AtomicBool,
    /// Exponents and secret elements in memory: how many there are of each.
    alive: Mutex<BTreeMap<[u8; 32], usize>>,
}

/// One process's handle of the group. Clones have their holdings in common.
#[derive(Clone, Debug)]
pub struct SymbolicGroup {
    algebra: Arc<Algebra>,
    owner: usize,
    holdings: Arc<Holdings>,
}

impl SymbolicGroup {
    /// The group as the process `owner` draws shares in it.
    pub fn new(algebra: Arc<Algebra>, owner: usize) -> Self {
        Self::resumed(algebra, owner, 0)
    }

    /// The same, with `drawn` shares drawn already.
    pub fn resumed(algebra: Arc<Algebra>, owner: usize, drawn: u32) -> Self {
        let holdings = Holdings {
            drawn: AtomicU32::new(drawn),
            ..Holdings::default()
        };
        Self {
            algebra,
            owner,
            holdings: Arc::new(holdings),
        }
    }

    /// Shares drawn so far.
    pub fn drawn(&self) -> u32 {
        self.holdings.drawn.load(Ordering::Relaxed)
    }

    /// Numbers the next share `number`, which none drawn before may have.
    pub fn number_from(&self, number: u32) {
        if !self.holdings.stuck.load(Ordering::Relaxed) {
            self.holdings.drawn.store(number, Ordering::Relaxed);
        }
    }

    /// Makes every draw give the same share.
    pub fn repeat_shares(&self) {
        self.holdings.stuck.store(true, Ordering::Relaxed);
    }

    /// Encodings, as elements, of the exponents and secret elements that this process has in memory.
    pub fn alive(&self) -> Vec<[u8; 32]> {
        lock(&self.holdings.alive).keys().copied().collect()
    }

    fn hold(&self, formula: &Formula) -> Held {
        let encoding = self.algebra.intern(formula);
        *lock(&self.holdings.alive).entry(encoding).or_default() += 1;
        Held {
            encoding,
            holdings: self.holdings.clone(),
        }
    }

    fn scalar(&self, value: Monomial) -> Scalar {
        let held = self.hold(&Formula([(value.clone(), 1)].into()));
        Scalar { value, held }
    }

    fn secret_element(&self, value: Formula) -> SecretElement {
        let held = self.hold(&value);
        SecretElement { value, held }
    }
}

/// A secret in memory; it leaves the holdings when it is dropped.
#[derive(Debug)]
struct Held {
    encoding: [u8; 32],
    holdings: Arc<Holdings>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut alive = lock(&self.holdings.alive);
        if let Some(count) = alive.get_mut(&self.encoding) {
            *count -= 1;
            if *count == 0 {
                alive.remove(&self.encoding);
            }
        }
    }
}

/// An exponent.
#[derive(Debug)]
pub struct Scalar {
    value: Monomial,
    #[expect(dead_code, reason = "held for its drop")]
    held: Held,
}

impl ZeroizeOnDrop for Scalar {}

/// A secret element.
#[derive(Debug)]
pub struct SecretElement {
    value: Formula,
    held: Held,
}

impl ZeroizeOnDrop for SecretElement {}

impl Group for SymbolicGroup {
    type Element = Formula;
    type Scalar = Scalar;
    type SecretElement = SecretElement;

    fn name(&self) -> &str {
        "symbolic"
    }

    fn element_len(&self) -> usize {
        32
    }

    fn generator(&self) -> Formula {
        Formula([(Monomial::default(), 1)].into())
    }

    fn random_scalar(&self, _: &mut dyn CryptoRng) -> Scalar {
        let share = Share {
            owner: self.owner,
            number: self.drawn(),
        };
        if !self.holdings.stuck.load(Ordering::Relaxed) {
            self.holdings.drawn.fetch_add(1, Ordering::Relaxed);
        }
        self.scalar(Monomial([(Atom::Share(share), 1)].into()))
    }

    fn exponentiate(&self, base: &Formula, exponent: &Scalar) -> Formula {
        base.times(&exponent.value)
    }

    fn exponentiate_generator(&self, exponent: &Scalar) -> Formula {
        Formula([(exponent.value.clone(), 1)].into())
    }

    fn agree(&self, base: &Formula, exponent: &Scalar) -> SecretElement {
        self.secret_element(base.times(&exponent.value))
    }

    fn exponentiate_secret_each(
        &self,
        base: &SecretElement,
        exponents: &[&Scalar],
    ) -> Vec<Formula> {
        let power = |exponent: &&Scalar| base.value.times(&exponent.value);
        exponents.iter().map(power).collect()
    }

    fn multiply(&self, a: &Formula, b: &Formula) -> Formula {
        a.plus(b, 1)
    }

    fn divide_vartime(&self, dividend: &Formula, divisor: &Formula) -> Formula {
        dividend.plus(divisor, -1)
    }

    fn multiply_secret(&self, secret: &SecretElement, factor: &Formula) -> SecretElement {
        self.secret_element(secret.value.plus(factor, 1))
    }

    fn multiply_secrets(&self, a: &SecretElement, b: &SecretElement) -> SecretElement {
        self.secret_element(a.value.plus(&b.value, 1))
    }

    fn secret_to_scalar(&self, secret: &SecretElement) -> Option<Scalar> {
        Some(self.scalar(Monomial([(Atom::Image(secret.held.encoding), 1)].into())))
    }

    fn scalar_secret(&self, scalar: &Scalar) -> GroupSecret {
        // As an element, so that it can be looked into like any other key.
        let element = self.exponentiate_generator(scalar);
        GroupSecret::new(self.algebra.intern(&element).into())
    }

    fn invert_scalar(&self, scalar: &Scalar) -> Scalar {
        self.scalar(scalar.value.inverse())
    }

    fn multiply_scalars(&self, a: &Scalar, b: &Scalar) -> Scalar {
        self.scalar(a.value.times(&b.value))
    }

    fn encode(&self, element: &Formula) -> Vec<u8> {
        let encoding = self.algebra.intern(element);
        lock(&self.algebra.public).insert(encoding);
        encoding.to_vec()
    }

    fn decode(&self, bytes: &[u8]) -> Result<Formula, ElementError> {
        if bytes.len() != 32 {
            return Err(ElementError::Encoding);
        }
        self.algebra.formula(bytes).ok_or(ElementError::NotInGroup)
    }

    fn is_identity(&self, secret: &SecretElement) -> bool {
        secret.value.0.is_empty()
    }

    fn secret(&self, element: &SecretElement) -> GroupSecret {
        GroupSecret::new(element.held.encoding.into())
    }

    fn exponentiation(&self) -> Exponentiation {
        Exponentiation::Full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    #[test]
    fn formulas_follow_the_laws_of_the_group() {
        let algebra = Algebra::new();
        let group = SymbolicGroup::new(algebra.clone(), 3);
        let mut dice = Dice::new(1);
        let (a, b) = (
            group.random_scalar(dice.rng()),
            group.random_scalar(dice.rng()),
        );
        let (ga, gb) = (
            group.exponentiate_generator(&a),
            group.exponentiate_generator(&b),
        );
        assert_eq!(group.exponentiate(&ga, &b), group.exponentiate(&gb, &a));
        let back = group.exponentiate(&group.exponentiate(&ga, &b), &group.invert_scalar(&b));
        assert_eq!(back, ga);
        let product = group.multiply(&ga, &gb);
        assert_eq!(group.divide_vartime(&product, &gb), ga);
        assert_eq!(
            group.divide_vartime(&ga, &ga),
            Formula::default(),
            "the identity"
        );
    }

    #[test]
    fn secrets_are_counted_and_shares_found_inside_of_images() {
        let algebra = Algebra::new();
        let group = SymbolicGroup::new(algebra.clone(), 0);
        let mut dice = Dice::new(1);
        let share = group.random_scalar(dice.rng());
        let secret = group.agree(&group.generator(), &share);
        let image = group.secret_to_scalar(&secret).unwrap();
        // g to the share is the secret element too: two holdings, two encodings.
        assert_eq!(group.alive().len(), 2);
        drop(secret);
        assert_eq!(group.alive().len(), 2);
        drop(share);
        assert_eq!(group.alive().len(), 1);
        let key = group.exponentiate_generator(&image);
        let shares = algebra.shares(&group.encode(&key)).unwrap();
        let only = Share {
            owner: 0,
            number: 0,
        };
        assert_eq!(shares, [only].into());
        assert_eq!(algebra.public(), [key]);
    }
}
