//! What a group remembers from one view to the next.

use alloc::collections::VecDeque;

use cliques::Cost;

use crate::{
    event::{SecureViewEvent, ViewNumber},
    schedule::KeyId,
};

/// Names of the last keys, kept to notice a key that comes back.
const USED_KEYS: usize = 256;

/// What outlasts a view.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The secure view installed last, even if it has been replaced since.
    pub(super) installed: Option<SecureViewEvent>,
    used_keys: VecDeque<KeyId>,
    /// Work done up to the last key.
    cost: Cost,
    /// Receipts that confirmed parts not confirmed before.
    pub(super) receipts: u64,
}

impl History {
    /// Number of the secure view installed last, 0 before the first.
    pub(super) fn number(&self) -> ViewNumber {
        let installed = self.installed.as_ref();
        installed.map_or(ViewNumber(0), |view| view.number)
    }

    /// Remembers a key; false if it was in use before.
    pub(super) fn use_key(&mut self, key: KeyId) -> bool {
        if self.used_keys.contains(&key) {
            return false;
        }
        if self.used_keys.len() >= USED_KEYS {
            self.used_keys.pop_front();
        }
        self.used_keys.push_back(key);
        true
    }

    /// Work done since the last call, `total` being the work done so far.
    pub(super) fn cost_since(&mut self, total: Cost) -> Cost {
        let cost = total.since(&self.cost);
        self.cost = total;
        cost
    }
}
