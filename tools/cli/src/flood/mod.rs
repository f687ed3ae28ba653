//! `ssp flood`: how many messages go through, how long one takes, and how long a join takes.
//!
//! ```text
//!   throughput    sender ==> daemon ==> R receivers, or the sender itself       messages a second
//!   round trip    client --> daemon --> client, one message after the other     p50, p99
//!   joins         the n-th member joins, until its view is installed             flush, secure
//!   secure        bare and sealed messages by turns: what a message takes longer
//!   echo          bytes of the same sizes through a plain TCP echo, same run    what 1.0 would be
//! ```
//!
//! The embedded daemon serves unless `--connect` names another one. Every receiver checks that it
//! gets every message, in order.

mod echo;
mod joins;
mod layer;
mod load;
mod names;
mod peer;
mod report;
mod security;

use std::time::Duration;

use gcs_daemon::{Daemon, VirtualDaemon};
use ssp_core::{Algorithm, Protocol};
use ssp_tokio::Endpoint;

use crate::{
    cli::{self, Mode},
    error::Failure,
    output::{Event, Printer},
};
use layer::Layer;
use report::{Report, Throughput};
use security::Security;

/// How long anything may stand still before the run is given up.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Measurements by turns of bare and sealed messages.
const TURNS: usize = 3;

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
    let layer = match mode {
        Mode::Plain => Layer::Plain,
        Mode::Flush => Layer::Flush,
        Mode::Secure => Layer::Secure(Security::new(options)?),
    };
    let (throughput, plain) = if mode == Mode::Secure {
        // By turns, so that both see the machine in the same state; the medians count.
        let mut secure = Vec::new();
        let mut plain = Vec::new();
        for turn in 0..TURNS {
            plain.push(load::throughput(options, &Layer::Plain, endpoint, 2 * turn).await?);
            secure.push(load::throughput(options, &layer, endpoint, 2 * turn + 1).await?);
        }
        (median(secure)?, Some(median(plain)?))
    } else {
        (load::throughput(options, &layer, endpoint, 0).await?, None)
    };
    tell("round trips");
    let round_trip = load::round_trips(options, &layer, endpoint).await?;
    tell("echo");
    let echo = echo::measure(options).await?;
    let mut joins = Vec::new();
    if let Some(members) = options.members {
        tell("joins");
        let layers = match &layer {
            Layer::Plain => Vec::new(),
            Layer::Flush => vec![("flush", Layer::Flush)],
            Layer::Secure(security) => joining(security),
        };
        joins = joins::measure(endpoint, &layers, members, options.rounds).await?;
    }
    Ok(Report {
        mode,
        size: options.size,
        count: options.count,
        receivers: options.receivers,
        throughput,
        plain,
        security: options.agreement.options(&options.sealing),
        round_trip,
        echo,
        joins,
    })
}

/// Whose joins are measured: those of the suite that was asked for, or else of the two that scale.
fn joining(security: &Security) -> Vec<(&'static str, Layer)> {
    let secure = |protocol, algorithm| Layer::Secure(security.with(protocol, algorithm));
    let mut layers = vec![("flush", Layer::Flush)];
    let protocol = security.options.protocol;
    if protocol == Protocol::GDH && security.options.algorithm.is_none() {
        layers.extend([
            ("tgdh", secure(Protocol::TGDH, None)),
            ("gdh", secure(Protocol::GDH, Some(Algorithm::Optimized))),
            ("gdh-basic", secure(Protocol::GDH, None)),
        ]);
    } else {
        layers.push((protocol.as_str(), Layer::Secure(security.clone())));
    }
    layers
}

fn median(mut measured: Vec<Throughput>) -> Result<Throughput, Failure> {
    measured.sort_by_key(|one| one.time);
    let middle = measured.len() / 2;
    let one = measured.get(middle).copied();
    one.ok_or_else(|| Failure::Failed("nothing was measured".into()))
}

/// Gives up what stands still.
async fn in_time<T>(
    what: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(TIME_LIMIT, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::of(what, "nothing came for 30 seconds")),
    }
}
