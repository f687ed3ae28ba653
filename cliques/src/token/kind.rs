//! Kinds of tokens and the numbers that stand for them.

use core::fmt;

use crate::error::DecodeError;

/// What a token is (key agreement notes, section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum TokenKind {
    /// GDH: partial token, passed from new member to new member.
    GdhPartial = 0x31,
    /// GDH: final token, broadcast by the last new member.
    GdhFinal = 0x32,
    /// GDH: factor-out, the final token without one member's share.
    GdhFactorOut = 0x33,
    /// GDH: key list, broadcast by the controller.
    GdhKeyList = 0x34,
    /// GDH: the direct join's list for the joiner.
    GdhJoin = 0x35,
    /// Request for a refresh; its epoch is the one to be replaced.
    RefreshRequest = 0x7e,
    /// Key confirmation tag.
    KeyConfirmation = 0x7f,
}

impl TokenKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::GdhPartial,
        Self::GdhFinal,
        Self::GdhFactorOut,
        Self::GdhKeyList,
        Self::GdhJoin,
        Self::RefreshRequest,
        Self::KeyConfirmation,
    ];

    /// The number in the envelope.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The kind of an envelope.
    ///
    /// # Errors
    /// [`DecodeError::Unknown`] with the number.
    pub fn from_number(number: u16) -> Result<Self, DecodeError> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.number() == number)
            .ok_or_else(|| DecodeError::Unknown {
                what: "token kind",
                value: u64::from(number),
            })
    }

    /// Name in logs and event records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GdhPartial => "partial-token",
            Self::GdhFinal => "final-token",
            Self::GdhFactorOut => "fact-out",
            Self::GdhKeyList => "key-list",
            Self::GdhJoin => "join-token",
            Self::RefreshRequest => "refresh-request",
            Self::KeyConfirmation => "key-confirmation",
        }
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
