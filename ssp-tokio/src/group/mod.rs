//! The handle of a joined group: taking events, and everything but sending.

mod parts;
mod send;

pub use parts::{PartSender, StreamError};

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use gcs_proto::{
    gcs::Refused,
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_core::{Fingerprint, GroupStats, Phase, SecureMessage, SecureViewEvent};
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, timeout},
};
use zeroize::Zeroizing;

use crate::{
    driver::Link,
    error::{Error, TooShort},
    event::GroupEvent,
    secure::{Command, Export, Key, Progress},
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
    /// The daemon refused the join. If that was the end, the queue ends as well.
    Refused,
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
    /// [`SelfLeave`](GroupEvent::SelfLeave), [`Closed`](GroupEvent::Closed) or the refusal of the
    /// join.
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

    /// The next events, at most `limit`, appended to `events`; waits for one. 0 says that nothing
    /// follows.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv_many(&mut self, events: &mut Vec<GroupEvent>, limit: usize) -> usize {
        if limit > 0
            && let Some(message) = self.held.take()
        {
            events.push(GroupEvent::Message(message));
            return 1;
        }
        let before = events.len();
        let count = self.events.recv_many(events, limit).await;
        for event in events.get(before..).unwrap_or_default() {
            self.note(event);
        }
        if count == 0 && limit > 0 {
            let end = self.take(None);
            let told = usize::from(end.is_some());
            events.extend(end);
            return told;
        }
        count
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
            (Some(event), _) => self.note(event),
            (None, End::Told) => {}
            (None, End::Refused) => self.end = End::Told,
            (None, End::Open) => {
                self.end = End::Told;
                return Some(GroupEvent::Closed(self.link.shared().reason()));
            }
        }
        event
    }

    /// Notes what the owner knows from now on.
    fn note(&mut self, event: &GroupEvent) {
        match event {
            GroupEvent::SecureView(view) | GroupEvent::KeyRefreshed(view) => {
                self.view = Some(view.clone());
            }
            GroupEvent::SelfLeave => self.end = End::Told,
            GroupEvent::Refused(Refused::Join(_)) => self.end = End::Refused,
            // Of no effect on the handle.
            _ => {}
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

    /// Leaves the group and waits until that is done, or until a join under way is refused. Events
    /// before that are dropped.
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
                    Some(GroupEvent::SelfLeave | GroupEvent::Refused(Refused::Join(_))) => {
                        return Ok(());
                    }
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
