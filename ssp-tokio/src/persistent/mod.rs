//! A client that comes back: when its connection is lost it connects again, to whichever of its
//! endpoints answers, and its groups are joined again.
//!
//! ```text
//!   PersistentGroup: join -> events ... Lost -> (wait for a connection) -> Rejoining -> SecureView ...
//!   PersistentClient task: connected --lost--> endpoint 1, 2, .. in turn --none--> backoff --+
//!                              ^-----------------------------------------------------------------+
//! ```
//!
//! Nothing is carried over. Each connection has a session of its own: to the others this is a member
//! that was lost and another that came, and the key is a fresh one. What was sent in the meantime is
//! not repeated, and what this member sends while it is away fails, with its payload handed back.
//! The member's name has the daemon's name in it, so it differs where another daemon answers.

mod backoff;
mod events;
mod group;
mod rejoin;

pub use backoff::Backoff;
pub use events::{ConnectionEvent, ConnectionEvents};
pub use group::{PersistentEvent, PersistentGroup};
pub use rejoin::Rejoin;

use std::sync::Arc;

use gcs_proto::{
    gcs::CloseReason,
    name::{GroupName, MemberName},
};
use ssp_core::{FlushMode, GroupOptions};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::sleep,
};

use crate::{
    client::Client, config::ClientConfig, endpoint::Endpoint, error::Error, flush::FlushGroup,
    plain::BareGroup,
};

/// What the task says of the connection.
#[derive(Clone, Debug)]
enum Status {
    Connected {
        client: Arc<Client>,
        /// Number of the connection, from 0.
        number: u64,
        /// Why the one before it was lost.
        lost: Option<CloseReason>,
    },
    /// None, since one was lost for this reason.
    Connecting(CloseReason),
    /// Nothing more is tried: by our own wish, or after a loss, for the error.
    Over(Option<(CloseReason, Error)>),
}

/// A secure client that connects again by itself; see the [module](self).
///
/// Dropping it ends the connection in good order, in the background, and with it every
/// [`PersistentGroup`]; [`disconnect`](Self::disconnect) also waits for that.
#[derive(Debug)]
pub struct PersistentClient {
    status: watch::Receiver<Status>,
    farewell: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl PersistentClient {
    /// Connects to the first endpoint that answers, once; a daemon that is lost later is replaced
    /// by the next one that answers, as `backoff` says.
    ///
    /// # Errors
    /// Those of [`Client::connect_any`].
    ///
    /// # Cancel safety
    /// Cancel safe: a connection half made is dropped.
    pub async fn connect(
        endpoints: impl Into<Vec<Endpoint>>,
        config: ClientConfig,
        backoff: Backoff,
    ) -> Result<Self, Error> {
        let endpoints = endpoints.into();
        let client = Client::connect_any(&endpoints, config.for_connection(0)).await?;
        let (status, watched) = watch::channel(Status::Connected {
            client: Arc::new(client),
            number: 0,
            lost: None,
        });
        let (farewell, ending) = oneshot::channel();
        let supervisor = Supervisor {
            endpoints,
            config,
            backoff,
            status,
        };
        Ok(Self {
            status: watched,
            farewell,
            task: tokio::spawn(supervisor.run(ending)),
        })
    }

    /// The member's name at the present connection; `None` while there is none.
    pub fn private_group(&self) -> Option<MemberName> {
        match &*self.status.borrow() {
            Status::Connected { client, .. } => Some(*client.private_group()),
            Status::Connecting(_) | Status::Over(_) => None,
        }
    }

    /// A handle that joins the group, now and after each loss of the connection, with the first
    /// call of [`PersistentGroup::recv`].
    pub fn join(&self, group: GroupName, options: GroupOptions) -> PersistentGroup {
        PersistentGroup::new(group, options, self.status.clone())
    }

    /// The same for a flush-only group; see [`Client::join_flush`].
    pub fn join_flush(&self, group: GroupName, mode: FlushMode) -> PersistentGroup<FlushGroup> {
        PersistentGroup::new(group, mode, self.status.clone())
    }

    /// The same for a bare group; see [`Client::join_bare`].
    pub fn join_bare(&self, group: GroupName) -> PersistentGroup<BareGroup> {
        PersistentGroup::new(group, (), self.status.clone())
    }

    /// The changes of the connection from here on.
    pub fn connection_events(&self) -> ConnectionEvents {
        ConnectionEvents::new(self.status.clone())
    }

    /// Waits until nothing more is tried, and tells why.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn given_up(&self) -> Error {
        let mut status = self.status.clone();
        let over = status
            .wait_for(|status| matches!(status, Status::Over(_)))
            .await;
        match over.as_deref() {
            Ok(Status::Over(Some((_, error)))) => error.clone(),
            Ok(_) | Err(_) => Error::Closed,
        }
    }

