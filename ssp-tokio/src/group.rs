//! The handle of a joined group.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    gcs::SelfDelivery,
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_core::{Fingerprint, GroupStats, Phase, SecureMessage, SecureViewEvent, ViewNumber};
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant, timeout, timeout_at},
};
use zeroize::Zeroizing;

use crate::{
    driver::Link,
    error::{Error, SendError, SendFailure, TooShort},
    event::GroupEvent,
    secure::{Command, Export, Key, Outgoing, Progress},
};

/// A joined group: take its events, send to its members.
///
/// The handle knows what its owner knows: [`members`](Self::members), [`epoch`](Self::epoch) and
/// [`fingerprint`](Self::fingerprint) are those of the secure view *taken* last, and a send goes
/// out in that view or not at all. So nobody who joined unseen reads a message, and nobody who
/// left unseen is missed.
///
/// Take events steadily. When the queue is full the connection is no longer read, and with it
/// flush requests stay unanswered: the whole group then waits for this member.
///
/// Dropping the handle leaves the group in the background; [`leave`](Self::leave) also waits for
/// that.
#[derive(Debug)]
pub struct Group {
    name: GroupName,
    link: Link<Command>,
    events: mpsc::Receiver<GroupEvent>,
    progress: watch::Receiver<Progress>,
    patience: Duration,
    /// The secure view taken last, as of its last key.
    view: Option<SecureViewEvent>,
    /// A message that did not fit its buffer.
    held: Option<SecureMessage>,
    end: End,
}

/// Whether more events can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Told,
}

/// What [`Group::recv_into`] took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one value at a time, looked at and gone"
)]
#[non_exhaustive]
pub enum Received {
    /// A message, of which the content is in the buffer and the rest here.
    Message {
        /// Who sent it.
        sender: MemberName,
        /// Service it was sent with.
        service: Service,
        /// 16-bit type chosen by the sender.
        message_type: i16,
        /// Bytes of the content, at the beginning of the buffer.
        length: usize,
    },
    /// Anything else.
    Event(GroupEvent),
}

impl Group {
    pub(crate) const fn new(
        name: GroupName,
        link: Link<Command>,
        events: mpsc::Receiver<GroupEvent>,
        progress: watch::Receiver<Progress>,
        patience: Duration,
    ) -> Self {
        Self {
            name,
            link,
            events,
            progress,
            patience,
            view: None,
            held: None,
            end: End::Open,
        }
    }

    /// The name of the group.
    pub const fn name(&self) -> &GroupName {
        &self.name
    }

    /// The secure view taken last, as of its last key.
    pub const fn view(&self) -> Option<&SecureViewEvent> {
        self.view.as_ref()
    }

    /// Members of the secure view taken last; nobody before the first.
    pub fn members(&self) -> &[MemberName] {
        self.view.as_ref().map_or(&[], |view| &view.members)
    }

    /// Number of the key taken last inside its view.
    pub fn epoch(&self) -> Option<u32> {
        self.view.as_ref().map(|view| view.epoch)
    }

