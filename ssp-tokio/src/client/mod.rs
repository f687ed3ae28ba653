//! The connection of a client, with groups of all kinds.

mod clear;

pub use clear::PrivateMessages;

use std::sync::Arc;

use gcs_proto::{
    gcs::CloseReason,
    name::{GroupName, MemberName},
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use ssp_core::GroupOptions;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, watch},
};

use crate::{
    config::{Bounds, ClientConfig, Randomness},
    driver::{self, Link, Owner, Shared},
    endpoint::Endpoint,
    error::Error,
    group::Group,
    inbox::Inbox,
    secure::{Command, Join, JoinAs, Progress, SecureEngine},
    transport::{self, ByteStream},
};

/// A connection to a daemon with a secure session above it; groups are joined from here: secure ones,
/// and beside them flush-only and bare ones, one kind for a name at a time.
///
/// One task serves the connection with all its groups. Dropping the client ends the connection
/// in good order, in the background, and with it every [`Group`]; [`disconnect`](Self::disconnect)
/// also waits for that.
#[derive(Debug)]
pub struct Client {
    me: MemberName,
    link: Link<Command>,
    bounds: Bounds,
    owner: Owner,
}

impl Client {
    /// Connects to a daemon.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Timeout`], [`Error::Stream`], [`Error::Handshake`] with the
    /// reason the daemon gave, [`Error::Random`].
    ///
    /// # Cancel safety
    /// Cancel safe: a connection half made is dropped.
    pub async fn connect(endpoint: &Endpoint, config: ClientConfig) -> Result<Self, Error> {
        let limit = config.connect_limit();
        let stream = transport::open(endpoint, limit).await?;
        Self::start(stream, config).await
    }

    /// Connects to the first of several daemons that answers, tried in turn.
    ///
    /// # Errors
    /// That of the last one, as of [`connect`](Self::connect); [`Error::NoEndpoint`] if there is none.
    ///
    /// # Cancel safety
    /// Cancel safe: a connection half made is dropped.
    pub async fn connect_any(endpoints: &[Endpoint], config: ClientConfig) -> Result<Self, Error> {
        let mut last = Error::NoEndpoint;
        for endpoint in endpoints {
            match Self::connect(endpoint, config.clone()).await {
                Ok(client) => return Ok(client),
                Err(error) => {
                    tracing::debug!(%endpoint, %error, "endpoint does not answer");
                    last = error;
                }
            }
        }
        Err(last)
    }

    /// Connects over a stream to a daemon that is open already, in-process ones included.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), less those of opening a stream.
    ///
    /// # Cancel safety
    /// Cancel safe: the stream is dropped.
    pub async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        config: ClientConfig,
    ) -> Result<Self, Error> {
        Self::start(Box::new(stream), config).await
    }

    async fn start(mut stream: Box<dyn ByteStream>, config: ClientConfig) -> Result<Self, Error> {
        let policy = config.access_policy();
        let (connection_config, credentials, session, randomness) = config.into_parts();
        let rng = generator(randomness)?;
        let connection = driver::handshake(&mut *stream, &connection_config).await?;
        let me = *connection.private_group();
        let bounds = connection_config.bounds();
        let shared = Arc::new(Shared::default());
        let engine = SecureEngine::new(connection, credentials, session, rng, Arc::clone(&shared))
            .with_policy(policy);
        let (link, owner) = driver::spawn(engine, stream, bounds, shared);
        Ok(Self {
            me,
            link,
            bounds,
            owner,
        })
    }

    /// The name of this member, to which its identity belongs.
    pub const fn private_group(&self) -> &MemberName {
        &self.me
    }

    /// Joins a group. Its first [`SecureView`](crate::GroupEvent::SecureView) tells success; leaving
    /// before that is possible.
    ///
    /// # Errors
    /// [`Error::Session`] for a group joined already, or still being left, and for options that
    /// cannot be met; [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe: a group joined for nobody is left at once.
    pub async fn join(&self, group: GroupName, options: GroupOptions) -> Result<Group, Error> {
        let (events_sender, events) = mpsc::channel(self.bounds.events);
        let (progress_sender, progress) = watch::channel(Progress::default());
        let kind = JoinAs::Secure {
            options: Box::new(options),
            events: events_sender,
            progress: progress_sender,
        };
        // Made before the call: dropping the future drops it, which leaves the group.
        let inbox = Inbox::new(group, self.link.clone(), events);
        let handle = Group::new(inbox, progress, self.bounds.wait_limit);
        self.join_as(group, kind).await?;
        Ok(handle)
    }

    /// # Cancel safety
    /// Cancel safe, if the caller's handle is dropped with the future.
    async fn join_as(&self, group: GroupName, kind: JoinAs) -> Result<(), Error> {
        let join = Join { group, kind };
        self.link.call(|answer| Command::Join(join, answer)).await?
    }

    /// Waits until the connection is over.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&self) -> CloseReason {
        self.link.closed().await
    }

    /// Ends the connection in good order: others see this member disconnect. What was sent before
    /// still goes out; events not taken are dropped, and every group ends with
    /// [`GroupEvent::Closed`](crate::GroupEvent::Closed).
    ///
    /// # Cancel safety
    /// The end goes on in the background without the caller.
    pub async fn disconnect(self) {
        self.owner.disconnect().await;
    }
}

fn generator(randomness: Randomness) -> Result<ChaCha20Rng, Error> {
    match randomness {
        Randomness::System => {
            ChaCha20Rng::try_from_rng(&mut getrandom::SysRng).map_err(|_| Error::Random)
        }
        Randomness::Seed(seed) => Ok(ChaCha20Rng::from_seed(seed)),
    }
}
