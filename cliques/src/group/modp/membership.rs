//! Whether a residue is in the group, and how thoroughly that is tested.
//!
//! | p - 1 | groups | on receipt, policy `jacobi` | policy `strict` | tokens of GDH |
//! |---|---|---|---|---|
//! | 2q | safe primes | Jacobi symbol, exact | the same | the same |
//! | 2qr, r a large prime | `schnorr*` | Jacobi symbol | x^q = 1, lists together | x^q = 1 |
//! | anything else | RFC 5114, custom | x^q = 1 | the same | the same |
//!
//! In the second kind an element with symbol 1 can have order q, r or qr. None of these is small, so
//! it discloses no part of a share; but an element with a component of order r can make honest
//! members disagree, because exponents are reduced modulo q. The stronger test detects who sent it.
//!
//! Source: key agreement notes, section 1.4.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use cliques_modexp::{Jacobi, Residue};
use sha2::{Digest, Sha256};

use super::{Modp, ModpElement};
use crate::error::fmt_list;

/// The factorization of p - 1, which decides how elements are told from other residues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::group) enum Cofactor {
    /// p - 1 = 2q: the group is that of the squares.
    Two,
    /// p - 1 = 2qr with r a prime above 2^255.
    TwicePrime,
    /// Anything else.
    Other,
}

/// How thoroughly received elements are tested in groups with p = 2qr + 1 (`schnorr2048-256`,
/// `schnorr3072-256` and custom ones of this form). All other groups have one exact test.
///
/// Members may choose differently: it decides who is blamed when a member deviates, not which keys
/// are agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ElementPolicy {
    /// The Jacobi symbol for every element, and x^q = 1 for the tokens of GDH: no secret is at risk, but
    /// a member that deviates in another suite can make members disagree without being identified.
    #[default]
    Jacobi,
    /// x^q = 1 for every element before it is used; lists are tested as a batch.
    Strict,
}

impl ElementPolicy {
    /// All policies.
    pub const ALL: &'static [Self] = &[Self::Jacobi, Self::Strict];

    /// Name in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jacobi => "jacobi",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for ElementPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that no element policy has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownElementPolicy {
    /// The text.
    pub name: String,
}

impl fmt::Display for UnknownElementPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown element policy \"{}\", there is:", self.name)?;
        fmt_list(f, ElementPolicy::ALL)
    }
}

impl core::error::Error for UnknownElementPolicy {}

impl FromStr for ElementPolicy {
    type Err = UnknownElementPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownElementPolicy> {
        Self::ALL
            .iter()
            .copied()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| UnknownElementPolicy { name: text.into() })
    }
}

/// A test of membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// Jacobi symbol 1.
    Jacobi,
    /// x^q = 1, one by one.
    Power,
    /// x^q = 1, lists together: valid only if no residue with Jacobi symbol 1 has a small order.
    BatchedPower,
}

impl Modp {
    /// The test of every received element.
    pub(super) fn test(&self) -> Test {
        match (self.parameters.cofactor, self.policy) {
            (Cofactor::Two, _) | (Cofactor::TwicePrime, ElementPolicy::Jacobi) => Test::Jacobi,
            (Cofactor::TwicePrime, ElementPolicy::Strict) => Test::BatchedPower,
            (Cofactor::Other, _) => Test::Power,
        }
    }

    /// The exact test: whether x is in the group.
    pub(super) fn is_member(&self, element: &ModpElement) -> bool {
        match self.parameters.cofactor {
            Cofactor::Two => has_symbol_one(element),
            Cofactor::TwicePrime | Cofactor::Other => self.has_order_q(&element.0),
        }
    }

    /// The index of an element that fails the test of received elements, if there is one.
    pub(super) fn find_outside(&self, elements: &[&ModpElement]) -> Option<usize> {
        match self.test() {
            Test::Jacobi => find_without_symbol_one(elements),
            Test::Power => self.find_without_order_q(elements),
            Test::BatchedPower => find_without_symbol_one(elements).or_else(|| {
                if elements.len() > 1 && self.has_order_q(&self.combine(elements)) {
                    return None;
                }
                self.find_without_order_q(elements)
            }),
        }
    }

    fn has_order_q(&self, x: &Residue) -> bool {
        x.pow(&self.parameters.order_exponent).publish().is_one()
    }

    fn find_without_order_q(&self, elements: &[&ModpElement]) -> Option<usize> {
        let bases: Vec<&Residue> = elements.iter().map(|element| &element.0).collect();
        Residue::pow_each(&bases, &self.parameters.order_exponent)
            .into_iter()
            .position(|power| !power.publish().is_one())
    }

    /// x_1^c_0 * .. * x_m^c_(m-1): has order q only if every factor has, except with probability
    /// 2^-128. The coefficients c depend on all elements, so no element can be chosen to fit them.
    fn combine(&self, elements: &[&ModpElement]) -> Residue {
        let mut hash = Sha256::new();
        for element in elements {
            hash.update(element.0.to_be_bytes());
        }
        let digest = hash.finalize();
        let coefficients: Vec<_> = (0..)
            .zip(elements)
            .map(|(index, _)| coefficient(index, &digest))
            .collect();
        let powers: Vec<_> = elements
            .iter()
            .zip(&coefficients)
            .map(|(element, coefficient)| (&element.0, coefficient.as_slice()))
            .collect();
        self.parameters.modulus.product_of_powers_vartime(&powers)
    }
}

/// c_i = first 16 bytes of SHA-256("ka-batch" || u32 i || h).
fn coefficient(index: u32, digest: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new_with_prefix(b"ka-batch");
    hash.update(index.to_be_bytes());
    hash.update(digest);
    hash.finalize().iter().copied().take(16).collect()
}

fn has_symbol_one(element: &ModpElement) -> bool {
    element.0.jacobi_vartime() == Jacobi::One
}

fn find_without_symbol_one(elements: &[&ModpElement]) -> Option<usize> {
    elements.iter().position(|element| !has_symbol_one(element))
}