    /// Fingerprint of the key taken last, for people to compare.
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.view.as_ref().map(|view| &view.fingerprint)
    }

    /// The next event; `None` when the group is over, after
    /// [`SelfLeave`](GroupEvent::SelfLeave) or [`Closed`](GroupEvent::Closed).
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv(&mut self) -> Option<GroupEvent> {
        core::future::poll_fn(|context| self.poll_recv(context)).await
    }

    /// The next event, if one is there.
    pub fn try_recv(&mut self) -> Option<GroupEvent> {
        if let Some(message) = self.held.take() {
            return Some(GroupEvent::Message(message));
        }
        let event = match self.events.try_recv() {
            Ok(event) => Some(event),
            Err(mpsc::error::TryRecvError::Empty) => return None,
            Err(mpsc::error::TryRecvError::Disconnected) => None,
        };
        self.take(event)
    }

    /// Number of events that wait to be taken.
    pub fn pending(&self) -> usize {
        self.events.len() + usize::from(self.held.is_some())
    }

    /// As [`recv`](Self::recv), with the content of a message copied to `buffer`.
    ///
    /// # Errors
    /// [`TooShort`] if the content does not fit. The message stays and is the next event taken,
    /// by whatever call.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv_into(&mut self, buffer: &mut [u8]) -> Result<Option<Received>, TooShort> {
        let message = match self.recv().await {
            Some(GroupEvent::Message(message)) => message,
            other => return Ok(other.map(Received::Event)),
        };
        let length = message.payload.len();
        let Some(room) = buffer.get_mut(..length) else {
            self.held = Some(message);
            return Err(TooShort {
                needed: length,
                room: buffer.len(),
            });
        };
        room.copy_from_slice(&message.payload);
        Ok(Some(Received::Message {
            sender: message.sender,
            service: message.service,
            message_type: message.message_type,
            length,
        }))
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<GroupEvent>> {
        if let Some(message) = self.held.take() {
            return Poll::Ready(Some(GroupEvent::Message(message)));
        }
        match self.events.poll_recv(context) {
            Poll::Ready(event) => Poll::Ready(self.take(event)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Notes what the owner knows from now on; a queue that ended becomes an event, once.
    fn take(&mut self, event: Option<GroupEvent>) -> Option<GroupEvent> {
        match (&event, self.end) {
            (Some(GroupEvent::SecureView(view) | GroupEvent::KeyRefreshed(view)), _) => {
                self.view = Some(view.clone());
            }
            (Some(GroupEvent::SelfLeave), _) => self.end = End::Told,
            (Some(_), _) | (None, End::Told) => {}
            (None, End::Open) => {
                self.end = End::Told;
                return Some(GroupEvent::Closed(self.link.shared().reason()));
            }
        }
        event
    }

    /// Sends to all members of the secure view taken last, in that view or not at all. `Ok` says
    /// that the message is sealed and on its way.
    ///
    /// During a refresh of the key it waits for the new one, up to the configured patience.
    ///
    /// # Errors
    /// [`SendError`] with the payload and the [`SendFailure`]:
    /// [`ViewChanged`](SendFailure::ViewChanged) when the group has moved on,
    /// [`NoView`](SendFailure::NoView) before the first secure view, what the session refuses,
    /// [`Timeout`](SendFailure::Timeout), [`Closed`](SendFailure::Closed).
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub async fn multicast(
        &self,
        service: Service,
        message_type: i16,
        payload: impl Into<Bytes>,
    ) -> Result<(), SendError> {
        self.multicast_with(service, SelfDelivery::Deliver, message_type, payload)
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
        payload: impl Into<Bytes>,
    ) -> Result<(), SendError> {
        let payload = payload.into();
        let Some(view) = self.view.as_ref().map(|view| view.number) else {
            let failure = SendFailure::NoView(self.name);
            return Err(SendError { failure, payload });
        };
        let deadline = Instant::now() + self.patience;
        let mut progress = self.progress.clone();
        loop {
            progress.mark_unchanged();
            let sent = self
                .send(view, service, self_delivery, message_type, &payload)
                .await;
            let failure = match sent {
                Ok(()) => return Ok(()),
                Err(SendFailure::Session(error)) if error.is_retryable() => {
                    match self.next_key(&mut progress, deadline).await {
                        Ok(()) => continue,
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            return Err(SendError { failure, payload });
        }
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
    ) -> Result<(), SendError> {
        let mut payload = BytesMut::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            payload.extend_from_slice(part);
        }
        self.multicast(service, message_type, payload.freeze())
            .await
    }

    /// Sends in whatever secure view is installed, or else in the next one, for which it waits up
    /// to the configured patience. For those who do not mind who reads it; tells the view.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast), but never because the view has changed.
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub async fn multicast_next(
        &self,
        service: Service,
        message_type: i16,
        payload: impl Into<Bytes>,
    ) -> Result<ViewNumber, SendError> {
        let payload = payload.into();
        let deadline = Instant::now() + self.patience;
        let mut progress = self.progress.clone();
        loop {
            let installed = *progress.borrow_and_update();
            if let Some(Key { view, .. }) = installed {
                let sent = self
                    .send(view, service, SelfDelivery::Deliver, message_type, &payload)
                    .await;
                match sent {
                    Ok(()) => return Ok(view),
                    Err(failure) if failure.passes_with_the_next_key() => {}
                    Err(failure) => return Err(SendError { failure, payload }),
                }
            }
            if let Err(failure) = self.next_key(&mut progress, deadline).await {
                return Err(SendError { failure, payload });
            }
        }
    }

    async fn send(
        &self,
        view: ViewNumber,
        service: Service,
        self_delivery: SelfDelivery,
        message_type: i16,
        payload: &Bytes,
    ) -> Result<(), SendFailure> {
        let send = Outgoing {
            group: self.name,
            view,
            service,
            self_delivery,
            message_type,
            payload: payload.clone(),
        };
        match self.link.call(|answer| Command::Send(send, answer)).await {
            Ok(sent) => sent.map_err(SendFailure::from),
            Err(_) => Err(SendFailure::Closed),
        }
    }

    async fn next_key(
        &self,
        progress: &mut watch::Receiver<Progress>,
        deadline: Instant,
    ) -> Result<(), SendFailure> {
        match timeout_at(deadline, progress.changed()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(SendFailure::Closed),
            Err(_) => Err(SendFailure::Timeout(self.patience)),
        }
    }

    /// Permits the view change that a [`FlushRequest`](GroupEvent::FlushRequest) asked for. Nothing
    /// can be sent from here to the next secure view.
    ///
    /// # Errors
    /// [`Error::Session`] if nothing asked for it or it was permitted already, [`Error::Closed`].
    ///
    /// # Cancel safety
    /// A permission whose future is dropped is given completely or not at all.
    pub async fn flush_ok(&self) -> Result<(), Error> {
        self.link
            .call(|answer| Command::FlushOk(self.name, answer))
            .await?
    }

    /// Asks for a new key among the same members;
    /// [`KeyRefreshed`](GroupEvent::KeyRefreshed) tells that it is there.
    ///
    /// # Errors
    /// [`Error::Session`] when the group has no key or is about to get a new one anyway,
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// A request whose future is dropped is made completely or not at all.
    pub async fn refresh(&self) -> Result<(), Error> {
        self.link
            .call(|answer| Command::Refresh(self.name, answer))
            .await?
    }

    /// Leaves the group and waits until that is done. Events before that are dropped.
    ///
    /// # Errors
    /// [`Error::Session`] when it is being left already, [`Error::Timeout`], [`Error::Closed`].
    ///
    /// # Cancel safety
    /// The group is left all the same, in the background.
    pub async fn leave(mut self) -> Result<(), Error> {
        if self.end == End::Told {
            return Ok(());
        }
        self.link
            .call(|answer| Command::Leave(self.name, answer))
            .await??;
        let patience = self.patience;
        let left = timeout(patience, async {
            loop {
                match self.recv().await {
                    Some(GroupEvent::SelfLeave) => return Ok(()),
                    Some(GroupEvent::Closed(_)) | None => return Err(Error::Closed),
                    Some(_) => {}
                }
            }
        });
        left.await.map_err(|_| Error::Timeout {
            what: "leaving the group",
            after: patience,
        })?
    }

    /// Derives key material for the application from the key taken last; the same at all members
    /// that give the same label, context and length.
    ///
    /// # Errors
    /// [`Error::Outdated`] if there is a newer key, or none taken yet; [`Error::Session`] for a
    /// group without a key and for a length or label out of bounds; [`Error::Closed`].
    ///
    /// # Security
    /// The result is wiped from memory when dropped; copies of it are the caller's concern.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn export(
        &self,
        label: &str,
        context: &[u8],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let Some(view) = &self.view else {
            return Err(Error::Outdated(self.name));
        };
        let export = Export {
            group: self.name,
            key: Key {
                view: view.number,
                epoch: view.epoch,
            },
            label: label.to_owned(),
            context: context.to_vec(),
            length,
        };
        self.link
            .call(|answer| Command::Export(export, answer))
            .await?
    }

    /// What the group is doing now; `None` when it is over.
    ///
    /// # Errors
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn state(&self) -> Result<Option<Phase>, Error> {
        self.link
            .call(|answer| Command::State(self.name, answer))
            .await
    }

    /// What happened in the group so far; `None` when it is over.
    ///
    /// # Errors
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn stats(&self) -> Result<Option<GroupStats>, Error> {
        let stats = self
            .link
            .call(|answer| Command::Stats(self.name, answer))
            .await?;
        Ok(stats.map(|stats| *stats))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.events.close();
        self.link.shared().notify_dropped_receiver();
    }
}

impl futures_core::Stream for Group {
    type Item = GroupEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<GroupEvent>> {
        self.get_mut().poll_recv(context)
    }
}
