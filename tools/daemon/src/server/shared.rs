//! What the tasks of all clients share, and the stream of one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use gcs_proto::name::MemberName;
use tokio::sync::{Semaphore, mpsc, watch};

use super::{
    hub::Hub,
    tap::{Direction, Tap, TapRecord},
};
use crate::access::Authentication;

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
pub(crate) struct TaskGuard {
    _sender: mpsc::Sender<()>,
}

impl TaskGuard {
    pub(crate) fn new() -> (Self, mpsc::Receiver<()>) {
        let (sender, ended) = mpsc::channel(1);
        (Self { _sender: sender }, ended)
    }
}

/// What the tasks of all clients share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) hub: Arc<Hub>,
    pub(super) authentication: Authentication,
    pub(super) tap: Tap,
    pub(super) stopping: watch::Receiver<()>,
    pub(super) handshakes: Arc<Semaphore>,
    connections: AtomicU64,
    pub(super) guard: TaskGuard,
}

impl Shared {
    pub(crate) fn new(
        hub: Arc<Hub>,
        authentication: Authentication,
        tap: Tap,
        stopping: watch::Receiver<()>,
        guard: TaskGuard,
    ) -> Arc<Self> {
        Arc::new(Self {
            hub,
            authentication,
            tap,
            stopping,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            connections: AtomicU64::new(0),
            guard,
        })
    }

    /// Numbers a new stream.
    pub(super) fn stream_tap(&self) -> StreamTap {
        StreamTap {
            tap: self.tap.clone(),
            connection: self.connections.fetch_add(1, Ordering::Relaxed),
            member: None,
        }
    }
}

/// Records what crosses one stream.
#[derive(Clone, Debug)]
pub(super) struct StreamTap {
    tap: Tap,
    connection: u64,
    pub(super) member: Option<MemberName>,
}

impl StreamTap {
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
pub(super) struct ClientStream<R, W> {
    pub(super) reader: R,
    pub(super) writer: W,
    pub(super) tap: StreamTap,
}
