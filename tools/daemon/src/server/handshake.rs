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
    name::{DaemonName, MemberName},
};
use ssp_identity::{Challenge, Proved};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep, timeout_at},
};
use tracing::{debug, info};

use super::{
    hub::Reservation,
    shared::{ClientStream, HANDSHAKE_TIME, Shared},
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
    /// What the client has proved, if it was asked.
    pub(super) proved: Option<Proved>,
    /// What the client sent behind its handshake.
    pub(super) remaining: BytesMut,
}

/// Leads a client to its session, or sends it away.
pub(super) async fn shake<R, W>(
    stream: &mut ClientStream<R, W>,
    daemon: &DaemonName,
    shared: &Shared,
    origin: Origin,
) -> Option<Accepted>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut greeting = Greeting {
        stream,
        daemon,
        shared,
        origin,
        deadline: Instant::now() + HANDSHAKE_TIME,
        handshake: DaemonHandshake::new(),
        request: None,
        reservation: None,
        challenge: None,
        proved: None,
    };
    let led = greeting.lead().await;
    let Greeting {
        handshake,
        reservation,
        proved,
        ..
    } = greeting;
    let reservation = reservation?;
    if led.is_none() {
        shared.hub.end(reservation.session, CloseCause::EndOfStream);
        return None;
    }
    Some(Accepted {
        reservation,
        proved,
        remaining: handshake.into_remaining(),
    })
}

/// A handshake under way.
struct Greeting<'a, R, W> {
    stream: &'a mut ClientStream<R, W>,
    daemon: &'a DaemonName,
    shared: &'a Shared,
    origin: Origin,
    deadline: Instant,
    handshake: DaemonHandshake,
    /// From the connect record on.
    request: Option<ConnectRequest>,
    /// From the moment the name is taken.
    reservation: Option<Reservation>,
    /// From the moment the client is asked who it is, until it has answered.
    challenge: Option<Challenge>,
    proved: Option<Proved>,
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
                    DaemonStep::Challenge => self.challenge().await?,
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

    /// Takes the client's name and tells the methods.
    ///
    /// Where everybody has to prove who it is, a name that the client has chosen is not taken
    /// before the proof: a stranger would keep its owner out.
    async fn connect(&mut self, request: ConnectRequest) -> Option<()> {
        self.request = Some(request);
        let authentication = &self.shared.authentication;
        if request.name.is_none() || !authentication.guards_connections() {
            self.take_name().await?;
        }
        self.handshake.require_methods(authentication.required());
        self.handshake.offer_methods(&authentication.offered());
        Some(())
    }

    /// Takes the client's name, if that is not done.
    async fn take_name(&mut self) -> Option<()> {
        if self.reservation.is_none() {
            match self.reserve(self.request?).await {
                Ok(reservation) => {
                    self.stream.tap.member = Some(reservation.member);
                    self.reservation = Some(reservation);
                }
                Err(refusal) => return self.refuse(refusal).await,
            }
        }
        Some(())
    }

    /// The name that the session will have.
    fn member(&self) -> Option<MemberName> {
        match (&self.reservation, self.request?.name) {
            (Some(reservation), _) => Some(reservation.member),
            (None, Some(name)) => Some(MemberName::of_session(&name, self.daemon)),
            (None, None) => None,
        }
    }

    /// Asks the client who it is.
    async fn challenge(&mut self) -> Option<()> {
        let member = self.member()?;
        let proof = self.shared.authentication.proof();
        let challenge = proof.and_then(|proof| proof.challenge(self.daemon, None));
        let Some(challenge) = challenge else {
            // No trust, or no random numbers.
            return self.refuse(ConnectRefusal::Authentication).await;
        };
        self.handshake
            .challenge(&member, &challenge.encode())
            .ok()?;
        self.challenge = Some(challenge);
        Some(())
    }

    /// Judges the answer of the client, if it was asked.
    fn judge_proof(&mut self) -> Result<(), ConnectRefusal> {
        let (Some(challenge), Some(proof)) = (self.challenge.take(), self.handshake.proof()) else {
            return Ok(());
        };
        let trust = self.shared.authentication.proof();
        let (Some(trust), Some(member)) = (trust, self.member()) else {
            return Err(ConnectRefusal::Authentication);
        };
        match trust.verify(challenge, &member, proof) {
            Ok(proved) => {
                self.proved = Some(proved);
                Ok(())
            }
            // The client is told that it is refused, and nothing more.
            Err(error) => {
                info!(%member, %error, "proof of identity refused");
                Err(ConnectRefusal::Authentication)
            }
        }
    }

    /// Takes the client's name at the hub, waiting a little for a client that is back before the
    /// end of its last session has been read from the other stream.
    async fn reserve(&mut self, request: ConnectRequest) -> Result<Reservation, ConnectRefusal> {
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self
                .shared
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
        if let Err(refusal) = self.judge_proof() {
            return self.refuse(refusal).await;
        }
        let identity = self.proved.as_ref().map(|proved| proved.identity().clone());
        let credentials = self.handshake.credentials();
        let authentication = &self.shared.authentication;
        if !authentication.admits(methods, &self.origin, credentials, identity.as_ref()) {
            return self.refuse(ConnectRefusal::Authentication).await;
        }
        let user = credentials.map(|credentials| credentials.user().to_vec());
        self.take_name().await?;
        let member = self.reservation.as_ref()?.member;
        let session = self.reservation.as_ref()?.session;
        // The session becomes a target before the client learns that it is accepted, so nothing
        // sent to it afterwards can be lost. What comes meanwhile waits in its queue.
        if let Err(refusal) = self
            .shared
            .hub
            .connect(session, self.origin, user, identity)
        {
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
            self.stream
                .tap
                .record(Direction::ToClient, || bytes.clone());
            let write = async {
                self.stream.writer.write_all(&bytes).await?;
                self.stream.writer.flush().await
            };
            timeout_at(self.deadline, write).await.ok()?.ok()?;
        }
        Some(())
    }

    async fn receive(&mut self) -> Option<()> {
        // Never more than the handshake takes, whatever the client sends ahead.
        let room = limits::HANDSHAKE_BUFFER.saturating_sub(self.handshake.buffered());
        let mut chunk = [0; CHUNK];
        let read = self.stream.reader.read(chunk.get_mut(..room.min(CHUNK))?);
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
        self.stream
            .tap
            .record(Direction::FromClient, || Bytes::copy_from_slice(bytes));
        self.handshake.handle_bytes(bytes).ok()
    }
}
