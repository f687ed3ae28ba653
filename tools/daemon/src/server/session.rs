//! One client: its handshake, then its reader and its writer side by side.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use gcs_proto::name::{DaemonName, MemberName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::timeout,
};
use tracing::debug;

use super::{
    gate::Gate,
    handshake::{self, Accepted},
    hub::{Hub, Reservation},
    reader::Client,
    tap::{Direction, Tap, TapRecord},
    writer::write,
};
use crate::access::{Authentication, Origin};

/// How long a client may take for its handshake (ours).
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a client may take to prove who it is before a join (ours).
pub const PROOF_TIME: Duration = Duration::from_secs(10);
/// How long a daemon that is shut down writes what waits for a client (ours).
pub const FAREWELL: Duration = Duration::from_millis(500);

/// Most handshakes going on at once (ours); a connection beyond is closed at once.
const HANDSHAKES: usize = 256;

/// Held by every task; when the last one is gone, the daemon has ended.
#[derive(Clone, Debug)]
pub(crate) struct Alive {
    _sender: mpsc::Sender<()>,
}

impl Alive {
    pub(crate) fn new() -> (Self, mpsc::Receiver<()>) {
        let (sender, ended) = mpsc::channel(1);
        (Self { _sender: sender }, ended)
    }
}

/// What all sessions share.
#[derive(Debug)]
pub(crate) struct House {
    pub(super) hub: Arc<Hub>,
    pub(super) authentication: Authentication,
    tap: Tap,
    stopping: watch::Receiver<()>,
    handshakes: Arc<Semaphore>,
    connections: AtomicU64,
    alive: Alive,
}

impl House {
    pub(crate) fn new(
        hub: Arc<Hub>,
        authentication: Authentication,
        tap: Tap,
        stopping: watch::Receiver<()>,
        alive: Alive,
    ) -> Arc<Self> {
        Arc::new(Self {
            hub,
            authentication,
            tap,
            stopping,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            connections: AtomicU64::new(0),
            alive,
        })
    }

    pub(crate) fn entrance(self: &Arc<Self>, daemon: DaemonName) -> Entrance {
        Entrance {
            daemon,
            house: Arc::clone(self),
        }
    }
}

/// Where clients of one virtual daemon come in.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    daemon: DaemonName,
    house: Arc<House>,
}

impl Entrance {
    pub(crate) fn daemon(&self) -> &DaemonName {
        &self.daemon
    }

    /// Takes a fresh stream in, in a task of its own.
    pub(crate) fn admit<R, W>(&self, reader: R, writer: W, origin: Origin)
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(permit) = Arc::clone(&self.house.handshakes).try_acquire_owned() else {
            debug!(daemon = %self.daemon, "too many handshakes, connection closed");
            return;
        };
        let line = Line {
            tap: self.house.tap.clone(),
            connection: self.house.connections.fetch_add(1, Ordering::Relaxed),
            member: None,
        };
        let daemon = self.daemon;
        let house = Arc::clone(&self.house);
        tokio::spawn(async move {
            let _alive = house.alive.clone();
            let pipe = Pipe {
                reader,
                writer,
                line,
            };
            run(pipe, daemon, &house, origin, permit).await;
        });
    }
}

/// Names a stream to the tap.
#[derive(Clone, Debug)]
pub(super) struct Line {
    tap: Tap,
    connection: u64,
    pub(super) member: Option<MemberName>,
}

impl Line {
    pub(super) fn record(&self, direction: Direction, bytes: impl FnOnce() -> Bytes) {
        self.tap.record(|| TapRecord {
            connection: self.connection,
            member: self.member,
            direction,
            bytes: bytes(),
        });
    }
}

/// A client's stream.
#[derive(Debug)]
pub(super) struct Pipe<R, W> {
    pub(super) reader: R,
    pub(super) writer: W,
    pub(super) line: Line,
}

async fn run<R, W>(
    mut pipe: Pipe<R, W>,
    daemon: DaemonName,
    house: &House,
    origin: Origin,
    permit: OwnedSemaphorePermit,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut stopping = house.stopping.clone();
    let accepted = tokio::select! {
        _ = stopping.changed() => return,
        accepted = handshake::shake(&mut pipe, &daemon, house, origin) => accepted,
    };
    drop(permit);
    if let Some(accepted) = accepted {
        serve(pipe, accepted, daemon, house, stopping).await;
    }
}

/// Runs a session until its client, the hub, or the end of the daemon ends it.
async fn serve<R, W>(
    pipe: Pipe<R, W>,
    accepted: Accepted,
    daemon: DaemonName,
    house: &House,
    mut stopping: watch::Receiver<()>,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Pipe {
        mut reader,
        mut writer,
        line,
    } = pipe;
    let Accepted {
        reservation:
            Reservation {
                session,
                member,
                outbox,
                mut stop,
            },
        proved,
        remaining,
    } = accepted;
    let hub = &*house.hub;
    let gate = Gate::new(house.authentication.proof(), daemon, member, proved);
    let client = Client {
        session,
        member,
        hub,
        line: &line,
    };
    let mut writing = pin!(write(&mut writer, &outbox, &line));
    let cause = tokio::select! {
        biased;
        _ = &mut stop => return,
        cause = client.read(&mut reader, remaining, gate) => cause,
        never = &mut writing => match never {},
        _ = stopping.changed() => {
            let farewell = async {
                tokio::select! {
                    () = outbox.emptied() => {}
                    never = &mut writing => match never {},
                }
            };
            // A client that does not read misses the rest.
            let _ = timeout(FAREWELL, farewell).await;
            return;
        }
    };
    debug!(%session, ?cause, "client ended session");
    // The stream stays open until the name is free again.
    hub.end(session, cause);
}
