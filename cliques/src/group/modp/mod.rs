//! Groups of prime order modulo a prime (MODP).
//!
//! ```text
//!   1 .. p - 1          all residues
//!     order q           the group: g^0, g^1, .. g^(q-1), with q a prime divisor of p - 1
//! ```
//!
//! Received numbers must be tested for being in the group, or a member could send an element of
//! small order and learn a share modulo that order (Lim and Lee, CRYPTO 1997); `membership` says
//! how. An exponentiation takes time by the length of q, about the length of p in safe-prime groups;
//! exponents are never shorter than q, whatever their value.
//!
//! Source: key agreement notes, sections 1.1, 1.3, 1.4 and 1.6.

use alloc::{boxed::Box, format, sync::Arc, vec, vec::Vec};
use core::{fmt, mem};

use cliques_modexp::{Exponent, FixedBase, Modulus, ModulusError, Order, Residue, SecretResidue};
use num_bigint::BigUint;
use once_cell::race::OnceBox;
use rand_core::CryptoRng;
use zeroize::ZeroizeOnDrop;

use self::map::ScalarMap;
use super::{ElementError, Group, Unverified};
use crate::{cost::Exponentiation, secret::GroupSecret};

pub(super) mod constants;
mod custom;
mod map;
mod membership;
#[cfg(feature = "pem")]
mod pem;
mod primality;

use self::membership::Cofactor;
pub use self::{
    custom::ParameterError,
    membership::{ElementPolicy, UnknownElementPolicy},
};

/// What the name of a group with F = `abs` ends in.
pub(super) const ABS_SUFFIX: &str = "+abs";

/// A group of prime order modulo a prime.
///
/// A handle: clones share the parameters. [`NamedGroup::modp`](super::NamedGroup::modp) gives the
/// named ones, [`custom`](Self::custom) makes others.
#[derive(Clone)]
pub struct Modp {
    parameters: Arc<Parameters>,
    name: Arc<str>,
    map: ScalarMap,
    policy: ElementPolicy,
}

/// What is computed once per group.
struct Parameters {
    modulus: Modulus,
    order: Order,
    order_exponent: Exponent,
    generator: Residue,
    generator_table: OnceBox<FixedBase>,
    cofactor: Cofactor,
}

/// p, q and g as plain numbers.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    p: BigUint,
    q: BigUint,
    g: BigUint,
    cofactor: Cofactor,
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
    /// A group of parameters that are known to be valid.
    pub(super) fn trusted(name: &str, numbers: &Numbers) -> Result<Self, ModulusError> {
        let modulus = Modulus::from_be_bytes(&numbers.p.to_bytes_be())?;
        let order = Order::from_be_bytes(&numbers.q.to_bytes_be())?;
        let parameters = Parameters {
            order_exponent: order.to_exponent(),
            generator: modulus.reduce_vartime(&numbers.g.to_bytes_be()),
            generator_table: OnceBox::new(),
            cofactor: numbers.cofactor,
            modulus,
            order,
        };
        Ok(Self {
            parameters: Arc::new(parameters),
            name: name.into(),
            map: ScalarMap::default(),
            policy: ElementPolicy::default(),
        })
    }

    /// The same group with another policy for received elements. It makes a difference only where
    /// p = 2qr + 1 with a large prime r.
    #[must_use]
    pub fn with_policy(mut self, policy: ElementPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The same group with F(x) = min(x, p - x) in the place of F(x) = x mod q, and `+abs` behind
    /// its name.
    ///
    /// All members must use the same F. The name, which is part of every token and every key, ensures
    /// that.
    ///
    /// # Errors
    /// [`ParameterError::NoSafePrime`] unless p = 2q + 1.
    pub fn with_abs(mut self) -> Result<Self, ParameterError> {
        if self.parameters.cofactor != Cofactor::Two {
            return Err(ParameterError::NoSafePrime);
        }
        if self.map != ScalarMap::Abs {
            self.map = ScalarMap::Abs;
            self.name = format!("{}{ABS_SUFFIX}", self.name).into();
        }
        Ok(self)
    }

    /// The policy for received elements.
    pub const fn policy(&self) -> ElementPolicy {
        self.policy
    }

    /// Length of p, in bits.
    pub fn modulus_bits(&self) -> u32 {
        self.parameters.modulus.bits()
    }

    /// Length of q, in bits.
    pub fn order_bits(&self) -> u32 {
        self.parameters.order.bits()
    }

    /// The generator with its table, which costs the time of a few exponentiations and up to 640 KiB:
    /// made at the first use, for all handles of the group.
    fn generator_table(&self) -> &FixedBase {
        let parameters = &self.parameters;
        parameters.generator_table.get_or_init(|| {
            let table = FixedBase::new(&parameters.generator, parameters.order.bits());
            Box::new(table)
        })
    }

    /// p, big-endian.
    pub fn modulus(&self) -> Vec<u8> {
        self.parameters.modulus.to_be_bytes()
    }

    /// q, big-endian.
    pub fn order(&self) -> Vec<u8> {
        self.parameters.order.to_be_bytes()
    }
}

