//! Sending to a group, bound to a secure view.
//!
//! ```text
//!   multicast       the view that the handle took last; else ViewChanged, payload back
//!   multicast_next  the view installed now; while there is none, the next one
//! ```
//!
//! During a refresh both wait for its end: the new key, or the old one if a view change came first.
//! With [`Confirmation::Explicit`](ssp_core::Confirmation::Explicit) they wait until all members have
//! confirmed the key.
//! Nothing is queued on the way: each caller waits for itself, up to its time limit, with its payload
//! in hand.

use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use gcs_proto::{gcs::SelfDelivery, service::Service};
use ssp_core::ViewNumber;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::Group;
use crate::{
    driver,
    error::{SendError, SendFailure},
    secure::{Command, Key, Outgoing, Progress},
};

/// The parts of a message one behind the other.
pub(crate) fn joined(parts: &[IoSlice<'_>]) -> Bytes {
    let mut whole = BytesMut::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        whole.extend_from_slice(part);
    }
    whole.freeze()
}

impl Group {
    /// Sends to all members of the secure view taken last, in that view or not at all. `Ok` says
    /// that the message is sealed and on its way.
    ///
    /// During a refresh of the key it waits for the end of the refresh, and for the members to confirm
    /// the key where they do, up to the configured time limit.
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
            let failure = SendFailure::NoView(*self.name());
            return Err(SendError { failure, payload });
        };
        let deadline = Instant::now() + self.wait_limit;
        let mut progress = self.progress.clone();
        loop {
            progress.mark_unchanged();
            let sent = self
                .send(view, service, self_delivery, message_type, &payload)
                .await;
            let failure = match sent {
                Ok(()) => return Ok(()),
                Err(failure) if failure.passes_in_view() => {
                    match self.next_step(&mut progress, deadline).await {
                        Ok(()) => continue,
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            return Err(SendError { failure, payload });
        }
    }

    /// Sends many messages, by type and payload, in order, as [`multicast_with`](Self::multicast_with)
    /// does each; what a flood of small messages should use, because the connection's task answers
    /// many of them at once. It does not wait for the end of a refresh or
    /// for confirmations.
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
    ) -> Result<(), (usize, SendFailure)> {
        let Some(view) = self.view.as_ref().map(|view| view.number) else {
            return Err((0, SendFailure::NoView(*self.name())));
        };
        let mut rest: Vec<_> = messages
            .into_iter()
            .map(|(message_type, payload)| Outgoing {
                group: *self.name(),
                view,
                service,
                self_delivery,
                message_type,
                payload,
            })
            .collect();
        let mut done = 0;
        while !rest.is_empty() {
            let batch = driver::first_batch(&mut rest, |send| send.payload.len());
            let count = batch.len();
            let answer = self
                .inbox
                .link
                .call(|answer| Command::SendAll(batch, answer));
            match answer.await {
                Ok(Ok(())) => done += count,
                Ok(Err((position, error))) => return Err((done + position, error.into())),
                Err(_) => return Err((done, SendFailure::Closed)),
            }
        }
        Ok(())
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
        self.multicast(service, message_type, joined(parts)).await
    }

    /// Sends in whatever secure view is installed, or else in the next one, for which it waits up
    /// to the configured time limit. For those who do not mind who reads it; tells the view.
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
        let deadline = Instant::now() + self.wait_limit;
        let mut progress = self.progress.clone();
        loop {
            let installed = progress.borrow_and_update().key;
            if let Some(Key { view, .. }) = installed {
                let sent = self
                    .send(view, service, SelfDelivery::Deliver, message_type, &payload)
                    .await;
                match sent {
                    Ok(()) => return Ok(view),
                    Err(failure) if failure.passes_by_itself() => {}
                    Err(failure) => return Err(SendError { failure, payload }),
                }
            }
            if let Err(failure) = self.next_step(&mut progress, deadline).await {
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
            group: *self.name(),
            view,
            service,
            self_delivery,
            message_type,
            payload: payload.clone(),
        };
        match self
            .inbox
            .link
            .call(|answer| Command::Send(send, answer))
            .await
        {
            Ok(sent) => sent.map_err(SendFailure::from),
            Err(_) => Err(SendFailure::Closed),
        }
    }

    /// Waits until the group has another key or does something else.
    pub(super) async fn next_step(
        &self,
        progress: &mut watch::Receiver<Progress>,
        deadline: Instant,
    ) -> Result<(), SendFailure> {
        match timeout_at(deadline, progress.changed()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(SendFailure::Closed),
            Err(_) => Err(SendFailure::Timeout(self.wait_limit)),
        }
    }
}
