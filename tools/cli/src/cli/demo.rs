//! Options of `ssp demo`.

use std::path::PathBuf;

use clap::Args;

use crate::security::{Agreement, Sealing};

/// Options of `ssp demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Members to begin with, 3 to 32.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(3..=32))]
    pub(crate) members: u8,

    /// File to send to the group instead of a text.
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,

    /// How the key is agreed.
    #[command(flatten)]
    pub(crate) agreement: Agreement,

    /// How messages are sealed.
    #[command(flatten)]
    pub(crate) sealing: Sealing,
}
