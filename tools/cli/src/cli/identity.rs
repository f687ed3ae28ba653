//! Options of `ssp identity`.

use std::path::PathBuf;

use clap::Subcommand;

/// Subcommands of `ssp identity`.
#[derive(Debug, Subcommand)]
pub(crate) enum Identity {
    /// Make an Ed25519 key and write it to a new file that only its owner may read.
    #[command(after_help = "Example:\n  ssp identity new alice.key")]
    New {
        /// File to write (PKCS#8 PEM, mode 0600); must not exist.
        file: PathBuf,
    },
    /// Print the line of a trust file for a key.
    #[command(after_help = "Example:\n  ssp identity show alice.key --name alice >> trust")]
    Show {
        /// File of the private key.
        file: PathBuf,
        /// Member: a private name (at any daemon), or a private group such as #alice#n1.
        #[arg(long)]
        name: String,
    },
}
