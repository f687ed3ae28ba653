//! The handshake of a session: bytes to and fro around [`DaemonHandshake`].
//!
//! Each client is waited for in its own task and for a limited time, so one that stays silent
//! keeps nobody else waiting.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    error::ConnectRefusal,
    handshake::{ConnectRequest, DaemonHandshake, DaemonStep, Method, Version},
    limits,
    name::DaemonName,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep, timeout_at},
};
use tracing::debug;

use super::{
    hub::Reservation,
    session::{HANDSHAKE_TIME, House, Pipe},
    tap::Direction,
};
use crate::{access::Origin, router::CloseCause};

/// Bytes read at once.
const CHUNK: usize = 1 << 10;

/// How long a name that is taken is waited for at first, and at last: half a second in all.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LAST_PAUSE: Duration = Duration::from_millis(256);

/// A session whose handshake is done.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) reservation: Reservation,
    /// What the client sent behind its handshake.
    pub(super) remaining: BytesMut,
}

/// Leads a client to its session, or sends it away.
pub(super) async fn shake<R, W>(
    pipe: &mut Pipe<R, W>,
    daemon: &DaemonName,
    house: &House,
    origin: Origin,
) -> Option<Accepted>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut greeting = Greeting {
        pipe,
        daemon,
        house,
        origin,
        deadline: Instant::now() + HANDSHAKE_TIME,
        handshake: DaemonHandshake::new(),
        reservation: None,
    };
    let led = greeting.lead().await;
    let Greeting {
        handshake,
        reservation,
        ..
    } = greeting;
    let reservation = reservation?;
    if led.is_none() {
        house.hub.end(reservation.session, CloseCause::EndOfStream);
        return None;
    }
    Some(Accepted {
        reservation,
        remaining: handshake.into_remaining(),
    })
}

/// A handshake under way.
struct Greeting<'a, R, W> {
    pipe: &'a mut Pipe<R, W>,
    daemon: &'a DaemonName,
    house: &'a House,
    origin: Origin,
    deadline: Instant,
    handshake: DaemonHandshake,
    /// From the moment the name is taken.
    reservation: Option<Reservation>,
}

impl<R, W> Greeting<'_, R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    /// Takes step by step; nothing when the client failed, was refused, or took too long.
    async fn lead(&mut self) -> Option<()> {
        loop {
            while let Some(step) = self.handshake.poll_step() {
                match step {
                    DaemonStep::Connect(request) => self.connect(request).await?,
                    DaemonStep::Authenticate { methods } => self.authenticate(&methods).await?,
                    DaemonStep::Refused(refusal) => {
                        debug!(daemon = %self.daemon, %refusal, "client refused");
                        self.transmit().await?;
                        return None;
                    }
                }
                self.transmit().await?;
                if self.handshake.is_accepted() {
                    return Some(());
                }
            }
            self.receive().await?;
        }
    }

    async fn connect(&mut self, request: ConnectRequest) -> Option<()> {
        match self.reserve(request).await {
            Ok(reservation) => {
                self.pipe.line.member = Some(reservation.member);
                self.reservation = Some(reservation);
                let authentication = &self.house.authentication;
                self.handshake.require_methods(authentication.required());
                self.handshake.offer_methods(&authentication.offered());
                Some(())
            }
            Err(refusal) => self.refuse(refusal).await,
        }
    }

    /// Takes the client's name, with some patience for a client that is back before the end of
    /// its last session has been read from the other stream.
    async fn reserve(&mut self, request: ConnectRequest) -> Result<Reservation, ConnectRefusal> {
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self
                .house
                .hub
                .reserve(self.daemon, request.name, request.membership);
            if !matches!(answer, Err(ConnectRefusal::NotUnique)) || pause > LAST_PAUSE {
                return answer;
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn authenticate(&mut self, methods: &[Method]) -> Option<()> {
        let member = self.reservation.as_ref()?.member;
        let session = self.reservation.as_ref()?.session;
        let credentials = self.handshake.credentials();
        let authentication = &self.house.authentication;
        if !authentication.admits(methods, &self.origin, credentials) {
            return self.refuse(ConnectRefusal::Authentication).await;
        }
        let user = credentials.map(|credentials| credentials.user().to_vec());
        // The session becomes a target before the client learns that it is accepted, so nothing
        // sent to it afterwards can be lost. What comes meanwhile waits in its queue.
        if let Err(refusal) = self.house.hub.connect(session, self.origin, user) {
            return self.refuse(refusal).await;
        }
        self.handshake.accept(Version::CURRENT, &member);
        Some(())
    }

    async fn refuse(&mut self, refusal: ConnectRefusal) -> Option<()> {
        debug!(daemon = %self.daemon, %refusal, "client refused");
        self.handshake.refuse(refusal);
        self.transmit().await?;
        None
    }

    async fn transmit(&mut self) -> Option<()> {
        while let Some(bytes) = self.handshake.poll_transmit() {
            self.pipe.line.record(Direction::ToClient, || bytes.clone());
            let write = async {
                self.pipe.writer.write_all(&bytes).await?;
                self.pipe.writer.flush().await
            };
            timeout_at(self.deadline, write).await.ok()?.ok()?;
        }
        Some(())
    }

    async fn receive(&mut self) -> Option<()> {
        // Never more than the handshake takes, whatever the client sends ahead.
        let room = limits::HANDSHAKE_BUFFER.saturating_sub(self.handshake.buffered());
        let mut chunk = [0; CHUNK];
        let read = self.pipe.reader.read(chunk.get_mut(..room.min(CHUNK))?);
        let read = timeout_at(self.deadline, read);
        let length = match &mut self.reservation {
            None => read.await,
            Some(reservation) => tokio::select! {
                biased;
                _ = &mut reservation.stop => return None,
                length = read => length,
            },
        };
        let bytes = match length {
            Ok(Ok(length @ 1..)) => chunk.get(..length)?,
            // End of stream, failure, or out of time.
            Ok(Ok(_) | Err(_)) | Err(_) => return None,
        };
        self.pipe
            .line
            .record(Direction::FromClient, || Bytes::copy_from_slice(bytes));
        self.handshake.handle_bytes(bytes).ok()
    }
}
