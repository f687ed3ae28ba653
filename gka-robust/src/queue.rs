//! User data that is ahead of the key it was sealed under.

use alloc::{collections::VecDeque, vec::Vec};

use crate::input::Payload;

/// What became of an early message.
pub(crate) enum Kept {
    /// It waits.
    Queued,
    /// It did not fit.
    Overflow,
}

/// A queue bounded in bytes.
///
/// Every message costs at least [`OVERHEAD`](Self::OVERHEAD) bytes, so that empty ones are bounded
/// too.
#[derive(Clone, Debug, Hash)]
pub(crate) struct EarlyQueue<D> {
    messages: VecDeque<D>,
    bytes: usize,
    limit: usize,
}

impl<D: Payload> EarlyQueue<D> {
    /// Charged for each message besides its size.
    const OVERHEAD: usize = 64;

    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    pub(crate) fn push(&mut self, message: D) -> Kept {
        let bytes = self
            .bytes
            .saturating_add(message.size())
            .saturating_add(Self::OVERHEAD);
        if bytes > self.limit {
            return Kept::Overflow;
        }
        self.bytes = bytes;
        self.messages.push_back(message);
        Kept::Queued
    }

    /// Everything in it, in order of arrival; the queue is empty then.
    pub(crate) fn take(&mut self) -> Vec<D> {
        self.bytes = 0;
        self.messages.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn bound_holds_and_room_comes_back() {
        let mut queue = EarlyQueue::new(200);
        assert!(matches!(
            queue.push(Bytes::from_static(&[1; 36])),
            Kept::Queued
        ));
        assert!(matches!(
            queue.push(Bytes::from_static(&[2; 36])),
            Kept::Queued
        ));
        assert!(matches!(queue.push(Bytes::new()), Kept::Overflow));
        assert_eq!(queue.take().len(), 2);
        assert!(matches!(
            queue.push(Bytes::from_static(&[3; 136])),
            Kept::Queued
        ));
        assert!(matches!(queue.push(Bytes::new()), Kept::Overflow));
    }
}
