//! Bare group communication: no views, no keys, everything in the clear.
//!
//! For tools, for tests, and for use beside clients that speak nothing else. A bare member of a
//! group whose other members use [`flush`](crate::flush) or a secure [`Group`](crate::Group)
//! holds up their view changes, because it never answers a flush request.

mod engine;

use std::sync::Arc;

use gcs_proto::{
    gcs::{CloseReason, GcsCommand, GcsEvent},
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
        let bounds = config.bounds();
        let (sender, events) = mpsc::channel(bounds.events);
        let shared = Arc::new(Shared::default());
        let engine = PlainEngine::new(connection, sender, Arc::clone(&shared));
        let (link, owner) = driver::spawn(engine, stream, bounds, shared);
        Ok(Self {
            me,
            link,
            events,
            owner,
        })
    }

    /// The name of this session, by which it is a member of groups.
    pub const fn private_group(&self) -> &MemberName {
        &self.me
    }

    /// Gives a command to the connection; `Ok` says that its bytes are on their way.
    ///
    /// # Errors
    /// [`Error::Protocol`] when a bound is exceeded, [`Error::Closed`]. Nothing was sent then.
    ///
    /// # Cancel safety
    /// A command of a future that is dropped is carried out completely or not at all.
    pub async fn command(&self, command: GcsCommand) -> Result<(), Error> {
        self.link
            .call(|answer| Command { command, answer })
            .await?
            .map_err(Error::from)
    }

    /// The next event; `None` after [`GcsEvent::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv(&mut self) -> Option<GcsEvent> {
        self.events.recv().await
    }

    /// The next event, if one is there.
    pub fn try_recv(&mut self) -> Option<GcsEvent> {
        self.events.try_recv().ok()
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
