//! The key agreement suites by name, and the place where they are registered.

use alloc::{boxed::Box, string::String};
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use gcs_view::MemberName;

use crate::{
    agreement::KeyAgreement,
    bd::Bd,
    ckd::Ckd,
    gdh::Gdh,
    group::{Group, GroupVisitor, MathematicalGroup},
    str_::Str,
    tgdh::Tgdh,
};

/// Registers suites: documentation, variant, number in envelopes, name, and the constructor of a
/// member's machine over any group.
macro_rules! suites {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $new:path;)*) => {
        /// A key agreement suite.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Protocol {
            $($(#[$doc])* $variant,)*
            /// A suite from outside of this crate.
            Custom(&'static CustomSuite),
        }

        impl Protocol {
            /// All suites of this crate.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Name of the suite in key contexts, configuration and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Custom(suite) => suite.name,
                }
            }

            /// Number of the suite in the token envelope (secure layer notes, section 6). Modes of
            /// one suite share it; their bodies tell them apart.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Custom(suite) => suite.number,
                }
            }

            /// A member without a group, over any mathematical group; none for a custom suite,
            /// which takes those of [`MathematicalGroup`] only.
            pub fn member_over<G: Group>(
                self,
                group: G,
                me: MemberName,
            ) -> Option<Box<dyn KeyAgreement>> {
                match self {
                    $(Self::$variant => Some(Box::new($new(group, me))),)*
                    Self::Custom(_) => None,
                }
            }
        }
    };
}

// A new suite is one folder and one line here.
suites! {
    /// Burmester-Desmedt ([`crate::bd`]).
    Bd = 1, "bd", Bd::new;
    /// Centralised key distribution, the key being a group element ([`crate::ckd`], mode 0).
    Ckd = 2, "ckd", Ckd::new;
    /// Centralised key distribution, the key being enciphered ([`crate::ckd`], mode 1).
    CkdAead = 2, "ckd-aead", Ckd::aead;
    /// Group Diffie-Hellman ([`crate::gdh`]).
    Gdh = 3, "gdh", Gdh::new;
    /// The skinny key tree of Steer et al. ([`crate::str_`]).
    Str = 4, "str", Str::new;
    /// Tree-based group Diffie-Hellman ([`crate::tgdh`]).
    Tgdh = 5, "tgdh", Tgdh::new;
}

impl Protocol {
    /// A member without a group, ready to [`begin`](KeyAgreement::begin).
    pub fn member(
        self,
        group: impl Into<MathematicalGroup>,
        me: MemberName,
    ) -> Box<dyn KeyAgreement> {
        let group = group.into();
        match self {
            Self::Custom(suite) => (suite.member)(group, me),
            builtin => group.with(Member {
                protocol: builtin,
                me,
            }),
        }
    }
}

/// Makes the machine of a member over a group that is chosen at run time.
struct Member {
    protocol: Protocol,
    me: MemberName,
}

impl GroupVisitor for Member {
    type Output = Box<dyn KeyAgreement>;

    fn visit<G: Group>(self, group: G) -> Self::Output {
        self.protocol
            .member_over(group, self.me)
            .unwrap_or_else(|| unreachable!("custom suites are made by their own function"))
    }
}

/// A suite from outside of this crate, which everything that takes a [`Protocol`] can then run.
///
/// Two are the same suite if name and number are.
#[derive(Clone, Copy, Debug)]
pub struct CustomSuite {
    /// Name, unlike those of [`Protocol::ALL`].
    pub name: &'static str,
    /// Number in the token envelope; those below 128 are for this project.
    pub number: u8,
    /// Makes a member without a group.
    pub member: fn(MathematicalGroup, MemberName) -> Box<dyn KeyAgreement>,
}

impl CustomSuite {
    const fn key(&self) -> (u8, &'static str) {
        (self.number, self.name)
    }
}

impl PartialEq for CustomSuite {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for CustomSuite {}

impl PartialOrd for CustomSuite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CustomSuite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for CustomSuite {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
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
    use alloc::{string::ToString, vec::Vec};

    #[test]
    fn suites_are_read_back_and_others_refused_with_the_list() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.to_string().parse(), Ok(*protocol));
            let me = MemberName::try_from("me").expect("a name");
            let group = crate::NamedGroup::ALL.first().expect("a group");
            let member = protocol.member(*group, me);
            assert_eq!(member.protocol(), *protocol);
        }
        let names: Vec<_> = Protocol::ALL.iter().map(ToString::to_string).collect();
        let error = "GDH".parse::<Protocol>();
        assert_eq!(
            error.map_err(|error| error.to_string()),
            Err(alloc::format!(
                "unknown protocol \"GDH\", there is: {}",
                names.join(", ")
            ))
        );
    }

    /// The numbers of the secure layer notes, section 6.
    #[test]
    fn numbers_are_those_of_the_envelope() {
        let number = |name: &str| name.parse::<Protocol>().map(Protocol::number).ok();
        assert_eq!(number("bd"), Some(1));
        assert_eq!(number("ckd"), Some(2));
        assert_eq!(number("ckd-aead"), Some(2));
        assert_eq!(number("gdh"), Some(3));
    }
}
