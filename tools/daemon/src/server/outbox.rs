//! What waits to be written to one client, bounded in messages and in bytes.
//!
//! ```text
//!   hub -- push --> | message | message | ... |  -- take --> writer ==> client
//!                   counted until written               -- written -->
//! ```
//!
//! | load | what happens |
//! |---|---|
//! | more than three quarters of a bound | who sent the message waits, a limited time, until half of it is written |
//! | above a bound | the message is not taken; the client is closed for being too slow |
//!
//! A receiver has one such time of grace until its queue was empty again, so one that never reads
//! cannot hold up others for longer than that.

use std::{
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use gcs_proto::{codec::Encoded, limits};
use tokio::sync::Notify;

/// Bounds of the queue of each session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueBounds {
    /// Most messages.
    pub messages: usize,
    /// Most bytes.
    pub bytes: usize,
}

impl Default for QueueBounds {
    /// 1,000 messages as in the reference daemon, and 32 MiB.
    fn default() -> Self {
        Self {
            messages: limits::QUEUED_MESSAGES,
            bytes: 32 << 20,
        }
    }
}

impl QueueBounds {
    /// A queue that cannot take one message closes everybody.
    pub(crate) fn at_least_one_message(self) -> Self {
        Self {
            messages: self.messages.max(1),
            bytes: self.bytes.max(limits::LONGEST_DELIVERY),
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Taken.
    Taken,
    /// Taken, and the receiver should be given time.
    Crowded,
    /// Not taken: it does not fit.
    Full,
    /// Not taken: nobody writes any more.
    Closed,
}

/// Messages and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
struct Queue {
    waiting: Vec<Encoded>,
    /// What waits and what is being written.
    load: Load,
    grace: Grace,
    open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grace {
    Fresh,
    UsedUp,
}

/// The queue towards one client, shared by the hub and the task of the session.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    bounds: QueueBounds,
    /// Whether the writer sleeps and has to be woken.
    idle: AtomicBool,
    filled: Notify,
    relieved: Notify,
}

impl Outbox {
    pub(crate) fn new(bounds: QueueBounds) -> Self {
        Self {
            queue: Mutex::new(Queue {
                waiting: Vec::new(),
                load: Load::default(),
                grace: Grace::Fresh,
                open: true,
            }),
            bounds,
            idle: AtomicBool::new(false),
            filled: Notify::new(),
            relieved: Notify::new(),
        }
    }

    /// Appends a message; [`wake`](Self::wake) tells the writer, once for many of them.
    pub(crate) fn push(&self, message: Encoded) -> Pushed {
        let bounds = self.bounds;
        let mut queue = self.queue();
        if !queue.open {
            return Pushed::Closed;
        }
        let load = Load {
            messages: queue.load.messages + 1,
            bytes: queue.load.bytes.saturating_add(message.len()),
        };
        if load.messages > bounds.messages || load.bytes > bounds.bytes {
            return Pushed::Full;
        }
        queue.load = load;
        queue.waiting.push(message);
        let crowded = load.messages > bounds.messages - bounds.messages / 4
            || load.bytes > bounds.bytes - bounds.bytes / 4;
        if crowded && queue.grace == Grace::Fresh {
            Pushed::Crowded
        } else {
            Pushed::Taken
        }
    }

    /// Tells the writer that there is something to write.
    pub(crate) fn wake(&self) {
        if self.idle.swap(false, Ordering::AcqRel) {
            self.filled.notify_one();
        }
    }

    /// Takes nothing more and forgets what waits: the session is over.
    pub(crate) fn close(&self) {
        {
            let mut queue = self.queue();
            queue.open = false;
            queue.waiting = Vec::new();
            queue.load = Load::default();
        }
        self.relieved.notify_waiters();
    }

    /// What waits or is being written.
    pub(crate) fn load(&self) -> Load {
        self.queue().load
    }

    /// Moves all that waits to `messages`; waits until there is something.
    ///
    /// # Cancel safety
    /// Cancel safe: what was moved is in `messages`.
    pub(crate) async fn take(&self, messages: &mut Vec<Encoded>) {
        loop {
            if self.try_take(messages) {
                return;
            }
            self.idle.store(true, Ordering::Release);
            // Pushed between the look and the note: it may not have seen the note.
            if self.try_take(messages) {
                self.idle.store(false, Ordering::Release);
                return;
            }
            self.filled.notified().await;
        }
    }

    /// Moves all that waits to `messages`, if there is something.
    pub(crate) fn try_take(&self, messages: &mut Vec<Encoded>) -> bool {
        let mut queue = self.queue();
        if messages.is_empty() {
            std::mem::swap(&mut queue.waiting, messages);
        } else {
            messages.append(&mut queue.waiting);
        }
        !messages.is_empty()
    }

    /// Counts off what was written.
    pub(crate) fn written(&self, written: Load) {
        let relieved = {
            let mut queue = self.queue();
            queue.load.messages = queue.load.messages.saturating_sub(written.messages);
            queue.load.bytes = queue.load.bytes.saturating_sub(written.bytes);
            if queue.load.messages == 0 {
                queue.grace = Grace::Fresh;
            }
            self.is_relieved(&queue)
        };
        if relieved {
            self.relieved.notify_waiters();
        }
    }

    /// Waits until half of the queue is free, or the session is over.
    ///
    /// # Cancel safety
    /// Changes nothing, may be dropped.
    pub(crate) async fn relief(&self) {
        self.until(|queue| self.is_relieved(queue)).await;
    }

    /// Waits until everything is written, or the session is over.
    ///
    /// # Cancel safety
    /// Changes nothing, may be dropped.
    pub(crate) async fn emptied(&self) {
        self.until(|queue| queue.load.messages == 0).await;
    }

    /// The receiver has had its time.
    pub(crate) fn use_up_grace(&self) {
        self.queue().grace = Grace::UsedUp;
    }

    async fn until(&self, reached: impl Fn(&Queue) -> bool) {
        loop {
            let mut notified = pin!(self.relieved.notified());
            notified.as_mut().enable();
            {
                let queue = self.queue();
                if !queue.open || reached(&queue) {
                    return;
                }
            }
            notified.await;
        }
    }

    fn is_relieved(&self, queue: &Queue) -> bool {
        queue.load.messages <= self.bounds.messages / 2 && queue.load.bytes <= self.bounds.bytes / 2
    }

    // A panic elsewhere leaves a queue that is whole: every change to it is one step.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn message(length: usize) -> Encoded {
        Bytes::from(vec![0; length]).into()
    }

    fn outbox(messages: usize, bytes: usize) -> Outbox {
        Outbox::new(QueueBounds { messages, bytes })
    }

    #[test]
    fn messages_and_bytes_are_bounded_until_they_are_written() {
        let outbox = outbox(4, 100);
        assert_eq!(outbox.push(message(10)), Pushed::Taken);
        assert_eq!(outbox.push(message(10)), Pushed::Taken);
        assert_eq!(outbox.push(message(81)), Pushed::Full);
        assert_eq!(outbox.push(message(10)), Pushed::Taken);
        assert_eq!(outbox.push(message(1)), Pushed::Crowded);
        assert_eq!(outbox.push(message(1)), Pushed::Full);
        let mut taken = Vec::new();
        assert!(outbox.try_take(&mut taken));
        assert_eq!(taken.len(), 4);
        // Taken is not yet written.
        assert_eq!(outbox.push(message(1)), Pushed::Full);
        outbox.written(Load {
            messages: 1,
            bytes: 10,
        });
        assert_eq!(
            outbox.load(),
            Load {
                messages: 3,
                bytes: 21
            }
        );
        assert_eq!(outbox.push(message(1)), Pushed::Crowded);
        outbox.close();
        assert_eq!(outbox.push(message(1)), Pushed::Closed);
    }

    #[test]
    fn grace_comes_back_with_an_empty_queue() {
        let outbox = outbox(100, 10);
        assert_eq!(outbox.push(message(9)), Pushed::Crowded);
        outbox.use_up_grace();
        assert_eq!(outbox.push(message(1)), Pushed::Taken);
        outbox.written(Load {
            messages: 1,
            bytes: 9,
        });
        assert_eq!(outbox.push(message(8)), Pushed::Taken);
        outbox.written(Load {
            messages: 2,
            bytes: 9,
        });
        assert_eq!(outbox.push(message(9)), Pushed::Crowded);
    }

    #[tokio::test]
    async fn a_sleeping_writer_is_woken_and_a_waiting_sender_goes_on() {
        let outbox = std::sync::Arc::new(outbox(4, 1_000));
        let writer = tokio::spawn({
            let outbox = std::sync::Arc::clone(&outbox);
            async move {
                let mut all = Vec::new();
                while all.len() < 4 {
                    let mut some = Vec::new();
                    outbox.take(&mut some).await;
                    all.append(&mut some);
                }
                outbox.written(Load {
                    messages: 2,
                    bytes: 2,
                });
            }
        });
        for _ in 0..4 {
            tokio::task::yield_now().await;
            outbox.push(message(1));
            outbox.wake();
        }
        outbox.relief().await;
        writer.await.unwrap();
    }
}
