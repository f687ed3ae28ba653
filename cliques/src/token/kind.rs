//! Kinds of tokens and the numbers that stand for them.

use core::fmt;

use crate::{agreement::TokenService, error::DecodeError};

/// What a token is (key agreement notes, section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum TokenKind {
    /// BD: blinded share, first round.
    BdZ = 0x11,
    /// BD: quotient of the neighbours' blinded shares to the own share, second round.
    BdX = 0x12,
    /// CKD: blinded share of a controller that is new.
    CkdNew = 0x21,
    /// CKD: blinded share of a controller that stays, for new members.
    CkdOld = 0x22,
    /// CKD: blinded share of a member, for the controller.
    CkdResponse = 0x23,
    /// CKD: the key, enciphered for each member.
    CkdKey = 0x24,
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
    /// STR: a whole tree.
    StrTree = 0x41,
    /// STR: blinded keys that are new.
    StrUpdate = 0x42,
    /// TGDH: a whole tree.
    TgdhTree = 0x51,
    /// TGDH: blinded keys that are new.
    TgdhUpdate = 0x52,
    /// Request for a refresh; its epoch is the one to be replaced.
    RefreshRequest = 0x7e,
    /// Key confirmation tag.
    KeyConfirmation = 0x7f,
}

impl TokenKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::BdZ,
        Self::BdX,
        Self::CkdNew,
        Self::CkdOld,
        Self::CkdResponse,
        Self::CkdKey,
        Self::GdhPartial,
        Self::GdhFinal,
        Self::GdhFactorOut,
        Self::GdhKeyList,
        Self::GdhJoin,
        Self::StrTree,
        Self::StrUpdate,
        Self::TgdhTree,
        Self::TgdhUpdate,
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

    /// The weakest service that the kind can do with (key agreement notes, section 8).
    pub const fn service(self) -> TokenService {
        match self {
            Self::CkdNew
            | Self::CkdOld
            | Self::CkdResponse
            | Self::GdhPartial
            | Self::GdhFinal
            | Self::GdhFactorOut
            | Self::GdhJoin => TokenService::Fifo,
            Self::BdZ
            | Self::BdX
            | Self::CkdKey
            | Self::GdhKeyList
            | Self::StrTree
            | Self::StrUpdate
            | Self::TgdhTree
            | Self::TgdhUpdate
            | Self::RefreshRequest
            | Self::KeyConfirmation => TokenService::Agreed,
        }
    }

    /// Name in logs and event records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BdZ => "blinded-share",
            Self::BdX => "quotient",
            Self::CkdNew => "new-controller",
            Self::CkdOld => "old-controller",
            Self::CkdResponse => "response",
            Self::CkdKey => "enciphered-key",
            Self::GdhPartial => "partial-token",
            Self::GdhFinal => "final-token",
            Self::GdhFactorOut => "fact-out",
            Self::GdhKeyList => "key-list",
            Self::GdhJoin => "join-token",
            Self::StrTree => "str-tree",
            Self::StrUpdate => "str-update",
            Self::TgdhTree => "tgdh-tree",
            Self::TgdhUpdate => "tgdh-update",
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
