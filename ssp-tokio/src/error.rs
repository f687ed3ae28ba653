//! Errors of this crate.

use std::io;

use bytes::Bytes;
use gcs_proto::{
    DecodeError,
    code::Code,
    name::{DaemonName, GroupName, MemberName},
};
use ssp_core::ViewNumber;
use tokio::time::Duration;

use crate::endpoint::{Endpoint, EndpointError};

/// Any error but those of sending, which hand the payload back in a [`SendError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is no address of a daemon.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A list of endpoints to try is empty.
    #[error("no endpoint to connect to")]
    NoEndpoint,
    /// No stream to the daemon could be opened.
    #[error("daemon {endpoint} cannot be reached: {detail}")]
    Connect {
        /// Where the daemon was looked for.
        endpoint: Endpoint,
        /// Kind of the system's error.
        kind: io::ErrorKind,
        /// The system's words.
        detail: String,
    },
    /// The stream failed while connecting.
    #[error("stream to the daemon failed: {detail}")]
    Stream {
        /// Kind of the system's error.
        kind: io::ErrorKind,
        /// The system's words.
        detail: String,
    },
    /// The daemon does not speak the protocol, or refuses the connection.
    #[error(transparent)]
    Handshake(gcs_proto::Error),
    /// The daemon asks for proof of identity, and its challenge was not answered.
    #[error("daemon asks for proof of identity: {0}")]
    Challenge(ssp_core::identity::ChallengeError),
    /// The daemon is not the one that was [wanted](crate::ConnectionConfig::daemon).
    #[error("daemon {wanted} wanted, this one calls the session {found}")]
    OtherDaemon {
        /// Name of the daemon wanted.
        wanted: DaemonName,
        /// The session's name, which ends with that of the daemon.
        found: MemberName,
    },
    /// Something took too long.
    #[error("{what} took more than {after:?}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        after: Duration,
    },
    /// The system has no random numbers.
    #[error("system has no random numbers")]
    Random,
    /// The secure session refused the call; nothing has changed.
    #[error(transparent)]
    Session(ssp_core::Error),
    /// The protocol refused the call; nothing was sent.
    #[error(transparent)]
    Protocol(gcs_proto::Error),
    /// The group has a newer view or key than the caller has taken.
    #[error("group {0} has moved on, take its events first")]
    Outdated(GroupName),
    /// The connection is over.
    #[error("connection is closed")]
    Closed,
}

impl Error {
    pub(crate) fn stream(error: &io::Error) -> Self {
        Self::Stream {
            kind: error.kind(),
            detail: error.to_string(),
        }
    }

    /// Stable number of the error; errors of the session and of the protocol keep theirs.
    pub const fn code(&self) -> i32 {
        match self {
            Self::Session(error) => error.code(),
            Self::Endpoint(_) | Self::NoEndpoint => -1,
            Self::Connect { .. } | Self::Timeout { .. } | Self::Stream { .. } => -2,
            Self::Handshake(gcs_proto::Error::Refused(refusal)) => refusal.code() as i32,
            Self::Handshake(
                gcs_proto::Error::MissingProof { .. } | gcs_proto::Error::OtherMember { .. },
            )
            | Self::Challenge(_)
            | Self::OtherDaemon { .. } => Code::RejectAuth.number(),
            Self::Handshake(_) => -2,
            Self::Outdated(_) => ssp_core::error::code::VIEW_CHANGED,
            Self::Protocol(error) => error.code().number(),
            Self::Closed => ssp_core::error::code::CONNECTION_CLOSED,
            Self::Random => ssp_core::error::code::INTERNAL,
        }
    }
}

impl From<ssp_core::Error> for Error {
    fn from(error: ssp_core::Error) -> Self {
        match error {
            ssp_core::Error::Closed => Self::Closed,
            ssp_core::Error::Outdated(group) => Self::Outdated(group),
            ssp_core::Error::Engine(error) => error.into(),
            other => Self::Session(other),
        }
    }
}

impl From<gcs_proto::Error> for Error {
    fn from(error: gcs_proto::Error) -> Self {
        match error {
            gcs_proto::Error::Closed(_) => Self::Closed,
            other => Self::Protocol(other),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Connect { kind, .. } | Error::Stream { kind, .. } => *kind,
            Error::Endpoint(_) | Error::NoEndpoint => io::ErrorKind::InvalidInput,
            Error::Handshake(gcs_proto::Error::Refused(_)) => io::ErrorKind::ConnectionRefused,
            Error::Handshake(gcs_proto::Error::MissingProof { .. })
            | Error::Challenge(_)
            | Error::OtherDaemon { .. } => io::ErrorKind::PermissionDenied,
            Error::Handshake(_) => io::ErrorKind::InvalidData,
            Error::Timeout { .. } => io::ErrorKind::TimedOut,
            Error::Closed => io::ErrorKind::NotConnected,
            Error::Random | Error::Session(_) | Error::Protocol(_) | Error::Outdated(_) => {
                io::ErrorKind::Other
            }
        };
        Self::new(kind, error)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Handshake(error.into())
    }
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendFailure {
    /// The group has moved on since the handle took its last secure view: who reads the message
    /// may not be whom it was written for.
    #[error("secure view {taken} has been replaced by {installed}")]
    ViewChanged {
        /// The secure view that the handle took last.
        taken: ViewNumber,
        /// The secure view installed now.
        installed: ViewNumber,
    },
    /// The handle has taken no secure view yet.
    #[error("no secure view has been taken from group {0}")]
    NoView(GroupName),
    /// The session refused the message.
    #[error(transparent)]
    Session(ssp_core::SendError),
    /// The group had no key within the time limit.
    #[error("no key within {0:?}")]
    Timeout(Duration),
    /// The connection is over.
    #[error("connection is closed")]
    Closed,
}

impl SendFailure {
    /// Whether the secure view is about to have a key to send with: a refresh is under way, or
    /// members have yet to confirm the key. Then the same send may succeed in the same view.
    pub(crate) const fn passes_in_view(&self) -> bool {
        match self {
            Self::Session(error) => matches!(
                error,
                ssp_core::SendError::Refreshing(_) | ssp_core::SendError::Unconfirmed(_)
            ),
            Self::ViewChanged { .. } | Self::NoView(_) | Self::Timeout(_) | Self::Closed => false,
        }
    }

