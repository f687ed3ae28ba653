//! Groups by name, for configuration at run time.

use alloc::{boxed::Box, string::String};
use core::{fmt, str::FromStr};

use once_cell::race::OnceBox;

#[cfg(feature = "p256")]
use super::p256::P256;
#[cfg(feature = "ristretto255")]
use super::ristretto255::Ristretto255;
use super::{
    mathematical::{GroupVisitor, MathematicalGroup},
    modp::{
        ABS_SUFFIX, Modp,
        constants::{self, Derivation},
    },
};
use crate::error::fmt_list;

/// The family of a named group.
#[derive(Clone, Copy)]
enum Family {
    #[cfg(feature = "ristretto255")]
    Ristretto255,
    #[cfg(feature = "p256")]
    P256,
    Modp(Derivation),
}

/// Makes the enumeration of names and all tables over it from one line for each group.
macro_rules! named_groups {
    ($(
        $(#[doc = $doc:literal])+
        $(#[cfg(feature = $feature:literal)])?
        $variant:ident = $name:literal, $family:expr;
    )+) => {
        /// A mathematical group by its name in configuration, envelopes and key contexts.
        ///
        /// A suite is generic over [`Group`](super::Group); a name becomes one through a [`GroupVisitor`]:
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
        ///
        /// `docs/groups.md` in the repository says which to use for what.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum NamedGroup {
            $(
                $(#[doc = $doc])+
                $(#[cfg(feature = $feature)])?
                $variant,
            )+
        }

        impl NamedGroup {
            /// All groups of this build.
            pub const ALL: &'static [Self] = &[
                $($(#[cfg(feature = $feature)])? Self::$variant,)+
            ];

            /// Name of the group.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant => $name,)+
                }
            }

            const fn family(self) -> Family {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant => $family,)+
                }
            }
        }
    };
}

/// A prime of RFC 2409 or RFC 3526.
const fn oakley(bits: u32, c: u32) -> Family {
    Family::Modp(Derivation::Pi { bits, c })
}

/// A prime of RFC 7919.
const fn ffdhe(bits: u32, c: u32) -> Family {
    Family::Modp(Derivation::E { bits, c })
}

/// A group with p = 2qr + 1.
const fn schnorr(bits: u32, q_step: u32, r_step: u32) -> Family {
    Family::Modp(Derivation::Schnorr {
        bits,
        q_step,
        r_step,
    })
}

named_groups! {
    /// Elliptic, 128-bit level, 32-byte elements (RFC 9496).
    #[cfg(feature = "ristretto255")]
    Ristretto255 = "ristretto255", Family::Ristretto255;
    /// Elliptic, 128-bit level, 33-byte elements (NIST P-256, SP 800-186).
    #[cfg(feature = "p256")]
    P256 = "p256", Family::P256;
    /// MODP group of 2048 bits (RFC 7919, appendix A.1).
    Ffdhe2048 = "ffdhe2048", ffdhe(2048, 560_316);
    /// MODP group of 3072 bits (RFC 7919, appendix A.2).
    Ffdhe3072 = "ffdhe3072", ffdhe(3072, 2_625_351);
    /// MODP group of 4096 bits (RFC 7919, appendix A.3).
    Ffdhe4096 = "ffdhe4096", ffdhe(4096, 5_736_041);
    /// MODP group of 6144 bits (RFC 7919, appendix A.4).
    Ffdhe6144 = "ffdhe6144", ffdhe(6144, 15_705_020);
    /// MODP group of 8192 bits (RFC 7919, appendix A.5).
    Ffdhe8192 = "ffdhe8192", ffdhe(8192, 10_965_728);
    /// MODP group of 1536 bits, number 5 of RFC 3526: below today's sizes.
    Modp1536 = "modp1536", oakley(1536, 741_804);
    /// MODP group of 2048 bits, number 14 of RFC 3526.
    Modp2048 = "modp2048", oakley(2048, 124_476);
    /// MODP group of 3072 bits, number 15 of RFC 3526.
    Modp3072 = "modp3072", oakley(3072, 1_690_314);
    /// MODP group of 4096 bits, number 16 of RFC 3526.
    Modp4096 = "modp4096", oakley(4096, 240_904);
    /// MODP group of 6144 bits, number 17 of RFC 3526.
    Modp6144 = "modp6144", oakley(6144, 929_484);
    /// MODP group of 8192 bits, number 18 of RFC 3526.
    Modp8192 = "modp8192", oakley(8192, 4_743_158);
    /// MODP group of 2048 bits with short exponents, of 256 bits; of this project, on no list of
    /// approved groups.
    Schnorr2048 = "schnorr2048-256", schnorr(2048, 11, 40_583);
    /// MODP group of 3072 bits with short exponents, of 256 bits; of this project, on no list of
    /// approved groups.
    Schnorr3072 = "schnorr3072-256", schnorr(3072, 38, 2_918_609);
    /// 2048 bits with exponents of 224 bits (RFC 5114, section 2.2): for compatibility only, because the
    /// origin of its primes is not documented.
    Rfc5114Q224 = "rfc5114-2048-224", Family::Modp(constants::RFC5114_2048_224);
    /// 2048 bits with exponents of 256 bits (RFC 5114, section 2.3): for compatibility only, because the
    /// origin of its primes is not documented.
    Rfc5114Q256 = "rfc5114-2048-256", Family::Modp(constants::RFC5114_2048_256);
    /// MODP group of 768 bits, number 1 of RFC 2409: insecure.
    #[cfg(feature = "legacy-groups")]
    Modp768 = "modp768", oakley(768, 149_686);
    /// MODP group of 1024 bits, number 2 of RFC 2409: insecure.
    #[cfg(feature = "legacy-groups")]
    Modp1024 = "modp1024", oakley(1024, 129_093);
    /// 1024 bits with exponents of 160 bits (RFC 5114, section 2.1), the size of the papers:
    /// insecure.
    #[cfg(feature = "legacy-groups")]
    Rfc5114Q160 = "rfc5114-1024-160", Family::Modp(constants::RFC5114_1024_160);
    /// 512 bits with exponents of 160 bits, for comparison with old measurements: insecure.
    #[cfg(feature = "legacy-groups")]
    Bench512 = "bench512-160", Family::Modp(Derivation::Bench512);
    /// 17 bits, for test vectors: no security at all.
    #[cfg(feature = "test-util")]
    Toy17 = "toy17", Family::Modp(Derivation::Toy17);
}

