//! Errors of this crate.
//!
//! A call that returns an error has changed nothing. Input from the network never causes an error: what
//! is invalid is dropped, counted and, where the application should know, reported as an event.
//!
//! [`Error::code`] and [`SendError::code`] are stable numbers: that of the Secure Spread library where it has
//! one for the same error (secure layer notes, section 3), else a number below -1000.

use alloc::string::String;

use cliques::Protocol;
use gcs_proto::{name::GroupName, service::Service};
use gka_robust::Algorithm;

use crate::{
    access::Action,
    event::ViewNumber,
    identity::{IdentityError, TrustError},
    kind::GroupKind,
};

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a member of the group.
    #[error("not a member of group {0}")]
    NotJoined(GroupName),
    /// Already a member, or joining or leaving.
    #[error("group {0} is already joined or being left")]
    AlreadyJoined(GroupName),
    /// The group is being left.
    #[error("group {0} is being left")]
    Leaving(GroupName),
    /// The group is of another kind than the call is for.
    #[error("group {group} is {kind} here, the call is for {wanted} groups")]
    WrongKind {
        /// The group.
        group: GroupName,
        /// Its kind.
        kind: GroupKind,
        /// The kind that the call is for.
        wanted: GroupKind,
    },
    /// A flush-only group has a newer view than the one named by the caller.
    #[error("view of group {0} has been replaced")]
    Outdated(GroupName),
    /// The engine does not offer the service.
    #[error("{wanted} is not available, {strongest} is the strongest service")]
    Service {
        /// Service wanted.
        wanted: Service,
        /// Strongest service of the engine.
        strongest: Service,
    },
    /// The group has no key at present.
    #[error("group {0} has no key")]
    GroupNotSecure(GroupName),
    /// The key is being refreshed.
    #[error("key of group {0} is being refreshed")]
    Refreshing(GroupName),
    /// The view is being replaced, which gives a new key anyway.
    #[error("view of group {0} is being replaced")]
    Flushing(GroupName),
    /// There is no flush request to answer.
    #[error("no flush request is open in group {0}")]
    IllegalFlushOk(GroupName),
    /// The flush request was answered before.
    #[error("flush request of group {0} was already answered")]
    FlushOkAlreadySent(GroupName),
    /// The export is too long.
    #[error("export of {length} bytes, at most {max} are possible")]
    ExportLength {
        /// Bytes wanted.
        length: usize,
        /// Most bytes.
        max: usize,
    },
    /// The label of the export is too long.
    #[error("export label of {length} bytes, at most {max} are possible")]
    ExportLabel {
        /// Its length in bytes.
        length: usize,
        /// Most bytes.
        max: usize,
    },
    /// The access policy does not allow it.
    #[error("{action} in group {group} is not allowed: {reason}")]
    Denied {
        /// The group.
        group: GroupName,
        /// The action.
        action: Action,
        /// The reason that the policy gives.
        reason: String,
    },
    /// The suite does not support the algorithm.
    #[error("no algorithm \"{algorithm}\" for suite {protocol}")]
    Algorithm {
        /// The suite.
        protocol: Protocol,
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A key file cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A trust file cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// An error of the engine or the flush layer.
    #[error(transparent)]
    Engine(gcs_proto::Error),
    /// The connection is closed.
    #[error("connection is closed")]
    Closed,
    /// A bug in this crate or below it.
    #[error("internal inconsistency: {0}")]
    Internal(&'static str),
}

impl Error {
    /// Stable number of the error.
    pub const fn code(&self) -> i32 {
        match self {
            Self::NotJoined(_)
            | Self::AlreadyJoined(_)
            | Self::Leaving(_)
            | Self::WrongKind { .. } => code::ILLEGAL_GROUP,
            Self::Outdated(_) => code::VIEW_CHANGED,
            Self::Service { .. } => code::ILLEGAL_SERVICE,
            Self::GroupNotSecure(_) => code::GROUP_NOT_SECURE,
            Self::IllegalFlushOk(_) => code::ILLEGAL_STATE,
            Self::FlushOkAlreadySent(_) => code::FLUSH_OK_ALREADY_SENT,
            Self::Flushing(_) => code::NOT_ALLOWED_TO_SEND,
            Self::ExportLength { .. } | Self::ExportLabel { .. } => code::INVALID_PARAM,
            Self::Engine(error) => error.code().number(),
            Self::Closed => code::CONNECTION_CLOSED,
            Self::Refreshing(_) => code::REFRESHING,
            Self::Identity(_) | Self::Trust(_) => code::IDENTITY,
            Self::Denied { .. } => code::DENIED,
            Self::Algorithm { .. } => code::KEY_AGR_NOT_SUPPORTED,
            Self::Internal(_) => code::INTERNAL,
        }
    }
}

impl From<gcs_proto::Error> for Error {
    fn from(error: gcs_proto::Error) -> Self {
        match error {
            gcs_proto::Error::Closed(_) => Self::Closed,
            other => Self::Engine(other),
        }
    }
}

/// Why a message was not sent. The caller still has the payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Not a member of the group, or leaving it.
    #[error("not a member of group {0}")]
    NotJoined(GroupName),
    /// The group is not a secure one.
    #[error("group {group} is {kind} here, the message is for a secure group")]
    WrongKind {
        /// The group.
        group: GroupName,
        /// Its kind.
        kind: GroupKind,
    },
    /// The view named by the caller has been replaced.
    #[error("secure view {wanted} has been replaced, {installed} is installed")]
    ViewChanged {
        /// The view named by the caller.
        wanted: ViewNumber,
        /// The secure view installed last.
        installed: ViewNumber,
    },
    /// There is no key yet, or there can be none.
    #[error("group {0} has no key")]
    GroupNotSecure(GroupName),
    /// The view change was permitted: nothing may be sent until the next secure view.
    #[error(
        "view of group {0} is being replaced, sending is possible again in the next secure view"
    )]
    NotAllowedToSend(GroupName),
    /// The key is being refreshed: try again when the new one is installed.
    #[error("key of group {0} is being refreshed")]
    Refreshing(GroupName),
    /// The message type is reserved for the layers below.
    #[error("message type {0} is reserved, -32737 is the lowest free one")]
    IllegalMessageType(i16),
    /// The engine does not offer the service.
    #[error("{wanted} is not available, {strongest} is the strongest service")]
    Service {
        /// Service wanted.
        wanted: Service,
        /// Strongest service of the engine.
        strongest: Service,
    },
    /// A message in parts needs FIFO or a stronger service.
    #[error("{0} messages cannot be sent in parts, FIFO or stronger is needed")]
    Unordered(Service),
    /// The payload is too long.
    #[error("payload of {length} bytes, at most {max} are possible")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// Most bytes.
        max: usize,
    },
    /// Not all members have confirmed the key: try again when they have.
    #[error("key of group {0} is not confirmed by all members")]
    Unconfirmed(GroupName),
    /// The key of the earlier parts has been replaced: they are lost.
    #[error("key of group {0} has been replaced, a message in parts must be started again")]
    KeyChanged(GroupName),
    /// The access policy does not allow it.
    #[error("sending in group {group} is not allowed: {reason}")]
    Denied {
        /// The group.
        group: GroupName,
        /// The reason that the policy gives.
        reason: String,
    },
    /// This member has sealed as much under the present key as is safe: refresh it.
    #[error("key is exhausted, refresh it")]
    KeyExhausted,
    /// An error of the engine or the flush layer.
    #[error(transparent)]
    Engine(gcs_proto::Error),
    /// The connection is closed.
    #[error("connection is closed")]
    Closed,
    /// A bug in this crate or below it.
    #[error("internal inconsistency: {0}")]
    Internal(&'static str),
}