    /// Whether the send may succeed in the next secure view, which comes without the
    /// application's doing. A key that is used up is not replaced by itself.
    pub(crate) const fn passes_by_itself(&self) -> bool {
        match self {
            Self::ViewChanged { .. } => true,
            Self::Session(error) => matches!(
                error,
                ssp_core::SendError::Refreshing(_)
                    | ssp_core::SendError::Unconfirmed(_)
                    | ssp_core::SendError::GroupNotSecure(_)
                    | ssp_core::SendError::NotAllowedToSend(_)
            ),
            Self::NoView(_) | Self::Timeout(_) | Self::Closed => false,
        }
    }
}

/// A message that was not sent, with the reason.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
pub struct SendError {
    /// Why it was not sent.
    #[source]
    pub failure: SendFailure,
    /// The payload, as given.
    pub payload: Bytes,
}

impl SendError {
    /// Whether the group has moved on since the handle took its last secure view: take its
    /// events, look who is there now, and decide again.
    pub const fn is_view_changed(&self) -> bool {
        matches!(self.failure, SendFailure::ViewChanged { .. })
    }

    /// Stable number of the error.
    pub const fn code(&self) -> i32 {
        match &self.failure {
            SendFailure::ViewChanged { .. } => ssp_core::error::code::VIEW_CHANGED,
            SendFailure::NoView(_) | SendFailure::Timeout(_) => {
                ssp_core::error::code::GROUP_NOT_SECURE
            }
            SendFailure::Session(error) => error.code(),
            SendFailure::Closed => ssp_core::error::code::CONNECTION_CLOSED,
        }
    }
}

impl core::fmt::Debug for SendError {
    /// Tells the length of the payload, not the payload.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SendError")
            .field("failure", &self.failure)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}

impl From<ssp_core::SendError> for SendFailure {
    fn from(error: ssp_core::SendError) -> Self {
        match error {
            ssp_core::SendError::ViewChanged { wanted, installed } => Self::ViewChanged {
                taken: wanted,
                installed,
            },
            ssp_core::SendError::Closed => Self::Closed,
            other => Self::Session(other),
        }
    }
}

/// A buffer too small for a message, which stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message of {needed} bytes in a buffer of {room}")]
pub struct TooShort {
    /// Bytes of the message.
    pub needed: usize,
    /// Bytes of the buffer.
    pub room: usize,
}

#[cfg(test)]
mod tests {
    use gcs_proto::error::ConnectRefusal;

    use super::*;

    #[test]
    fn errors_keep_their_kind_and_number() {
        let refused = Error::Handshake(ConnectRefusal::NotUnique.into());
        assert_eq!(refused.code(), -6);
        let after = Duration::from_secs(1);
        for (error, kind) in [
            (refused, io::ErrorKind::ConnectionRefused),
            (Error::Closed, io::ErrorKind::NotConnected),
            (Error::Timeout { what: "x", after }, io::ErrorKind::TimedOut),
            (
                Error::stream(&io::ErrorKind::BrokenPipe.into()),
                io::ErrorKind::BrokenPipe,
            ),
        ] {
            let words = error.to_string();
            let converted = io::Error::from(error);
            assert_eq!((converted.kind(), converted.to_string()), (kind, words));
        }
    }

    #[test]
    fn only_what_ends_by_itself_is_waited_for() {
        let group = "g".parse().unwrap();
        for (error, in_view, passes) in [
            (ssp_core::SendError::Refreshing(group), true, true),
            (ssp_core::SendError::Unconfirmed(group), true, true),
            (ssp_core::SendError::NotAllowedToSend(group), false, true),
            (ssp_core::SendError::GroupNotSecure(group), false, true),
            (ssp_core::SendError::KeyExhausted, false, false),
            (
                ssp_core::SendError::IllegalMessageType(-32_767),
                false,
                false,
            ),
        ] {
            let failure = SendFailure::from(error);
            assert_eq!(failure.passes_in_view(), in_view, "{failure}");
            assert_eq!(failure.passes_by_itself(), passes, "{failure}");
        }
    }

    #[test]
    fn a_send_error_shows_its_reason_and_hides_the_payload() {
        let error = SendError {
            failure: SendFailure::ViewChanged {
                taken: ViewNumber(1),
                installed: ViewNumber(2),
            },
            payload: Bytes::from_static(b"secret"),
        };
        assert!(error.is_view_changed());
        assert!(error.to_string().contains("replaced by 2"));
        assert!(!format!("{error:?}").contains("secret"));
    }
}
