//! A group that is joined again after each loss of the connection.

use core::{future::Future, pin::Pin};

use bytes::Bytes;
use gcs_proto::{
    gcs::CloseReason,
    name::{GroupName, MemberName},
    service::Service,
};
use tokio::{sync::watch, time::Duration, time::sleep};

use super::{Status, is_wished, rejoin::Rejoin};
use crate::{
    error::{Error, SendError, SendFailure},
    event::GroupEvent,
    group::Group,
};

/// Time between two attempts to join while the session still leaves the group.
const PAUSE: Duration = Duration::from_millis(20);

/// What a persistent group tells the application.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PersistentEvent<E = GroupEvent> {
    /// Something happened in the group.
    Group(E),
    /// The connection is lost: the group goes on without this member, and its keys are erased here.
    Lost(CloseReason),
    /// There is a connection again, and the group is being joined; the next secure view, view or
    /// membership tells success. The member has a name of its own there.
    Rejoining {
        /// The member's name at the new connection.
        private_group: MemberName,
    },
    /// Nothing more is tried; nothing follows.
    GivenUp(Error),
}

/// A join under way, and the connection that it is for.
struct Joining<G> {
    number: u64,
    me: MemberName,
    future: Pin<Box<dyn Future<Output = Result<G, Error>> + Send + Sync>>,
}

/// Where the group is.
enum Stage<G> {
    /// To be joined with a connection of this number or a later one.
    Away {
        next: u64,
    },
    Joining(Joining<G>),
    Joined {
        group: G,
        number: u64,
    },
    Over,
}

/// A group that is joined again after each loss of the connection; made by
/// [`PersistentClient::join`](super::PersistentClient::join), and for groups without keys by
/// [`join_flush`](super::PersistentClient::join_flush) and
/// [`join_bare`](super::PersistentClient::join_bare). Dropping it leaves the group.
pub struct PersistentGroup<G: Rejoin = Group> {
    name: GroupName,
    options: G::Options,
    status: watch::Receiver<Status>,
    stage: Stage<G>,
}

impl<G: Rejoin + core::fmt::Debug> core::fmt::Debug for PersistentGroup<G> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PersistentGroup")
            .field("name", &self.name)
            .field("group", &self.joined())
            .finish_non_exhaustive()
    }
}

impl<G: Rejoin> PersistentGroup<G> {
    pub(super) const fn new(
        name: GroupName,
        options: G::Options,
        status: watch::Receiver<Status>,
    ) -> Self {
        Self {
            name,
            options,
            status,
            stage: Stage::Away { next: 0 },
        }
    }

    /// The name of the group.
    pub const fn name(&self) -> &GroupName {
        &self.name
    }

    /// The group at the present connection, for everything but taking events; `None` while this
    /// member is away.
    pub const fn joined(&self) -> Option<&G> {
        match &self.stage {
            Stage::Joined { group, .. } => Some(group),
            Stage::Away { .. } | Stage::Joining(_) | Stage::Over => None,
        }
    }

    /// The next event; `None` when the group is over: left, refused, or nothing more is tried.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost, and a join under way goes on with the next call.
    pub async fn recv(&mut self) -> Option<PersistentEvent<G::Event>> {
        loop {
            match &mut self.stage {
                Stage::Over => return None,
                Stage::Away { next } => {
                    let next = *next;
                    match self.wait_for_connection(next).await {
                        Ok(joining) => self.stage = Stage::Joining(joining),
                        Err(Error::Closed) => {
                            self.stage = Stage::Over;
                            return Some(PersistentEvent::Group(G::closed()));
                        }
                        Err(error) => return Some(self.give_up(error)),
                    }
                }
                Stage::Joining(joining) => {
                    let joined = joining.future.as_mut().await;
                    let (number, private_group) = (joining.number, joining.me);
                    match joined {
                        Ok(group) => {
                            self.stage = Stage::Joined { group, number };
                            if number > 0 {
                                return Some(PersistentEvent::Rejoining { private_group });
                            }
                        }
                        // The connection was lost in between.
                        Err(Error::Closed) => self.stage = Stage::Away { next: number + 1 },
                        Err(error) => return Some(self.give_up(error)),
                    }
                }
                Stage::Joined { group, number } => {
                    let event = group.next().await;
                    let next = *number + 1;
                    let Some(event) = event else {
                        self.stage = Stage::Over;
                        return None;
                    };
                    return match G::lost(&event) {
                        Some(reason) if !is_wished(reason) => {
                            self.stage = Stage::Away { next };
                            Some(PersistentEvent::Lost(reason.clone()))
                        }
                        Some(_) | None => Some(PersistentEvent::Group(event)),
                    };
                }
            }
        }
    }

    /// Leaves the group and waits until that is done; at once while this member is away.
    ///
    /// # Errors
    /// Those of the handle's own call, as [`Group::leave`].
    ///
    /// # Cancel safety
    /// The group is left all the same, in the background.
    pub async fn leave(self) -> Result<(), Error> {
        match self.stage {
            Stage::Joined { group, .. } => group.end().await,
            Stage::Away { .. } | Stage::Joining(_) | Stage::Over => Ok(()),
        }
    }

    fn give_up(&mut self, error: Error) -> PersistentEvent<G::Event> {
        self.stage = Stage::Over;
        PersistentEvent::GivenUp(error)
    }

    /// Waits for a connection of a number, or a later one, and begins to join with it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    async fn wait_for_connection(&mut self, next: u64) -> Result<Joining<G>, Error> {
        let status = self.status.wait_for(|status| match status {
            Status::Connected { number, .. } => *number >= next,
            Status::Connecting(_) => false,
            Status::Over(_) => true,
        });
        // Without its task there is no connection either.
        let status = status.await.map_err(|_| Error::Closed)?.clone();
        let (client, number) = match status {
            Status::Connected { client, number, .. } => (client, number),
            Status::Connecting(_) | Status::Over(None) => return Err(Error::Closed),
            Status::Over(Some((_, error))) => return Err(error),
        };
        let (group, options) = (self.name, self.options.clone());
        let me = *client.private_group();
        let future = Box::pin(async move {
            loop {
                match G::join(&client, group, options.clone()).await {
                    // A handle that was dropped before is still being left.
                    Err(Error::Session(ssp_core::Error::AlreadyJoined(_))) => sleep(PAUSE).await,
                    joined => return joined,
                }
            }
        });
        Ok(Joining { number, me, future })
    }
}

impl PersistentGroup {
    /// As [`Group::multicast`], in the secure view taken last. While this member is away nothing is
    /// kept for later.
    ///
    /// # Errors
    /// Those of [`Group::multicast`]; [`SendFailure::Closed`] while there is no connection.
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub async fn multicast(
        &self,
        service: Service,
        message_type: i16,
        payload: impl Into<Bytes>,
    ) -> Result<(), SendError> {
        let payload = payload.into();
        match self.joined() {
            Some(group) => group.multicast(service, message_type, payload).await,
            None => Err(SendError {
                failure: SendFailure::Closed,
                payload,
            }),
        }
    }
}
