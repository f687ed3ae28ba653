//! Acknowledgements that overtook the membership they agree to.
//!
//! Anybody who can send to the group can make up ids, so their number, their age and the names
//! kept with them are bounded; the oldest entry goes first.

use alloc::collections::{BTreeSet, VecDeque};

use crate::{gcs::ViewId, limits, name::MemberName};

/// Names kept over all entries of one group.
const NAMES: usize = limits::MEMBERS;

#[derive(Debug)]
struct Entry {
    id: ViewId,
    senders: BTreeSet<MemberName>,
    age: u32,
}

/// Early acknowledgements of one group, oldest id first.
#[derive(Debug, Default)]
pub(super) struct Early {
    entries: VecDeque<Entry>,
    names: usize,
}

impl Early {
    /// Keeps an acknowledgement; tells how many entries had to go for it.
    pub(super) fn insert(&mut self, id: ViewId, sender: MemberName) -> u64 {
        let mut evicted = 0;
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            self.names += usize::from(entry.senders.insert(sender));
        } else {
            while self.entries.len() >= limits::UNKNOWN_CHANGES {
                evicted += self.drop_oldest();
            }
            self.entries.push_back(Entry {
                id,
                senders: BTreeSet::from([sender]),
                age: 0,
            });
            self.names += 1;
        }
        while self.names > NAMES && !self.entries.is_empty() {
            evicted += self.drop_oldest();
        }
        evicted
    }

    /// Takes out who has acknowledged `id`.
    pub(super) fn take(&mut self, id: ViewId) -> BTreeSet<MemberName> {
        let found = self.entries.iter().position(|entry| entry.id == id);
        let entry = found.and_then(|position| self.entries.remove(position));
        let senders = entry.map(|entry| entry.senders).unwrap_or_default();
        self.names = self.names.saturating_sub(senders.len());
        senders
    }

    /// One more membership came that was not the one waited for; tells how many entries went.
    pub(super) fn grow_old(&mut self) -> u64 {
        let mut expired = 0;
        for entry in &mut self.entries {
            entry.age = entry.age.saturating_add(1);
        }
        // Entries are in the order of their making, so ages fall from front to back.
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.age > limits::UNKNOWN_CHANGE_AGE)
        {
            expired += self.drop_oldest();
        }
        expired
    }

    fn drop_oldest(&mut self) -> u64 {
        match self.entries.pop_front() {
            Some(entry) => {
                self.names = self.names.saturating_sub(entry.senders.len());
                1
            }
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> ViewId {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        ViewId(bytes)
    }

    fn name(number: u32) -> MemberName {
        alloc::format!("#m{number}#n1").parse().unwrap()
    }

    #[test]
    fn number_of_ids_is_bounded_and_the_oldest_goes() {
        let mut early = Early::default();
        for number in 0..limits::UNKNOWN_CHANGES as u32 {
            assert_eq!(early.insert(id(number), name(0)), 0);
        }
        assert_eq!(early.insert(id(5), name(1)), 0);
        assert_eq!(early.insert(id(1000), name(0)), 1);
        assert!(early.take(id(0)).is_empty());
        assert_eq!(early.take(id(5)).len(), 2);
        assert_eq!(early.take(id(1000)).len(), 1);
    }

    #[test]
    fn number_of_names_is_bounded() {
        let mut early = Early::default();
        for number in 0..NAMES as u32 {
            assert_eq!(early.insert(id(number % 2), name(number)), 0);
        }
        assert_eq!(early.insert(id(1), name(u32::MAX)), 1);
        assert!(early.take(id(0)).is_empty());
        assert_eq!(early.take(id(1)).len(), NAMES / 2 + 1);
        assert_eq!(early.names, 0);
    }

    #[test]
    fn an_entry_waits_for_a_bounded_number_of_memberships() {
        let mut early = Early::default();
        early.insert(id(1), name(1));
        for _ in 0..limits::UNKNOWN_CHANGE_AGE {
            assert_eq!(early.grow_old(), 0);
        }
        early.insert(id(2), name(1));
        assert_eq!(early.grow_old(), 1);
        assert!(early.take(id(1)).is_empty());
        assert_eq!(early.take(id(2)).len(), 1);
    }
}
