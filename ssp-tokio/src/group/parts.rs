//! Messages longer than memory: sent part by part, as they come.
//!
//! ```text
//!   reader --part_max bytes--> PartSender --one command at a time--> task --sealed--> daemon
//! ```
//!
//! One part is in memory at a time, plus what the queues on the way hold: the bound of unsent bytes
//! makes the next part wait, and so does the slowest member. Sessions confirm parts to their sender
//! when their application has room for more events, and no more than a window of parts
//! ([`PARTS_IN_FLIGHT`](ssp_core::PARTS_IN_FLIGHT)) is under way to anybody: so no member is closed by
//! its daemon because a sender was faster. A member that confirms nothing for the configured time limit
//! is no longer waited for. Receivers put the parts together up to their `message_bytes`, or, with
//! [`PartDelivery::Streamed`](ssp_core::PartDelivery::Streamed), take each as it comes.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use gcs_proto::{name::GroupName, service::Service};
use ssp_core::{PartEnd, PartStream};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::watch,
    time::{Duration, Instant, timeout_at},
};

use super::Group;
use crate::{
    driver::Link,
    error::{SendError, SendFailure},
    secure::{BeginParts, Behind, Command, OutgoingPart, Passed, Progress},
};

/// A message under way in parts; it needs no [`Group`] and can move to a task of its own, while the
/// group's events are taken elsewhere. They must be taken: own parts come back as well.
///
/// The message is bound to the key under which it began. A view change or a refresh ends it, and
/// receivers discard what they have of it, as they do when this is dropped before
/// [`finish`](Self::finish).
pub struct PartSender {
    group: GroupName,
    link: Link<Command>,
    /// Shared with the task while it sends a part; never waited for.
    stream: Arc<Mutex<PartStream>>,
    part_max: usize,
    progress: watch::Receiver<Progress>,
    wait_limit: Duration,
}

impl fmt::Debug for PartSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartSender")
            .field("group", &self.group)
            .field("part_max", &self.part_max)
            .finish_non_exhaustive()
    }
}

/// Why a message that is read while it is sent ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Its source failed.
    #[error("reading failed: {0}")]
    Read(#[from] std::io::Error),
    /// A part was not sent; the message has to begin anew.
    #[error(transparent)]
    Send(SendFailure),
}

impl Group {
    /// Begins a message that is sent in parts, in the secure view taken last. Waits as
    /// [`multicast`](Self::multicast) does.
    ///
    /// # Errors
    /// [`SendFailure`], as of [`multicast`](Self::multicast); a service below FIFO is refused.
    ///
    /// # Cancel safety
    /// Cancel safe: a message that was begun for nobody has no parts.
    pub async fn begin_parts(
        &self,
        service: Service,
        message_type: i16,
    ) -> Result<PartSender, SendFailure> {
        let Some(view) = self.view.as_ref().map(|view| view.number) else {
            return Err(SendFailure::NoView(*self.name()));
        };
        let begin = BeginParts {
            group: *self.name(),
            view,
            service,
            message_type,
        };
        let deadline = Instant::now() + self.wait_limit;
        let mut progress = self.progress.clone();
        let (stream, part_max) = loop {
            progress.mark_unchanged();
            let begun = self
                .inbox
                .link
                .call(|answer| Command::BeginParts(begin, answer))
                .await;
            match begun
                .map_err(|_| SendFailure::Closed)?
                .map_err(SendFailure::from)
            {
                Ok(begun) => break begun,
                Err(failure) if failure.passes_in_view() => {
                    self.next_step(&mut progress, deadline).await?;
                }
                Err(failure) => return Err(failure),
            }
        };
        Ok(PartSender {
            group: *self.name(),
            link: self.inbox.link.clone(),
            stream: Arc::new(Mutex::new(stream)),
            part_max,
            progress,
            wait_limit: self.wait_limit,
        })
    }
}

impl PartSender {
    /// Most bytes of one part.
    pub const fn part_max(&self) -> usize {
        self.part_max
    }

    /// The group it is sent in.
    pub const fn group(&self) -> &GroupName {
        &self.group
    }

