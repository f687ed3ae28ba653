//! What is joined again, by its kind.

use core::future::Future;

use gcs_proto::{
    flush::FlushEvent,
    gcs::{CloseReason, GcsEvent},
    name::GroupName,
};
use ssp_core::{FlushMode, GroupOptions};

use crate::{
    client::Client, error::Error, event::GroupEvent, flush::FlushGroup, group::Group,
    plain::BareGroup,
};

/// The handle of a group that can be joined again: [`Group`], [`FlushGroup`] or [`BareGroup`].
pub trait Rejoin: sealed::Handle {}

impl<G: sealed::Handle> Rejoin for G {}

/// Only the handles of this crate are joined.
mod sealed {
    use super::{Client, CloseReason, Error, Future, GroupName};

    #[expect(unnameable_types, reason = "nobody else is to implement it")]
    pub trait Handle: Sized + Send + Sync + 'static {
        /// How it is joined.
        type Options: Clone + Send + Sync + 'static;
        /// What it tells.
        type Event;

        /// # Cancel safety
        /// Cancel safe: a group joined for nobody is left at once.
        fn join(
            client: &Client,
            group: GroupName,
            options: Self::Options,
        ) -> impl Future<Output = Result<Self, Error>> + Send + Sync;

        /// # Cancel safety
        /// Cancel safe: no event is lost.
        fn next(&mut self) -> impl Future<Output = Option<Self::Event>> + Send;

        /// # Cancel safety
        /// The group is left all the same, in the background.
        fn end(self) -> impl Future<Output = Result<(), Error>> + Send;

        /// The event that says that the connection was ended by our own wish.
        fn closed() -> Self::Event;

        /// Why the connection is over, if it is what the event says.
        fn lost(event: &Self::Event) -> Option<&CloseReason>;
    }
}

impl sealed::Handle for Group {
    type Options = GroupOptions;
    type Event = GroupEvent;

    async fn join(client: &Client, group: GroupName, options: GroupOptions) -> Result<Self, Error> {
        client.join(group, options).await
    }

    async fn next(&mut self) -> Option<GroupEvent> {
        self.recv().await
    }

    async fn end(self) -> Result<(), Error> {
        self.leave().await
    }

    fn closed() -> GroupEvent {
        GroupEvent::Closed(CloseReason::Disconnected)
    }

    fn lost(event: &GroupEvent) -> Option<&CloseReason> {
        if let GroupEvent::Closed(reason) = event {
            Some(reason)
        } else {
            None
        }
    }
}

impl sealed::Handle for FlushGroup {
    type Options = FlushMode;
    type Event = FlushEvent;

    async fn join(client: &Client, group: GroupName, mode: FlushMode) -> Result<Self, Error> {
        client.join_flush(group, mode).await
    }

    async fn next(&mut self) -> Option<FlushEvent> {
        self.recv().await
    }

    async fn end(self) -> Result<(), Error> {
        self.leave().await
    }

    fn closed() -> FlushEvent {
        FlushEvent::Closed(CloseReason::Disconnected)
    }

    fn lost(event: &FlushEvent) -> Option<&CloseReason> {
        if let FlushEvent::Closed(reason) = event {
            Some(reason)
        } else {
            None
        }
    }
}

impl sealed::Handle for BareGroup {
    type Options = ();
    type Event = GcsEvent;

    async fn join(client: &Client, group: GroupName, (): ()) -> Result<Self, Error> {
        client.join_bare(group).await
    }

    async fn next(&mut self) -> Option<GcsEvent> {
        self.recv().await
    }

    async fn end(self) -> Result<(), Error> {
        self.leave().await
    }

    fn closed() -> GcsEvent {
        GcsEvent::Closed(CloseReason::Disconnected)
    }

    fn lost(event: &GcsEvent) -> Option<&CloseReason> {
        if let GcsEvent::Closed(reason) = event {
            Some(reason)
        } else {
            None
        }
    }
}
