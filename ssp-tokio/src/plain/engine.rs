//! The bare connection as an engine.

use std::sync::Arc;

use bytes::Bytes;
use gcs_proto::{
    Error,
    connection::Connection,
    gcs::{CloseReason, GcsCommand, GcsEvent},
};
use tokio::sync::{mpsc, oneshot};

use crate::driver::{Delivery, Engine, Millis, Shared};

/// A command of the application.
pub(super) struct Command {
    pub(super) command: GcsCommand,
    pub(super) answer: oneshot::Sender<Result<(), Error>>,
}

/// A connection with nothing above it.
pub(super) struct PlainEngine {
    connection: Connection,
    events: mpsc::Sender<GcsEvent>,
    shared: Arc<Shared>,
    closed: bool,
}

impl PlainEngine {
    pub(super) const fn new(
        connection: Connection,
        events: mpsc::Sender<GcsEvent>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            connection,
            events,
            shared,
            closed: false,
        }
    }
}

impl Engine for PlainEngine {
    type Command = Command;
    type Event = GcsEvent;

    fn handle_bytes(&mut self, bytes: &[u8], _now: Millis) {
        self.connection.handle_bytes(bytes);
    }

    fn handle_end_of_stream(&mut self, _now: Millis) {
        self.connection.handle_end_of_stream();
    }

    fn handle_command(&mut self, command: Command, _now: Millis) {
        let Command { command, answer } = command;
        // Nobody may be waiting any more.
        let _ = answer.send(self.connection.command(command));
    }

    fn handle_dropped_receiver(&mut self, _now: Millis) {}

    fn disconnect(&mut self, _now: Millis) {
        self.shared.close(CloseReason::Disconnected);
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

    fn poll_delivery(&mut self, _now: Millis) -> Option<Delivery<GcsEvent>> {
        let event = self.connection.poll_event()?;
        if let GcsEvent::Closed(reason) = &event {
            self.shared.close(reason.clone());
            self.closed = true;
        }
        Some(Delivery {
            to: self.events.clone(),
            event,
        })
    }

    fn is_closed(&self) -> bool {
        self.closed
    }
}
