//! User data: delivered, kept for a key, or dropped.

use super::Environment;
use crate::{input::Payload, output::Output, queue::Kept};

impl<D: Payload> Environment<D> {
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

    /// Data for which there is no key in this view.
    pub(crate) fn drop_data(&mut self, data: D) {
        drop(data);
        self.stats.data_drops.no_key += 1;
    }

    /// Data of the present secure view under a key that will not be installed here. Its sender completed
    /// a refresh that was given up here, so it does not come along. The application gets the signal
    /// now, because deliveries have a gap from here on.
    pub(crate) fn lose_data(&mut self, data: D) {
        self.drop_data(data);
        let notice = self.continuity.message_lost();
        self.notify(notice);
    }

    /// Keeps early data until a key is installed.
    pub(crate) fn keep(&mut self, data: D) {
        match self.early.push(data) {
            Kept::Queued => self.stats.data_queued += 1,
            Kept::Overflow => self.stats.data_drops.overflow += 1,
        }
    }

    /// Data of a view whose key is awaited: kept while the key can still be installed.
    pub(crate) fn keep_or_drop(&mut self, data: D) {
        if self.key_counts() {
            self.keep(data);
        } else {
            self.drop_data(data);
        }
    }

    /// The key is installed: early data is delivered.
    pub(super) fn release(&mut self) {
        for data in self.early.take() {
            self.deliver(data);
        }
    }

    /// The key will not come: early data is dropped.
    pub(crate) fn discard(&mut self) {
        let dropped = u64::try_from(self.early.take().len()).unwrap_or(u64::MAX);
        self.stats.data_drops.discarded = self.stats.data_drops.discarded.saturating_add(dropped);
    }
}
