//! Mathematical groups: prime-order groups in which Diffie-Hellman is hard.
//!
//! Notation is multiplicative throughout, also for elliptic groups. Elements that travel are
//! public; elements that are keys are wrapped in [`Group::SecretElement`] as soon as they are made,
//! and every exponent is a secret that erases itself.
//!
//! A group is chosen at compile time by its type ([`Modp`], `Ristretto255`, `P256`), or at run time
//! as a [`MathematicalGroup`], which is made from a [`NamedGroup`]. `docs/groups.md` in the repository
//! says how secure each of them is.
//!
//! # What takes constant time
//!
//! | operation | secret | MODP | ristretto255, P-256 |
//! |---|---|---|---|
//! | `random_scalar` | the share that is kept | rejection sampling: the number of draws varies, independently of the one kept | wide reduction |
//! | `exponentiate`, `exponentiate_each`, `exponentiate_token`, `agree` | exponent | time by the length of q; tables are scanned whole | the same |
//! | `exponentiate_generator`, `agree_generator` | exponent | the same, with a table of g, which is public | the same (P-256 without a table) |
//! | `exponentiate_secret_each` | base, exponents | the same; the table of the base is erased | the same (P-256 without a table) |
//! | `multiply_secret`, `multiply_secrets`, `multiply_running` | factors | Montgomery product | complete addition |
//! | `secret_to_scalar` | element | time by the lengths of p and q; `+abs` selects without a branch | SHA-512, wide reduction |
//! | `invert_scalar`, `multiply_scalars` | scalars | time by q | time by q |
//! | `secret`, `scalar_secret` | element, scalar | fixed length | fixed length |
//! | `is_identity` | element | compared in constant time; the verdict ends the agreement | the same |
//! | `divide_vartime`, `encode`, `decode`, `parse`, `validate`, `validate_token` | none: these are public | variable | variable |
//!
//! Timing may reveal whether F of an element is 0 or an element is the identity: each has a probability
//! of about 1 / q. The example program `timing` tests the table with statistics. The README of
//! `cliques-modexp` says what the libraries below cannot erase.
//!
//! Source: key agreement notes, sections 1 and 1.6.

mod mathematical;
mod modp;
mod named;
#[cfg(feature = "p256")]
mod p256;
#[cfg(feature = "ristretto255")]
mod ristretto255;
#[cfg(feature = "test-util")]
pub mod symbolic;
mod unverified;

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use zeroize::ZeroizeOnDrop;

#[cfg(feature = "p256")]
pub use self::p256::{P256, P256Element, P256Scalar, P256Secret};
#[cfg(feature = "ristretto255")]
pub use self::ristretto255::{Ristretto255, RistrettoElement, RistrettoScalar, RistrettoSecret};
pub use self::{
    mathematical::{GroupVisitor, MathematicalGroup},
    modp::{
        ElementPolicy, Modp, ModpElement, ModpScalar, ModpSecret, ParameterError,
        UnknownElementPolicy,
    },
    named::{NamedGroup, UnknownGroup},
    unverified::{GroupExt, Unverified},
};
use crate::{cost::Exponentiation, secret::GroupSecret};

/// Why received bytes are not an element (key agreement notes, section 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ElementError {
    /// Not of the fixed length, or not the canonical encoding.
    #[error("not an encoding of an element")]
    Encoding,
    /// Zero.
    #[error("element is zero")]
    Zero,
    /// The identity.
    #[error("element is the identity")]
    One,
    /// Outside the group of prime order.
    #[error("element is not in the group")]
    NotInGroup,
}

