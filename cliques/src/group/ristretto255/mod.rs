//! ristretto255: a prime-order group on Curve25519 (RFC 9496).
//!
//! Each element has one canonical encoding of 32 bytes, so decoding is the whole membership test: what
//! decodes is in the group, and only the identity has to be refused.
//! Exponentiation is constant-time scalar multiplication, with a table for the generator.
//!
//! A share is 64 random bytes, little-endian, reduced modulo q (RFC 9496, section 4.4, has the same
//! reduction); 0 is redrawn.
//!
//! Source: key agreement notes, section 1.5.

mod table;

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use curve25519_dalek::{
    constants::RISTRETTO_BASEPOINT_POINT,
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
    traits::{Identity, IsIdentity},
};
use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use self::table::Table;
use super::{ElementError, Group, Unverified};
use crate::{cost::Exponentiation, secret::GroupSecret};

/// Length of an encoded element, in bytes.
const ELEMENT_LEN: usize = 32;

/// The ristretto255 group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ristretto255;

impl Ristretto255 {
    /// The group; it has no parameters.
    pub const fn new() -> Self {
        Self
    }
}

/// A public element of [`Ristretto255`].
///
/// Made by decoding, which validates, or by exponentiation.
#[derive(Clone, Debug)]
pub struct RistrettoElement {
    point: RistrettoPoint,
    /// The encoding, if it is known already: computing it takes an inverse square root.
    encoding: Option<CompressedRistretto>,
}

impl RistrettoElement {
    const fn of(point: RistrettoPoint) -> Self {
        Self {
            point,
            encoding: None,
        }
    }
}

impl PartialEq for RistrettoElement {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for RistrettoElement {}

/// A secret exponent of [`Ristretto255`]; erased on drop.
///
/// ```compile_fail
/// # fn copy(scalar: &cliques::group::RistrettoScalar) -> cliques::group::RistrettoScalar {
/// scalar.clone()
/// # }
/// ```
pub struct RistrettoScalar(Scalar);

/// A secret element of [`Ristretto255`]; erased on drop.
///
/// ```compile_fail
/// # fn copy(secret: &cliques::group::RistrettoSecret) -> cliques::group::RistrettoSecret {
/// secret.clone()
/// # }
/// ```
pub struct RistrettoSecret(RistrettoPoint);

impl Drop for RistrettoScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for RistrettoSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for RistrettoScalar {}
impl ZeroizeOnDrop for RistrettoSecret {}

impl fmt::Debug for RistrettoScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RistrettoScalar")
    }
}

impl fmt::Debug for RistrettoSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RistrettoSecret")
    }
}

impl Group for Ristretto255 {
    type Element = RistrettoElement;
    type Scalar = RistrettoScalar;
    type SecretElement = RistrettoSecret;

    fn name(&self) -> &str {
        "ristretto255"
    }

    fn element_len(&self) -> usize {
        ELEMENT_LEN
    }

    fn generator(&self) -> RistrettoElement {
        RistrettoElement::of(RISTRETTO_BASEPOINT_POINT)
    }

    fn random_scalar(&self, rng: &mut dyn CryptoRng) -> RistrettoScalar {
        let mut bytes = Zeroizing::new([0; 64]);
        loop {
            rng.fill_bytes(bytes.as_mut());
            let scalar = RistrettoScalar(Scalar::from_bytes_mod_order_wide(&bytes));
            if !bool::from(scalar.0.ct_eq(&Scalar::ZERO)) {
                return scalar;
            }
        }
    }

    fn exponentiate(
        &self,
        base: &RistrettoElement,
        exponent: &RistrettoScalar,
    ) -> RistrettoElement {
        RistrettoElement::of(base.point * exponent.0)
    }

    /// Computes the encodings too, which is cheap for a batch: encoding the doubles of points takes one
    /// inversion for all, so the points are raised to half of the exponent.
    fn exponentiate_each(
        &self,
        bases: &[&RistrettoElement],
        exponent: &RistrettoScalar,
    ) -> Vec<RistrettoElement> {
        let half = RistrettoScalar(exponent.0.div_by_2());
        let halves: Vec<_> = bases.iter().map(|base| base.point * half.0).collect();
        let encodings = RistrettoPoint::double_and_compress_batch(&halves);
        halves
            .iter()
            .zip(encodings)
            .map(|(point, encoding)| RistrettoElement {
                point: point + point,
                encoding: Some(encoding),
            })
            .collect()
    }

    fn exponentiate_generator(&self, exponent: &RistrettoScalar) -> RistrettoElement {
        RistrettoElement::of(RistrettoPoint::mul_base(&exponent.0))
    }

