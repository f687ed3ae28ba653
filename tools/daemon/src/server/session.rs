//! One client: its handshake, then its reader and its writer side by side.

use std::{
    convert::Infallible,
    future::poll_fn,
    io::IoSlice,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use gcs_proto::{
    codec::{Direction as Way, Encoded, FrameDecoder, Request},
    error::DecodeError,
    name::{DaemonName, MemberName},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::{Instant, timeout, timeout_at},
};
use tracing::debug;

use super::{
    handshake::{self, Accepted},
    hub::{Hub, Reservation},
    outbox::{Load, Outbox},
    tap::{Direction, Tap, TapRecord},
};
use crate::{
    access::{Authentication, Origin},
    router::{CloseCause, SessionId},
};

/// How long a client may take for its handshake (ours).
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a daemon that is shut down writes what waits for a client (ours).
pub const FAREWELL: Duration = Duration::from_millis(500);

/// How long a sender waits for a receiver that does not keep up, before it goes on and lets the
/// receiver's queue overflow (ours).
const PATIENCE: Duration = Duration::from_millis(500);

/// Most handshakes going on at once (ours); a connection beyond is closed at once.
const HANDSHAKES: usize = 256;
/// Requests brought to the hub at once.
const BATCH: usize = 64;
/// Parts of messages up to this length are put together before they are written.
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
        serve(pipe, accepted, &house.hub, stopping).await;
    }
}

/// Runs a session until its client, the hub, or the end of the daemon ends it.
async fn serve<R, W>(
    pipe: Pipe<R, W>,
    accepted: Accepted,
    hub: &Hub,
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
        remaining,
    } = accepted;
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
        cause = client.read(&mut reader, remaining) => cause,
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

/// A session as its reader knows it.
struct Client<'a> {
    session: SessionId,
    member: MemberName,
    hub: &'a Hub,
    line: &'a Line,
}

impl Client<'_> {
    /// Reads requests until the client ends the session, one way or another.
    async fn read<R>(&self, reader: &mut R, remaining: BytesMut) -> CloseCause
    where
        R: AsyncRead + Unpin,
    {
        let mut decoder = FrameDecoder::with_buffer(Way::ToDaemon, remaining);
        let mut requests = Vec::with_capacity(BATCH);
        loop {
            let decoded = decode_batch(&mut decoder, &self.member, &mut requests);
            if !requests.is_empty() {
                self.bring(&mut requests).await;
                // What came of it may be for this very client: its writer is next.
                give_way().await;
            }
            match decoded {
                Decoded::More => continue,
                Decoded::Goodbye => return CloseCause::Disconnected,
                Decoded::Illegal(error) => {
                    debug!(session = %self.session, %error, "illegal request");
                    return CloseCause::Illegal;
                }
                Decoded::All => {}
            }
            let buffer = decoder.read_buffer();
            let before = buffer.len();
            match reader.read_buf(buffer).await {
                Ok(0) | Err(_) => return CloseCause::EndOfStream,
                Ok(_) => {
                    let bytes = buffer.get(before..).unwrap_or_default();
                    self.line
                        .record(Direction::FromClient, || Bytes::copy_from_slice(bytes));
                }
            }
        }
    }

    /// Has requests carried out, all of them; waits where a receiver does not keep up.
    async fn bring(&self, requests: &mut Vec<Request>) {
        let mut requests = requests.drain(..);
        loop {
            let crowded = self.hub.requests(self.session, &mut requests);
            if crowded.is_empty() {
                return;
            }
            let deadline = Instant::now() + PATIENCE;
            for outbox in crowded {
                if timeout_at(deadline, outbox.relief()).await.is_err() {
                    outbox.use_up_grace();
                }
            }
        }
    }
}

/// How far decoding came.
enum Decoded {
    /// A batch is full and more may be there.
    More,
    /// All complete requests are taken.
    All,
    /// The client said goodbye.
    Goodbye,
    /// The next request is illegal.
    Illegal(DecodeError),
}

/// Takes requests off the stream, at most a batch.
fn decode_batch(
    decoder: &mut FrameDecoder,
    member: &MemberName,
    requests: &mut Vec<Request>,
) -> Decoded {
    while requests.len() < BATCH {
        let request = match decoder.next_frame() {
            Ok(Some(frame)) => Request::decode(frame, member),
            // An illegal request is not waited for.
            Ok(None) => {
                let checked = match decoder.header() {
                    Ok(Some(header)) => Request::check_header(&header, member),
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                };
                return checked.map_or_else(Decoded::Illegal, |()| Decoded::All);
            }
            Err(error) => Err(error),
        };
        match request {
            Ok(Request::Disconnect) => return Decoded::Goodbye,
            Ok(request) => requests.push(request),
            Err(error) => return Decoded::Illegal(error),
        }
    }
    Decoded::More
}

/// Lets the other half of the task run once.
async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Writes queued messages, small ones together.
///
/// It never ends a session: a client that cannot be written to any more may have sent requests
/// that are still to be read, and they count. The reader comes to their end.
async fn write<W>(writer: &mut W, outbox: &Outbox, line: &Line) -> Infallible
where
    W: AsyncWrite + Unpin,
{
    let mut messages = Vec::new();
    let mut together = BytesMut::new();
    loop {
        outbox.take(&mut messages).await;
        let written = write_all(writer, &mut messages, &mut together, outbox, line).await;
        if let Err(error) = written {
            debug!(%error, "client takes no more");
            // A closed queue cannot fill up, so the client is not taken for a slow one.
            outbox.close();
            return std::future::pending().await;
        }
    }
}

async fn write_all<W>(
    writer: &mut W,
    messages: &mut Vec<Encoded>,
    together: &mut BytesMut,
    outbox: &Outbox,
    line: &Line,
) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut load = Load::default();
    for message in messages.drain(..) {
        line.record(Direction::ToClient, || message.slices().concat().into());
        load.messages += 1;
        load.bytes += message.len();
        for part in message.into_parts() {
            if part.len() <= SMALL {
                together.extend_from_slice(&part);
            } else {
                write_both(writer, together, &part).await?;
            }
        }
        if together.len() >= TOGETHER {
            write_both(writer, together, &[]).await?;
        }
        if together.is_empty() {
            outbox.written(std::mem::take(&mut load));
        }
    }
    write_both(writer, together, &[]).await?;
    writer.flush().await?;
    outbox.written(load);
    Ok(())
}

/// Writes what was put together and a part behind it, by one call where the stream takes it.
async fn write_both<W>(
    writer: &mut W,
    together: &mut BytesMut,
    mut part: &[u8],
) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    while !together.is_empty() || !part.is_empty() {
        let slices = [IoSlice::new(together), IoSlice::new(part)];
        let slices = if together.is_empty() {
            slices.get(1..).unwrap_or_default()
        } else {
            &slices
        };
        let written = writer.write_vectored(slices).await?;
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        let first = written.min(together.len());
        together.advance(first);
        part = part.get(written - first..).unwrap_or_default();
    }
    // Keeps its memory: all that was in it is gone.
    together.clear();
    Ok(())
}
