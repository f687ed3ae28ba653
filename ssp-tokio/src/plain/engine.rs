//! The bare connection as an engine.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    connection::Connection,
    gcs::{CloseReason, GcsCommand, GcsEvent},
};
use tokio::sync::mpsc;

use crate::{
    driver::{Delivery, Engine, Millis, Shared},
    prover::Prover,
};

/// Commands of the application, within the bounds of the connection.
pub(super) enum Command {
    One(GcsCommand),
    Many(Vec<GcsCommand>),
}

/// A connection with nothing above it.
pub(super) struct PlainEngine {
    connection: Connection,
    prover: Prover,
    events: mpsc::Sender<GcsEvent>,
    shared: Arc<Shared>,
    closed: bool,
}

impl PlainEngine {
    pub(super) const fn new(
        connection: Connection,
        prover: Prover,
        events: mpsc::Sender<GcsEvent>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            connection,
            prover,
            events,
            shared,
            closed: false,
        }
    }

    fn command(&mut self, command: GcsCommand) {
        // Bounds were checked before the command was given, and the driver takes no command above
        // its mark of unsent bytes. What is left is a connection that is over, of which an event
        // tells.
        if let Err(error) = self.connection.command(command) {
            tracing::debug!(%error, "command of a connection that is over");
        }
    }
}

impl Engine for PlainEngine {
    type Command = Command;
    type Delivery = Delivery<GcsEvent>;

    fn read_buffer(&mut self) -> &mut BytesMut {
        self.connection.read_buffer()
    }

    fn handle_end_of_stream(&mut self, _now: Millis) {
        self.connection.handle_end_of_stream();
    }

    fn handle_command(&mut self, command: Command, _now: Millis) {
        match command {
            Command::One(command) => self.command(command),
            Command::Many(commands) => {
                for command in commands {
                    self.command(command);
                }
            }
        }
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
        let event = loop {
            let event = self.connection.poll_event()?;
            let me = *self.connection.private_group();
            // Which joins were asked for is known to the application alone.
            let passed = self.prover.pass(event, &me, &mut self.connection, |_| true);
            if let Some(event) = passed {
                break event;
            }
        };
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
