//! Errors of this crate, ordered by who is to blame.

use alloc::vec::Vec;
use core::fmt;

use gcs_view::MemberName;

use crate::token::TokenKind;

/// Any error of this crate. State is unchanged whenever one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Bytes that cannot be decoded. No member is to blame, unless they are the body of an authentic token:
    /// then its author is.
    #[error("undecodable: {0}")]
    Decode(#[from] DecodeError),
    /// A message that is not for this agreement, or not authentic: drop and count it.
    #[error("not for this agreement: {0}")]
    Rejected(#[from] Rejected),
    /// A token of a kind that the present state does not expect.
    #[error("{kind} not expected from {sender}")]
    Unexpected {
        /// Who sent it.
        sender: MemberName,
        /// What it was.
        kind: TokenKind,
    },
    /// An authentic message that breaks the protocol: the agreement is to be abandoned.
    #[error("{culprit} broke the protocol: {fault}")]
    Peer {
        /// Who sent it.
        culprit: MemberName,
        /// Which rule was broken.
        fault: PeerFault,
    },
    /// Authentic messages that contradict one another, without evidence which one breaks the protocol: the
    /// agreement is to be abandoned.
    #[error("the messages of {} members contradict one another", suspects.len())]
    Contradiction {
        /// Who sent them.
        suspects: Vec<MemberName>,
    },
    /// A key maps to the exponent 0, with which no key can be agreed. It happens by chance, with a
    /// probability of about 1 / q, and is no member's fault: the agreement is to be abandoned.
    #[error("a key maps to the exponent 0")]
    DegenerateKey,
    /// The caller's order of calls or arguments, never untrusted data.
    #[error("call does not fit the state: {0}")]
    ApiMisuse(&'static str),
    /// A bug in this crate.
    #[error("internal inconsistency: {0}")]
    Internal(&'static str),
}

/// Writes what there is, after a colon.
pub(crate) fn fmt_list(f: &mut fmt::Formatter<'_>, all: &[impl fmt::Display]) -> fmt::Result {
    all.iter().enumerate().try_for_each(|(index, one)| {
        let separator = if index == 0 { " " } else { ", " };
        write!(f, "{separator}{one}")
    })
}

impl Error {
    /// Members whose messages caused the error: a hint to the user, not a proof. Where a view id
    /// repeats, an old token of an honest member can be replayed and then break a rule.
    pub fn culprits(&self) -> &[MemberName] {
        match self {
            Self::Peer { culprit, .. } => core::slice::from_ref(culprit),
            Self::Contradiction { suspects } => suspects,
            Self::Decode(_)
            | Self::Rejected(_)
            | Self::Unexpected { .. }
            | Self::DegenerateKey
            | Self::ApiMisuse(_)
            | Self::Internal(_) => &[],
        }
    }
}

/// Why bytes could not be read (check 1 of the key agreement notes, section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Fewer bytes than the structure needs.
    #[error("{0} is cut short")]
    Truncated(&'static str),
    /// Bytes after the end of the structure.
    #[error("{0} bytes left over")]
    Trailing(usize),
    /// A number outside its range.
    #[error("{what} is {value}, at most {max} allowed")]
    TooLarge {
        /// The field.
        what: &'static str,
        /// Value found.
        value: u64,
        /// Largest value allowed.
        max: u64,
    },
    /// A value with no meaning.
    #[error("{what} has the unknown value {value}")]
    Unknown {
        /// The field.
        what: &'static str,
        /// Value found.
        value: u64,
    },
}

/// Why a readable message is not for this agreement (checks 2 to 7 of section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Version, suite or mathematical group differ from the configured ones.
    #[error("suite mismatch in {field}")]
    SuiteMismatch {
        /// Which one differs.
        field: &'static str,
    },
    /// For another group.
    #[error("group name mismatch")]
    GroupNameMismatch,
    /// From another view, member list or epoch.
    #[error("wrong epoch: {field} differs")]
    WrongEpoch {
        /// Which one differs.
        field: &'static str,
    },
    /// The sender inside is not the one that the transport reports.
    #[error("sender mismatch: token of {claimed} delivered from {actual}")]
    SenderMismatch {
        /// Sender named in the token.
        claimed: MemberName,
        /// Sender as delivered.
        actual: MemberName,
    },
    /// The sender is no member of the view.
    #[error("{0} is not in the view")]
    NotInView(MemberName),
    /// Addressed to somebody else.
    #[error("addressed to {0}")]
    NotForMe(MemberName),
    /// Kind and message type of the transport disagree, or the body is not of this kind.
    #[error("kind does not agree with the message type")]
    KindMismatch,
    /// No signature that is valid under the sender's key.
    #[error("bad signature of {0}")]
    BadSignature(MemberName),
    /// No key is known for the sender.
    #[error("unknown identity {0}")]
    UnknownIdentity(MemberName),
    /// Timestamp outside the configured window.
    #[error("timestamp is {0} ms off")]
    Stale(u64),
    /// The same bytes were received before in this run.
    #[error("repeated token of {0}")]
    Repeated(MemberName),
}

/// A rule that an authentic message broke (checks 8 to 11 of section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerFault {
    /// A second, different message of one kind in one run.
    Duplicate,
    /// The sender does not have the role that sends this kind.
    NotController,
    /// The member list in the body is not the expected one.
    MemberListMismatch,
    /// An element is 0.
    ZeroElement,
    /// An element is the identity.
    OneElement,
    /// An element is not in the group.
    NotInGroup,
    /// Values contradict what is known already.
    Inconsistent,
    /// The body of an authentic token cannot be read.
    Malformed,
}

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "second message of this kind",
            Self::NotController => "sender does not have the role",
            Self::MemberListMismatch => "member list mismatch",
            Self::ZeroElement => "element is zero",
            Self::OneElement => "element is the identity",
            Self::NotInGroup => "element is not in the group",
            Self::Inconsistent => "inconsistent with known values",
            Self::Malformed => "malformed body",
        })
    }
}
