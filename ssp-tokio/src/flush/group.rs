//! A flush-only group on the connection of a secure client.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::io::IoSlice;

use bytes::Bytes;
use gcs_proto::{
    flush::{FlushEvent, VsView},
    gcs::SelfDelivery,
    name::{GroupName, MemberName},
    service::Service,
};
use tokio::time::Duration;

use crate::{
    error::Error,
    group::joined,
    inbox::Inbox,
    receiving::receiving,
    secure::{Clear, Command, Receivers, ViewCast},
};

/// A group with view synchrony and without a key; made by
/// [`Client::join_flush`](crate::Client::join_flush).
///
/// As with [`FlushClient`](super::FlushClient), a send goes out in the view *taken* last or not at
/// all. Take events steadily: when the queue is full the connection is no longer read, and flush
/// requests of all its groups stay unanswered.
///
/// Dropping the handle leaves the group in the background; [`leave`](Self::leave) also waits for
/// that.
///
/// # Security
/// Everything is in the clear, and nobody's identity is verified.
#[derive(Debug)]
pub struct FlushGroup {
    inbox: Inbox<FlushEvent>,
    wait_limit: Duration,
    /// The view taken last.
    view: Option<VsView>,
}

receiving!(FlushGroup, FlushEvent);

impl FlushGroup {
    pub(crate) const fn new(inbox: Inbox<FlushEvent>, wait_limit: Duration) -> Self {
        Self {
            inbox,
            wait_limit,
            view: None,
        }
    }

    /// The name of the group.
    pub const fn name(&self) -> &GroupName {
        &self.inbox.group
    }

    /// The view taken last.
    pub const fn view(&self) -> Option<&VsView> {
        self.view.as_ref()
    }

    /// Members of the view taken last; nobody before the first.
    pub fn members(&self) -> &[MemberName] {
        self.view.as_ref().map_or(&[], |view| &view.view.members)
    }

    /// Notes what the owner knows from now on.
    fn note<'a>(&mut self, events: impl IntoIterator<Item = &'a FlushEvent>) {
        for event in events {
            if let FlushEvent::View(view) = event {
                self.view = Some(view.clone());
            }
        }
    }

    /// Sends to all members of the view taken last, in that view or not at all.
    ///
    /// # Errors
    /// [`Error::Outdated`] if the group has a newer view, or none was taken yet; [`Error::Protocol`]
    /// between the answer to a flush request and the next view, for message types below -32765 and for
    /// a message too long; [`Error::Session`] in a group that is being left; [`Error::Closed`]. Nothing
    /// was sent then.
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
        let to = Receivers::All(self_delivery);
        let cast = self.cast(to, service, message_type, body.into())?;
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
        let casts = messages.into_iter().map(|(message_type, body)| {
            self.cast(Receivers::All(self_delivery), service, message_type, body)
        });
        let casts = casts.collect::<Result<_, _>>();
        self.inbox
            .send_all(casts.map_err(|error| (0, error))?)
            .await
    }

    /// Sends to one member of the view taken last; a [`subset`](Self::subset) of one.
    ///
    /// # Errors
    /// As [`subset`](Self::subset).
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub async fn unicast(
        &self,
        receiver: MemberName,
        service: Service,
        message_type: i16,
        body: impl Into<Bytes>,
    ) -> Result<(), Error> {
        self.subset(&[receiver], service, message_type, body).await
    }

    /// Sends to some members of the view taken last, in that view or not at all: to a receiver that
    /// has meanwhile left it vanishes without notice.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast); [`Error::Protocol`] also for somebody outside the view and
    /// for too many receivers.
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub async fn subset(
        &self,
        receivers: &[MemberName],
        service: Service,
        message_type: i16,
        body: impl Into<Bytes>,
    ) -> Result<(), Error> {
        let to = Receivers::Some(receivers.to_vec());
        let cast = self.cast(to, service, message_type, body.into())?;
        self.inbox.send(cast).await
    }

    fn cast(
        &self,
        to: Receivers,
        service: Service,
        message_type: i16,
        body: Bytes,
    ) -> Result<Clear, Error> {
        let group = *self.name();
        let view = self.view.as_ref().ok_or(Error::Outdated(group))?.view.id;
        Ok(Clear::View(ViewCast {
            group,
            view,
            to,
            service,
            message_type,
            body,
        }))
    }

    /// Permits the view change that a [`FlushRequest`](FlushEvent::FlushRequest) asked for. Nothing
    /// can be sent from here to the next view.
    ///
    /// # Errors
    /// [`Error::Session`] if nothing asked for it, always where the group was joined with
    /// [`FlushMode::Automatic`](ssp_core::FlushMode::Automatic); [`Error::Closed`].
    ///
    /// # Cancel safety
    /// A permission whose future is dropped is given completely or not at all.
    pub async fn flush_ok(&self) -> Result<(), Error> {
        let group = *self.name();
        self.inbox
            .link
            .call(|answer| Command::FlushOk(group, answer))
            .await?
    }

    /// Members whose answer to the flush request the group is waiting for.
    ///
    /// # Errors
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn missing_flush(&self) -> Result<Vec<MemberName>, Error> {
        let group = *self.name();
        self.inbox
            .link
            .call(|answer| Command::MissingFlush(group, answer))
            .await
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

impl futures_core::Stream for FlushGroup {
    type Item = FlushEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<FlushEvent>> {
        self.get_mut().poll_recv(context)
    }
}
