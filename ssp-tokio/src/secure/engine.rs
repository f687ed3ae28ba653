//! Session and connection, and the queues of the groups.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    connection::Connection,
    gcs::{CloseReason, GcsEvent, Refused},
    name::GroupName,
};
use rand_chacha::ChaCha20Rng;
use ssp_core::{
    Credentials, Session, SessionConfig, SessionEvent, Timestamp, access::AccessPolicy,
};
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

use super::{BeginParts, Command, Export, Join, Key, Outgoing, OutgoingPart, Progress};
use crate::{
    driver::{Delivery, Engine, Millis, Shared},
    error::Error,
    event::GroupEvent,
};

/// What the task knows of a group's handle.
struct Slot {
    events: mpsc::Sender<GroupEvent>,
    progress: watch::Sender<Progress>,
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
            shared,
            closed: false,
        }
    }

    pub(crate) fn with_policy(mut self, policy: Arc<dyn AccessPolicy>) -> Self {
        self.session = self.session.with_policy(policy);
        self
    }

    fn join(&mut self, join: Join, now: Millis) -> Result<(), Error> {
        let Join {
            group,
            options,
            events,
            progress,
        } = join;
        self.session.join(group, options, Timestamp(now))?;
        let slot = Slot {
            events,
            progress,
            handle: Handle::Held,
        };
        self.groups.insert(group, slot);
        // The caller may have lost interest while the command was waiting.
        self.handle_dropped_receiver(now);
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

    fn send_part(&mut self, part: &OutgoingPart) -> Result<(), ssp_core::SendError> {
        let mut stream = part.stream.lock().unwrap_or_else(PoisonError::into_inner);
        self.session
            .send_part(&mut stream, part.end, &[&part.payload], &mut self.rng)
    }

    fn export(&self, export: &Export) -> Result<Zeroizing<Vec<u8>>, Error> {
        let installed = self
            .groups
            .get(&export.group)
            .and_then(|slot| slot.progress.borrow().key);
        if installed != Some(export.key) {
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
                let reason = match error {
                    gcs_proto::Error::Closed(_) => CloseReason::EndOfStream,
                    _ => CloseReason::Limit("bytes waiting to be sent"),
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
            // One receiver is the handle's; each waiting send has one of its own.
            if slot.progress.receiver_count() > 1 {
                let phase = self.session.group_state(group);
                slot.progress.send_if_modified(|progress| {
                    std::mem::replace(&mut progress.phase, phase) != phase
                });
            }
        }
    }

    /// Finds the queue of an event; events of handles that are gone end here.
    fn route(&mut self, event: SessionEvent) -> Option<Delivery<GroupEvent>> {
        if let SessionEvent::Closed(reason) = &event {
            self.shared.close(reason.clone());
            self.closed = true;
            // The end of their queue tells the handles, behind all that came before.
            self.groups.clear();
            return None;
        }
        let Some(group) = group_of(&event) else {
            // Messages in the clear from anybody are no part of a secure group.
            tracing::debug!("event outside of all groups dropped");
            return None;
        };
        let slot = self.groups.get(&group)?;
        match &event {
            SessionEvent::SecureView(view) | SessionEvent::KeyRefreshed(view) => {
                let key = Key {
                    view: view.number,
                    epoch: view.epoch,
                };
                slot.progress
                    .send_modify(|progress| progress.key = Some(key));
            }
            _ => {}
        }
        // Both ends of a membership come without the application's doing when nobody holds the
        // handle any more.
        let over = match &event {
            SessionEvent::SelfLeave { .. } => true,
            SessionEvent::Refused(Refused::Join(_)) => self.session.group_state(&group).is_none(),
            _ => false,
        };
        let delivery = match (slot.handle, GroupEvent::of(event)) {
            (Handle::Held, Some(event)) => Some(Delivery {
                to: slot.events.clone(),
                event,
            }),
            (Handle::Dropped, _) | (_, None) => None,
        };
        if over {
            self.groups.remove(&group);
        }
        delivery
    }
}

/// The group that an event is for.
fn group_of(event: &SessionEvent) -> Option<GroupName> {
    match event {
        SessionEvent::Refused(Refused::Multicast(message)) => message
            .destinations
            .iter()
            .find_map(|name| GroupName::try_from(*name).ok()),
        other => other.group().copied(),
    }
}

impl Engine for SecureEngine {
    type Command = Command;
    type Event = GroupEvent;

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
                let _ = answer.send(self.begin_parts(&begin));
            }
            Command::SendPart(part, answer) => {
                let result = self.send_part(&part);
                self.forward(now);
                let _ = answer.send(result);
            }
            Command::Export(export, answer) => {
                let _ = answer.send(self.export(&export));
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
        let dropped: Vec<_> = self
            .groups
            .iter_mut()
            .filter(|(_, slot)| slot.handle == Handle::Held && slot.events.is_closed())
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

    fn poll_delivery(&mut self, now: Millis) -> Option<Delivery<GroupEvent>> {
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

    fn is_closed(&self) -> bool {
        self.closed
    }
}
