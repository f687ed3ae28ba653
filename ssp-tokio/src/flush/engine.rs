//! The flush layer over a connection as an engine.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    connection::Connection,
    flush::{FlushEvent, FlushLayer},
    gcs::{CloseReason, GcsCommand, GcsEvent, ViewId},
    name::{GroupName, MemberName},
};
use tokio::sync::{mpsc, oneshot};

use super::FlushCommand;
use crate::{
    driver::{Delivery, Engine, Millis, Shared},
    error::Error,
    prover::Prover,
};

/// A call of the layer.
pub(super) struct Call {
    pub(super) command: FlushCommand,
    /// The view of the group that the application took last.
    pub(super) taken: Option<ViewId>,
}

/// A command of the application.
pub(super) enum Command {
    /// One call.
    Call {
        call: Call,
        answer: oneshot::Sender<Result<(), Error>>,
    },
    /// Calls of which each is carried out unless one before it fails, whose position comes back.
    Calls {
        calls: Vec<Call>,
        answer: oneshot::Sender<Result<(), (usize, Error)>>,
    },
    /// Who holds up the view change of a group.
    MissingFlush {
        group: GroupName,
        answer: oneshot::Sender<Vec<MemberName>>,
    },
}

/// A connection with the flush layer above it.
pub(super) struct FlushEngine {
    connection: Connection,
    prover: Prover,
    layer: FlushLayer,
    events: mpsc::Sender<FlushEvent>,
    shared: Arc<Shared>,
    closed: bool,
}

impl FlushEngine {
    pub(super) fn new(
        connection: Connection,
        prover: Prover,
        events: mpsc::Sender<FlushEvent>,
        shared: Arc<Shared>,
    ) -> Self {
        let layer =
            FlushLayer::with_capabilities(*connection.private_group(), &connection.capabilities());
        Self {
            connection,
            prover,
            layer,
            events,
            shared,
            closed: false,
        }
    }

    fn call(&mut self, call: Call) -> Result<(), Error> {
        let Call { command, taken } = call;
        match command {
            FlushCommand::Join(group) => self.layer.join(group)?,
            FlushCommand::Leave(group) => self.layer.leave(group)?,
            FlushCommand::FlushOk(group) => self.layer.flush_ok(group)?,
            FlushCommand::Multicast {
                group,
                service,
                self_delivery,
                message_type,
                body,
            } => {
                self.check_view(group, taken)?;
                self.layer
                    .multicast(group, service, self_delivery, message_type, body)?;
            }
            FlushCommand::Subset {
                group,
                receivers,
                service,
                message_type,
                body,
            } => {
                self.check_view(group, taken)?;
                self.layer
                    .subset(group, &receivers, service, message_type, body)?;
            }
            FlushCommand::Private {
                to,
                service,
                message_type,
                body,
            } => self.layer.private(to, service, message_type, body)?,
        }
        Ok(())
    }

    /// The layer judges calls by the events taken from it; here they may still be in the queue.
    fn check_view(&self, group: GroupName, taken: Option<ViewId>) -> Result<(), Error> {
        match self.layer.view(&group) {
            Some(view) if Some(view.view.id) != taken => Err(Error::Outdated(group)),
            // Without a view the layer knows best what is wrong.
            Some(_) | None => Ok(()),
        }
    }

    /// Carries the layer's commands to the engine below.
    fn forward(&mut self) {
        while let Some(command) = self.layer.poll_command() {
            if let Err(error) = self.connection.command(command) {
                // The layer checked all bounds of a single message, so what is full is the
                // buffer: the daemon takes nothing. Going on with a hole would break the views.
                tracing::warn!(%error, "connection given up");
                let reason = if matches!(error, gcs_proto::Error::Closed(_)) {
                    CloseReason::EndOfStream
                } else {
                    CloseReason::Limit("bytes waiting to be sent")
                };
                self.layer.handle_event(GcsEvent::Closed(reason));
                return;
            }
        }
    }
}

impl Engine for FlushEngine {
    type Command = Command;
    type Delivery = Delivery<FlushEvent>;

    fn read_buffer(&mut self) -> &mut BytesMut {
        self.connection.read_buffer()
    }

    fn handle_end_of_stream(&mut self, _now: Millis) {
        self.connection.handle_end_of_stream();
    }

    fn handle_command(&mut self, command: Command, _now: Millis) {
        // Nobody may be waiting for the answer any more.
        match command {
            Command::Call { call, answer } => {
                let result = self.call(call);
                self.forward();
                let _ = answer.send(result);
            }
            Command::Calls { calls, answer } => {
                let result = calls
                    .into_iter()
                    .enumerate()
                    .try_for_each(|(position, call)| {
                        let done = self.call(call).map_err(|error| (position, error));
                        self.forward();
                        done
                    });
                let _ = answer.send(result);
            }
            Command::MissingFlush { group, answer } => {
                let _ = answer.send(self.layer.missing_flush(&group));
            }
        }
    }

    fn handle_dropped_receiver(&mut self, _now: Millis) {}

    fn disconnect(&mut self, _now: Millis) {
        self.shared.close(CloseReason::Disconnected);
        self.forward();
        // A connection that is over already needs no goodbye.
        let _ = self.connection.command(GcsCommand::Disconnect);
    }

    fn handle_timeout(&mut self, _now: Millis) {}

    fn poll_timeout(&self) -> Option<Millis> {
        None
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.connection.poll_transmit()
    }

    fn poll_delivery(&mut self, _now: Millis) -> Option<Delivery<FlushEvent>> {
        if self.closed {
            return None;
        }
        loop {
            if let Some(event) = self.layer.poll_event() {
                if let FlushEvent::Closed(reason) = &event {
                    self.shared.close(reason.clone());
                    self.closed = true;
                }
                return Some(Delivery {
                    to: self.events.clone(),
                    event,
                });
            }
            let event = self.connection.poll_event()?;
            let me = *self.connection.private_group();
            let is_joining = |group: &GroupName| self.layer.is_joining(group);
            let passed = self
                .prover
                .pass(event, &me, &mut self.connection, is_joining);
            if let Some(event) = passed {
                self.layer.handle_event(event);
                self.forward();
            }
        }
    }

    fn is_closed(&self) -> bool {
        self.closed
    }
}
