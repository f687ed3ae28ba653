//! Numbers by which the C library and the Flush library tell results, for bindings and for people
//! who know them.
//!
//! | number | code | on the wire |
//! |---|---|---|
//! | 1 | [`AcceptSession`](Code::AcceptSession) | accept record |
//! | -1, -2 | bad daemon name, no connection | |
//! | -3 .. -7, -9 | [`ConnectRefusal`] | handshake |
//! | -8, -18 | connection lost now, and ever after | |
//! | -11 .. -17 | calls that are refused where they are made, receives without room | |
//! | -19 | a bug | |
//! | -24 .. -28 | Flush library | |
//!
//! Source: Spread client protocol, section 10, and flush layer, section 9, of the protocol notes in
//! `docs/`.

use crate::error::{ConnectRefusal, Error};

/// A result as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Code {
    /// Connection accepted.
    AcceptSession = 1,
    /// The daemon's name makes no sense.
    IllegalSpread = -1,
    /// No connection could be made.
    CouldNotConnect = -2,
    /// Too many sessions.
    RejectQuota = -3,
    /// A private name is missing.
    RejectNoName = -4,
    /// The private name is illegal.
    RejectIllegalName = -5,
    /// The private name is in use.
    RejectNotUnique = -6,
    /// The version is not supported, by either side.
    RejectVersion = -7,
    /// The connection ended.
    ConnectionClosed = -8,
    /// Authentication failed, at either side.
    RejectAuth = -9,
    /// No such connection.
    IllegalSession = -11,
    /// Not exactly one service, or forbidden bits beside it.
    IllegalService = -12,
    /// Malformed message.
    IllegalMessage = -13,
    /// Illegal group name, or not in the state of membership that the call needs.
    IllegalGroup = -14,
    /// The body does not fit.
    BufferTooShort = -15,
    /// The names do not fit.
    GroupsTooShort = -16,
    /// The message is too long to be sent.
    MessageTooLong = -17,
    /// The connection ended earlier.
    NetErrorOnSession = -18,
    /// A bug.
    Bug = -19,
    /// A parameter makes no sense.
    IllegalParam = -24,
    /// Nothing is ready.
    WouldBlock = -25,
    /// The message type is reserved.
    IllegalMessageType = -26,
    /// The view is in the wrong state for the call.
    IllegalState = -27,
    /// A receiver is not in the view.
    IllegalReceivers = -28,
}

impl Code {
    /// The number.
    pub const fn number(self) -> i32 {
        self as i32
    }
}

impl Code {
    const fn of_refusal(refusal: ConnectRefusal) -> Self {
        match refusal {
            ConnectRefusal::Quota => Self::RejectQuota,
            ConnectRefusal::NoName => Self::RejectNoName,
            ConnectRefusal::IllegalName => Self::RejectIllegalName,
            ConnectRefusal::NotUnique => Self::RejectNotUnique,
            ConnectRefusal::Version => Self::RejectVersion,
            ConnectRefusal::Authentication => Self::RejectAuth,
            ConnectRefusal::Other(_) => Self::ConnectionClosed,
        }
    }
}

impl From<ConnectRefusal> for Code {
    /// Codes that no daemon of version 4 sends count as [`Code::ConnectionClosed`].
    fn from(refusal: ConnectRefusal) -> Self {
        Self::of_refusal(refusal)
    }
}

impl Error {
    /// The number by which the C libraries tell of the same.
    pub const fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => Code::of_refusal(*refusal),
            Self::NoCommonMethod { .. }
            | Self::MissingCredentials
            | Self::MissingProof { .. }
            | Self::OtherMember { .. } => Code::RejectAuth,
            Self::Decode(_) | Self::Closed(_) => Code::ConnectionClosed,
            Self::HandshakeOver => Code::IllegalSession,
            Self::Name(_) | Self::IllegalGroup(_) | Self::ViewSynchronous(_) => Code::IllegalGroup,
            Self::Limit { .. } => Code::MessageTooLong,
            Self::IllegalState { .. } => Code::IllegalState,
            Self::IllegalMessageType(_) => Code::IllegalMessageType,
            Self::IllegalReceiver(_) => Code::IllegalReceivers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_keep_their_numbers() {
        for number in [-3, -4, -5, -6, -7, -9] {
            let refusal = ConnectRefusal::from_code(number);
            assert_eq!(refusal.code(), number);
            assert_eq!(Code::from(refusal).number(), i32::from(number));
        }
        assert_eq!(
            Code::from(ConnectRefusal::from_code(-100)),
            Code::ConnectionClosed
        );
    }
}