/// The parameters of each MODP group, computed on first use: they follow from the names alone.
static MADE: [OnceBox<Modp>; NamedGroup::ALL.len()] =
    [const { OnceBox::new() }; NamedGroup::ALL.len()];

impl NamedGroup {
    /// Hands the group to the visitor. The first call for a MODP group computes its parameters;
    /// later ones, in the whole process, share them.
    pub fn with<V: GroupVisitor>(self, visitor: V) -> V::Output {
        MathematicalGroup::from(self).with(visitor)
    }

    /// The MODP group of this name; `None` for an elliptic one.
    pub fn modp(self) -> Option<Modp> {
        match self.into() {
            MathematicalGroup::Modp(group) => Some(group),
            #[cfg(feature = "ristretto255")]
            MathematicalGroup::Ristretto255(_) => None,
            #[cfg(feature = "p256")]
            MathematicalGroup::P256(_) => None,
            #[cfg(feature = "test-util")]
            MathematicalGroup::Symbolic(_) => None,
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "constants; a test makes every named group"
    )]
    fn make(self, derivation: Derivation) -> Modp {
        let make = || {
            Modp::trusted(self.as_str(), &derivation.numbers())
                .expect("a constant prime is a legal modulus")
        };
        match MADE.get(self as usize) {
            Some(made) => made.get_or_init(|| Box::new(make())).clone(),
            None => make(),
        }
    }
}

impl From<NamedGroup> for MathematicalGroup {
    fn from(name: NamedGroup) -> Self {
        match name.family() {
            #[cfg(feature = "ristretto255")]
            Family::Ristretto255 => Self::Ristretto255(Ristretto255::new()),
            #[cfg(feature = "p256")]
            Family::P256 => Self::P256(P256::new()),
            Family::Modp(derivation) => Self::Modp(name.make(derivation)),
        }
    }
}

impl fmt::Display for NamedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that no group of this build has.
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

impl FromStr for MathematicalGroup {
    type Err = UnknownGroup;

    /// A name of [`NamedGroup`], with `+abs` behind it for safe-prime groups with F = `abs`.
    fn from_str(text: &str) -> Result<Self, UnknownGroup> {
        let unknown = || UnknownGroup { name: text.into() };
        match text.strip_suffix(ABS_SUFFIX) {
            None => text.parse::<NamedGroup>().map(Self::from),
            Some(name) => name
                .parse::<NamedGroup>()
                .ok()
                .and_then(NamedGroup::modp)
                .and_then(|group| group.with_abs().ok())
                .map(Self::from)
                .ok_or_else(unknown),
        }
    }
}
