//! What the handles of all kinds of groups have in common: a queue of events and its end.

use core::task::{Context, Poll};
use std::io::IoSliceMut;

use bytes::Bytes;
use gcs_proto::{
    flush::FlushEvent,
    gcs::{CloseReason, GcsEvent, Refused},
    name::{GroupName, MemberName},
    service::Service,
};
use tokio::{
    sync::mpsc,
    time::{Duration, timeout},
};

use crate::{
    driver::{self, Link},
    error::{Error, TooShort},
    event::GroupEvent,
    secure::{Clear, Command},
};

/// What `recv_into` and `recv_vectored` of a group's handle took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received<E = GroupEvent> {
    /// A message, of which the content is in the buffer and the rest here.
    Message {
        /// Who sent it.
        sender: MemberName,
        /// Service it was sent with.
        service: Service,
        /// 16-bit type chosen by the sender.
        message_type: i16,
        /// Bytes of the content, at the beginning of the buffer, or of the first of several.
        length: usize,
    },
    /// Anything else.
    Event(E),
}

impl<E> Received<E> {
    /// What is told of a message by this sender, with this service and type.
    const fn message(about: (MemberName, Service, i16), content: &Bytes) -> Self {
        let (sender, service, message_type) = about;
        Self::Message {
            sender,
            service,
            message_type,
            length: content.len(),
        }
    }
}

/// Whether more events follow one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Continuation {
    More,
    /// More, unless the daemon has refused the join of somebody who was not a member.
    Uncertain,
    Nothing,
}

/// What an event tells its handle.
pub(crate) trait HandleEvent: Sized {
    /// The connection is over.
    fn closed(reason: CloseReason) -> Self;

    /// Whether more follow.
    fn continuation(&self) -> Continuation;

    /// The message that it is, if it is one: without its length, and the content.
    fn message(&self) -> Option<(Received<Self>, &Bytes)>;
}

impl HandleEvent for GroupEvent {
    fn closed(reason: CloseReason) -> Self {
        Self::Closed(reason)
    }

    fn continuation(&self) -> Continuation {
        match self {
            Self::SelfLeave => Continuation::Nothing,
            Self::Refused(refused) => after_refusal(refused),
            // Whatever else is told, more can follow.
            _ => Continuation::More,
        }
    }

    fn message(&self) -> Option<(Received, &Bytes)> {
        let Self::Message(message) = self else {
            return None;
        };
        let about = (message.sender, message.service, message.message_type);
        Some((Received::message(about, &message.payload), &message.payload))
    }
}

impl HandleEvent for FlushEvent {
    fn closed(reason: CloseReason) -> Self {
        Self::Closed(reason)
    }

    fn continuation(&self) -> Continuation {
        match self {
            Self::SelfLeave { .. } => Continuation::Nothing,
            Self::Refused(refused) => after_refusal(refused),
            Self::View(_)
            | Self::FlushRequest { .. }
            | Self::TransitionalSignal { .. }
            | Self::Message(_)
            | Self::Private(_)
            | Self::Closed(_) => Continuation::More,
        }
    }

    fn message(&self) -> Option<(Received<Self>, &Bytes)> {
        match self {
            Self::Message(message) => {
                let about = (message.sender, message.service, message.message_type);
                Some((Received::message(about, &message.body), &message.body))
            }
            Self::View(_)
            | Self::FlushRequest { .. }
            | Self::TransitionalSignal { .. }
            | Self::Private(_)
            | Self::SelfLeave { .. }
            | Self::Refused(_)
            | Self::Closed(_) => None,
        }
    }
}

impl HandleEvent for GcsEvent {
    fn closed(reason: CloseReason) -> Self {
        Self::Closed(reason)
    }

    fn continuation(&self) -> Continuation {
        match self {
            Self::SelfLeave { .. } => Continuation::Nothing,
            Self::Refused(refused) => after_refusal(refused),
            Self::Membership(_)
            | Self::TransitionalSignal { .. }
            | Self::Message(_)
            | Self::Closed(_) => Continuation::More,
        }
    }

    fn message(&self) -> Option<(Received<Self>, &Bytes)> {
        match self {
            Self::Message(message) => {
                let about = (message.sender, message.service, message.message_type);
                Some((Received::message(about, &message.body), &message.body))
            }
            Self::Membership(_)
            | Self::TransitionalSignal { .. }
            | Self::SelfLeave { .. }
            | Self::Refused(_)
            | Self::Closed(_) => None,
        }
    }
}

const fn after_refusal(refused: &Refused) -> Continuation {
    match refused {
        Refused::Join(_) => Continuation::Uncertain,
        Refused::Leave(_) | Refused::Multicast(_) => Continuation::More,
    }
}

/// Whether more events can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// The daemon refused the join. If that was the end, the queue ends as well.
    Refused,
    Told,
}

/// The events of one group, up to its end, and the way to ask for something. Dropping it leaves the
/// group in the background.
#[derive(Debug)]
pub(crate) struct Inbox<E> {
    pub(crate) group: GroupName,
    pub(crate) link: Link<Command>,
    events: mpsc::Receiver<E>,
    /// A message that did not fit its buffer.
    held: Option<E>,
    end: End,
}

