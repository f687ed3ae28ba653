//! The task of one connection.
//!
//! ```text
//!  handles --commands (bounded)--> +---------+ --bytes--> stream --> daemon
//!          <--answers (oneshot)--- | driver  |
//!          <--events  (bounded)--- | + engine| <--bytes-- stream <-- daemon
//!                                  +---------+
//! ```
//!
//! The task owns the stream and the sans-IO engine, so there is no lock at all. Three rules keep
//! it live with bounded memory:
//!
//! 1. *A full event queue pauses reading, nothing else.* The one event that found no room is kept
//!    aside, the engine is asked for no other, and the daemon feels the closed window. Commands,
//!    timers and writes go on, so an application may send from the very code that is slow to
//!    receive. Events of all groups keep one order; a group whose handle is not read holds up
//!    the others of its connection.
//! 2. *A slow daemon pauses commands, nothing else.* Above a mark of unsent bytes no command is
//!    taken, so senders wait; reading goes on, because the daemon may be waiting for just that.
//! 3. *The end is always reached.* When the connection is over, events already received are still
//!    delivered; when the owner of the connection is gone, they are dropped, the farewell is
//!    written within a time limit, and the task ends.

mod batch;
mod clock;
mod engine;
mod handshake;
mod link;

pub(crate) use batch::first_batch;
pub(crate) use engine::{Deliver, Delivery, Engine, Millis};
pub(crate) use handshake::handshake;
pub(crate) use link::{Link, Owner, Shared};

use std::sync::Arc;

use tokio::{
    io::AsyncWriteExt,
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    config::Bounds,
    transport::{ByteStream, Io, Reading, TransmitQueue, io},
};
use clock::Clock;

/// Commands carried out before the stream is looked at again.
const BATCH: usize = 64;
/// Commands whose bytes are collected together, which makes one piece of many short messages.
const TOGETHER: usize = 8;

/// How often the other tasks go first. Measured with 50 members on two processors: none costs a
/// member that joins a TGDH group half of its time, one brings most of it back, and more than two
/// nothing that is worth it.
const STEPS_ASIDE: usize = 2;

/// Whether the application still wants what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// As usual.
    Running,
    /// The owner is gone or asked for the end; what was commanded before is still carried out.
    Leaving,
    /// The connection is being ended.
    Ending,
}

/// Whether the directions of the stream are still usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Open,
    Over,
}

struct Driver<E: Engine> {
    engine: E,
    stream: Box<dyn ByteStream>,
    transmit: TransmitQueue,
    /// The event that found its queue full.
    stalled: Option<E::Delivery>,
    phase: Phase,
    /// Until when the last bytes may take, once the connection is over.
    last_writes: Option<Instant>,
    incoming: Half,
    outgoing: Half,
    clock: Clock,
    bounds: Bounds,
}

/// Starts the task of a connection whose handshake is done.
pub(crate) fn spawn<E: Engine>(
    engine: E,
    stream: Box<dyn ByteStream>,
    bounds: Bounds,
    shared: Arc<Shared>,
) -> (Link<E::Command>, Owner) {
    let (commands, command_queue) = mpsc::channel(bounds.commands);
    let (farewell, ending) = oneshot::channel();
    let driver = Driver {
        engine,
        stream,
        transmit: TransmitQueue::default(),
        stalled: None,
        phase: Phase::Running,
        last_writes: None,
        incoming: Half::Open,
        outgoing: Half::Open,
        clock: Clock::new(),
        bounds,
    };
    let task = tokio::spawn(driver.run(command_queue, ending, Arc::clone(&shared)));
    (Link::new(commands, shared), Owner::new(farewell, task))
}

/// What the task woke up for.
enum Wake<C> {
    Io(Io),
    Command(Option<C>),
    Room,
    DroppedReceiver,
    Farewell,
    Timeout,
}

