//! Errors of this crate.

use cliques::Protocol;

use crate::algorithm::Algorithm;

/// Why a call of the application failed; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No key is installed.
    #[error("group has no key yet")]
    GroupNotSecure,
    /// A refresh is under way; sending is possible again when it is done.
    #[error("key is being refreshed")]
    Refreshing,
    /// The application has permitted the view change and must wait for the next secure view.
    #[error("flush permission was given, no sending until the next secure view")]
    NotAllowedToSend,
    /// Permission to flush was given without a request.
    #[error("no flush request is open")]
    IllegalFlushOk,
    /// Permission to flush was given twice.
    #[error("flush permission was given already")]
    FlushOkAlreadySent,
    /// The algorithm does not support the suite.
    #[error("no algorithm \"{algorithm}\" for suite {protocol}")]
    UnsupportedAlgorithm {
        /// The suite.
        protocol: Protocol,
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A bug in this crate or in the suite below.
    #[error("internal inconsistency: {0}")]
    Internal(&'static str),
}
