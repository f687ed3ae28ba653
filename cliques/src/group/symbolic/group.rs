//! The symbolic group as the suites see it.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Mutex;

use rand_core::CryptoRng;
use zeroize::ZeroizeOnDrop;

use super::{
    algebra::{Algebra, Value},
    formula::{Monomial, Polynomial},
};
use crate::{
    Exponentiation, Group, GroupSecret,
    group::{ElementError, Unverified},
};

/// No number for the next share.
const UNNUMBERED: u32 = u32::MAX;

/// What one member holds.
#[derive(Debug)]
struct Holdings {
    /// Number of the next share.
    next: AtomicU32,
    /// How much the number grows by a draw.
    step: AtomicU32,
    /// Exponents and secret elements in memory: how many there are of each.
    alive: Mutex<BTreeMap<[u8; 32], usize>>,
}

/// One member's handle of the group. Clones have what the member holds in common.
#[derive(Clone, Debug)]
pub struct SymbolicGroup {
    algebra: Arc<Algebra>,
    owner: usize,
    holdings: Arc<Holdings>,
}

impl PartialEq for SymbolicGroup {
    /// Whether both are handles of one member.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.holdings, &other.holdings)
    }
}

impl Eq for SymbolicGroup {}

impl SymbolicGroup {
    /// The group as the member with the number `owner` draws shares in it.
    pub fn new(algebra: Arc<Algebra>, owner: usize) -> Self {
        let holdings = Holdings {
            next: AtomicU32::new(UNNUMBERED),
            step: AtomicU32::new(1),
            alive: Mutex::default(),
        };
        Self {
            algebra,
            owner,
            holdings: Arc::new(holdings),
        }
    }

    /// Gives the next share this number and those after it the numbers that follow. A share drawn
    /// again under a number is the same share.
    pub fn number_from(&self, number: u32) {
        if self.holdings.step.load(Ordering::Relaxed) > 0 || self.number().is_none() {
            self.holdings.next.store(number, Ordering::Relaxed);
        }
    }

    /// The number of the next share, if it gets one.
    pub fn number(&self) -> Option<u32> {
        let next = self.holdings.next.load(Ordering::Relaxed);
        (next != UNNUMBERED).then_some(next)
    }

    /// Makes every numbered draw give the same share: a fault, to see whether it is noticed.
    pub fn repeat_shares(&self) {
        self.holdings.step.store(0, Ordering::Relaxed);
    }

    /// Encodings of the exponents and secret elements that this member has in memory.
    pub fn alive(&self) -> Vec<[u8; 32]> {
        let alive = self.holdings.alive.lock().expect("no panics inside");
        alive.keys().copied().collect()
    }

    fn hold(&self, value: &Value) -> Held {
        let encoding = self.algebra.encode(value);
        let mut alive = self.holdings.alive.lock().expect("no panics inside");
        *alive.entry(encoding).or_default() += 1;
        Held {
            encoding,
            holdings: self.holdings.clone(),
        }
    }

    fn scalar(&self, value: Monomial) -> Scalar {
        self.algebra.count_scalars(|count| count + 1);
        Scalar {
            _held: self.hold(&Value::Exponent(value.clone())),
            value,
            algebra: self.algebra.clone(),
        }
    }

    fn secret_element(&self, value: Polynomial) -> SecretElement {
        self.algebra.count_secrets(|count| count + 1);
        SecretElement {
            _held: self.hold(&Value::Element(value.clone())),
            value,
            algebra: self.algebra.clone(),
        }
    }
}

/// A secret in a member's memory; it leaves the holdings when it is dropped.
#[derive(Debug)]
struct Held {
    encoding: [u8; 32],
    holdings: Arc<Holdings>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut alive = self.holdings.alive.lock().expect("no panics inside");
        if let Some(count) = alive.get_mut(&self.encoding) {
            *count -= 1;
            if *count == 0 {
                alive.remove(&self.encoding);
            }
        }
    }
}

/// An exponent. The algebra knows how many there are.
#[derive(Debug)]
pub struct Scalar {
    value: Monomial,
    _held: Held,
    algebra: Arc<Algebra>,
}