impl Group for Modp {
    type Element = ModpElement;
    type Scalar = ModpScalar;
    type SecretElement = ModpSecret;

    fn name(&self) -> &str {
        &self.name
    }

    fn element_len(&self) -> usize {
        self.parameters.modulus.byte_len()
    }

    fn generator(&self) -> ModpElement {
        ModpElement(self.parameters.generator.clone())
    }

    fn random_scalar(&self, rng: &mut dyn CryptoRng) -> ModpScalar {
        ModpScalar(self.parameters.order.sample(|bytes| rng.fill_bytes(bytes)))
    }

    fn exponentiate(&self, base: &ModpElement, exponent: &ModpScalar) -> ModpElement {
        ModpElement(base.0.pow(&exponent.0).publish())
    }

    fn exponentiate_generator(&self, exponent: &ModpScalar) -> ModpElement {
        ModpElement(self.generator_table().pow(&exponent.0).publish())
    }

    fn agree(&self, base: &ModpElement, exponent: &ModpScalar) -> ModpSecret {
        ModpSecret(base.0.pow(&exponent.0))
    }

    fn agree_generator(&self, exponent: &ModpScalar) -> ModpSecret {
        ModpSecret(self.generator_table().pow(&exponent.0))
    }

    fn exponentiate_each(&self, bases: &[&ModpElement], exponent: &ModpScalar) -> Vec<ModpElement> {
        let bases: Vec<&Residue> = bases.iter().map(|base| &base.0).collect();
        publish(Residue::pow_each(&bases, &exponent.0))
    }

    fn exponentiate_secret_each(
        &self,
        base: &ModpSecret,
        exponents: &[&ModpScalar],
    ) -> Vec<ModpElement> {
        let exponents: Vec<&Exponent> = exponents.iter().map(|exponent| &exponent.0).collect();
        publish(base.0.pow_each(&exponents))
    }

    fn divide_vartime(&self, dividend: &ModpElement, divisor: &ModpElement) -> ModpElement {
        // Elements are units: 0 does not decode, and p is prime.
        let inverse = divisor.0.invert_vartime();
        let inverse = inverse.unwrap_or_else(|| self.parameters.modulus.one());
        ModpElement(dividend.0.multiply(&inverse))
    }

    fn multiply_secret(&self, secret: &ModpSecret, factor: &ModpElement) -> ModpSecret {
        ModpSecret(secret.0.multiply(&factor.0))
    }

    fn multiply_secrets(&self, a: &ModpSecret, b: &ModpSecret) -> ModpSecret {
        ModpSecret(a.0.multiply_secret(&b.0))
    }

    fn multiply_running(
        &self,
        first: &ModpSecret,
        factors: &[&ModpElement],
    ) -> (ModpSecret, ModpSecret) {
        let factors: Vec<&Residue> = factors.iter().map(|factor| &factor.0).collect();
        let (last, product) = first.0.multiply_running(&factors);
        (ModpSecret(last), ModpSecret(product))
    }

    /// F(x) = x mod q, or min(x, p - x) mod q for names that end in `+abs`.
    fn secret_to_scalar(&self, secret: &ModpSecret) -> Option<ModpScalar> {
        let scalar = self.map.apply(&self.parameters, &secret.0);
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
        ModpScalar(self.parameters.order.invert(&scalar.0))
    }

