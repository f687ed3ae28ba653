//! One client: its handshake, then its reader and its writer side by side.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    codec::{Direction as Way, FrameDecoder, Request},
    error::DecodeError,
    name::{DaemonName, MemberName},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
};
use tracing::debug;

use super::{
    handshake::{self, Accepted},
    hub::Order,
    tap::{Direction, Tap, TapRecord},
};
use crate::router::{CloseCause, SessionId};

/// How long a client may take for its handshake (ours).
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Most handshakes going on at once (ours); a connection beyond is closed at once.
const HANDSHAKES: usize = 256;
/// Bytes read from a client at once.
const READ: usize = 64 << 10;
/// Frames taken from the queue at once.
const BATCH: usize = 64;
/// Frames up to this length are put together before they are written.
const SMALL: usize = 8 << 10;
/// Bytes put together before they are written.
const TOGETHER: usize = 64 << 10;

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
    orders: mpsc::Sender<Order>,
    tap: Tap,
    stopping: watch::Receiver<()>,
    handshakes: Arc<Semaphore>,
    connections: AtomicU64,
    alive: Alive,
}

impl House {
    pub(crate) fn new(
        orders: mpsc::Sender<Order>,
        tap: Tap,
        stopping: watch::Receiver<()>,
        alive: Alive,
    ) -> Arc<Self> {
        Arc::new(Self {
            orders,
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
    pub(crate) fn admit<R, W>(&self, reader: R, writer: W)
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
        let orders = self.house.orders.clone();
        let mut stopping = self.house.stopping.clone();
        let alive = self.house.alive.clone();
        tokio::spawn(async move {
            let _alive = alive;
            tokio::select! {
                _ = stopping.changed() => {}
                () = run(Pipe { reader, writer, line }, daemon, orders, permit) => {}
            }
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
    orders: mpsc::Sender<Order>,
    permit: OwnedSemaphorePermit,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let accepted = handshake::shake(&mut pipe, &daemon, &orders).await;
    drop(permit);
    if let Some(accepted) = accepted {
        serve(pipe, accepted, &orders).await;
    }
}

/// Runs a session until its client or the hub ends it.
async fn serve<R, W>(pipe: Pipe<R, W>, accepted: Accepted, orders: &mpsc::Sender<Order>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Pipe {
        mut reader,
        mut writer,
        line,
    } = pipe;
    let Accepted {
        mut reservation,
        remaining,
    } = accepted;
    let session = reservation.session;
    let client = Client {
        session,
        member: reservation.member,
        orders,
        line: &line,
    };
    let cause = tokio::select! {
        biased;
        _ = &mut reservation.stop => return,
        cause = client.read(&mut reader, remaining) => cause,
        never = write(&mut writer, &mut reservation.queue, &line) => match never {},
    };
    debug!(%session, ?cause, "client ended session");
    // The hub ends a session when it has come to it in order. Waiting for that keeps the stream
    // open until the name is free again.
    if orders.send(Order::End { session, cause }).await.is_ok() {
        let _ = reservation.stop.await;
    }
}

/// A session as its reader knows it.
struct Client<'a> {
    session: SessionId,
    member: MemberName,
    orders: &'a mpsc::Sender<Order>,
    line: &'a Line,
}

impl Client<'_> {
    /// Reads requests until the client ends the session, one way or another.
    async fn read<R>(&self, reader: &mut R, remaining: BytesMut) -> CloseCause
    where
        R: AsyncRead + Unpin,
    {
        let mut decoder = FrameDecoder::with_buffer(Way::ToDaemon, remaining);
        let mut chunk = vec![0; READ];
        loop {
            loop {
                let request = match decoder.next_frame() {
                    Ok(Some(frame)) => Request::decode(frame, &self.member),
                    // An illegal request is not waited for.
                    Ok(None) => match self.check_header(&decoder) {
                        Ok(()) => break,
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                };
                let request = match request {
                    Ok(Request::Disconnect) => return CloseCause::Disconnected,
                    Ok(request) => request,
                    Err(error) => {
                        debug!(session = %self.session, %error, "illegal request");
                        return CloseCause::Illegal;
                    }
                };
                let session = self.session;
                let order = Order::Request { session, request };
                if self.orders.send(order).await.is_err() {
                    return CloseCause::DaemonStopped;
                }
            }
            match reader.read(&mut chunk).await {
                Ok(0) | Err(_) => return CloseCause::EndOfStream,
                Ok(length) => {
                    let bytes = chunk.get(..length).unwrap_or_default();
                    self.line
                        .record(Direction::FromClient, || Bytes::copy_from_slice(bytes));
                    decoder.push(bytes);
                }
            }
        }
    }

    fn check_header(&self, decoder: &FrameDecoder) -> Result<(), DecodeError> {
        match decoder.header()? {
            Some(header) => Request::check_header(&header, &self.member),
            None => Ok(()),
        }
    }
}

/// Writes queued frames, small ones together.
///
/// It never ends a session: a client that cannot be written to any more may have sent requests
/// that are still to be read, and they count. The reader comes to their end.
async fn write<W>(writer: &mut W, queue: &mut mpsc::Receiver<Bytes>, line: &Line) -> Infallible
where
    W: AsyncWrite + Unpin,
{
    let mut batch = Vec::with_capacity(BATCH);
    let mut together = BytesMut::new();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let written = write_batch(writer, &mut batch, &mut together, line).await;
        if let Err(error) = written {
            debug!(%error, "client takes no more");
            // A closed queue cannot fill up, so the client is not taken for a slow one.
            queue.close();
            while queue.recv().await.is_some() {}
        }
    }
    std::future::pending().await
}

async fn write_batch<W>(
    writer: &mut W,
    batch: &mut Vec<Bytes>,
    together: &mut BytesMut,
    line: &Line,
) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    for frame in batch.drain(..) {
        line.record(Direction::ToClient, || frame.clone());
        if frame.len() <= SMALL && together.len() + frame.len() <= TOGETHER {
            together.extend_from_slice(&frame);
            continue;
        }
        flush(writer, together).await?;
        if frame.len() <= SMALL {
            together.extend_from_slice(&frame);
        } else {
            writer.write_all(&frame).await?;
        }
    }
    flush(writer, together).await?;
    writer.flush().await
}

async fn flush<W>(writer: &mut W, together: &mut BytesMut) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    if !together.is_empty() {
        writer.write_all(together).await?;
        together.clear();
    }
    Ok(())
}
