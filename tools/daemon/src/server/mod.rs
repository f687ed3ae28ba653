//! The router on sockets: a tokio server.
//!
//! ```text
//!   client A ==> reader A --\                              /--> queue A --> writer A ==> client A
//!   client B ==> reader B ----> orders --> hub (Router) ------> queue B --> writer B ==> client B
//!   controls, console  -----/   bounded                    \    bounded
//! ```
//!
//! Data flows one way round. A reader waits where the orders are full, and so its client feels it.
//! The hub never waits for a client for long (see `hub`): a client that does not read fills its
//! queue of [`QUEUED_MESSAGES`](gcs_proto::limits::QUEUED_MESSAGES) and is closed by the next
//! message. No lock is held across an await, nothing is shared but channels.
//!
//! A session is one task that runs its reader and its writer side by side. When the hub ends it,
//! output stops at once, whatever is queued; when its client ends it, the hub learns of it in the
//! order of its requests. Only the reader notices the end: what a client sent before it went is
//! carried out even if nothing can be written to it any more.

mod builder;
pub mod console;
mod control;
mod handshake;
mod hub;
mod ports;
mod session;
mod tap;

use std::{collections::BTreeMap, net::SocketAddr};

use gcs_proto::name::DaemonName;
use tokio::{
    io::DuplexStream,
    sync::{mpsc, watch},
};

pub use self::{
    builder::{Builder, VirtualDaemon},
    control::{Control, Stats},
    session::HANDSHAKE_TIME,
    tap::{Direction, TAP_BYTES, Tap, TapRecord},
};
use self::{
    hub::{Hub, ORDERS, now},
    ports::{Access, Ports, bind_unix},
    session::{Alive, Entrance, House},
};
use crate::{error::Error, router::Router};

/// Bytes on their way in an in-process stream, each direction.
const IN_PROCESS_BUFFER: usize = 256 << 10;

/// A running group communication daemon, or several virtual ones in one process.
///
/// Dropping it ends all sessions and closes all sockets soon; [`shutdown`](Self::shutdown) also
/// waits until that is done.
#[derive(Debug)]
pub struct Daemon {
    entrances: BTreeMap<DaemonName, Entrance>,
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
        let router = Router::new(builder.configuration()?, now());
        let (orders, inbox) = mpsc::channel(ORDERS);
        let (shutdown, stopping) = watch::channel(());
        let (alive, ended) = Alive::new();
        let tap = Tap::default();
        let control = Control::new(orders.clone());
        let house = House::new(orders, tap.clone(), stopping.clone(), alive.clone());

        let mut ports = Ports::default();
        let mut entrances = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        let opened = async {
            for daemon in &builder.daemons {
                let entrance = house.entrance(daemon.name);
                ports.add(daemon, entrance.clone());
                addresses.insert(daemon.name, ports.open(&daemon.name).await?);
                entrances.insert(daemon.name, entrance);
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
                alive.clone(),
            ));
        }
        let hub = Hub::new(router, ports);
        tokio::spawn(async move {
            let _alive = alive;
            hub.run(inbox, stopping).await;
        });
        Ok(Self {
            entrances,
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
        let entrance = self
            .entrances
            .get(name)
            .ok_or(Error::UnknownDaemon(*name))?;
        let (ours, theirs) = tokio::io::duplex(IN_PROCESS_BUFFER);
        let (reader, writer) = tokio::io::split(ours);
        let _in_runtime = self.runtime.enter();
        entrance.admit(reader, writer);
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

    /// Ends all sessions, closes all sockets, and waits until no task is left.
    ///
    /// # Cancel safety
    /// A call that is dropped takes effect all the same, only the waiting ends.
    pub async fn shutdown(self) {
        let Self {
            entrances,
            mut ended,
            shutdown,
            ..
        } = self;
        drop(shutdown);
        drop(entrances);
        // Nothing is ever sent: this ends when the last task has dropped its sender.
        let _ = ended.recv().await;
    }
}
