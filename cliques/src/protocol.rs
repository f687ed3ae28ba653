//! The key agreement suites by name.
//!
//! A new suite is one folder and one line in each table of this file.

use alloc::{boxed::Box, string::String};
use core::{fmt, str::FromStr};

use crate::{
    agreement::KeyAgreement,
    gdh::Gdh,
    group::{Group, GroupVisitor, NamedGroup},
    member::MemberId,
};

/// A key agreement suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Group Diffie-Hellman ([`crate::gdh`]).
    Gdh,
}

impl Protocol {
    /// All suites.
    pub const ALL: &'static [Self] = &[Self::Gdh];

    /// Name of the suite in key contexts, configuration and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gdh => "gdh",
        }
    }

    /// Number of the suite in the token envelope (secure layer notes, section 6).
    pub const fn number(self) -> u8 {
        match self {
            Self::Gdh => 3,
        }
    }

    /// The suite of a token envelope.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|protocol| protocol.number() == number)
    }

    /// A member without a group, ready to [`begin`](KeyAgreement::begin).
    pub fn member(self, group: NamedGroup, me: MemberId) -> Box<dyn KeyAgreement> {
        match self {
            Self::Gdh => group.with(GdhMember(me)),
        }
    }
}

/// Makes the GDH machine of a member over a group that is chosen at run time.
struct GdhMember(MemberId);

impl GroupVisitor for GdhMember {
    type Output = Box<dyn KeyAgreement>;

    fn visit<G: Group>(self, group: G) -> Self::Output {
        Box::new(Gdh::new(group, self.0))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no suite of this build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown protocol \"{name}\", there is: gdh")]
pub struct UnknownProtocol {
    /// The text.
    pub name: String,
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        Self::ALL
            .iter()
            .copied()
            .find(|protocol| protocol.as_str() == text)
            .ok_or_else(|| UnknownProtocol { name: text.into() })
    }
}