    /// Ends the connection in good order, or the attempts to have one.
    ///
    /// # Cancel safety
    /// The end goes on in the background without the caller.
    pub async fn disconnect(self) {
        let Self { farewell, task, .. } = self;
        drop(farewell);
        // A task that panicked is as over as one that ended.
        let _ = task.await;
    }
}

/// Keeps the client connected.
struct Supervisor {
    endpoints: Vec<Endpoint>,
    config: ClientConfig,
    backoff: Backoff,
    status: watch::Sender<Status>,
}

/// What a connection ended with.
enum Ended {
    Lost(CloseReason),
    Farewell,
}

impl Supervisor {
    async fn run(self, mut ending: oneshot::Receiver<()>) {
        let mut number = 0;
        loop {
            let reason = match self.connected(&mut ending).await {
                Ended::Lost(reason) => reason,
                Ended::Farewell => return self.end().await,
            };
            self.status.send_replace(Status::Connecting(reason.clone()));
            number += 1;
            let again = tokio::select! {
                again = self.again(number) => again,
                _ = &mut ending => return self.end().await,
            };
            self.status.send_replace(match again {
                Ok(client) => Status::Connected {
                    client: Arc::new(client),
                    number,
                    lost: Some(reason),
                },
                Err(error) => Status::Over(Some((reason, error))),
            });
            if matches!(*self.status.borrow(), Status::Over(_)) {
                return;
            }
        }
    }

    /// Waits until the connection is over.
    async fn connected(&self, ending: &mut oneshot::Receiver<()>) -> Ended {
        let client = match &*self.status.borrow() {
            Status::Connected { client, .. } => Arc::clone(client),
            Status::Connecting(reason) => return Ended::Lost(reason.clone()),
            Status::Over(_) => return Ended::Farewell,
        };
        tokio::select! {
            reason = client.closed() => {
                tracing::info!(?reason, "connection lost");
                Ended::Lost(reason)
            }
            _ = ending => Ended::Farewell,
        }
    }

    /// Connects, however often it takes.
    async fn again(&self, number: u64) -> Result<Client, Error> {
        let mut failures = 0_u32;
        loop {
            let config = self.config.for_connection(number);
            let error = match Client::connect_any(&self.endpoints, config).await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            failures = failures.saturating_add(1);
            if !backoff::is_worth_another_attempt(&error) {
                return Err(error);
            }
            let dice = getrandom::u32().map_err(|_| Error::Random)?;
            let Some(delay) = self.backoff.delay(failures, dice) else {
                return Err(error);
            };
            tracing::debug!(%error, ?delay, "no connection");
            sleep(delay).await;
        }
    }

    /// Ends what there is.
    async fn end(self) {
        let last = self.status.send_replace(Status::Over(None));
        if let Status::Connected { client, .. } = last {
            // Somebody may be joining with it at the moment; then it ends with that.
            if let Some(client) = Arc::into_inner(client) {
                client.disconnect().await;
            }
        }
    }
}

/// Whether the connection ended by our own wish.
const fn is_wished(reason: &CloseReason) -> bool {
    matches!(reason, CloseReason::Disconnected)
}
