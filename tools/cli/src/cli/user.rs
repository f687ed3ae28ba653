//! Options of `ssp user`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use gcs_proto::name::{GroupName, PrivateName};
use ssp_tokio::Endpoint;

use crate::security::{Agreement, OPTIONS, REFRESHING, Refreshing, Sealing};

/// Options of `ssp user`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("layer").args(["plain", "flush"])),
    group(ArgGroup::new("secured").args(OPTIONS).args(REFRESHING)
        .args(["trust", "policy", "attempts"]).multiple(true).conflicts_with("layer")),
)]
pub(crate) struct User {
    /// Daemon: PORT@HOST, PORT (Unix socket) or HOST:PORT. May be repeated: they are tried in turn.
    #[arg(long, value_name = "DAEMON", default_value = "4803@localhost")]
    pub(crate) connect: Vec<Endpoint>,

    /// How many rounds of attempts, each over all daemons, to replace a lost connection; 0 for none.
    /// No limit by default.
    #[arg(long, value_name = "ROUNDS")]
    pub(crate) attempts: Option<u32>,

    /// Private name, at most 10 characters.
    #[arg(long)]
    pub(crate) name: PrivateName,

    /// Group to join at once.
    #[arg(long)]
    pub(crate) group: Option<GroupName>,

    /// Own private key (PEM), see `ssp identity new`; or private key and certificate, see
    /// `ssp cert issue`. Also proves the identity to a daemon that asks, with --plain and --flush too.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["plain", "flush"])]
    pub(crate) identity: Option<PathBuf>,

    /// Public keys of all members, see `ssp identity show`; or certificates of authorities and
    /// revocation lists (PEM), see `ssp cert`. May be repeated.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["plain", "flush"])]
    pub(crate) trust: Vec<PathBuf>,

    /// Rules on who may join, send and be heard; whatever no rule allows is denied.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Bare messages without views or keys.
    #[arg(long)]
    pub(crate) plain: bool,

    /// View-synchronous messages without keys.
    #[arg(long)]
    pub(crate) flush: bool,

    /// Ask before a view change; the command `flush GROUP` permits it.
    #[arg(long)]
    pub(crate) manual_flush: bool,

    /// How the key is agreed.
    #[command(flatten)]
    pub(crate) agreement: Agreement,

    /// How messages are sealed.
    #[command(flatten)]
    pub(crate) sealing: Sealing,

    /// When a new key is asked for.
    #[command(flatten)]
    pub(crate) refreshing: Refreshing,
}