impl SendError {
    /// Stable number of the error.
    pub const fn code(&self) -> i32 {
        match self {
            Self::NotJoined(_) | Self::WrongKind { .. } => code::ILLEGAL_GROUP,
            Self::ViewChanged { .. } => code::VIEW_CHANGED,
            Self::GroupNotSecure(_) => code::GROUP_NOT_SECURE,
            Self::NotAllowedToSend(_) => code::NOT_ALLOWED_TO_SEND,
            Self::Refreshing(_) => code::REFRESHING,
            Self::IllegalMessageType(_) => code::ILLEGAL_MESSAGE_TYPE,
            Self::Service { .. } => code::ILLEGAL_SERVICE,
            Self::Unordered(_) => code::ILLEGAL_SERVICE,
            Self::TooLong { .. } => code::MESSAGE_TOO_LONG,
            Self::KeyExhausted => code::ENCRYPT_FAILED,
            Self::Unconfirmed(_) => code::UNCONFIRMED,
            Self::KeyChanged(_) => code::VIEW_CHANGED,
            Self::Denied { .. } => code::DENIED,
            Self::Engine(error) => error.code().number(),
            Self::Closed => code::CONNECTION_CLOSED,
            Self::Internal(_) => code::INTERNAL,
        }
    }

    /// Whether the same call can succeed later, without another secure view.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Refreshing(_) | Self::Unconfirmed(_) | Self::KeyExhausted => true,
            Self::NotJoined(_)
            | Self::WrongKind { .. }
            | Self::ViewChanged { .. }
            | Self::GroupNotSecure(_)
            | Self::NotAllowedToSend(_)
            | Self::IllegalMessageType(_)
            | Self::Service { .. }
            | Self::Unordered(_)
            | Self::TooLong { .. }
            | Self::KeyChanged(_)
            | Self::Denied { .. }
            | Self::Engine(_)
            | Self::Closed
            | Self::Internal(_) => false,
        }
    }
}