impl<E: Engine> Driver<E> {
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<E::Command>,
        mut ending: oneshot::Receiver<()>,
        shared: Arc<Shared>,
    ) {
        loop {
            self.deliver();
            self.collect();
            if self.is_done() {
                break;
            }
            let closed = self.engine.is_closed();
            if closed && !self.transmit.is_done() {
                self.limit_last_writes();
            }
            let accepts = self.transmit.len() < self.bounds.unsent_bytes;
            let running = self.phase == Phase::Running;
            let commanded = self.phase != Phase::Ending;
            let wakeup = self.wakeup();
            let full = self.stalled.as_ref();
            let reading = match (self.incoming, full) {
                (Half::Open, None) if !closed => Reading::Into(self.engine.read_buffer()),
                (Half::Open | Half::Over, _) => Reading::Paused,
            };
            let wake = tokio::select! {
                moved = io(&mut *self.stream, reading, &mut self.transmit) => Wake::Io(moved),
                command = commands.recv(), if accepts && commanded => Wake::Command(command),
                () = room(full) => Wake::Room,
                () = shared.receiver_dropped(), if running => Wake::DroppedReceiver,
                _ = &mut ending, if running => Wake::Farewell,
                () = until(wakeup) => Wake::Timeout,
            };
            if matches!(wake, Wake::Io(_)) && self.engine.may_step_aside() {
                step_aside().await;
            }
            let now = self.clock.now();
            match wake {
                Wake::Io(moved) => self.moved(moved, now),
                Wake::Command(Some(command)) => {
                    self.engine.handle_command(command, now);
                    self.more_commands(&mut commands, now);
                }
                // Every handle is gone, the owner's too, or the last command is carried out.
                Wake::Command(None) => self.end(now),
                Wake::Farewell => {
                    self.phase = Phase::Leaving;
                    self.limit_last_writes();
                    commands.close();
                }
                Wake::Room => {}
                Wake::DroppedReceiver => {
                    // A receiver that is gone may be the one that the stalled event waits for.
                    self.engine.handle_dropped_receiver(now);
                }
                Wake::Timeout => self.timeout(now),
            }
        }
        // Commands that still wait find their answer channel closed.
        drop(commands);
        let _ = timeout(self.bounds.farewell, self.stream.shutdown()).await;
    }

    /// Hands events to the application until there are none or there is no room.
    fn deliver(&mut self) {
        if self.phase != Phase::Running {
            self.stalled = None;
            let now = self.clock.now();
            while self.engine.poll_delivery(now).is_some() {}
            return;
        }
        let now = self.clock.now();
        loop {
            let next = match self.stalled.take() {
                Some(stalled) => Some(stalled),
                None => self.engine.poll_delivery(now),
            };
            let Some(next) = next else {
                return;
            };
            if let Err(stalled) = next.try_deliver() {
                self.stalled = Some(stalled);
                return;
            }
        }
    }

    /// Moves bytes from the engine to the queue in front of the stream, up to the mark.
    fn collect(&mut self) {
        if self.outgoing == Half::Over {
            while self.engine.poll_transmit().is_some() {}
            return;
        }
        while self.transmit.len() < self.bounds.unsent_bytes {
            match self.engine.poll_transmit() {
                Some(part) => self.transmit.push(part),
                None => return,
            }
        }
    }

    fn more_commands(&mut self, commands: &mut mpsc::Receiver<E::Command>, now: Millis) {
        for number in 1..BATCH {
            if number.is_multiple_of(TOGETHER) {
                self.collect();
                if self.transmit.len() >= self.bounds.unsent_bytes {
                    return;
                }
            }
            let Ok(command) = commands.try_recv() else {
                return;
            };
            self.engine.handle_command(command, now);
        }
    }

    fn moved(&mut self, moved: Io, now: Millis) {
        if let Some(Err(error)) = moved.written {
            // The daemon may have said why before it closed: what it sent is still read.
            tracing::debug!(%error, "writing to the daemon ended");
            self.outgoing = Half::Over;
            self.transmit.clear();
        }
        match moved.read {
            None => {}
            Some(Ok(0)) => self.end_of_stream(now),
            // They are where the engine takes them.
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "reading from the daemon ended");
                self.end_of_stream(now);
            }
        }
    }

    fn end_of_stream(&mut self, now: Millis) {
        self.incoming = Half::Over;
        // Nobody reads what would still be written.
        self.outgoing = Half::Over;
        self.transmit.clear();
        self.engine.handle_end_of_stream(now);
    }

    fn end(&mut self, now: Millis) {
        self.phase = Phase::Ending;
        self.engine.disconnect(now);
        self.limit_last_writes();
    }

    fn limit_last_writes(&mut self) {
        let farewell = self.bounds.farewell;
        self.last_writes
            .get_or_insert_with(|| Instant::now() + farewell);
    }

    fn timeout(&mut self, now: Millis) {
        if self
            .last_writes
            .is_some_and(|limit| limit <= Instant::now())
        {
            if self.phase == Phase::Leaving {
                self.end(now);
            }
            self.end_of_stream(now);
            self.last_writes = None;
        }
        if self.engine.poll_timeout().is_some_and(|due| due <= now) {
            self.engine.handle_timeout(now);
        }
    }

    fn wakeup(&self) -> Option<Instant> {
        let engine = self
            .engine
            .poll_timeout()
            .map(|due| self.clock.instant(due));
        match (engine, self.last_writes) {
            (Some(engine), Some(limit)) => Some(engine.min(limit)),
            (engine, limit) => engine.or(limit),
        }
    }

    fn is_done(&self) -> bool {
        let over = match self.phase {
            Phase::Running | Phase::Leaving => self.engine.is_closed(),
            // An engine that cannot say goodbye any more does not hold up the end.
            Phase::Ending => self.engine.is_closed() || self.incoming == Half::Over,
        };
        over && self.stalled.is_none() && self.transmit.is_done()
    }
}

/// Lets other tasks go first: those that are ready now, and those that they make ready, such as one
/// that carries the answer of a member to the next. Where there are none this takes no time.
///
/// Members that share a processor would otherwise keep waiting those that their group waits for, or
/// that wait for the group.
async fn step_aside() {
    for _ in 0..STEPS_ASIDE {
        yield_now().await;
    }
}

/// Waits until a moment; for ever if there is none, without a timer.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Waits until there is room for what found none.
async fn room(full: Option<&impl Deliver>) {
    match full {
        Some(delivery) => delivery.room().await,
        None => std::future::pending().await,
    }
}
