//! A group whose elements are monomials: g to the power of a product of named shares.
//!
//! The suites run over it unchanged. Exponentiation is the merging of two lists, so thousands of
//! cascades take seconds; and a key says which shares are in it, who drew them and when, which is
//! what contribution and freshness are about. Elements travel as the hash of their monomial, which
//! the common [`Algebra`] translates back.

use alloc::{sync::Arc, vec::Vec};
use std::{collections::BTreeMap, sync::Mutex};

use cliques::{Exponentiation, Group, GroupSecret, group::ElementError};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::ZeroizeOnDrop;

/// Number of a share, in the order of drawing.
pub type ShareId = u32;

/// A product of shares with exponents other than 0, sorted by share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Monomial(Vec<(ShareId, i32)>);

impl Monomial {
    /// The shares in it.
    pub fn shares(&self) -> impl Iterator<Item = ShareId> + '_ {
        self.0.iter().map(|(share, _)| *share)
    }

    fn times(&self, other: &Self) -> Self {
        let mut product: BTreeMap<ShareId, i32> = self.0.iter().copied().collect();
        for (share, exponent) in &other.0 {
            *product.entry(*share).or_default() += exponent;
        }
        Self(
            product
                .into_iter()
                .filter(|(_, exponent)| *exponent != 0)
                .collect(),
        )
    }

    fn inverse(&self) -> Self {
        Self(
            self.0
                .iter()
                .map(|(share, exponent)| (*share, -exponent))
                .collect(),
        )
    }

    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (share, exponent) in &self.0 {
            hash.update(share.to_be_bytes());
            hash.update(exponent.to_be_bytes());
        }
        hash.finalize().into()
    }
}

/// What all groups of a simulation share.
#[derive(Debug, Default)]
pub struct Algebra {
    /// Who drew each share.
    owners: Mutex<Vec<usize>>,
    elements: Mutex<BTreeMap<[u8; 32], Monomial>>,
    /// Exponents that exist.
    alive: Mutex<usize>,
}

impl Algebra {
    /// An algebra without shares.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Number of shares drawn so far.
    pub fn drawn(&self) -> ShareId {
        self.owners.lock().expect("no panics inside").len() as ShareId
    }

    /// Number of exponents that somebody still holds.
    pub fn alive(&self) -> usize {
        *self.alive.lock().expect("no panics inside")
    }

    /// Who drew a share.
    pub fn owner(&self, share: ShareId) -> usize {
        self.owners.lock().expect("no panics inside")[share as usize]
    }

    /// The monomial of an encoded element or secret.
    pub fn monomial(&self, encoding: &[u8]) -> Option<Monomial> {
        let encoding: [u8; 32] = encoding.try_into().ok()?;
        self.elements
            .lock()
            .expect("no panics inside")
            .get(&encoding)
            .cloned()
    }

    fn encode(&self, monomial: &Monomial) -> [u8; 32] {
        let hash = monomial.hash();
        self.elements
            .lock()
            .expect("no panics inside")
            .entry(hash)
            .or_insert_with(|| monomial.clone());
        hash
    }
}

/// One process's handle of the group.
#[derive(Clone, Debug)]
pub struct SymbolicGroup {
    algebra: Arc<Algebra>,
    owner: usize,
}

impl SymbolicGroup {
    /// The group as the process `owner` draws shares in it.
    pub const fn new(algebra: Arc<Algebra>, owner: usize) -> Self {
        Self { algebra, owner }
    }

    fn scalar(&self, value: Monomial) -> Scalar {
        *self.algebra.alive.lock().expect("no panics inside") += 1;
        Scalar {
            value,
            algebra: self.algebra.clone(),
        }
    }
}

/// An exponent. The algebra knows how many there are.
#[derive(Debug)]
pub struct Scalar {
    value: Monomial,
    algebra: Arc<Algebra>,
}

impl Drop for Scalar {
    fn drop(&mut self) {
        *self.algebra.alive.lock().expect("no panics inside") -= 1;
    }
}

impl ZeroizeOnDrop for Scalar {}

/// An agreed element.
#[derive(Debug)]
pub struct SecretElement(Monomial);

impl ZeroizeOnDrop for SecretElement {}

impl Group for SymbolicGroup {
    type Element = Monomial;
    type Scalar = Scalar;
    type SecretElement = SecretElement;

    fn name(&self) -> &str {
        "symbolic"
    }

    fn element_len(&self) -> usize {
        32
    }

    fn generator(&self) -> Monomial {
        Monomial::default()
    }

    fn random_scalar(&self, _: &mut dyn CryptoRng) -> Scalar {
        let mut owners = self.algebra.owners.lock().expect("no panics inside");
        let share = owners.len() as ShareId;
        owners.push(self.owner);
        drop(owners);
        self.scalar(Monomial([(share, 1)].into()))
    }

    fn exponentiate(&self, base: &Monomial, exponent: &Scalar) -> Monomial {
        base.times(&exponent.value)
    }

    fn exponentiate_generator(&self, exponent: &Scalar) -> Monomial {
        exponent.value.clone()
    }

    fn agree(&self, base: &Monomial, exponent: &Scalar) -> SecretElement {
        SecretElement(base.times(&exponent.value))
    }

    fn exponentiate_secret_each(
        &self,
        base: &SecretElement,
        exponents: &[&Scalar],
    ) -> Vec<Monomial> {
        let power = |exponent: &&Scalar| base.0.times(&exponent.value);
        exponents.iter().map(power).collect()
    }

    fn multiply(&self, _: &Monomial, _: &Monomial) -> Monomial {
        unreachable!("GDH multiplies no elements")
    }

    fn divide_vartime(&self, _: &Monomial, _: &Monomial) -> Monomial {
        unreachable!("GDH divides no elements")
    }

    fn multiply_secret(&self, _: &SecretElement, _: &Monomial) -> SecretElement {
        unreachable!("GDH multiplies no elements")
    }

    fn multiply_secrets(&self, _: &SecretElement, _: &SecretElement) -> SecretElement {
        unreachable!("GDH multiplies no elements")
    }

    fn secret_to_scalar(&self, _: &SecretElement) -> Option<Scalar> {
        unreachable!("GDH makes no exponent of an element")
    }

    fn scalar_secret(&self, _: &Scalar) -> GroupSecret {
        unreachable!("GDH makes no key of a share")
    }

    fn invert_scalar(&self, scalar: &Scalar) -> Scalar {
        self.scalar(scalar.value.inverse())
    }

    fn multiply_scalars(&self, a: &Scalar, b: &Scalar) -> Scalar {
        self.scalar(a.value.times(&b.value))
    }

    fn encode(&self, element: &Monomial) -> Vec<u8> {
        self.algebra.encode(element).to_vec()
    }

    fn decode(&self, bytes: &[u8]) -> Result<Monomial, ElementError> {
        if bytes.len() != 32 {
            return Err(ElementError::Encoding);
        }
        self.algebra.monomial(bytes).ok_or(ElementError::NotInGroup)
    }

    fn is_identity(&self, _: &SecretElement) -> bool {
        false
    }

    fn secret(&self, element: &SecretElement) -> GroupSecret {
        GroupSecret::new(self.algebra.encode(&element.0).into())
    }

    fn exponentiation(&self) -> Exponentiation {
        Exponentiation::Full
    }
}
