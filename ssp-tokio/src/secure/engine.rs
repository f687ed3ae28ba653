//! Session and connection, and the queues of the groups.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    connection::Connection,
    gcs::{CloseReason, GcsEvent, Message},
    name::GroupName,
};
use rand_chacha::ChaCha20Rng;
use ssp_core::{
    Credentials, Session, SessionConfig, SessionEvent, Timestamp, access::AccessPolicy,
};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{
    BeginParts, Behind, Clear, Command, Export, Join, JoinAs, Outgoing, OutgoingPart, Passed,
    Receivers, ViewCast,
    queue::{End, Queue, ToHandle, end_of, group_of},
};
use crate::{
    driver::{Delivery, Engine, Millis, Shared},
    error::Error,
};

/// What the task knows of a group's handle.
struct Slot {
    queue: Queue,
    handle: Handle,
}

/// Whether somebody takes the events of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handle {
    Held,
    /// Dropped; the group is being left.
    Dropped,
}

/// A session over a connection.
pub(crate) struct SecureEngine {
    connection: Connection,
    session: Session,
    rng: ChaCha20Rng,
    groups: BTreeMap<GroupName, Slot>,
    /// Where private messages go; nowhere if nobody asked for them.
    private: Option<mpsc::Sender<Message>>,
    shared: Arc<Shared>,
    closed: bool,
}

impl SecureEngine {
    pub(crate) fn new(
        connection: Connection,
        credentials: Credentials,
        mut config: SessionConfig,
        rng: ChaCha20Rng,
        shared: Arc<Shared>,
    ) -> Self {
        config.capabilities = connection.capabilities();
        let session = Session::new(*connection.private_group(), credentials, config);
        Self {
            connection,
            session,
            rng,
            groups: BTreeMap::new(),
            private: None,
            shared,
            closed: false,
        }
    }

    pub(crate) fn with_policy(mut self, policy: Arc<dyn AccessPolicy>) -> Self {
        self.session = self.session.with_policy(policy);
        self
    }

    fn join(&mut self, join: Join, now: Millis) -> Result<(), Error> {
        let Join { group, kind } = join;
        // The end of the group's last handle is still on its way, and must not end this one.
        if self.groups.contains_key(&group) {
            return Err(ssp_core::Error::AlreadyJoined(group).into());
        }
        let time = Timestamp(now);
        let queue = match kind {
            JoinAs::Secure {
                options,
                events,
                progress,
            } => {
                self.session.join(group, *options, time)?;
                Queue::Secure { events, progress }
            }
            JoinAs::Flush { mode, events } => {
                self.session.join_flush(group, mode, time)?;
                Queue::Flush(events)
            }
            JoinAs::Bare { events } => {
                self.session.join_bare(group, time)?;
                Queue::Bare(events)
            }
        };
        let handle = Handle::Held;
        self.groups.insert(group, Slot { queue, handle });
        // The caller may have lost interest while the command was waiting.
        self.handle_dropped_receiver(now);
        Ok(())
    }

