//! A bare group on the connection of a secure client.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::io::IoSlice;

use bytes::Bytes;
use gcs_proto::{
    gcs::{GcsEvent, Membership, Multicast, SelfDelivery},
    name::{GroupName, MemberName},
    service::Service,
};
use tokio::time::Duration;

use crate::{error::Error, group::joined, inbox::Inbox, receiving::receiving, secure::Clear};

/// A group with nothing above the daemon; made by [`Client::join_bare`](crate::Client::join_bare).
///
/// Its events are what the daemon tells of this group; a message to several groups of the connection
/// comes once in each of them. Take events steadily: when the queue is full the connection is no
/// longer read, and flush requests of its other groups stay unanswered.
///
/// To several groups, and to groups that this client is not in, sends
/// [`Client::multicast_bare`](crate::Client::multicast_bare).
///
/// Dropping the handle leaves the group in the background; [`leave`](Self::leave) also waits for
/// that.
///
/// # Security
/// Everything is in the clear, and messages come from anybody.
#[derive(Debug)]
pub struct BareGroup {
    inbox: Inbox<GcsEvent>,
    wait_limit: Duration,
    /// The membership taken last.
    membership: Option<Membership>,
}

receiving!(BareGroup, GcsEvent);

impl BareGroup {
    pub(crate) const fn new(inbox: Inbox<GcsEvent>, wait_limit: Duration) -> Self {
        Self {
            inbox,
            wait_limit,
            membership: None,
        }
    }

    /// The name of the group.
    pub const fn name(&self) -> &GroupName {
        &self.inbox.group
    }

    /// The membership taken last.
    pub const fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Members of the membership taken last; nobody before the first.
    pub fn members(&self) -> &[MemberName] {
        self.membership
            .as_ref()
            .map_or(&[], |membership| &membership.view.members)
    }

    /// Notes what the owner knows from now on.
    fn note<'a>(&mut self, events: impl IntoIterator<Item = &'a GcsEvent>) {
        for event in events {
            if let GcsEvent::Membership(membership) = event {
                self.membership = Some(membership.clone());
            }
        }
    }

    /// Sends to the group, whoever is in it when the message arrives.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a message too long, [`Error::Closed`]. Nothing was sent then.
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub async fn multicast(
        &self,
        service: Service,
        message_type: i16,
        body: impl Into<Bytes>,
    ) -> Result<(), Error> {
        self.multicast_with(service, SelfDelivery::Deliver, message_type, body)
            .await
    }

    /// As [`multicast`](Self::multicast), choosing whether the own message comes back.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast).
    ///
    /// # Cancel safety
    /// As [`multicast`](Self::multicast).
    pub async fn multicast_with(
        &self,
        service: Service,
        self_delivery: SelfDelivery,
        message_type: i16,
        body: impl Into<Bytes>,
    ) -> Result<(), Error> {
        let cast = self.cast(service, self_delivery, message_type, body.into());
        self.inbox.send(cast).await
    }

    /// As [`multicast`](Self::multicast) for a message in several parts, which are joined.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast).
    ///
    /// # Cancel safety
    /// As [`multicast`](Self::multicast).
    pub async fn multicast_vectored(
        &self,
        service: Service,
        message_type: i16,
        parts: &[IoSlice<'_>],
    ) -> Result<(), Error> {
        self.multicast(service, message_type, joined(parts)).await
    }

    /// Sends many messages, by type and body, in order, as [`multicast_with`](Self::multicast_with)
    /// does each; what a flood of small messages should use, because the connection's task answers
    /// many of them at once.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast), with the position of the message that failed; those before
    /// it have been sent, those behind it not.
    ///
    /// # Cancel safety
    /// Not cancel safe: of a future that is dropped a first part of the messages may be sent, each of
    /// them completely.
    pub async fn multicast_all(
        &self,
        service: Service,
        self_delivery: SelfDelivery,
        messages: Vec<(i16, Bytes)>,
    ) -> Result<(), (usize, Error)> {
        let casts = messages
            .into_iter()
            .map(|(message_type, body)| self.cast(service, self_delivery, message_type, body))
            .collect();
        self.inbox.send_all(casts).await
    }

    fn cast(
        &self,
        service: Service,
        self_delivery: SelfDelivery,
        message_type: i16,
        body: Bytes,
    ) -> Clear {
        Clear::Bare(Multicast {
            self_delivery,
            ..Multicast::to_group(*self.name(), service, message_type, body)
        })
    }

    /// Leaves the group and waits until that is done. Events before that are dropped.
    ///
    /// # Errors
    /// [`Error::Session`] when it is being left already, [`Error::Timeout`], [`Error::Closed`].
    ///
    /// # Cancel safety
    /// The group is left all the same, in the background.
    pub async fn leave(self) -> Result<(), Error> {
        self.inbox.leave(self.wait_limit).await
    }
}

impl futures_core::Stream for BareGroup {
    type Item = GcsEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<GcsEvent>> {
        self.get_mut().poll_recv(context)
    }
}