impl<E: HandleEvent> Inbox<E> {
    pub(crate) const fn new(
        group: GroupName,
        link: Link<Command>,
        events: mpsc::Receiver<E>,
    ) -> Self {
        Self {
            group,
            link,
            events,
            held: None,
            end: End::Open,
        }
    }

    pub(crate) fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<E>> {
        if let Some(held) = self.held.take() {
            return Poll::Ready(Some(held));
        }
        match self.events.poll_recv(context) {
            Poll::Ready(event) => Poll::Ready(self.take(event)),
            Poll::Pending => Poll::Pending,
        }
    }

    pub(crate) fn try_recv(&mut self) -> Option<E> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        let event = match self.events.try_recv() {
            Ok(event) => Some(event),
            Err(mpsc::error::TryRecvError::Empty) => return None,
            Err(mpsc::error::TryRecvError::Disconnected) => None,
        };
        self.take(event)
    }

    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub(crate) async fn recv_many(&mut self, events: &mut Vec<E>, limit: usize) -> usize {
        if limit > 0
            && let Some(held) = self.held.take()
        {
            events.push(held);
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

    /// Events that wait to be taken.
    pub(crate) fn pending(&self) -> usize {
        self.events.len() + usize::from(self.held.is_some())
    }

    /// Copies the content of a message to `buffers`, one behind the other. A message that does not
    /// fit is the next event taken, by whatever call.
    pub(crate) fn copy(
        &mut self,
        event: Option<E>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Result<Option<Received<E>>, TooShort> {
        let Some(event) = event else {
            return Ok(None);
        };
        let Some((received, content)) = event.message() else {
            return Ok(Some(Received::Event(event)));
        };
        let needed = content.len();
        let room = buffers
            .iter()
            .fold(0, |sum: usize, buffer| sum.saturating_add(buffer.len()));
        if needed > room {
            self.held = Some(event);
            return Err(TooShort { needed, room });
        }
        let mut rest = &content[..];
        for buffer in buffers {
            let (now, later) = rest.split_at_checked(buffer.len()).unwrap_or((rest, &[]));
            if let Some(room) = buffer.get_mut(..now.len()) {
                room.copy_from_slice(now);
            }
            rest = later;
        }
        Ok(Some(received))
    }

    /// Sends in the clear.
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub(crate) async fn send(&self, message: Clear) -> Result<(), Error> {
        self.link
            .call(|answer| Command::Clear(message, answer))
            .await?
    }

    /// Sends many messages in the clear, in order, many of them at once.
    ///
    /// # Cancel safety
    /// Not cancel safe: of a future that is dropped a first part of the messages may be sent, each of
    /// them completely.
    pub(crate) async fn send_all(&self, mut rest: Vec<Clear>) -> Result<(), (usize, Error)> {
        let mut done = 0;
        while !rest.is_empty() {
            let batch = driver::first_batch(&mut rest, Clear::bytes);
            let count = batch.len();
            let answer = self.link.call(|answer| Command::ClearAll(batch, answer));
            match answer.await {
                Ok(Ok(())) => done += count,
                Ok(Err((position, error))) => return Err((done + position, error)),
                Err(error) => return Err((done, error)),
            }
        }
        Ok(())
    }

    /// Leaves the group and waits until that is done. Events before that are dropped.
    ///
    /// # Cancel safety
    /// The group is left all the same: by the request, or by dropping this.
    pub(crate) async fn leave(mut self, wait_limit: Duration) -> Result<(), Error> {
        if self.end == End::Told {
            return Ok(());
        }
        let group = self.group;
        // A queue that has ended is that of a group that is over; the name may be of another by now.
        if !self.events.is_closed() {
            let asked = self.link.call(|answer| Command::Leave(group, answer));
            match asked.await? {
                // Refused in the meantime, as the queue tells.
                Ok(()) | Err(Error::Session(ssp_core::Error::NotJoined(_))) => {}
                Err(error) => return Err(error),
            }
        }
        let mut refused = self.end == End::Refused;
        let left = timeout(wait_limit, async {
            loop {
                match self.events.recv().await.map(|event| event.continuation()) {
                    Some(Continuation::Nothing) => return Ok(()),
                    Some(Continuation::More) => {}
                    Some(Continuation::Uncertain) => refused = true,
                    // Whoever was not let in is out.
                    None if refused => return Ok(()),
                    None => return Err(Error::Closed),
                }
            }
        });
        left.await.map_err(|_| Error::Timeout {
            what: "leaving the group",
            after: wait_limit,
        })?
    }

    /// Notes what the owner knows from now on; a queue that ended becomes an event, once.
    fn take(&mut self, event: Option<E>) -> Option<E> {
        match (&event, self.end) {
            (Some(event), _) => self.note(event),
            (None, End::Told) => {}
            (None, End::Refused) => self.end = End::Told,
            (None, End::Open) => {
                self.end = End::Told;
                return Some(E::closed(self.link.shared().reason()));
            }
        }
        event
    }

    fn note(&mut self, event: &E) {
        match event.continuation() {
            // What was refused was not the join of this member.
            Continuation::More if self.end == End::Refused => self.end = End::Open,
            Continuation::More => {}
            Continuation::Uncertain => self.end = End::Refused,
            Continuation::Nothing => self.end = End::Told,
        }
    }
}

impl<E> Drop for Inbox<E> {
    fn drop(&mut self) {
        self.events.close();
        self.link.shared().notify_dropped_receiver();
    }
}