    /// Sends in the clear.
    fn send_clear(&mut self, message: Clear) -> Result<(), Error> {
        match message {
            Clear::Bare(multicast) => self.session.multicast_bare(multicast)?,
            Clear::View(ViewCast {
                group,
                view,
                to: Receivers::All(self_delivery),
                service,
                message_type,
                body,
            }) => self.session.multicast_flush(
                &group,
                view,
                service,
                self_delivery,
                message_type,
                body,
            )?,
            Clear::View(ViewCast {
                group,
                view,
                to: Receivers::Some(members),
                service,
                message_type,
                body,
            }) => {
                self.session
                    .subset_flush(&group, view, &members, service, message_type, body)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, send: &Outgoing) -> Result<(), ssp_core::SendError> {
        self.session.multicast(
            &send.group,
            send.view,
            send.service,
            send.self_delivery,
            send.message_type,
            &[&send.payload],
            &mut self.rng,
        )
    }

    fn begin_parts(&mut self, begin: &BeginParts) -> super::command::Begun {
        let stream = self.session.begin_parts(
            &begin.group,
            begin.view,
            begin.service,
            begin.message_type,
        )?;
        let part_max = self.session.part_max(&begin.group).unwrap_or_default();
        Ok((stream, part_max))
    }

    fn send_part(&mut self, part: &OutgoingPart) -> Result<Passed, ssp_core::SendError> {
        let mut stream = part.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if self.session.parts_in_flight(&stream) >= stream.window() {
            match part.behind {
                Behind::Wait => return Ok(Passed::NoRoom),
                Behind::Forgo => self.session.forgo_receipts(&stream),
            }
        }
        self.session
            .send_part(&mut stream, part.end, &[&part.payload], &mut self.rng)?;
        Ok(Passed::Sent)
    }

    fn export(&self, export: &Export) -> Result<Zeroizing<Vec<u8>>, Error> {
        let installed = self
            .groups
            .get(&export.group)
            .and_then(|slot| match &slot.queue {
                Queue::Secure { progress, .. } => Some(progress.borrow().key),
                Queue::Flush(_) | Queue::Bare(_) => None,
            });
        if installed != Some(Some(export.key)) {
            return Err(Error::Outdated(export.group));
        }
        let key = self.session.export(
            &export.group,
            export.label.as_bytes(),
            &export.context,
            export.length,
        )?;
        Ok(key)
    }

    /// Carries the session's commands to the engine below.
    fn forward(&mut self, now: Millis) {
        while let Some(command) = self.session.poll_command() {
            if let Err(error) = self.connection.command(command) {
                // The session checked all bounds of a single message, so what is full is the
                // buffer: the daemon takes nothing. Going on with a hole would break the views.
                tracing::warn!(%error, "connection given up");
                let reason = if matches!(error, gcs_proto::Error::Closed(_)) {
                    CloseReason::EndOfStream
                } else {
                    CloseReason::Limit("bytes waiting to be sent")
                };
                self.handle_event(GcsEvent::Closed(reason), now);
                return;
            }
        }
    }

    fn handle_event(&mut self, event: GcsEvent, now: Millis) {
        self.session
            .handle_event(event, Timestamp(now), &mut self.rng);
        self.note_phases();
    }

    /// Wakes the sends that wait in a group which has gone on to something else.
    fn note_phases(&self) {
        for (group, slot) in &self.groups {
            let Queue::Secure { progress, .. } = &slot.queue else {
                continue;
            };
            // One receiver is the handle's; each waiting send has one of its own.
            if progress.receiver_count() > 1 {
                let phase = self.session.group_state(group);
                let receipts = self.session.receipts(group);
                progress.send_if_modified(|progress| {
                    let before = (progress.phase, progress.receipts);
                    (progress.phase, progress.receipts) = (phase, receipts);
                    before != (phase, receipts)
                });
            }
        }
    }

    /// Finds the queue of an event; events of handles that are gone end here.
    fn route(&mut self, event: SessionEvent) -> Option<ToHandle> {
        let event = match event {
            SessionEvent::Closed(reason) => {
                self.shared.close(reason);
                self.closed = true;
                // The end of their queue tells the handles, behind all that came before.
                self.groups.clear();
                self.private = None;
                return None;
            }
            SessionEvent::Private(event) => {
                let to = self.private.clone()?;
                return Some(ToHandle::Private(Delivery { to, event }));
            }
            event => event,
        };
        let Some(group) = group_of(&event) else {
            tracing::debug!("event outside of all groups dropped");
            return None;
        };
        let slot = self.groups.get(&group)?;
        slot.queue.note_key(&event);
        // Both ends of a membership come without the application's doing when nobody holds the
        // handle any more.
        let over = match end_of(&event) {
            Some(End::SelfLeave) => true,
            Some(End::JoinRefused) => self.session.kind(&group).is_none(),
            None => false,
        };
        let delivery = match slot.handle {
            Handle::Held => slot.queue.deliver(event),
            Handle::Dropped => None,
        };
        if over {
            self.groups.remove(&group);
        }
        delivery
    }
}

impl Engine for SecureEngine {
    type Command = Command;
    type Delivery = ToHandle;

    fn read_buffer(&mut self) -> &mut BytesMut {
        self.connection.read_buffer()
    }

    fn handle_end_of_stream(&mut self, _now: Millis) {
        self.connection.handle_end_of_stream();
    }

    fn handle_command(&mut self, command: Command, now: Millis) {
        // Nobody may be waiting for an answer any more, which changes nothing.
        match command {
            Command::Join(join, answer) => {
                let result = self.join(join, now);
                self.forward(now);
                let _ = answer.send(result);
            }
            Command::Leave(group, answer) => {
                let result = self.session.leave(&group).map_err(Error::from);
                self.note_phases();
                self.forward(now);
                let _ = answer.send(result);
            }
            Command::FlushOk(group, answer) => {
                let result = self
                    .session
                    .flush_ok(&group, Timestamp(now), &mut self.rng)
                    .map_err(Error::from);
                self.note_phases();
                self.forward(now);
                let _ = answer.send(result);
            }
            Command::Refresh(group, answer) => {
                let result = self
                    .session
                    .refresh(&group, Timestamp(now), &mut self.rng)
                    .map_err(Error::from);
                self.note_phases();
                self.forward(now);
                let _ = answer.send(result);
            }
            Command::Send(send, answer) => {
                let result = self.send(&send);
                if result.is_err() {
                    // Who waits now is to be woken by what comes after this.
                    self.note_phases();
                }
                self.forward(now);
                let _ = answer.send(result);
            }
            Command::SendAll(sends, answer) => {
                let result = sends.iter().enumerate().try_for_each(|(position, send)| {
                    let sent = self.send(send);
                    self.forward(now);
                    sent.map_err(|error| (position, error))
                });
                let _ = answer.send(result);
            }
            Command::BeginParts(begin, answer) => {
                let result = self.begin_parts(&begin);
                if result.is_err() {
                    self.note_phases();
                }
                let _ = answer.send(result);
            }
            Command::SendPart(part, answer) => {
                let result = self.send_part(&part);
                self.forward(now);
                let _ = answer.send(result);
            }
            Command::Export(export, answer) => {
                let _ = answer.send(self.export(&export));
            }
            Command::Clear(message, answer) => {
                let result = self.send_clear(message);
                self.forward(now);
                let _ = answer.send(result);
            }
            Command::ClearAll(messages, answer) => {
                let mut sends = messages.into_iter().enumerate();
                let result = sends.try_for_each(|(position, message)| {
                    let sent = self.send_clear(message);
                    self.forward(now);
                    sent.map_err(|error| (position, error))
                });
                let _ = answer.send(result);
            }
            Command::Listen(messages, answer) => {
                self.private = Some(messages);
                let _ = answer.send(());
            }
            Command::MissingFlush(group, answer) => {
                let _ = answer.send(self.session.missing_flush(&group));
            }
            Command::State(group, answer) => {
                let _ = answer.send(self.session.group_state(&group));
            }
            Command::Stats(group, answer) => {
                let _ = answer.send(self.session.stats(&group).map(Box::new));
            }
        }
    }

    fn handle_dropped_receiver(&mut self, now: Millis) {
        if self.private.as_ref().is_some_and(mpsc::Sender::is_closed) {
            self.private = None;
        }
        let dropped: Vec<_> = self
            .groups
            .iter_mut()
            .filter(|(_, slot)| slot.handle == Handle::Held && slot.queue.is_closed())
            .map(|(group, slot)| {
                slot.handle = Handle::Dropped;
                *group
            })
            .collect();
        for group in dropped {
            // Being left already is as good.
            if let Err(error) = self.session.leave(&group) {
                tracing::debug!(%group, %error, "group of a dropped handle not left");
            }
        }
        self.forward(now);
    }

    fn disconnect(&mut self, now: Millis) {
        self.shared.close(CloseReason::Disconnected);
        // A session that is over already needs no goodbye.
        let _ = self.session.disconnect();
        self.forward(now);
    }

    fn handle_timeout(&mut self, now: Millis) {
        self.session.handle_timeout(Timestamp(now), &mut self.rng);
        self.note_phases();
        self.forward(now);
    }

    fn poll_timeout(&self) -> Option<Millis> {
        if self.closed {
            return None;
        }
        self.session.poll_timeout().map(|Timestamp(due)| due)
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.connection.poll_transmit()
    }

    fn poll_delivery(&mut self, now: Millis) -> Option<ToHandle> {
        loop {
            if self.closed {
                return None;
            }
            if let Some(event) = self.session.poll_event() {
                match self.route(event) {
                    Some(delivery) => return Some(delivery),
                    None => continue,
                }
            }
            let event = self.connection.poll_event()?;
            self.handle_event(event, now);
            self.forward(now);
        }
    }

    fn may_step_aside(&self) -> bool {
        self.session.may_step_aside()
    }

    fn is_closed(&self) -> bool {
        self.closed
    }
}
