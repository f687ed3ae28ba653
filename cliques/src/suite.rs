//! A key agreement suite as a value: what its module says about it, and all that others need to know.

use alloc::boxed::Box;
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use gcs_view::MemberName;

use crate::{agreement::KeyAgreement, group::MathematicalGroup, token::TokenKind};

/// A key agreement suite. Each suite defines one of these in its module; a suite of another crate is
/// one more value.
#[derive(Debug)]
pub struct Suite {
    /// Name in key contexts, configuration and on the command line.
    pub name: &'static str,
    /// Number in the token envelope (secure layer notes, section 6). Those below 128 are reserved for
    /// this project. Modes of one suite share it; their bodies tell them apart.
    pub number: u8,
    /// The kinds of its tokens.
    pub kinds: &'static [TokenKind],
    /// What of it outlives a change of the group.
    pub survival: Survival,
    /// Makes a member without a group; see [`constructor!`](crate::constructor).
    pub member: fn(MathematicalGroup, MemberName) -> Box<dyn KeyAgreement>,
}

/// What outlives a change of the group, and so what a driver can do with a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Survival {
    /// Nothing: every agreement makes everything anew.
    Nothing,
    /// A completed agreement, which [`Change::Update`](crate::Change::Update) changes. One that is
    /// cut off is lost.
    Completed,
    /// Also an agreement that is cut off, which [`Change::Resume`](crate::Change::Resume) continues:
    /// its public state is a function of the broadcasts delivered, so all members who were delivered
    /// the same ones continue from the same state (self-stabilising suites).
    Everything,
}

/// Makes the [`member`](Suite::member) of a [`Suite`] from a function that is generic over the group,
/// `fn new<G: Group>(group: G, me: MemberName) -> impl KeyAgreement`.
///
/// ```
/// use cliques::{Suite, constructor, gdh};
///
/// static SUITE: Suite = Suite {
///     name: "my-gdh",
///     number: 128,
///     member: constructor!(gdh::Gdh::new),
///     ..gdh::SUITE
/// };
/// ```
#[macro_export]
macro_rules! constructor {
    ($new:expr) => {
        |group, me| {
            struct Make($crate::MemberName);

            impl $crate::group::GroupVisitor for Make {
                type Output = $crate::__Box<dyn $crate::KeyAgreement>;

                fn visit<G: $crate::Group>(
                    self,
                    group: G,
                ) -> $crate::__Box<dyn $crate::KeyAgreement> {
                    $crate::__Box::new($new(group, self.0))
                }
            }

            group.with(Make(me))
        }
    };
}

/// A suite by reference: cheap to copy, and equal to another one if name and number are.
#[derive(Clone, Copy)]
pub struct Protocol(&'static Suite);

impl Protocol {
    /// The handle of a suite.
    pub const fn of(suite: &'static Suite) -> Self {
        Self(suite)
    }

    /// The suite.
    pub const fn suite(self) -> &'static Suite {
        self.0
    }

    /// Name of the suite.
    pub const fn as_str(self) -> &'static str {
        self.0.name
    }

    /// Number of the suite in the token envelope.
    pub const fn number(self) -> u8 {
        self.0.number
    }

    /// What outlives a change of the group.
    pub const fn survival(self) -> Survival {
        self.0.survival
    }

    /// A member without a group, ready to [`begin`](KeyAgreement::begin).
    pub fn member(
        self,
        group: impl Into<MathematicalGroup>,
        me: MemberName,
    ) -> Box<dyn KeyAgreement> {
        (self.0.member)(group.into(), me)
    }

    const fn key(self) -> (u8, &'static str) {
        (self.0.number, self.0.name)
    }
}

impl PartialEq for Protocol {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Protocol {}

impl PartialOrd for Protocol {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Protocol {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Protocol {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name)
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol({})", self.0.name)
    }
}
