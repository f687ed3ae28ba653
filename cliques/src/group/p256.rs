//! P-256: the elliptic group of NIST SP 800-186, also known as secp256r1.
//!
//! Elements are encoded in the 33 bytes of SEC 1, section 2.3.3, compressed: 2 or 3, then the x
//! coordinate. Every point of the curve but the identity has order q, so what decodes is in the group,
//! and the identity has no encoding of this length.
//!
//! A share is 64 random bytes, big-endian, reduced modulo q; 0 is redrawn.
//!
//! Source: key agreement notes, section 1.5.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use p256::{
    AffinePoint, ProjectivePoint, Scalar,
    elliptic_curve::{
        ff::FromUniformBytes,
        group::{Group as _, GroupEncoding},
    },
};
use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{ElementError, Group, Unverified};
use crate::{cost::Exponentiation, secret::GroupSecret};

/// The prime of the field, 2^256 - 2^224 + 2^192 + 2^96 - 1, big-endian.
const FIELD: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];

/// Length of an encoded element, in bytes.
const ELEMENT_LEN: usize = 33;

/// The group P-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct P256;

impl P256 {
    /// The group; it has no parameters.
    pub const fn new() -> Self {
        Self
    }
}

/// A public element of [`P256`].
///
/// Made by decoding, which validates, or by exponentiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct P256Element(ProjectivePoint);

/// A secret exponent of [`P256`]; erased on drop.
///
/// ```compile_fail
/// # fn copy(scalar: &cliques::group::P256Scalar) -> cliques::group::P256Scalar {
/// scalar.clone()
/// # }
/// ```
pub struct P256Scalar(Scalar);

/// A secret element of [`P256`]; erased on drop.
///
/// ```compile_fail
/// # fn copy(secret: &cliques::group::P256Secret) -> cliques::group::P256Secret {
/// secret.clone()
/// # }
/// ```
pub struct P256Secret(ProjectivePoint);

impl Drop for P256Scalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for P256Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for P256Scalar {}
impl ZeroizeOnDrop for P256Secret {}

impl fmt::Debug for P256Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256Scalar")
    }
}

impl fmt::Debug for P256Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256Secret")
    }
}

impl P256Secret {
    /// SEC 1 encoding, in constant time: a secret that is used is not the identity.
    fn to_bytes(&self) -> Zeroizing<[u8; ELEMENT_LEN]> {
        let mut affine = self.0.to_affine();
        let mut encoding = affine.to_bytes();
        affine.zeroize();
        let bytes = Zeroizing::new(encoding.into());
        encoding.zeroize();
        bytes
    }
}

impl Group for P256 {
    type Element = P256Element;
    type Scalar = P256Scalar;
    type SecretElement = P256Secret;

    fn name(&self) -> &str {
        "p256"
    }

    fn element_len(&self) -> usize {
        ELEMENT_LEN
    }

    fn generator(&self) -> P256Element {
        P256Element(ProjectivePoint::GENERATOR)
    }

    fn random_scalar(&self, rng: &mut dyn CryptoRng) -> P256Scalar {
        let mut bytes = Zeroizing::new([0; 64]);
        loop {
            rng.fill_bytes(bytes.as_mut());
            let scalar = P256Scalar(Scalar::from_uniform_bytes(&bytes));
            if !bool::from(scalar.0.ct_eq(&Scalar::ZERO)) {
                return scalar;
            }
        }
    }

    fn exponentiate(&self, base: &P256Element, exponent: &P256Scalar) -> P256Element {
        P256Element(base.0 * exponent.0)
    }

    fn exponentiate_generator(&self, exponent: &P256Scalar) -> P256Element {
        P256Element(ProjectivePoint::mul_by_generator(&exponent.0))
    }

    fn agree(&self, base: &P256Element, exponent: &P256Scalar) -> P256Secret {
        P256Secret(base.0 * exponent.0)
    }

    fn agree_generator(&self, exponent: &P256Scalar) -> P256Secret {
        P256Secret(ProjectivePoint::mul_by_generator(&exponent.0))
    }

    fn exponentiate_secret_each(
        &self,
        base: &P256Secret,
        exponents: &[&P256Scalar],
    ) -> Vec<P256Element> {
        exponents
            .iter()
            .map(|exponent| P256Element(base.0 * exponent.0))
            .collect()
    }

    fn divide_vartime(&self, dividend: &P256Element, divisor: &P256Element) -> P256Element {
        P256Element(dividend.0 - divisor.0)
    }

    fn multiply_secret(&self, secret: &P256Secret, factor: &P256Element) -> P256Secret {
        P256Secret(secret.0 + factor.0)
    }

    fn multiply_secrets(&self, a: &P256Secret, b: &P256Secret) -> P256Secret {
        P256Secret(a.0 + b.0)
    }

    /// F(P) = SHA-512("ka-F" || P) as a number, modulo q.
    fn secret_to_scalar(&self, secret: &P256Secret) -> Option<P256Scalar> {
        let mut hash = Sha512::new_with_prefix(b"ka-F");
        hash.update(secret.to_bytes().as_slice());
        let wide = Zeroizing::new(<[u8; 64]>::from(hash.finalize()));
        let scalar = P256Scalar(Scalar::from_uniform_bytes(&wide));
        (!bool::from(scalar.0.ct_eq(&Scalar::ZERO))).then_some(scalar)
    }

    fn scalar_secret(&self, scalar: &P256Scalar) -> GroupSecret {
        let mut bytes = scalar.0.to_bytes();
        let secret: Box<[u8]> = bytes.as_slice().into();
        bytes.zeroize();
        GroupSecret::new(secret)
    }

    fn invert_scalar(&self, scalar: &P256Scalar) -> P256Scalar {
        // No caller has a scalar 0; its inverse is defined as 0 here.
        P256Scalar(scalar.0.invert().unwrap_or(Scalar::ZERO))
    }

    fn multiply_scalars(&self, a: &P256Scalar, b: &P256Scalar) -> P256Scalar {
        P256Scalar(a.0 * b.0)
    }

    fn encode(&self, element: &P256Element) -> Vec<u8> {
        element.0.to_affine().to_bytes().to_vec()
    }

    fn parse(&self, bytes: &[u8]) -> Result<Unverified<P256Element>, ElementError> {
        let encoding: [u8; ELEMENT_LEN] = bytes.try_into().map_err(|_| ElementError::Encoding)?;
        let [2 | 3, ..] = encoding else {
            return Err(ElementError::Encoding);
        };
        let point: Option<AffinePoint> = AffinePoint::from_bytes(&encoding.into()).into();
        point
            .map(|point| Unverified::new(P256Element(point.into())))
            .ok_or(ElementError::Encoding)
    }

    /// A compressed point with a reduced x. Whether such a point exists takes a square root to decide.
    fn check_encoding(&self, bytes: &[u8]) -> Result<(), ElementError> {
        match bytes {
            [2 | 3, x @ ..] if x.len() == FIELD.len() && *x < FIELD[..] => Ok(()),
            _ => Err(ElementError::Encoding),
        }
    }

    fn is_identity(&self, secret: &P256Secret) -> bool {
        secret.0.ct_eq(&ProjectivePoint::IDENTITY).into()
    }

    fn secret(&self, element: &P256Secret) -> GroupSecret {
        GroupSecret::new(element.to_bytes().as_slice().into())
    }

    fn exponentiation(&self) -> Exponentiation {
        Exponentiation::Short
    }
}