    /// Number of the message among this member's under the present key, by which receivers tell
    /// messages apart whose parts alternate.
    pub fn message(&self) -> u32 {
        self.stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .message()
    }

    /// Parts sent so far.
    pub fn parts(&self) -> u32 {
        self.stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .parts()
    }

    /// Sets how many parts may be under way to the slowest member, at least one;
    /// [`PARTS_IN_FLIGHT`](ssp_core::PARTS_IN_FLIGHT) unless set. More help where the way there and back
    /// is long; the daemons keep that many parts of about 100 KB for each member.
    pub fn set_window(&mut self, parts: u32) {
        self.stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set_window(parts);
    }

    /// Sends the next part, which is not the last one. Waits while the daemon takes nothing, and while
    /// the slowest member is a window behind.
    ///
    /// # Errors
    /// [`SendError`] with the part. After [`is_view_changed`](SendError::is_view_changed), and
    /// after a refresh, the message has to begin anew.
    ///
    /// # Cancel safety
    /// The part of a future that is dropped is sent completely or not at all;
    /// [`parts`](Self::parts) tells, once the connection's task has come to it.
    pub async fn send(&mut self, part: impl Into<Bytes>) -> Result<(), SendError> {
        self.put(PartEnd::More, part.into()).await
    }

    /// Sends the last part, which may be empty.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub async fn finish(mut self, part: impl Into<Bytes>) -> Result<(), SendError> {
        self.put(PartEnd::Last, part.into()).await
    }

    /// Sends what `reader` gives, to its end, and tells how many bytes that were. `progress` hears
    /// after each part how many bytes are sent.
    ///
    /// # Errors
    /// [`StreamError`]; receivers discard what was sent.
    ///
    /// # Cancel safety
    /// Not cancel safe: the message of a future that is dropped ends early, and receivers discard it.
    pub async fn send_all(
        mut self,
        mut reader: impl AsyncRead + Unpin,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, StreamError> {
        let mut sent = 0;
        loop {
            let mut part = BytesMut::with_capacity(self.part_max);
            while part.len() < self.part_max {
                let room = self.part_max - part.len();
                let mut limited = (&mut reader).take(u64::try_from(room).unwrap_or(u64::MAX));
                if limited.read_buf(&mut part).await? == 0 {
                    sent += u64::try_from(part.len()).unwrap_or(u64::MAX);
                    let last = self.finish(part).await;
                    last.map_err(|error| StreamError::Send(error.failure))?;
                    progress(sent);
                    return Ok(sent);
                }
            }
            sent += u64::try_from(part.len()).unwrap_or(u64::MAX);
            let more = self.send(part).await;
            more.map_err(|error| StreamError::Send(error.failure))?;
            progress(sent);
        }
    }

    async fn put(&mut self, end: PartEnd, payload: Bytes) -> Result<(), SendError> {
        let mut behind = Behind::Wait;
        let deadline = Instant::now() + self.wait_limit;
        loop {
            self.progress.mark_unchanged();
            let part = OutgoingPart {
                stream: Arc::clone(&self.stream),
                end,
                payload: payload.clone(),
                behind,
            };
            let sent = self
                .link
                .call(|answer| Command::SendPart(part, answer))
                .await;
            let failure = match sent {
                Ok(Ok(Passed::Sent)) => return Ok(()),
                Ok(Ok(Passed::NoRoom)) => match self.receipts(deadline).await {
                    Ok(then) => {
                        behind = then;
                        continue;
                    }
                    Err(failure) => failure,
                },
                Ok(Err(error)) => SendFailure::from(error),
                Err(_) => SendFailure::Closed,
            };
            return Err(SendError { failure, payload });
        }
    }

    /// Waits until a member has confirmed parts or the group does something else, up to the deadline.
    async fn receipts(&mut self, deadline: Instant) -> Result<Behind, SendFailure> {
        match timeout_at(deadline, self.progress.changed()).await {
            Ok(Ok(())) => Ok(Behind::Wait),
            Ok(Err(_)) => Err(SendFailure::Closed),
            Err(_) => Ok(Behind::Forgo),
        }
    }
}
