//! A mathematical group of any family, chosen at run time.

use core::fmt;

#[cfg(feature = "p256")]
use super::p256::P256;
#[cfg(feature = "ristretto255")]
use super::ristretto255::Ristretto255;
#[cfg(feature = "test-util")]
use super::symbolic::SymbolicGroup;
use super::{Group, modp::Modp};

/// What is done with a group once its type is known.
pub trait GroupVisitor {
    /// Result.
    type Output;

    /// Called once, with the group.
    fn visit<G: Group>(self, group: G) -> Self::Output;
}

/// A mathematical group with everything that can be configured about it: one of the
/// [named](super::NamedGroup) ones, perhaps with another [policy](Modp::with_policy) or
/// [map F](Modp::with_abs), or one of [custom](Modp::custom) parameters.
///
/// ```
/// use cliques::group::{ElementPolicy, MathematicalGroup, NamedGroup};
///
/// // By name; "+abs" chooses the exactly uniform map F.
/// let group: MathematicalGroup = "modp2048+abs".parse()?;
/// assert_eq!(group.name(), "modp2048+abs");
///
/// // With another policy for received elements.
/// let strict = NamedGroup::Schnorr2048.modp().map(|group| group.with_policy(ElementPolicy::Strict));
/// let group: Option<MathematicalGroup> = strict.map(MathematicalGroup::from);
/// # assert_eq!(group.map(|group| group.name().len()), Some(15));
/// # Ok::<(), cliques::group::UnknownGroup>(())
/// ```
///
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MathematicalGroup {
    /// Modulo a prime.
    Modp(Modp),
    /// RFC 9496.
    #[cfg(feature = "ristretto255")]
    Ristretto255(Ristretto255),
    /// NIST P-256.
    #[cfg(feature = "p256")]
    P256(P256),
    /// Formulas instead of numbers, to test what can be computed from what.
    #[cfg(feature = "test-util")]
    Symbolic(SymbolicGroup),
}

impl MathematicalGroup {
    /// Name in envelopes and key contexts.
    pub fn name(&self) -> &str {
        match self {
            Self::Modp(group) => group.name(),
            #[cfg(feature = "ristretto255")]
            Self::Ristretto255(group) => group.name(),
            #[cfg(feature = "p256")]
            Self::P256(group) => group.name(),
            #[cfg(feature = "test-util")]
            Self::Symbolic(group) => group.name(),
        }
    }

    /// Hands the group to the visitor.
    pub fn with<V: GroupVisitor>(self, visitor: V) -> V::Output {
        match self {
            Self::Modp(group) => visitor.visit(group),
            #[cfg(feature = "ristretto255")]
            Self::Ristretto255(group) => visitor.visit(group),
            #[cfg(feature = "p256")]
            Self::P256(group) => visitor.visit(group),
            #[cfg(feature = "test-util")]
            Self::Symbolic(group) => visitor.visit(group),
        }
    }
}

impl From<Modp> for MathematicalGroup {
    fn from(group: Modp) -> Self {
        Self::Modp(group)
    }
}

#[cfg(feature = "ristretto255")]
impl From<Ristretto255> for MathematicalGroup {
    fn from(group: Ristretto255) -> Self {
        Self::Ristretto255(group)
    }
}

#[cfg(feature = "p256")]
impl From<P256> for MathematicalGroup {
    fn from(group: P256) -> Self {
        Self::P256(group)
    }
}

#[cfg(feature = "test-util")]
impl From<SymbolicGroup> for MathematicalGroup {
    fn from(group: SymbolicGroup) -> Self {
        Self::Symbolic(group)
    }
}

impl fmt::Display for MathematicalGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
