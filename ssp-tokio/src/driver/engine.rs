//! What a driver task needs of a protocol: bytes and commands in, bytes and events out.
//!
//! One loop serves the bare client, the flush client and the secure client, because each of them
//! is a sans-IO machine behind this trait. An engine owns the queues towards the application and
//! says with each event where it goes; putting it there, and waiting for room, is the driver's.

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

/// Milliseconds on the clock of the driver, which never runs backwards.
pub(crate) type Millis = u64;

/// Something on its way to the application, with the queue it goes to.
pub(crate) trait Deliver: Send + Sync + Sized + 'static {
    /// Puts it into its queue; gives it back if there is no room. Whoever has given back the receiver
    /// does not want it, and the engine hears of that.
    fn try_deliver(self) -> Result<(), Self>;

    /// Waits until half of the queue is free or it has lost its receiver.
    ///
    /// Not for the first free place: that would wake the task for every event that the application
    /// takes.
    ///
    /// # Cancel safety
    /// Cancel safe: no room is kept.
    fn room(&self) -> impl Future<Output = ()> + Send;
}

/// An event on its way to the application.
#[derive(Debug)]
pub(crate) struct Delivery<E> {
    /// The queue it goes to.
    pub(crate) to: mpsc::Sender<E>,
    /// The event.
    pub(crate) event: E,
}

impl<E: Send + Sync + 'static> Deliver for Delivery<E> {
    fn try_deliver(self) -> Result<(), Self> {
        let Self { to, event } = self;
        match to.try_send(event) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(event)) => Err(Self { to, event }),
        }
    }

    async fn room(&self) {
        let half = self.to.max_capacity().div_ceil(2);
        // The permits are given back at once: this task is the queue's only sender.
        let _ = self.to.reserve_many(half).await;
    }
}

/// A sans-IO protocol with its connection below.
///
/// Order of calls: after every `handle_*` and every read the driver takes
/// [`poll_transmit`](Self::poll_transmit) and [`poll_delivery`](Self::poll_delivery) until they are
/// empty, unless the application has no room for a delivery: then it takes nothing more and reads
/// no bytes until there is room again.
pub(crate) trait Engine: Send + 'static {
    /// What the application asks for, with the way back for the answer.
    type Command: Send + 'static;
    /// What the application is told.
    type Delivery: Deliver;

    /// Where bytes of the daemon are appended to, with room for more; they are taken by the next
    /// [`poll_delivery`](Self::poll_delivery).
    fn read_buffer(&mut self) -> &mut BytesMut;

    /// Takes the end of the stream.
    fn handle_end_of_stream(&mut self, now: Millis);

    /// Carries out a command; its answer goes back on its own channel.
    fn handle_command(&mut self, command: Self::Command, now: Millis);

    /// The application gave back some receiving end: finds out which and draws the consequences.
    fn handle_dropped_receiver(&mut self, now: Millis);

    /// Ends the connection in good order.
    fn disconnect(&mut self, now: Millis);

    /// Time has passed.
    fn handle_timeout(&mut self, now: Millis);

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    fn poll_timeout(&self) -> Option<Millis>;

    /// The next bytes for the daemon.
    fn poll_transmit(&mut self) -> Option<Bytes>;

    /// The next event for the application.
    fn poll_delivery(&mut self, now: Millis) -> Option<Self::Delivery>;

    /// Whether other tasks had better go first, because nobody waits for what this one does next.
    fn may_step_aside(&self) -> bool {
        false
    }

    /// Whether the connection is over; deliveries and last bytes may still be waiting.
    fn is_closed(&self) -> bool;
}