impl Drop for Scalar {
    fn drop(&mut self) {
        self.algebra.count_scalars(|count| count - 1);
    }
}

impl ZeroizeOnDrop for Scalar {}

/// A secret element. The algebra knows how many there are.
#[derive(Debug)]
pub struct SecretElement {
    value: Polynomial,
    _held: Held,
    algebra: Arc<Algebra>,
}

impl Drop for SecretElement {
    fn drop(&mut self) {
        self.algebra.count_secrets(|count| count - 1);
    }
}

impl ZeroizeOnDrop for SecretElement {}

impl Group for SymbolicGroup {
    type Element = Polynomial;
    type Scalar = Scalar;
    type SecretElement = SecretElement;

    fn name(&self) -> &str {
        "symbolic"
    }

    fn element_len(&self) -> usize {
        32
    }

    fn generator(&self) -> Polynomial {
        Polynomial::one()
    }

    fn random_scalar(&self, _: &mut dyn CryptoRng) -> Scalar {
        let Holdings { next, step, .. } = &*self.holdings;
        let share = match self.number() {
            None => self.algebra.draw(self.owner),
            Some(number) => {
                next.fetch_add(step.load(Ordering::Relaxed), Ordering::Relaxed);
                self.algebra.draw_numbered(self.owner, number)
            }
        };
        self.scalar(Monomial::atom(share))
    }

    fn exponentiate(&self, base: &Polynomial, exponent: &Scalar) -> Polynomial {
        base.times(&exponent.value)
    }

    fn exponentiate_generator(&self, exponent: &Scalar) -> Polynomial {
        exponent.value.clone().into()
    }

    fn agree(&self, base: &Polynomial, exponent: &Scalar) -> SecretElement {
        self.secret_element(base.times(&exponent.value))
    }

    fn exponentiate_secret_each(
        &self,
        base: &SecretElement,
        exponents: &[&Scalar],
    ) -> Vec<Polynomial> {
        let power = |exponent: &&Scalar| base.value.times(&exponent.value);
        exponents.iter().map(power).collect()
    }

    fn divide_vartime(&self, dividend: &Polynomial, divisor: &Polynomial) -> Polynomial {
        dividend.plus(divisor, -1)
    }

    fn multiply_secret(&self, secret: &SecretElement, factor: &Polynomial) -> SecretElement {
        self.secret_element(secret.value.plus(factor, 1))
    }

    fn multiply_secrets(&self, a: &SecretElement, b: &SecretElement) -> SecretElement {
        self.secret_element(a.value.plus(&b.value, 1))
    }

    fn secret_to_scalar(&self, secret: &SecretElement) -> Option<Scalar> {
        let image = self.algebra.image_of(&secret.value);
        Some(self.scalar(Monomial::atom(image)))
    }

    fn scalar_secret(&self, scalar: &Scalar) -> GroupSecret {
        let value = Value::Exponent(scalar.value.clone());
        GroupSecret::new(self.algebra.encode(&value).into())
    }

    fn invert_scalar(&self, scalar: &Scalar) -> Scalar {
        self.scalar(scalar.value.inverse())
    }

    fn multiply_scalars(&self, a: &Scalar, b: &Scalar) -> Scalar {
        self.scalar(a.value.times(&b.value))
    }

    fn encode(&self, element: &Polynomial) -> Vec<u8> {
        let value = Value::Element(element.clone());
        self.algebra.encode(&value).to_vec()
    }

    fn parse(&self, bytes: &[u8]) -> Result<Unverified<Polynomial>, ElementError> {
        if bytes.len() != 32 {
            return Err(ElementError::Encoding);
        }
        match self.algebra.polynomial(bytes) {
            Some(element) if element.is_zero() => Err(ElementError::One),
            Some(element) => Ok(Unverified::new(element)),
            None => Err(ElementError::NotInGroup),
        }
    }

    fn is_identity(&self, secret: &SecretElement) -> bool {
        secret.value.is_zero()
    }

    fn secret(&self, element: &SecretElement) -> GroupSecret {
        let value = Value::Element(element.value.clone());
        GroupSecret::new(self.algebra.encode(&value).into())
    }

    fn exponentiation(&self) -> Exponentiation {
        Exponentiation::Full
    }
}
