//! What becomes of the connection, for those who show it.

use gcs_proto::{gcs::CloseReason, name::MemberName};
use tokio::sync::watch;

use super::Status;
use crate::error::Error;

/// What became of the connection of a [`PersistentClient`](super::PersistentClient).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// It is lost, and another one is being tried for.
    Lost(CloseReason),
    /// There is a connection again.
    Connected {
        /// The member's name there.
        private_group: MemberName,
    },
    /// Nothing more is tried; nothing follows.
    GivenUp(Error),
}

/// The changes of the connection, from when this was made; by
/// [`PersistentClient::connection_events`](super::PersistentClient::connection_events). Each end is
/// told before what follows it; of connections that come and go faster than this is asked, only the
/// last is told.
#[derive(Clone, Debug)]
pub struct ConnectionEvents {
    status: watch::Receiver<Status>,
    /// What was told last.
    told: Told,
    /// What is told next, behind the loss that came before it.
    next: Option<ConnectionEvent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Connected,
    Lost,
}

impl ConnectionEvents {
    pub(super) fn new(mut status: watch::Receiver<Status>) -> Self {
        let told = match &*status.borrow_and_update() {
            Status::Connecting(_) => Told::Lost,
            Status::Connected { .. } | Status::Over(_) => Told::Connected,
        };
        Self {
            status,
            told,
            next: None,
        }
    }

    /// The next change; `None` after the client's own end, and after the last one.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<ConnectionEvent> {
        if let Some(event) = self.next.take() {
            return Some(event);
        }
        self.status.changed().await.ok()?;
        let (lost, event) = match &*self.status.borrow_and_update() {
            Status::Connecting(reason) => {
                self.told = Told::Lost;
                return Some(ConnectionEvent::Lost(reason.clone()));
            }
            Status::Connected { client, lost, .. } => {
                let private_group = *client.private_group();
                let connected = ConnectionEvent::Connected { private_group };
                (lost.clone(), connected)
            }
            Status::Over(Some((lost, error))) => {
                let given_up = ConnectionEvent::GivenUp(error.clone());
                (Some(lost.clone()), given_up)
            }
            Status::Over(None) => return None,
        };
        match (lost, std::mem::replace(&mut self.told, Told::Connected)) {
            (Some(reason), Told::Connected) => {
                self.next = Some(event);
                Some(ConnectionEvent::Lost(reason))
            }
            (_, Told::Lost) | (None, Told::Connected) => Some(event),
        }
    }
}
