//! User data: delivered, kept for a key, or dropped.

use super::Context;
use crate::{
    fault::Fault,
    input::Payload,
    output::Output,
    queue::{EarlyQueue, Kept},
};

impl<D: Payload> Context<D> {
    /// Hands data to the application.
    pub(crate) fn deliver(&mut self, data: D) {
        self.stats.data_delivered += 1;
        self.key_use.count(data.size());
        self.output(Output::Deliver(data));
    }

    /// Data behind the answer to a flush request: delivered if the key of the VS view is installed.
    pub(crate) fn deliver_or_drop(&mut self, data: D) {
        if self.has_key() {
            self.deliver(data);
        } else {
            self.drop_data(data);
        }
    }

    /// Early data behind the answer to a flush request.
    pub(crate) fn lose_or_drop(&mut self, data: D) {
        if self.has_key() {
            self.lose_data(data);
        } else {
            self.drop_data(data);
        }
    }

    /// Data that no key of this view belongs to.
    pub(crate) fn drop_data(&mut self, data: D) {
        if self.deviates(Fault::DeliverWithoutKey) {
            return self.deliver(data);
        }
        self.stats.data_drops.no_key += 1;
    }

    /// Data of the present secure view under a key that will not be installed here. Its sender has
    /// a refresh that was given up here, so it does not come along, and the application is told
    /// now: what is delivered from here on has a gap before it.
    pub(crate) fn lose_data(&mut self, data: D) {
        self.drop_data(data);
        let notice = self.continuity.message_lost();
        self.notify(notice);
    }

    /// A queue for data that is ahead of its key.
    pub(crate) const fn queue(&self) -> EarlyQueue<D> {
        EarlyQueue::new(self.config.queue_bytes)
    }

    /// Keeps data until a key is installed.
    pub(crate) fn keep(&mut self, queue: &mut EarlyQueue<D>, data: D) {
        if self.deviates(Fault::DeliverEarly) {
            return self.deliver(data);
        }
        match queue.push(data) {
            Kept::Queued => self.stats.data_queued += 1,
            Kept::Overflow => self.stats.data_drops.overflow += 1,
        }
    }

    /// The key is there: kept data is delivered.
    pub(crate) fn release(&mut self, queue: &mut EarlyQueue<D>) {
        for data in queue.take() {
            self.deliver(data);
        }
    }

    /// The key will not come: kept data is dropped.
    pub(crate) fn discard(&mut self, queue: &mut EarlyQueue<D>) {
        let dropped = u64::try_from(queue.take().len()).unwrap_or(u64::MAX);
        self.stats.data_drops.discarded = self.stats.data_drops.discarded.saturating_add(dropped);
    }
}
