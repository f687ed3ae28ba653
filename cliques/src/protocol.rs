//! The key agreement suites by name.
//!
//! A new suite is one folder and one line in each table of this file.

use alloc::{boxed::Box, string::String};
use core::{fmt, str::FromStr};

use crate::{
    agreement::KeyAgreement,
    gdh::Gdh,
    group::{Group, GroupVisitor, MathematicalGroup},
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
    pub fn member(
        self,
        group: impl Into<MathematicalGroup>,
        me: MemberId,
    ) -> Box<dyn KeyAgreement> {
        let group = group.into();
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProtocol {
    /// The text.
    pub name: String,
}

impl fmt::Display for UnknownProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown protocol \"{}\", there is:", self.name)?;
        fmt_list(f, Protocol::ALL)
    }
}

impl core::error::Error for UnknownProtocol {}

/// Writes what there is, behind a colon.
pub(crate) fn fmt_list(f: &mut fmt::Formatter<'_>, all: &[impl fmt::Display]) -> fmt::Result {
    all.iter().enumerate().try_for_each(|(index, one)| {
        let separator = if index == 0 { " " } else { ", " };
        write!(f, "{separator}{one}")
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn suites_are_read_back_and_others_refused_with_the_list() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.to_string().parse(), Ok(*protocol));
            assert_eq!(Protocol::from_number(protocol.number()), Some(*protocol));
        }
        assert_eq!(Protocol::Gdh.number(), 3);
        assert_eq!(Protocol::from_number(0), None);
        let error = "GDH".parse::<Protocol>();
        assert_eq!(
            error.map_err(|error| error.to_string()),
            Err("unknown protocol \"GDH\", there is: gdh".into())
        );
    }
}
