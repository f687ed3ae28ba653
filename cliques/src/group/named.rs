//! Groups by name, for configuration at run time.

use alloc::string::String;
use core::{fmt, str::FromStr};

#[cfg(feature = "test-util")]
use super::constants::insecure;
#[cfg(feature = "ristretto255")]
use super::ristretto255::Ristretto255;
use super::{
    Group,
    constants::{ffdhe, modp, schnorr},
    modp::Modp,
};
use crate::protocol::fmt_list;

/// A mathematical group by its name in configuration, envelopes and key contexts.
///
/// A suite is generic over [`Group`]; a name becomes one through a [`GroupVisitor`]:
///
/// ```
/// use cliques::group::{Group, GroupVisitor, NamedGroup};
///
/// struct ElementLen;
///
/// impl GroupVisitor for ElementLen {
///     type Output = usize;
///
///     fn visit<G: Group>(self, group: G) -> usize {
///         group.element_len()
///     }
/// }
///
/// let group: NamedGroup = "ffdhe2048".parse()?;
/// assert_eq!(group.with(ElementLen), 256);
/// # Ok::<(), cliques::group::UnknownGroup>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NamedGroup {
    /// Elliptic, 128-bit level, 32-byte elements (RFC 9496).
    #[cfg(feature = "ristretto255")]
    Ristretto255,
    /// MODP group of 2048 bits (RFC 7919).
    Ffdhe2048,
    /// MODP group of 3072 bits (RFC 7919).
    Ffdhe3072,
    /// MODP group of 4096 bits (RFC 7919).
    Ffdhe4096,
    /// MODP group of 2048 bits, number 14 of RFC 3526.
    Modp2048,
    /// MODP group of 3072 bits, number 15 of RFC 3526.
    Modp3072,
    /// MODP group of 4096 bits, number 16 of RFC 3526.
    Modp4096,
    /// MODP group of 2048 bits with short exponents, of 256 bits; of this project, on no list of
    /// approved groups.
    Schnorr2048,
    /// MODP group of 3072 bits with short exponents, of 256 bits; of this project, on no list of
    /// approved groups.
    Schnorr3072,
    /// 17 bits, for test vectors: no security at all.
    #[cfg(feature = "test-util")]
    Toy17,
    /// 512 bits with exponents of 160 bits, for comparison with old measurements: insecure.
    #[cfg(feature = "test-util")]
    Bench512,
    /// MODP group of 1024 bits (RFC 2409): insecure.
    #[cfg(feature = "test-util")]
    Modp1024,
    /// 1024 bits with exponents of 160 bits (RFC 5114), the size of the papers: insecure.
    #[cfg(feature = "test-util")]
    Rfc5114Short,
}

/// What is done with a group once its type is known.
pub trait GroupVisitor {
    /// Result.
    type Output;

    /// Called once, with the group.
    fn visit<G: Group>(self, group: G) -> Self::Output;
}

impl NamedGroup {
    /// All groups of this build.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "ristretto255")]
        Self::Ristretto255,
        Self::Ffdhe2048,
        Self::Ffdhe3072,
        Self::Ffdhe4096,
        Self::Modp2048,
        Self::Modp3072,
        Self::Modp4096,
        Self::Schnorr2048,
        Self::Schnorr3072,
        #[cfg(feature = "test-util")]
        Self::Toy17,
        #[cfg(feature = "test-util")]
        Self::Bench512,
        #[cfg(feature = "test-util")]
        Self::Modp1024,
        #[cfg(feature = "test-util")]
        Self::Rfc5114Short,
    ];

    /// Name of the group.
    pub const fn as_str(self) -> &'static str {
        match self {
            #[cfg(feature = "ristretto255")]
            Self::Ristretto255 => "ristretto255",
            Self::Ffdhe2048 => "ffdhe2048",
            Self::Ffdhe3072 => "ffdhe3072",
            Self::Ffdhe4096 => "ffdhe4096",
            Self::Modp2048 => "modp2048",
            Self::Modp3072 => "modp3072",
            Self::Modp4096 => "modp4096",
            Self::Schnorr2048 => "schnorr2048-256",
            Self::Schnorr3072 => "schnorr3072-256",
            #[cfg(feature = "test-util")]
            Self::Toy17 => "toy17",
            #[cfg(feature = "test-util")]
            Self::Bench512 => "bench512-160",
            #[cfg(feature = "test-util")]
            Self::Modp1024 => "modp1024",
            #[cfg(feature = "test-util")]
            Self::Rfc5114Short => "rfc5114-1024-160",
        }
    }

    /// Makes the group and hands it to the visitor.
    pub fn with<V: GroupVisitor>(self, visitor: V) -> V::Output {
        let name = self.as_str();
        let squares = |p: &[u64]| Modp::constant_squares(name, p, 2);
        let subgroup = |p: &[u64], q: &[u64], g: &[u64]| Modp::constant_subgroup(name, p, q, g);
        match self {
            #[cfg(feature = "ristretto255")]
            Self::Ristretto255 => visitor.visit(Ristretto255::new()),
            Self::Ffdhe2048 => visitor.visit(squares(ffdhe::P2048)),
            Self::Ffdhe3072 => visitor.visit(squares(ffdhe::P3072)),
            Self::Ffdhe4096 => visitor.visit(squares(ffdhe::P4096)),
            Self::Modp2048 => visitor.visit(squares(modp::P2048)),
            Self::Modp3072 => visitor.visit(squares(modp::P3072)),
            Self::Modp4096 => visitor.visit(squares(modp::P4096)),
            Self::Schnorr2048 => {
                visitor.visit(subgroup(schnorr::P2048, schnorr::Q2048, schnorr::G2048))
            }
            Self::Schnorr3072 => {
                visitor.visit(subgroup(schnorr::P3072, schnorr::Q3072, schnorr::G3072))
            }
            #[cfg(feature = "test-util")]
            Self::Toy17 => visitor.visit(Modp::constant_squares(name, insecure::TOY17_P, 4)),
            #[cfg(feature = "test-util")]
            Self::Bench512 => visitor.visit(subgroup(
                insecure::BENCH512_P,
                insecure::BENCH512_Q,
                insecure::BENCH512_G,
            )),
            #[cfg(feature = "test-util")]
            Self::Modp1024 => visitor.visit(squares(insecure::MODP1024_P)),
            #[cfg(feature = "test-util")]
            Self::Rfc5114Short => visitor.visit(subgroup(
                insecure::RFC5114_P,
                insecure::RFC5114_Q,
                insecure::RFC5114_G,
            )),
        }
    }
}

impl fmt::Display for NamedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no group of this build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownGroup {
    /// The text.
    pub name: String,
}

impl fmt::Display for UnknownGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown mathematical group \"{}\", there is:", self.name)?;
        fmt_list(f, NamedGroup::ALL)
    }
}

impl core::error::Error for UnknownGroup {}

impl FromStr for NamedGroup {
    type Err = UnknownGroup;

    fn from_str(text: &str) -> Result<Self, UnknownGroup> {
        Self::ALL
            .iter()
            .copied()
            .find(|group| group.as_str() == text)
            .ok_or_else(|| UnknownGroup { name: text.into() })
    }
}
