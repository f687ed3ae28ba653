//! Bytes that cannot be read.

use crate::name::{GroupName, MemberName, Name, NameError};

/// Bytes that are not what the protocol allows at their place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Fewer bytes than the structure needs.
    #[error("{what} ends after {got} bytes, {need} needed")]
    Truncated {
        /// Structure being read.
        what: &'static str,
        /// Bytes there.
        got: usize,
        /// Bytes needed.
        need: usize,
    },
    /// Bytes left over behind the structure.
    #[error("{extra} bytes left behind {what}")]
    Trailing {
        /// Structure that was read.
        what: &'static str,
        /// Bytes left over.
        extra: usize,
    },
    /// A number outside its range.
    #[error("{what} is {value}, at most {max} allowed")]
    TooLarge {
        /// The field.
        what: &'static str,
        /// Value found; negative values of signed fields show as they are.
        value: i64,
        /// Largest value allowed.
        max: usize,
    },
    /// A word whose bits make no legal value.
    #[error("{what} 0x{value:08x} is illegal")]
    Illegal {
        /// The field.
        what: &'static str,
        /// Value found, without byte-order marker where it has one.
        value: u32,
    },
    /// A request that names another session as its sender.
    #[error("request of session {session} names {found} as its sender")]
    ForeignSender {
        /// Name found.
        found: Name,
        /// The session it came from.
        session: MemberName,
    },
    /// A membership whose receiver is not where it must be.
    #[error("receiver {member} is missing in the {what} of group {group}")]
    ReceiverMissing {
        /// The list.
        what: &'static str,
        /// The group.
        group: GroupName,
        /// The receiver.
        member: MemberName,
    },
    /// A name that is not of the kind its place wants.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl From<core::convert::Infallible> for DecodeError {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}
