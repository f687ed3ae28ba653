//! Groups of prime order modulo a prime (MODP).
//!
//! ```text
//!   1 .. p - 1          all residues
//!     order q           the group: g^0, g^1, .. g^(q-1), with q a prime divisor of p - 1
//! ```
//!
//! Received numbers must be tested for being in the group, or a member could send an element of
//! small order and learn a share modulo that order (Lim and Lee, CRYPTO 1997). Where p = 2q + 1 the
//! group is that of the squares, and the Jacobi symbol decides; elsewhere x^q = 1 does, in groups
//! of our own (`schnorr*`) too: that is their policy `strict`.
//!
//! An exponentiation takes time by the length of q, about the length of p in safe-prime groups;
//! exponents are never shorter than q, whatever their value.
//!
//! Source: key agreement notes, sections 1.1, 1.4 and 1.6.

use alloc::{string::String, sync::Arc, vec, vec::Vec};
use core::{fmt, mem};

use cliques_modexp::{Exponent, Jacobi, Modulus, ModulusError, Order, Residue, SecretResidue};
use rand_core::CryptoRng;
use zeroize::ZeroizeOnDrop;

use super::{ElementError, Group};
use crate::{cost::Exponentiation, secret::GroupSecret};

/// A group of prime order modulo a prime.
///
/// A handle: clones share the parameters.
#[derive(Clone)]
pub struct Modp(Arc<Parameters>);

/// What is made once for a group.
struct Parameters {
    name: String,
    modulus: Modulus,
    order: Order,
    generator: Residue,
    membership: Membership,
}

/// How an element is told from other residues.
enum Membership {
    /// p = 2q + 1: the group is that of the squares.
    Square,
    /// Any other p: x^q = 1 for the exponent given, which is q.
    Power(Exponent),
}

/// A public element of a [`Modp`] group.
///
/// Made by decoding, which validates, or by exponentiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModpElement(Residue);

/// A secret exponent of a [`Modp`] group; erased on drop.
///
/// ```compile_fail
/// # fn copy(scalar: &cliques::group::ModpScalar) -> cliques::group::ModpScalar {
/// scalar.clone()
/// # }
/// ```
pub struct ModpScalar(Exponent);

/// A secret element of a [`Modp`] group; erased on drop.
///
/// ```compile_fail
/// # fn copy(secret: &cliques::group::ModpSecret) -> cliques::group::ModpSecret {
/// secret.clone()
/// # }
/// ```
pub struct ModpSecret(SecretResidue);

// The fields erase themselves.
impl ZeroizeOnDrop for ModpScalar {}
impl ZeroizeOnDrop for ModpSecret {}

impl fmt::Debug for ModpScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModpScalar")
    }
}

impl fmt::Debug for ModpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModpSecret")
    }
}

impl Modp {
    /// The squares modulo p = 2q + 1.
    pub(super) fn squares(name: &str, p: &[u8], q: &[u8], g: &[u8]) -> Result<Self, ModulusError> {
        Self::build(name, p, q, g, |_| Membership::Square)
    }

    /// The group of order q modulo any p.
    pub(super) fn subgroup(name: &str, p: &[u8], q: &[u8], g: &[u8]) -> Result<Self, ModulusError> {
        Self::build(name, p, q, g, |order| {
            Membership::Power(order.to_exponent())
        })
    }

    fn build(
        name: &str,
        p: &[u8],
        q: &[u8],
        g: &[u8],
        membership: impl FnOnce(&Order) -> Membership,
    ) -> Result<Self, ModulusError> {
        let modulus = Modulus::from_be_bytes(p)?;
        let order = Order::from_be_bytes(q)?;
        let generator = modulus.reduce_vartime(g);
        let membership = membership(&order);
        let name = name.into();
        Ok(Self(Arc::new(Parameters {
            name,
            modulus,
            order,
            generator,
            membership,
        })))
    }

    /// Length of p, in bits.
    pub fn modulus_bits(&self) -> u32 {
        self.0.modulus.bits()
    }

    /// Length of q, in bits.
    pub fn order_bits(&self) -> u32 {
        self.0.order.bits()
    }

    /// p, big-endian.
    pub fn modulus(&self) -> Vec<u8> {
        self.0.modulus.to_be_bytes()
    }

    /// q, big-endian.
    pub fn order(&self) -> Vec<u8> {
        self.0.order.to_be_bytes()
    }

    fn contains(&self, x: &Residue) -> bool {
        match &self.0.membership {
            Membership::Square => x.jacobi_vartime() == Jacobi::One,
            Membership::Power(order) => x.pow(order).publish().is_one(),
        }
    }
}

impl Group for Modp {
    type Element = ModpElement;
    type Scalar = ModpScalar;
    type SecretElement = ModpSecret;

    fn name(&self) -> &str {
        &self.0.name
    }