    fn multiply_scalars(&self, a: &ModpScalar, b: &ModpScalar) -> ModpScalar {
        ModpScalar(self.parameters.order.multiply(&a.0, &b.0))
    }

    fn encode(&self, element: &ModpElement) -> Vec<u8> {
        element.0.to_be_bytes()
    }

    fn parse(&self, bytes: &[u8]) -> Result<Unverified<ModpElement>, ElementError> {
        let modulus = &self.parameters.modulus;
        let x = modulus.residue(bytes).map_err(|_| ElementError::Encoding)?;
        if x.is_zero() {
            return Err(ElementError::Zero);
        }
        if x.is_one() {
            return Err(ElementError::One);
        }
        Ok(Unverified::new(ModpElement(x)))
    }

    /// 2 to p - 1, without the conversion to Montgomery form.
    fn check_encoding(&self, bytes: &[u8]) -> Result<(), ElementError> {
        let p = self.parameters.modulus.to_be_bytes();
        if bytes.len() != p.len() || bytes >= p.as_slice() {
            return Err(ElementError::Encoding);
        }
        match bytes.split_last() {
            Some((0, high)) if high.iter().all(|byte| *byte == 0) => Err(ElementError::Zero),
            Some((1, high)) if high.iter().all(|byte| *byte == 0) => Err(ElementError::One),
            Some(_) | None => Ok(()),
        }
    }

    /// The test of the group's [policy](ElementPolicy). Refuses p - 1, of order two, in any case.
    fn validate(&self, elements: &[&ModpElement]) -> Result<(), usize> {
        self.find_outside(elements).map_or(Ok(()), Err)
    }

    /// x^q = 1, whatever the policy says.
    fn validate_token(&self, element: &ModpElement) -> Result<(), ElementError> {
        in_group(self.is_member(element))
    }

    /// Computes x^q, which tests x, and x^e together, as they share the base. x^e is erased unless x^q
    /// is 1.
    fn exponentiate_token(
        &self,
        base: &ModpElement,
        exponent: &ModpScalar,
    ) -> Result<ModpElement, ElementError> {
        if self.parameters.cofactor == Cofactor::Two {
            self.validate_token(base)?;
            return Ok(self.exponentiate(base, exponent));
        }
        let exponents = [&self.parameters.order_exponent, &exponent.0];
        let mut powers = base.0.pow_all(&exponents).into_iter();
        let (Some(test), Some(power)) = (powers.next(), powers.next()) else {
            return Err(ElementError::NotInGroup);
        };
        in_group(test.publish().is_one())?;
        Ok(ModpElement(power.publish()))
    }

    fn is_identity(&self, secret: &ModpSecret) -> bool {
        secret.0.is_one().into()
    }

    fn secret(&self, element: &ModpSecret) -> GroupSecret {
        GroupSecret::new(mem::take(&mut *element.0.to_be_bytes()))
    }

    fn exponentiation(&self) -> Exponentiation {
        if self.order_bits() + 1 >= self.modulus_bits() {
            Exponentiation::Full
        } else {
            Exponentiation::Short
        }
    }
}

fn publish(powers: Vec<SecretResidue>) -> Vec<ModpElement> {
    powers
        .into_iter()
        .map(|power| ModpElement(power.publish()))
        .collect()
}

fn in_group(is_member: bool) -> Result<(), ElementError> {
    is_member.then_some(()).ok_or(ElementError::NotInGroup)
}

/// Groups are equal that have the same name, parameters and policy.
impl PartialEq for Modp {
    fn eq(&self, other: &Self) -> bool {
        let [ours, theirs] = [self, other].map(|group| &*group.parameters);
        (&self.name, self.policy) == (&other.name, other.policy)
            && (&ours.modulus, &ours.order, &ours.generator)
                == (&theirs.modulus, &theirs.order, &theirs.generator)
    }
}

impl Eq for Modp {}

impl fmt::Debug for Modp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Modp").field(&self.name).finish()
    }
}
