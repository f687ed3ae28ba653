//! Options of `ssp flood`.

use clap::{ArgGroup, Args};
use gcs_proto::service::Service;
use ssp_tokio::Endpoint;

use crate::security::{Agreement, OPTIONS, Sealing};

/// Which layer is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Bare messages.
    Plain,
    /// The flush layer.
    Flush,
    /// Secure groups.
    Secure,
}

impl Mode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Flush => "flush",
            Self::Secure => "secure",
        }
    }
}

/// Options of `ssp flood`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("mode").args(["plain", "flush", "secure"])),
    group(ArgGroup::new("secured").args(OPTIONS).multiple(true)
        .requires("secure").conflicts_with_all(["plain", "flush"])),
)]
pub(crate) struct Flood {
    /// Measure bare messages (the default).
    #[arg(long)]
    pub(crate) plain: bool,

    /// Measure the flush layer.
    #[arg(long)]
    pub(crate) flush: bool,

    /// Measure secure groups against bare messages by turns, on the same daemon.
    #[arg(long)]
    pub(crate) secure: bool,

    /// Daemon to use instead of an embedded one.
    #[arg(long, value_name = "DAEMON")]
    pub(crate) connect: Option<Endpoint>,

    /// Bytes of a message.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    pub(crate) size: usize,

    /// Messages to send.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,

    /// Clients that receive; with 0 the sender receives its own messages.
    #[arg(long, default_value_t = 0)]
    pub(crate) receivers: u16,

    /// Service of the messages.
    #[arg(long, default_value_t = Service::Agreed)]
    pub(crate) service: Service,

    /// With --flush or --secure: also measure joins, one member after the other, up to this many;
    /// with --secure of TGDH and GDH beside the flush layer.
    #[arg(long, value_name = "N", conflicts_with = "plain", requires = "mode")]
    pub(crate) members: Option<usize>,

    /// Rounds of joins, of which the median counts.
    #[arg(long, default_value_t = 5, requires = "members")]
    pub(crate) rounds: usize,

    /// With --secure: how the key is agreed.
    #[command(flatten)]
    pub(crate) agreement: Agreement,

    /// With --secure: how messages are sealed.
    #[command(flatten)]
    pub(crate) sealing: Sealing,
}

impl Flood {
    /// Which layer to measure.
    pub(crate) const fn mode(&self) -> Mode {
        match (self.flush, self.secure) {
            (_, true) => Mode::Secure,
            (true, false) => Mode::Flush,
            (false, false) => Mode::Plain,
        }
    }

    /// Round trips to measure: fewer than messages, they go one at a time.
    pub(crate) fn round_trips(&self) -> usize {
        usize::try_from(self.count / 50)
            .unwrap_or(usize::MAX)
            .clamp(10, 5_000)
    }
}