impl From<gcs_proto::Error> for SendError {
    fn from(error: gcs_proto::Error) -> Self {
        match error {
            gcs_proto::Error::Closed(_) => Self::Closed,
            other => Self::Engine(other),
        }
    }
}

/// Stable numbers of errors.
pub mod code {
    /// The service does not exist.
    pub const ILLEGAL_SERVICE: i32 = -12;
    /// The connection is closed.
    pub const CONNECTION_CLOSED: i32 = -8;
    /// Not a member of the group, or in the wrong state of membership.
    pub const ILLEGAL_GROUP: i32 = -14;
    /// The message is too long.
    pub const MESSAGE_TOO_LONG: i32 = -17;
    /// The message type is reserved.
    pub const ILLEGAL_MESSAGE_TYPE: i32 = -26;
    /// The call does not fit the state of the view.
    pub const ILLEGAL_STATE: i32 = -27;
    /// A message could not be opened.
    pub const DECRYPT_FAILED: i32 = -50;
    /// A message could not be sealed.
    pub const ENCRYPT_FAILED: i32 = -51;
    /// There is no key.
    pub const GROUP_NOT_SECURE: i32 = -52;
    /// The record suite is not supported.
    pub const ENCRYPTION_NOT_SUPPORTED: i32 = -53;
    /// The key agreement suite is not supported.
    pub const KEY_AGR_NOT_SUPPORTED: i32 = -54;
    /// The flush request was answered already.
    pub const FLUSH_OK_ALREADY_SENT: i32 = -55;
    /// Nothing may be sent until the next secure view.
    pub const NOT_ALLOWED_TO_SEND: i32 = -56;
    /// An argument is illegal.
    pub const INVALID_PARAM: i32 = -57;
    /// The secure view was replaced.
    pub const VIEW_CHANGED: i32 = -1001;
    /// The key is being refreshed.
    pub const REFRESHING: i32 = -1002;
    /// A key file, a trust file or the own identity cannot be used.
    pub const IDENTITY: i32 = -1003;
    /// The access policy does not allow it.
    pub const DENIED: i32 = -1004;
    /// Not all members have confirmed the key.
    pub const UNCONFIRMED: i32 = -1005;
    /// A bug.
    pub const INTERNAL: i32 = -1099;
}
