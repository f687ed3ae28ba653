//! A bare group on the connection of a secure client.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::io::{IoSlice, IoSliceMut};

use bytes::Bytes;
use gcs_proto::{
    gcs::{GcsEvent, Membership, Multicast, SelfDelivery},
    name::{GroupName, MemberName},
    service::Service,
};
use tokio::time::Duration;

use crate::{
    error::{Error, TooShort},
    group::joined,
    inbox::{Inbox, Received},
    secure::Clear,
};

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
    patience: Duration,
    /// The membership taken last.
    membership: Option<Membership>,
}

impl BareGroup {
    pub(crate) const fn new(inbox: Inbox<GcsEvent>, patience: Duration) -> Self {
        Self {
            inbox,
            patience,
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
            .map_or(&[], |membership| &membership.members)
    }

    /// The next event; `None` when the group is over, after
    /// [`SelfLeave`](GcsEvent::SelfLeave), [`Closed`](GcsEvent::Closed) or the refusal of the join.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv(&mut self) -> Option<GcsEvent> {
        core::future::poll_fn(|context| self.poll_recv(context)).await
    }

    /// The next event, if one is there.
    pub fn try_recv(&mut self) -> Option<GcsEvent> {
        let event = self.inbox.try_recv();
        self.note(event.as_ref());
        event
    }

    /// The next events, at most `limit`, appended to `events`; waits for one. 0 says that nothing
    /// follows.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv_many(&mut self, events: &mut Vec<GcsEvent>, limit: usize) -> usize {
        let before = events.len();
        let count = self.inbox.recv_many(events, limit).await;
        self.note(events.get(before..).unwrap_or_default());
        count
    }

    /// Number of events that wait to be taken.
    pub fn pending(&self) -> usize {
        self.inbox.pending()
    }

    /// As [`recv`](Self::recv), with the content of a message copied to `buffer`.
    ///
    /// # Errors
    /// [`TooShort`] if the content does not fit. The message stays and is the next event taken,
    /// by whatever call.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv_into(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<Option<Received<GcsEvent>>, TooShort> {
        let event = self.recv().await;
        self.inbox.copy(event, &mut [IoSliceMut::new(buffer)])
    }

    /// As [`recv_into`](Self::recv_into), with the content in several buffers, each of them filled
    /// before the next.
    ///
    /// # Errors
    /// As [`recv_into`](Self::recv_into).
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv_vectored(
        &mut self,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Result<Option<Received<GcsEvent>>, TooShort> {
        let event = self.recv().await;
        self.inbox.copy(event, buffers)
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<GcsEvent>> {
        let event = self.inbox.poll_recv(context);
        if let Poll::Ready(event) = &event {
            self.note(event.as_ref());
        }
        event
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
        self.inbox.leave(self.patience).await
    }
}

impl futures_core::Stream for BareGroup {
    type Item = GcsEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<GcsEvent>> {
        self.get_mut().poll_recv(context)
    }
}
