//! The suites of this crate, and what can be looked up in their list.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use crate::{bd, ckd, error::fmt_list, gdh, str_, suite::Protocol, tgdh, token::TokenKind};

/// Gives each suite a constant, and makes the list of all.
macro_rules! suites {
    ($($name:ident = $suite:path;)*) => {
        impl Protocol {
            /// All suites of this crate.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            $(
                #[doc = concat!("The suite [`", stringify!($suite), "`](crate::", stringify!($suite), ").")]
                pub const $name: Self = Self::of(&$suite);
            )*
        }
    };
}

// A new suite is one folder and one line here.
suites! {
    BD = bd::SUITE;
    CKD = ckd::SUITE;
    CKD_AEAD = ckd::SUITE_AEAD;
    GDH = gdh::SUITE;
    STR = str_::SUITE;
    TGDH = tgdh::SUITE;
}

impl Protocol {
    /// The kind with this number in an envelope: of this suite, else of a suite of this crate, so
    /// that a token of another suite is recognized as such.
    pub(crate) fn kind(self, number: u16) -> Option<TokenKind> {
        let own = self.suite().kinds.iter().copied();
        own.chain(Self::kinds())
            .find(|kind| kind.number() == number)
    }

    /// Every kind of token of the suites of this crate, ordered by number.
    pub fn all_kinds() -> Vec<TokenKind> {
        let mut kinds: Vec<_> = Self::kinds().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn kinds() -> impl Iterator<Item = TokenKind> {
        let of_suites = Self::ALL.iter().flat_map(|protocol| protocol.suite().kinds);
        of_suites.chain(&TokenKind::COMMON).copied()
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
    use alloc::{collections::BTreeSet, string::ToString};

    use gcs_view::MemberName;

    use super::*;

    #[test]
    fn suites_are_read_back_and_others_refused_with_the_list() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.to_string().parse(), Ok(*protocol));
            let me = MemberName::try_from("me").expect("a name");
            let group = crate::NamedGroup::ALL.first().expect("a group");
            assert_eq!(protocol.member(*group, me).me(), &me);
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
        assert_eq!(number("str"), Some(4));
        assert_eq!(number("tgdh"), Some(5));
    }

    #[test]
    fn kinds_have_names_and_numbers_of_their_own() {
        let kinds = Protocol::all_kinds();
        let numbers: BTreeSet<_> = kinds.iter().map(|kind| kind.number()).collect();
        assert_eq!(numbers.len(), kinds.len());
        for protocol in Protocol::ALL {
            let names: BTreeSet<_> = protocol
                .suite()
                .kinds
                .iter()
                .map(|kind| kind.as_str())
                .collect();
            assert_eq!(names.len(), protocol.suite().kinds.len());
            for kind in protocol.suite().kinds {
                assert_eq!(kind.number() >> 4, u16::from(protocol.number()), "{kind}");
            }
        }
    }
}
