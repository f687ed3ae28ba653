//! Errors of the daemon towards the program that embeds it.
//!
//! Clients never see these: towards them the protocol knows refusal codes and the closed stream.

use std::io;

use gcs_proto::name::{DaemonName, MemberName, NameError};

/// Any error of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration needs a daemon.
    #[error("configuration without a daemon")]
    NoDaemon,
    /// More daemons than a configuration may have.
    #[error("configuration of {count} daemons, at most {max} allowed")]
    TooManyDaemons {
        /// Daemons configured.
        count: usize,
        /// Most allowed.
        max: usize,
    },
    /// Two daemons have the same name.
    #[error("daemon {0} is configured twice")]
    DuplicateDaemon(DaemonName),
    /// Two daemons have the same identifier, so their memberships could not be told apart.
    #[error("daemons {first} and {second} have the same address {address}")]
    DuplicateAddress {
        /// The one configured first.
        first: DaemonName,
        /// The other one.
        second: DaemonName,
        /// What they share.
        address: std::net::Ipv4Addr,
    },
    /// No such daemon in the configuration.
    #[error("daemon {0} is not in the configuration")]
    UnknownDaemon(DaemonName),
    /// The daemon was stopped before.
    #[error("daemon {0} is stopped")]
    DaemonStopped(DaemonName),
    /// The daemon runs already.
    #[error("daemon {0} is running")]
    DaemonRunning(DaemonName),
    /// A partition names a daemon in two places.
    #[error("partition names daemon {0} twice")]
    NamedTwice(DaemonName),
    /// A partition leaves a running daemon out.
    #[error("partition leaves out daemon {0}")]
    LeftOut(DaemonName),
    /// A text is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A line of the control protocol that makes no command.
    #[error(
        "\"{0}\" is no control command, one of partition, heal, hold, release, stop, start, drop, status, stats"
    )]
    Command(String),
    /// No session of that name is connected.
    #[error("no session {0} is connected")]
    UnknownMember(MemberName),
    /// The operating system refused a socket.
    #[error("{what}: {message}")]
    Io {
        /// What was to be done, with the address or path.
        what: String,
        /// Kind of the failure.
        kind: io::ErrorKind,
        /// The system's own words.
        message: String,
    },
    /// The daemon has been shut down.
    #[error("daemon has been shut down")]
    ShutDown,
}

impl Error {
    pub(crate) fn io(what: impl Into<String>, error: &io::Error) -> Self {
        Self::Io {
            what: what.into(),
            kind: error.kind(),
            message: error.to_string(),
        }
    }
}