    fn agree(&self, base: &RistrettoElement, exponent: &RistrettoScalar) -> RistrettoSecret {
        RistrettoSecret(base.point * exponent.0)
    }

    fn agree_generator(&self, exponent: &RistrettoScalar) -> RistrettoSecret {
        RistrettoSecret(RistrettoPoint::mul_base(&exponent.0))
    }

    fn exponentiate_secret_each(
        &self,
        base: &RistrettoSecret,
        exponents: &[&RistrettoScalar],
    ) -> Vec<RistrettoElement> {
        if exponents.len() < Table::WORTH {
            return exponents
                .iter()
                .map(|exponent| RistrettoElement::of(base.0 * exponent.0))
                .collect();
        }
        let table = Table::new(&base.0);
        exponents
            .iter()
            .map(|exponent| RistrettoElement::of(table.power(&exponent.0)))
            .collect()
    }

    fn divide_vartime(
        &self,
        dividend: &RistrettoElement,
        divisor: &RistrettoElement,
    ) -> RistrettoElement {
        RistrettoElement::of(dividend.point - divisor.point)
    }

    fn multiply_secret(
        &self,
        secret: &RistrettoSecret,
        factor: &RistrettoElement,
    ) -> RistrettoSecret {
        RistrettoSecret(secret.0 + factor.point)
    }

    fn multiply_secrets(&self, a: &RistrettoSecret, b: &RistrettoSecret) -> RistrettoSecret {
        RistrettoSecret(a.0 + b.0)
    }

    /// F(P) = SHA-512("ka-F" || P) as a number, modulo q.
    fn secret_to_scalar(&self, secret: &RistrettoSecret) -> Option<RistrettoScalar> {
        let mut encoding = secret.0.compress();
        let mut hash = Sha512::new_with_prefix(b"ka-F");
        hash.update(encoding.as_bytes());
        encoding.zeroize();
        let wide = Zeroizing::new(<[u8; 64]>::from(hash.finalize()));
        let scalar = RistrettoScalar(Scalar::from_bytes_mod_order_wide(&wide));
        (!bool::from(scalar.0.ct_eq(&Scalar::ZERO))).then_some(scalar)
    }

    fn scalar_secret(&self, scalar: &RistrettoScalar) -> GroupSecret {
        GroupSecret::new(scalar.0.as_bytes().as_slice().into())
    }

    fn invert_scalar(&self, scalar: &RistrettoScalar) -> RistrettoScalar {
        RistrettoScalar(scalar.0.invert())
    }

    fn multiply_scalars(&self, a: &RistrettoScalar, b: &RistrettoScalar) -> RistrettoScalar {
        RistrettoScalar(a.0 * b.0)
    }

    fn encode(&self, element: &RistrettoElement) -> Vec<u8> {
        let encoding = match element.encoding {
            Some(encoding) => encoding,
            None => element.point.compress(),
        };
        encoding.as_bytes().to_vec()
    }

    fn parse(&self, bytes: &[u8]) -> Result<Unverified<RistrettoElement>, ElementError> {
        let encoding =
            CompressedRistretto::from_slice(bytes).map_err(|_| ElementError::Encoding)?;
        let point = encoding.decompress().ok_or(ElementError::Encoding)?;
        if point.is_identity() {
            return Err(ElementError::One);
        }
        Ok(Unverified::new(RistrettoElement {
            point,
            encoding: Some(encoding),
        }))
    }

    /// An even number below 2^255 - 19, little-endian, that is not 0 (RFC 9496, section 4.3.1);
    /// whether it encodes a point takes a square root.
    fn check_encoding(&self, bytes: &[u8]) -> Result<(), ElementError> {
        let [low, middle @ .., high] = bytes else {
            return Err(ElementError::Encoding);
        };
        let full = *high == 0x7f && middle.iter().all(|byte| *byte == 0xff);
        if bytes.len() != 32 || low & 1 == 1 || *high > 0x7f || full && *low >= 0xed {
            return Err(ElementError::Encoding);
        }
        match bytes.iter().all(|byte| *byte == 0) {
            true => Err(ElementError::One),
            false => Ok(()),
        }
    }

    fn is_identity(&self, secret: &RistrettoSecret) -> bool {
        secret.0.ct_eq(&RistrettoPoint::identity()).into()
    }

    fn secret(&self, element: &RistrettoSecret) -> GroupSecret {
        let mut encoding = element.0.compress();
        let bytes: Box<[u8]> = encoding.as_bytes().as_slice().into();
        encoding.zeroize();
        GroupSecret::new(bytes)
    }

    fn exponentiation(&self) -> Exponentiation {
        Exponentiation::Short
    }
}
