//! `ssp daemon`: the embedded daemon on sockets, until interrupted.

use gcs_daemon::{Daemon, VirtualDaemon};

use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
    signal::Interrupts,
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

    interrupts.next().await;
    daemon.shutdown().await;
    printer.print(&Event::new("stopped", "stopped"));
    Ok(())
}
