//! The symbolic group as the suites see it.

use alloc::{sync::Arc, vec::Vec};

use rand_core::CryptoRng;
use zeroize::ZeroizeOnDrop;

use super::{
    algebra::{Algebra, Value},
    formula::{Monomial, Polynomial},
};
use crate::{Exponentiation, Group, GroupSecret, group::ElementError};

/// One member's handle of the group.
#[derive(Clone, Debug)]
pub struct SymbolicGroup {
    algebra: Arc<Algebra>,
    owner: usize,
}

impl SymbolicGroup {
    /// The group as the member with the number `owner` draws shares in it.
    pub const fn new(algebra: Arc<Algebra>, owner: usize) -> Self {
        Self { algebra, owner }
    }

    fn scalar(&self, value: Monomial) -> Scalar {
        self.algebra.count_scalars(|count| count + 1);
        Scalar {
            value,
            algebra: self.algebra.clone(),
        }
    }

    fn secret_element(&self, value: Polynomial) -> SecretElement {
        self.algebra.count_secrets(|count| count + 1);
        SecretElement {
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
        self.algebra.count_scalars(|count| count - 1);
    }
}

impl ZeroizeOnDrop for Scalar {}

/// A secret element. The algebra knows how many there are.
#[derive(Debug)]
pub struct SecretElement {
    value: Polynomial,
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
        self.scalar(Monomial::atom(self.algebra.draw(self.owner)))
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

    fn multiply(&self, a: &Polynomial, b: &Polynomial) -> Polynomial {
        a.plus(b, 1)
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

    fn decode(&self, bytes: &[u8]) -> Result<Polynomial, ElementError> {
        if bytes.len() != 32 {
            return Err(ElementError::Encoding);
        }
        match self.algebra.polynomial(bytes) {
            Some(element) if element.is_zero() => Err(ElementError::One),
            Some(element) => Ok(element),
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
