//! `ssp daemon`: the embedded daemon on sockets, until interrupted.

use std::path::PathBuf;

use gcs_daemon::{Daemon, VirtualDaemon, access::ProofOfIdentity};
use ssp_tokio::files;

use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
    signal::{Hangups, Interrupts},
};

pub(crate) async fn run(options: cli::Daemon, printer: Printer) -> Result<(), Failure> {
    // From here on: one that comes while the daemon starts is not lost.
    let mut interrupts = Interrupts::listen()?;
    let mut first = VirtualDaemon::new(options.name).listen(options.listen);
    if let Some(path) = &options.unix {
        first = first.unix(path);
    }
    let mut builder = Daemon::builder().daemon(first);
    for other in &options.virtual_daemons {
        builder = builder.daemon(VirtualDaemon::new(other.name).listen(other.address));
    }
    if let Some(path) = &options.control {
        builder = builder.control(path);
    }
    if let Some(list) = options.allow {
        builder = builder.policy(list);
    }
    let proof = if options.trust.is_empty() {
        None
    } else {
        let proof = ProofOfIdentity::new(files::trust(&options.trust)?);
        Some(if options.guard.is_empty() {
            proof
        } else {
            proof.for_joins_of(options.guard)
        })
    };
    if let Some(proof) = &proof {
        builder = builder.proof_of_identity(proof.clone());
    }
    // From here on, if there is anything to read again.
    let mut hangups = proof.is_some().then(Hangups::listen).transpose()?;
    let daemon = builder
        .start()
        .await
        .map_err(|error| Failure::Failed(error.to_string()))?;

    let names = std::iter::once(options.name).chain(options.virtual_daemons.iter().map(|d| d.name));
    for name in names {
        for address in daemon.local_addrs(&name) {
            printer.print(
                &Event::new("listening", format!("daemon {name} listens on {address}"))
                    .with("daemon", name.as_str())
                    .with("address", address.to_string()),
            );
        }
    }
    if let Some(path) = &options.unix {
        let path = path.display().to_string();
        printer.print(
            &Event::new(
                "listening",
                format!("daemon {} listens on {path}", options.name),
            )
            .with("daemon", options.name.as_str())
            .with("path", path),
        );
    }
    if let Some(path) = &options.control {
        let path = path.display().to_string();
        printer.print(&Event::new("control", format!("control on {path}")).with("path", path));
    }

    let reloading = async {
        match (&proof, &mut hangups) {
            (Some(proof), Some(hangups)) => reload(proof, &options.trust, hangups, printer).await,
            (None, _) | (_, None) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupts.next() => {}
        () = reloading => {}
    }
    daemon.shutdown().await;
    printer.print(&Event::new("stopped", "stopped"));
    Ok(())
}

/// Reads the trust files again whenever asked to, for as long as that may be. Files that cannot be
/// used change nothing.
async fn reload(
    proof: &ProofOfIdentity,
    files: &[PathBuf],
    hangups: &mut Hangups,
    printer: Printer,
) {
    loop {
        hangups.next().await;
        match files::trust(files) {
            Ok(trust) => {
                proof.set_trust(trust);
                printer.print(&Event::new("reloaded", "trust files read again"));
            }
            Err(error) => {
                let error = error.to_string();
                let text = format!("! trust stays as it is: {error}");
                printer.print(&Event::new("error", text).with("error", error));
            }
        }
    }
}
