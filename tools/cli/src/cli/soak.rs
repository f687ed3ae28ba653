//! Options of `ssp soak`.

use clap::Args;
use ssp_core::Protocol;

/// Options of `ssp soak`.
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// Minutes in total, shared among the suites; each suite has at least one round.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) minutes: f64,

    /// Most members at a time.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u8).range(2..=100))]
    pub(crate) members: u8,

    /// Virtual daemons.
    #[arg(long = "virtual", value_name = "V", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) daemons: u8,

    /// Only this suite.
    #[arg(long, visible_alias = "suite")]
    pub(crate) protocol: Option<Protocol>,

    /// Milliseconds between two messages of a member.
    #[arg(long, value_name = "MS", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) pause: u64,

    /// Repeats the choices of the run that printed this seed; message timing may differ.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}
