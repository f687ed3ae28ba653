//! `ssp flood`: how many messages go through, how long one takes, and how long a join takes.
//!
//! ```text
//!   throughput    sender ==> daemon ==> R receivers, or the sender itself       messages a second
//!   round trip    client --> daemon --> client, one message after the other     p50, p99
//!   joins         the n-th member joins, until its view is installed             flush layer only
//!   echo          bytes of the same sizes through a plain TCP echo, same run    what 1.0 would be
//! ```
//!
//! The embedded daemon serves unless `--connect` names another one. Every receiver checks that it
//! gets every message, in order.

mod echo;
mod joins;
mod load;
mod peer;
mod report;

use std::time::Duration;

use gcs_daemon::{Daemon, VirtualDaemon};
use ssp_tokio::Endpoint;

use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
};
use report::Report;

/// How long anything may stand still before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which layer is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Bare messages.
    Plain,
    /// The flush layer.
    Flush,
}

impl Mode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Flush => "flush",
        }
    }
}

pub(crate) async fn run(options: cli::Flood, printer: Printer) -> Result<(), Failure> {
    let (endpoint, daemon) = match options.connect.clone() {
        Some(endpoint) => (endpoint, None),
        None => {
            let (endpoint, daemon) = embedded().await?;
            (endpoint, Some(daemon))
        }
    };
    let measured = measure(&options, &endpoint, printer).await;
    if let Some(daemon) = daemon {
        daemon.shutdown().await;
    }
    let report = measured?;
    printer.print(&report.event());
    Ok(())
}

/// A daemon on a free port of the loopback interface.
async fn embedded() -> Result<(Endpoint, Daemon), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::of("embedded daemon", error);
    let name = "n1"
        .parse()
        .map_err(|error: gcs_proto::name::NameError| failed(&error))?;
    let daemon = Daemon::builder()
        .daemon(VirtualDaemon::new(name).listen(([127, 0, 0, 1], 0).into()))
        .start()
        .await
        .map_err(|error| failed(&error))?;
    let address = daemon
        .local_addr(&name)
        .ok_or_else(|| failed(&"no address"))?;
    Ok((address.into(), daemon))
}

async fn measure(
    options: &cli::Flood,
    endpoint: &Endpoint,
    printer: Printer,
) -> Result<Report, Failure> {
    let mode = options.mode();
    let tell = |what: &str| printer.print(&Event::new("phase", what).with("phase", what));
    tell("throughput");
    let throughput = load::throughput(options, mode, endpoint).await?;
    tell("round trips");
    let round_trip = load::round_trips(options, mode, endpoint).await?;
    tell("echo");
    let echo = echo::measure(options).await?;
    let joins = match (mode, options.members) {
        (Mode::Flush, Some(members)) => {
            tell("joins");
            joins::measure(endpoint, members, options.rounds).await?
        }
        (Mode::Plain | Mode::Flush, _) => Vec::new(),
    };
    Ok(Report {
        mode,
        size: options.size,
        count: options.count,
        receivers: options.receivers,
        throughput,
        round_trip,
        echo,
        joins,
    })
}

/// Gives up what stands still.
async fn in_time<T>(
    what: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::of(what, "nothing came for 30 seconds")),
    }
}
