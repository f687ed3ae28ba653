//! Errors of this crate.

use cliques::Protocol;

use crate::algorithm::Algorithm;

/// Why an application's call was not carried out; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No key is installed.
    #[error("group has no key yet")]
    GroupNotSecure,
    /// A refresh is under way; sending goes on when it is done.
    #[error("key is being refreshed")]
    Refreshing,
    /// The application has permitted the view change and must wait for the next secure view.
    #[error("flush permission was given, no sending until the next secure view")]
    NotAllowedToSend,
    /// Permission to flush was given although nobody asked.
    #[error("no flush request is open")]
    IllegalFlushOk,
    /// Permission to flush was given twice.
    #[error("flush permission was given already")]
    FlushOkAlreadySent,
    /// There is no such algorithm for the suite.
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