    fn element_len(&self) -> usize {
        self.0.modulus.byte_len()
    }

    fn generator(&self) -> ModpElement {
        ModpElement(self.0.generator.clone())
    }

    fn random_scalar(&self, rng: &mut dyn CryptoRng) -> ModpScalar {
        ModpScalar(self.0.order.sample(|bytes| rng.fill_bytes(bytes)))
    }

    fn exponentiate(&self, base: &ModpElement, exponent: &ModpScalar) -> ModpElement {
        ModpElement(base.0.pow(&exponent.0).publish())
    }

    fn exponentiate_generator(&self, exponent: &ModpScalar) -> ModpElement {
        ModpElement(self.0.generator.pow(&exponent.0).publish())
    }

    fn agree(&self, base: &ModpElement, exponent: &ModpScalar) -> ModpSecret {
        ModpSecret(base.0.pow(&exponent.0))
    }

    fn exponentiate_secret_each(
        &self,
        base: &ModpSecret,
        exponents: &[&ModpScalar],
    ) -> Vec<ModpElement> {
        exponents
            .iter()
            .map(|exponent| ModpElement(base.0.pow(&exponent.0).publish()))
            .collect()
    }

    fn multiply(&self, a: &ModpElement, b: &ModpElement) -> ModpElement {
        ModpElement(a.0.multiply(&b.0))
    }

    fn divide_vartime(&self, dividend: &ModpElement, divisor: &ModpElement) -> ModpElement {
        // Elements are units: 0 does not decode, and p is prime.
        let inverse = divisor.0.invert_vartime();
        let inverse = inverse.unwrap_or_else(|| self.0.modulus.one());
        ModpElement(dividend.0.multiply(&inverse))
    }

    fn multiply_secret(&self, secret: &ModpSecret, factor: &ModpElement) -> ModpSecret {
        ModpSecret(secret.0.multiply(&factor.0))
    }

    fn multiply_secrets(&self, a: &ModpSecret, b: &ModpSecret) -> ModpSecret {
        ModpSecret(a.0.multiply_secret(&b.0))
    }

    /// F(x) = x mod q.
    fn secret_to_scalar(&self, secret: &ModpSecret) -> Option<ModpScalar> {
        let scalar = self.0.order.reduce(&secret.0.to_be_bytes());
        (!bool::from(scalar.is_zero())).then_some(ModpScalar(scalar))
    }

    fn scalar_secret(&self, scalar: &ModpScalar) -> GroupSecret {
        let bytes = scalar.0.to_be_bytes();
        let mut padded = vec![0; self.element_len()].into_boxed_slice();
        let start = padded.len().saturating_sub(bytes.len());
        for (to, from) in padded.iter_mut().skip(start).zip(bytes.iter()) {
            *to = *from;
        }
        GroupSecret::new(padded)
    }

    fn invert_scalar(&self, scalar: &ModpScalar) -> ModpScalar {
        ModpScalar(self.0.order.invert(&scalar.0))
    }

    fn multiply_scalars(&self, a: &ModpScalar, b: &ModpScalar) -> ModpScalar {
        ModpScalar(self.0.order.multiply(&a.0, &b.0))
    }

    fn encode(&self, element: &ModpElement) -> Vec<u8> {
        element.0.to_be_bytes()
    }

    /// In groups with p = 2q + 1 one Jacobi symbol, in all others one short exponentiation.
    fn decode(&self, bytes: &[u8]) -> Result<ModpElement, ElementError> {
        let element = self.parse(bytes)?;
        self.validate(&element)?;
        Ok(element)
    }

    fn parse(&self, bytes: &[u8]) -> Result<ModpElement, ElementError> {
        let x = self
            .0
            .modulus
            .residue(bytes)
            .map_err(|_| ElementError::Encoding)?;
        if x.is_zero() {
            return Err(ElementError::Zero);
        }
        if x.is_one() {
            return Err(ElementError::One);
        }
        Ok(ModpElement(x))
    }

    /// Refuses p - 1, of order two, as well: q is odd.
    fn validate(&self, element: &ModpElement) -> Result<(), ElementError> {
        self.contains(&element.0)
            .then_some(())
            .ok_or(ElementError::NotInGroup)
    }

    fn is_identity(&self, secret: &ModpSecret) -> bool {
        secret.0.is_one().into()
    }

    fn secret(&self, element: &ModpSecret) -> GroupSecret {
        GroupSecret::new(mem::take(&mut *element.0.to_be_bytes()))
    }

    fn exponentiation(&self) -> Exponentiation {
        if self.0.order.bits() + 1 >= self.0.modulus.bits() {
            Exponentiation::Full
        } else {
            Exponentiation::Short
        }
    }
}

impl fmt::Debug for Modp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Modp").field(&self.0.name).finish()
    }
}
