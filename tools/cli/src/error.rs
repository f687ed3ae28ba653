//! Errors of the command and its exit codes.

use std::{fmt, path::Path};

/// Why a subcommand did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something did not work; exit code 1.
    Failed(String),
    /// The command line or a command is wrong; exit code 2.
    Usage(String),
    /// Nobody reads standard output any more; exit code 1, without a word.
    NoReader,
}

impl Failure {
    /// A failure that names what it is about.
    pub(crate) fn of(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::Failed(format!("{what}: {error}"))
    }

    /// A failure about a file.
    pub(crate) fn of_file(path: &Path, error: impl fmt::Display) -> Self {
        Self::of(path.display(), error)
    }

    /// The exit code.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::NoReader => 1,
            Self::Usage(_) => 2,
        }
    }
}

impl From<ssp_tokio::files::FileError> for Failure {
    fn from(error: ssp_tokio::files::FileError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(text) | Self::Usage(text) => f.write_str(text),
            Self::NoReader => f.write_str("nobody reads standard output"),
        }
    }
}
