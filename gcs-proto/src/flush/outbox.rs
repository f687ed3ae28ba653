//! What a step of the layer produces, in order.

use alloc::collections::VecDeque;

use super::{FlushEvent, Stats};
use crate::gcs::{GcsCommand, Multicast};

/// Outputs that wait to be taken.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) events: VecDeque<FlushEvent>,
    pub(super) commands: VecDeque<GcsCommand>,
    pub(super) stats: Stats,
}

impl Outbox {
    pub(super) fn event(&mut self, event: FlushEvent) {
        self.events.push_back(event);
    }

    pub(super) fn send(&mut self, message: Multicast) {
        self.commands.push_back(GcsCommand::Multicast(message));
    }
}