/// A cyclic group of prime order q with generator g.
///
/// Values are cheap handles: parameters and tables are made once and shared. [`GroupExt`] has what
/// follows from these operations.
pub trait Group: Clone + fmt::Debug + Send + Sync + 'static {
    /// A public element of the group.
    type Element: Clone + fmt::Debug + PartialEq + Eq + Send + Sync;

    /// A secret exponent, 1 to q - 1; erased on drop.
    type Scalar: ZeroizeOnDrop + Send + Sync;

    /// A secret element, erased on drop.
    type SecretElement: ZeroizeOnDrop + Send + Sync;

    // The group itself.

    /// Name in envelopes and key contexts.
    fn name(&self) -> &str;

    /// Length of an encoded element, in bytes.
    fn element_len(&self) -> usize;

    /// The generator g.
    fn generator(&self) -> Self::Element;

    /// How an exponentiation with an arbitrary base is counted: full where q is about as long as
    /// the modulus, else short.
    fn exponentiation(&self) -> Exponentiation;

    // Exponents.

    /// Draws a share uniformly from 1 to q - 1.
    fn random_scalar(&self, rng: &mut dyn CryptoRng) -> Self::Scalar;

    /// 1 / `scalar` modulo q, in constant time.
    fn invert_scalar(&self, scalar: &Self::Scalar) -> Self::Scalar;

    /// `a` times `b` modulo q, in constant time.
    fn multiply_scalars(&self, a: &Self::Scalar, b: &Self::Scalar) -> Self::Scalar;

    /// A share as the group secret of a lone member, encoded like an element (key agreement notes,
    /// section 1.1).
    fn scalar_secret(&self, scalar: &Self::Scalar) -> GroupSecret;

    // Public elements.

    /// `base` to the power of `exponent`, in time that depends on neither.
    fn exponentiate(&self, base: &Self::Element, exponent: &Self::Scalar) -> Self::Element;

    /// g to the power of `exponent`, in time that does not depend on it.
    fn exponentiate_generator(&self, exponent: &Self::Scalar) -> Self::Element;

    /// Every base to the power of one `exponent`, in time that depends on no value.
    fn exponentiate_each(
        &self,
        bases: &[&Self::Element],
        exponent: &Self::Scalar,
    ) -> Vec<Self::Element> {
        bases
            .iter()
            .map(|base| self.exponentiate(base, exponent))
            .collect()
    }

    /// `dividend` / `divisor`. Time depends on the values.
    fn divide_vartime(&self, dividend: &Self::Element, divisor: &Self::Element) -> Self::Element;

    // Secret elements.

    /// `base` to the power of `exponent`, as a secret, in time that depends on neither.
    fn agree(&self, base: &Self::Element, exponent: &Self::Scalar) -> Self::SecretElement;

    /// g to the power of `exponent`, as a secret, in time that does not depend on it.
    fn agree_generator(&self, exponent: &Self::Scalar) -> Self::SecretElement {
        self.agree(&self.generator(), exponent)
    }

    /// A secret base to the power of each of the exponents, in time that depends on no value. The
    /// results are public: they tell the secret to those who know an exponent.
    fn exponentiate_secret_each(
        &self,
        base: &Self::SecretElement,
        exponents: &[&Self::Scalar],
    ) -> Vec<Self::Element>;

    /// The product of a secret and a public element, in constant time.
    fn multiply_secret(
        &self,
        secret: &Self::SecretElement,
        factor: &Self::Element,
    ) -> Self::SecretElement;

    /// The product of two secret elements, in constant time.
    fn multiply_secrets(
        &self,
        a: &Self::SecretElement,
        b: &Self::SecretElement,
    ) -> Self::SecretElement;

    /// The last of the running products a_0 = `first`, a_1 = a_0 x_1, a_2 = a_1 x_2, .., and the
    /// product of all of them, in constant time.
    fn multiply_running(
        &self,
        first: &Self::SecretElement,
        factors: &[&Self::Element],
    ) -> (Self::SecretElement, Self::SecretElement) {
        let generator = self.generator();
        let one = self.divide_vartime(&generator, &generator);
        let [mut last, mut product] = [(); 2].map(|()| self.multiply_secret(first, &one));
        for factor in factors {
            last = self.multiply_secret(&last, factor);
            product = self.multiply_secrets(&product, &last);
        }
        (last, product)
    }

    /// The map F: a secret element as an exponent, in constant time; none where that is 0 (key
    /// agreement notes, section 1.3).
    fn secret_to_scalar(&self, secret: &Self::SecretElement) -> Option<Self::Scalar>;

    /// Whether the secret element is the identity; an agreed key must not be.
    fn is_identity(&self, secret: &Self::SecretElement) -> bool;

    /// The encoding of an agreed element as group secret, fixed length.
    fn secret(&self, element: &Self::SecretElement) -> GroupSecret;

    // Encoding, and tests of received elements.

    /// Encodes a public element in [`element_len`](Self::element_len) bytes.
    fn encode(&self, element: &Self::Element) -> Vec<u8>;

    /// Decodes a received element. Whether it is of order q is left to the tests below, except where
    /// decoding decides it.
    ///
    /// # Errors
    /// [`ElementError`] when it is no canonical encoding, 0 or the identity.
    fn parse(&self, bytes: &[u8]) -> Result<Unverified<Self::Element>, ElementError>;

    /// Checks an encoding as far as that costs next to nothing: length, range, 0 and the identity. For
    /// an element that is stored, and decoded only if it is ever used.
    ///
    /// # Errors
    /// [`ElementError`] with the first check that failed; [`parse`](Self::parse) can still find that
    /// the bytes encode no element.
    fn check_encoding(&self, bytes: &[u8]) -> Result<(), ElementError> {
        self.parse(bytes).map(drop)
    }

    /// Tests whether [parsed](Self::parse) elements are of order q, together where that is cheaper.
    /// The default is for groups in which decoding decides it.
    ///
    /// # Errors
    /// The index of an element that is not of order q.
    fn validate(&self, elements: &[&Self::Element]) -> Result<(), usize> {
        let _ = elements;
        Ok(())
    }

    /// The exact test whether an element is of order q, for values that are passed on from member to
    /// member, like the token of GDH: the same as [`validate`](Self::validate), unless that settles
    /// for less.
    ///
    /// # Errors
    /// [`ElementError::NotInGroup`].
    fn validate_token(&self, element: &Self::Element) -> Result<(), ElementError> {
        self.validate(&[element])
            .map_err(|_| ElementError::NotInGroup)
    }

    /// `base` to the power of `exponent`, as [`exponentiate`](Self::exponentiate), if the base passes
    /// [`validate_token`](Self::validate_token).
    ///
    /// # Errors
    /// [`ElementError::NotInGroup`].
    fn exponentiate_token(
        &self,
        base: &Self::Element,
        exponent: &Self::Scalar,
    ) -> Result<Self::Element, ElementError> {
        self.validate_token(base)?;
        Ok(self.exponentiate(base, exponent))
    }
}
