//! A group that is joined again after each loss of the connection.

use core::{future::Future, pin::Pin};

use bytes::Bytes;
use gcs_proto::{
    gcs::CloseReason,
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_core::GroupOptions;
use tokio::{sync::watch, time::Duration, time::sleep};

use super::{Status, is_wished};
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
#[expect(
    clippy::large_enum_variant,
    reason = "one value at a time, looked at and gone"
)]
pub enum PersistentEvent {
    /// Something happened in the group.
    Group(GroupEvent),
    /// The connection is lost: the group goes on without this member, and its keys are erased here.
    Lost(CloseReason),
    /// There is a connection again, and the group is being joined; the next secure view tells
    /// success. The member has a name of its own there.
    Rejoining {
        /// The member's name at the new connection.
        private_group: MemberName,
    },
    /// Nothing more is tried; nothing follows.
    GivenUp(Error),
}

/// A join under way, and the connection that it is for.
struct Joining {
    number: u64,
    me: MemberName,
    future: Pin<Box<dyn Future<Output = Result<Group, Error>> + Send + Sync>>,
}

/// Where the group is.
#[expect(
    clippy::large_enum_variant,
    reason = "one for each group, almost always the large one"
)]
enum Stage {
    /// To be joined with a connection of this number or a later one.
    Away {
        next: u64,
    },
    Joining(Joining),
    Joined {
        group: Group,
        number: u64,
    },
    Over,
}

/// A group that is joined again after each loss of the connection; made by
/// [`PersistentClient::join`](super::PersistentClient::join). Dropping it leaves the group.
pub struct PersistentGroup {
    name: GroupName,
    options: GroupOptions,
    status: watch::Receiver<Status>,
    stage: Stage,
}

impl core::fmt::Debug for PersistentGroup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PersistentGroup")
            .field("name", &self.name)
            .field("group", &self.joined())
            .finish_non_exhaustive()
    }
}

impl PersistentGroup {
    pub(super) const fn new(
        name: GroupName,
        options: GroupOptions,
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
    pub const fn joined(&self) -> Option<&Group> {
        match &self.stage {
            Stage::Joined { group, .. } => Some(group),
            Stage::Away { .. } | Stage::Joining(_) | Stage::Over => None,
        }
    }

    /// The next event; `None` when the group is over: left, refused, or nothing more is tried.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost, and a join under way goes on with the next call.
    pub async fn recv(&mut self) -> Option<PersistentEvent> {
        loop {
            match &mut self.stage {
                Stage::Over => return None,
                Stage::Away { next } => {
                    let next = *next;
                    match self.wait_for_connection(next).await {
                        Ok(joining) => self.stage = Stage::Joining(joining),
                        Err(Error::Closed) => {
                            self.stage = Stage::Over;
                            return Some(closed(CloseReason::Disconnected));
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
                    let event = group.recv().await;
                    let next = *number + 1;
                    return match event {
                        Some(GroupEvent::Closed(reason)) if !is_wished(&reason) => {
                            self.stage = Stage::Away { next };
                            Some(PersistentEvent::Lost(reason))
                        }
                        Some(event) => Some(PersistentEvent::Group(event)),
                        None => {
                            self.stage = Stage::Over;
                            None
                        }
                    };
                }
            }
        }
    }

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

    /// Leaves the group and waits until that is done; at once while this member is away.
    ///
    /// # Errors
    /// Those of [`Group::leave`].
    ///
    /// # Cancel safety
    /// The group is left all the same, in the background.
    pub async fn leave(self) -> Result<(), Error> {
        match self.stage {
            Stage::Joined { group, .. } => group.leave().await,
            Stage::Away { .. } | Stage::Joining(_) | Stage::Over => Ok(()),
        }
    }

    fn give_up(&mut self, error: Error) -> PersistentEvent {
        self.stage = Stage::Over;
        PersistentEvent::GivenUp(error)
    }

    /// Waits for a connection of a number, or a later one, and begins to join with it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    async fn wait_for_connection(&mut self, next: u64) -> Result<Joining, Error> {
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
                match client.join(group, options.clone()).await {
                    // A handle that was dropped before is still being left.
                    Err(Error::Session(ssp_core::Error::AlreadyJoined(_))) => sleep(PAUSE).await,
                    joined => return joined,
                }
            }
        });
        Ok(Joining { number, me, future })
    }
}

const fn closed(reason: CloseReason) -> PersistentEvent {
    PersistentEvent::Group(GroupEvent::Closed(reason))
}
