//! Bare group communication: no views, no keys, everything in the clear.
//!
//! For tools, for tests, and for use beside clients that speak nothing else: [`PlainClient`] on a
//! connection of its own, [`BareGroup`] on that of a [`Client`](crate::Client). A bare member of a
//! group whose other members use [`flush`](crate::flush) or a secure [`Group`](crate::Group)
//! holds up their view changes, because it never answers a flush request.

mod engine;
mod group;

pub use group::BareGroup;

use std::sync::Arc;

use gcs_proto::{
    gcs::{Capabilities, CloseReason, GcsCommand, GcsEvent},
    limits,
    name::MemberName,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

use crate::{
    config::ConnectionConfig,
    driver::{self, Link, Owner, Shared},
    endpoint::Endpoint,
    error::Error,
    transport::{self, ByteStream},
};
use engine::{Command, PlainEngine};

/// A bare client.
///
/// Dropping it ends the connection in good order, in the background;
/// [`disconnect`](Self::disconnect) also waits for that.
#[derive(Debug)]
pub struct PlainClient {
    me: MemberName,
    capabilities: Capabilities,
    link: Link<Command>,
    events: mpsc::Receiver<GcsEvent>,
    owner: Owner,
}

impl PlainClient {
    /// Connects to a daemon.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Timeout`], [`Error::Stream`], or [`Error::Handshake`] with
    /// the reason the daemon gave.
    ///
    /// # Cancel safety
    /// Cancel safe: a connection half made is dropped.
    pub async fn connect(endpoint: &Endpoint, config: ConnectionConfig) -> Result<Self, Error> {
        let stream = transport::open(endpoint, config.connect_limit()).await?;
        Self::start(stream, &config).await
    }

    /// Connects over a stream to a daemon that is open already.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), less those of opening a stream.
    ///
    /// # Cancel safety
    /// Cancel safe: the stream is dropped.
    pub async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        config: ConnectionConfig,
    ) -> Result<Self, Error> {
        Self::start(Box::new(stream), &config).await
    }

    async fn start(
        mut stream: Box<dyn ByteStream>,
        config: &ConnectionConfig,
    ) -> Result<Self, Error> {
        let connection = driver::handshake(&mut *stream, config).await?;
        let me = *connection.private_group();
        let capabilities = connection.capabilities();
        let bounds = config.bounds();
        let (sender, events) = mpsc::channel(bounds.events);
        let shared = Arc::new(Shared::default());
        let engine = PlainEngine::new(
            connection,
            config.prover().clone(),
            sender,
            Arc::clone(&shared),
        );
        let (link, owner) = driver::spawn(engine, stream, bounds, shared);
        Ok(Self {
            me,
            capabilities,
            link,
            events,
            owner,
        })
    }

    /// The name of this session, by which it is a member of groups.
    pub const fn private_group(&self) -> &MemberName {
        &self.me
    }

    /// Gives a command to the connection. `Ok` says that it is carried out after all given before,
    /// unless the connection ends first, of which [`GcsEvent::Closed`] tells.
    ///
    /// Waits while more bytes wait to be sent than [`ConnectionConfig::unsent_bytes`] allows.
    ///
    /// # Errors
    /// [`Error::Protocol`] when a bound is exceeded, [`Error::Closed`]. Nothing was sent then.
    ///
    /// # Cancel safety
    /// A command of a future that is dropped is carried out completely or not at all.
    pub async fn command(&self, command: GcsCommand) -> Result<(), Error> {
        check(&self.capabilities, &command)?;
        self.link.give(Command::One(command)).await
    }

    /// Gives many commands, in order; what a flood of small messages should use, because the
    /// connection's task is woken once for many of them.
    ///
    /// # Errors
    /// As [`command`](Self::command); none is sent if one exceeds a bound.
    ///
    /// # Cancel safety
    /// Not cancel safe: of a future that is dropped a first part of the commands may be carried
    /// out, each of them completely.
    pub async fn command_all(&self, commands: Vec<GcsCommand>) -> Result<(), Error> {
        for command in &commands {
            check(&self.capabilities, command)?;
        }
        let mut rest = commands;
        while !rest.is_empty() {
            let batch = driver::first_batch(&mut rest, |command| size(command).1);
            self.link.give(Command::Many(batch)).await?;
        }
        Ok(())
    }

    /// The next event; `None` after [`GcsEvent::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv(&mut self) -> Option<GcsEvent> {
        self.events.recv().await
    }

    /// The next events, at most `limit`, appended to `events`; waits for one. 0 says that nothing
    /// follows.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv_many(&mut self, events: &mut Vec<GcsEvent>, limit: usize) -> usize {
        self.events.recv_many(events, limit).await
    }

    /// The next event, if one is there.
    pub fn try_recv(&mut self) -> Option<GcsEvent> {
        self.events.try_recv().ok()
    }

    /// Number of events that wait to be taken.
    pub fn pending(&self) -> usize {
        self.events.len()
    }

    /// Waits until the connection is over.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&self) -> CloseReason {
        self.link.closed().await
    }

    /// Ends the connection in good order. What was commanded before is still sent; events not
    /// taken are dropped.
    ///
    /// # Cancel safety
    /// The end goes on in the background without the caller.
    pub async fn disconnect(self) {
        self.owner.disconnect().await;
    }
}

/// Destinations, and bytes of body and destinations together.
fn size(command: &GcsCommand) -> (usize, usize) {
    let (destinations, body) = match command {
        GcsCommand::Multicast(multicast) => (multicast.destinations.len(), multicast.body.len()),
        GcsCommand::Unicast { body, .. } => (1, body.len()),
        GcsCommand::Join(_) | GcsCommand::Leave(_) | GcsCommand::Disconnect => (1, 0),
    };
    let names = destinations.saturating_mul(limits::NAME_SLOT);
    (destinations, body.saturating_add(names))
}

/// Whether a connection with these capabilities takes the command.
fn check(capabilities: &Capabilities, command: &GcsCommand) -> Result<(), Error> {
    let (destinations, bytes) = size(command);
    for (what, value, max) in [
        (
            "number of destinations",
            destinations,
            capabilities.destinations,
        ),
        ("message length", bytes, capabilities.message),
    ] {
        if value > max {
            return Err(gcs_proto::Error::Limit { what, value, max }.into());
        }
    }
    Ok(())
}
