//! Errors of this crate, ordered by who is to blame.

use alloc::string::String;

use crate::{
    gcs::GcsCommand,
    name::{GroupName, MemberName, NameError},
};

pub use crate::decode_error::DecodeError;

/// Why the daemon refused a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectRefusal {
    /// Code -3: the daemon has too many sessions.
    #[error("daemon has too many sessions")]
    Quota,
    /// Code -4: a name is needed; 4.x daemons choose one instead of saying so.
    #[error("private name is missing")]
    NoName,
    /// Code -5: the private name is illegal.
    #[error("private name is illegal")]
    IllegalName,
    /// Code -6: the private name is in use at this daemon.
    #[error("private name is in use")]
    NotUnique,
    /// Code -7: the client's version is too old.
    #[error("version is not supported")]
    Version,
    /// Code -9: authentication.
    #[error("authentication was refused")]
    Authentication,
    /// Any other negative code.
    #[error("code {0}")]
    Other(i8),
}

impl ConnectRefusal {
    /// The refusal that `code` stands for; codes that 4.4.0 never sends stay what they are.
    pub const fn from_code(code: i8) -> Self {
        match code {
            -3 => Self::Quota,
            -4 => Self::NoName,
            -5 => Self::IllegalName,
            -6 => Self::NotUnique,
            -7 => Self::Version,
            -9 => Self::Authentication,
            other => Self::Other(other),
        }
    }

    /// The signed byte that says so on the wire.
    pub const fn code(self) -> i8 {
        match self {
            Self::Quota => -3,
            Self::NoName => -4,
            Self::IllegalName => -5,
            Self::NotUnique => -6,
            Self::Version => -7,
            Self::Authentication => -9,
            Self::Other(code) => code,
        }
    }
}

/// Any error of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The other end sent what cannot be read; the connection is over.
    #[error("undecodable: {0}")]
    Decode(#[from] DecodeError),
    /// The daemon refused the connection.
    #[error("connection refused: {0}")]
    Refused(#[from] ConnectRefusal),
    /// The handshake has ended, with a connection or with an error; it takes no more bytes.
    #[error("handshake has ended")]
    HandshakeOver,
    /// The daemon offers none of the authentication methods wanted.
    #[error("daemon offers authentication methods \"{offered}\", {wanted} wanted")]
    NoCommonMethod {
        /// What it offers, as sent.
        offered: String,
        /// What was wanted.
        wanted: &'static str,
    },
    /// The password method was chosen and there is no password
    /// ([`ClientHandshake::with_credentials`](crate::handshake::ClientHandshake::with_credentials)).
    #[error("password authentication wanted without credentials")]
    MissingCredentials,
    /// The daemon asks for proof of identity, or the proof method was chosen, and there is nobody to
    /// give one
    /// ([`ClientHandshake::prove_if_asked`](crate::handshake::ClientHandshake::prove_if_asked)).
    #[error("daemon asks for proof of identity (it offers \"{offered}\"), none is there")]
    MissingProof {
        /// What it offers, as sent.
        offered: String,
    },
    /// The daemon speaks of another member than it should.
    #[error("daemon speaks of member {found} instead of {expected}")]
    OtherMember {
        /// Whom it names.
        found: MemberName,
        /// The private name that was asked for; or, at the end, the member that was proved.
        expected: String,
    },
    /// A text is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A request is beyond a bound; nothing was sent.
    #[error("{what} of {value} is above the limit of {max}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// Its size.
        value: usize,
        /// The bound.
        max: usize,
    },
    /// Not a member of the group, or not in the state that the call needs.
    #[error("not in the right membership state of group {0} for this call")]
    IllegalGroup(GroupName),
    /// A message outside of all views to a group that this member takes part in view-synchronously.
    #[error("group {0} is view-synchronous here, nothing else can be sent to it")]
    ViewSynchronous(GroupName),
    /// Sending or flushing is not possible in the present state of the view.
    #[error("{call} is not possible while group {group} is {state}")]
    IllegalState {
        /// The group.
        group: GroupName,
        /// The call.
        call: &'static str,
        /// State of its view.
        state: &'static str,
    },
    /// The message type is reserved.
    #[error("message type {0} is reserved")]
    IllegalMessageType(i16),
    /// A receiver is not in the view.
    #[error("receiver {0} is not in the view")]
    IllegalReceiver(MemberName),
    /// The connection is over; the command was not carried out.
    #[error("connection is closed, command not carried out")]
    Closed(alloc::boxed::Box<GcsCommand>),
}
