//! The router on sockets: a tokio server.
//!
//! ```text
//!   client A ==> task A: decode, many requests at a time --\
//!                        outbox A ==> client A    <---------+-- hub: Router behind a lock
//!   client B ==> task B: decode ---------------------------+
//!                        outbox B ==> client B    <---------+
//!   controls, console --> controller: sockets, network ----/
//! ```
//!
//! A session is one task that runs its reader and its writer side by side. Its reader brings
//! requests to the hub itself, so a message that comes back to its sender, or goes to another
//! session, wakes nobody but the receiver. Bytes are decoded and written outside of the lock, and
//! no lock is held across an await.
//!
//! Queues are bounded: a client that does not read fills its `outbox` and is closed by the next
//! message, after whoever sends to it has waited for it a limited time. A client that runs ahead
//! of what it receives feels that its requests are no longer read; it never hangs for good,
//! because it either reads or is closed. When the hub ends a session, output stops at once,
//! whatever is queued; when its client ends it, the hub learns of it behind its requests. Only the
//! reader notices the end: what a client sent before it went is carried out even if nothing can be
//! written to it any more.

mod builder;
mod client;
pub mod console;
mod control;
mod controller;
mod gate;
mod handshake;
mod hub;
mod outbox;
mod ports;
mod reader;
mod shared;
mod stats;
mod tap;
mod writer;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use gcs_proto::name::DaemonName;
use tokio::{
    io::DuplexStream,
    sync::{mpsc, watch},
};

pub use self::{
    builder::{Builder, VirtualDaemon},
    control::Control,
    outbox::QueueBounds,
    shared::{FAREWELL, HANDSHAKE_TIME, PROOF_TIME},
    stats::Stats,
    tap::{Direction, TAP_BYTES, Tap, TapRecord},
};
use self::{
    client::Acceptor,
    controller::ORDERS,
    hub::{Hub, now},
    ports::{Access, Ports, bind_unix},
    shared::{Shared, TaskGuard},
};
use crate::{access::Origin, error::Error, router::Router};

/// Bytes on their way in an in-process stream, each direction.
const IN_PROCESS_BUFFER: usize = 256 << 10;

/// A running group communication daemon, or several virtual ones in one process.
///
/// Dropping it ends all sessions and closes all sockets soon; [`shutdown`](Self::shutdown) also
/// waits until that is done.
#[derive(Debug)]
pub struct Daemon {
    acceptors: BTreeMap<DaemonName, Acceptor>,
    addresses: BTreeMap<DaemonName, Vec<SocketAddr>>,
    control: Control,
    tap: Tap,
    runtime: tokio::runtime::Handle,
    // Dropping it tells every task to end.
    shutdown: watch::Sender<()>,
    // Ends when every task has ended.
    ended: mpsc::Receiver<()>,
}

impl Daemon {
    /// Starts collecting virtual daemons.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn start(builder: Builder) -> Result<Self, Error> {
        let configuration = builder.configuration()?;
        let router = Router::with_policy(configuration, builder.policy, now());
        let hub = Arc::new(Hub::new(router, builder.bounds));
        let (orders, inbox) = mpsc::channel(ORDERS);
        let (shutdown, stopping) = watch::channel(());
        let (guard, ended) = TaskGuard::new();
        let tap = Tap::default();
        let control = Control::new(orders, Arc::clone(&hub));
        let shared = Shared::new(
            Arc::clone(&hub),
            builder.authentication.with_proof(builder.proof),
            tap.clone(),
            stopping.clone(),
            guard.clone(),
        );

        let mut ports = Ports::default();
        let mut acceptors = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        let opened = async {
            for daemon in &builder.daemons {
                let acceptor = Acceptor::new(daemon.name, Arc::clone(&shared));
                ports.add(daemon, acceptor.clone());
                addresses.insert(daemon.name, ports.open(&daemon.name).await?);
                acceptors.insert(daemon.name, acceptor);
            }
            builder
                .control
                .map(|path| bind_unix(&path, Access::Owner).map(|listener| (listener, path)))
                .transpose()
        }
        .await;
        let console = match opened {
            Ok(console) => console,
            Err(error) => {
                ports.close_all().await;
                return Err(error);
            }
        };
        if let Some((listener, path)) = console {
            tokio::spawn(console::serve(
                listener,
                path,
                control.clone(),
                stopping.clone(),
                guard.clone(),
            ));
        }
        tokio::spawn(async move {
            let _guard = guard;
            controller::run(hub, ports, inbox, stopping).await;
        });
        Ok(Self {
            acceptors,
            addresses,
            control,
            tap,
            runtime: tokio::runtime::Handle::current(),
            shutdown,
            ended,
        })
    }

    /// The first TCP address of a virtual daemon, with the port it really has.
    #[must_use]
    pub fn local_addr(&self, name: &DaemonName) -> Option<SocketAddr> {
        self.local_addrs(name).first().copied()
    }

    /// All TCP addresses of a virtual daemon.
    #[must_use]
    pub fn local_addrs(&self, name: &DaemonName) -> &[SocketAddr] {
        self.addresses.get(name).map_or(&[], Vec::as_slice)
    }

    /// Connects to a virtual daemon without a socket. The stream speaks the client protocol from
    /// its first byte, like any other; dropping it is a crash of the client.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`].
    pub fn connect_in_process(&self, name: &DaemonName) -> Result<DuplexStream, Error> {
        let acceptor = self
            .acceptors
            .get(name)
            .ok_or(Error::UnknownDaemon(*name))?;
        let (ours, theirs) = tokio::io::duplex(IN_PROCESS_BUFFER);
        let (reader, writer) = tokio::io::split(ours);
        let _in_runtime = self.runtime.enter();
        acceptor.admit(reader, writer, Origin::Local);
        Ok(theirs)
    }

    /// The controls.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Records all bytes that cross the daemon from now on; meant for tests.
    #[must_use]
    pub fn tap(&self) -> Tap {
        self.tap.start();
        self.tap.clone()
    }

    /// Ends in good order: takes no more from clients, writes what waits for them for at most
    /// [`FAREWELL`], ends all sessions, closes all sockets, and waits until no task is left.
    ///
    /// # Cancel safety
    /// A call that is dropped takes effect all the same, only the waiting ends.
    pub async fn shutdown(self) {
        let Self {
            acceptors,
            mut ended,
            shutdown,
            ..
        } = self;
        drop(shutdown);
        drop(acceptors);
        // Nothing is ever sent: this ends when the last task has dropped its sender.
        let _ = ended.recv().await;
    }
}
