//! The one task that owns the router: all events pass here, one after the other.
//!
//! Nothing here waits for a client. A delivery goes into the receiver's bounded queue at once or
//! the receiver is closed. Only when a queue is more than three quarters full does the hub wait,
//! for at most [`PATIENCE`] each time a queue fills up, so that a fast sender does not get healthy
//! receivers closed: senders then feel the back-pressure of the bounded queue of orders. A
//! receiver that has used up its patience gets no more of it before its queue was empty again.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use gcs_proto::{
    codec::Request,
    error::ConnectRefusal,
    handshake::MembershipMessages,
    limits,
    name::{DaemonName, MemberName, PrivateName},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout_at},
};
use tracing::{debug, info};

use super::{
    control::{ControlOrder, Stats},
    ports::Ports,
};
use crate::router::{CloseCause, Output, Router, SessionId};

/// Orders waiting for the hub; a session that finds no room waits, and stops reading its client.
pub(crate) const ORDERS: usize = 512;

/// How long the hub waits for queues to drain before it goes on and lets them overflow.
const PATIENCE: Duration = Duration::from_millis(500);

/// Room below which the hub waits.
const CROWDED: usize = limits::QUEUED_MESSAGES / 4;
/// Room at which the hub goes on.
const RELIEVED: usize = limits::QUEUED_MESSAGES / 2;

/// What the hub is asked, in the order it is carried out.
#[derive(Debug)]
pub(crate) enum Order {
    /// Take a name for a session whose handshake goes on.
    Reserve {
        daemon: DaemonName,
        wanted: Option<PrivateName>,
        notices: MembershipMessages,
        reply: oneshot::Sender<Result<Reservation, ConnectRefusal>>,
    },
    /// The handshake is done; the reply says that the session is a target now.
    Connect {
        session: SessionId,
        reply: oneshot::Sender<()>,
    },
    /// A client's request.
    Request {
        session: SessionId,
        request: Request,
    },
    /// A session's stream is over.
    End {
        session: SessionId,
        cause: CloseCause,
    },
    /// Somebody is at the controls.
    Control(ControlOrder),
}

/// What a session needs of the hub.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(crate) session: SessionId,
    pub(crate) member: MemberName,
    /// Frames for the client.
    pub(crate) queue: mpsc::Receiver<Bytes>,
    /// Fires when the session is over.
    pub(crate) stop: oneshot::Receiver<CloseCause>,
}

/// The hub's end of a session.
#[derive(Debug)]
struct Outlet {
    queue: mpsc::Sender<Bytes>,
    stop: oneshot::Sender<CloseCause>,
    patience: Patience,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Fresh,
    UsedUp,
}

#[derive(Debug, Default)]
struct Counters {
    requests: u64,
    deliveries: u64,
    too_slow: u64,
    illegal: u64,
}

/// Owner of the router.
#[derive(Debug)]
pub(crate) struct Hub {
    router: Router,
    outlets: BTreeMap<SessionId, Outlet>,
    ports: Ports,
    counters: Counters,
    /// Receivers whose queue became crowded since the hub last waited.
    crowded: Vec<SessionId>,
}

impl Hub {
    pub(crate) fn new(router: Router, ports: Ports) -> Self {
        Self {
            router,
            outlets: BTreeMap::new(),
            ports,
            counters: Counters::default(),
            crowded: Vec::new(),
        }
    }

    pub(crate) async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut shutdown: watch::Receiver<()>,
    ) {
        loop {
            let order = tokio::select! {
                biased;
                _ = shutdown.changed() => break,
                order = orders.recv() => order,
            };
            match order {
                Some(order) => self.carry_out(order).await,
                None => break,
            }
            if !self.crowded.is_empty() {
                self.wait_for_relief().await;
            }
        }
        self.ports.close_all().await;
    }

    async fn carry_out(&mut self, order: Order) {
        match order {
            Order::Reserve {
                daemon,
                wanted,
                notices,
                reply,
            } => self.reserve(&daemon, wanted, notices, reply),
            Order::Connect { session, reply } => {
                self.router.connect(session);
                // The session may be over by now; then its stop has fired already.
                let _ = reply.send(());
            }
            Order::Request { session, request } => {
                self.counters.requests += 1;
                self.router.request(session, request);
            }
            Order::End { session, cause } => self.router.disconnect(session, cause),
            Order::Control(order) => {
                self.control(order).await;
                return;
            }
        }
        self.drain();
    }

    fn reserve(
        &mut self,
        daemon: &DaemonName,
        wanted: Option<PrivateName>,
        notices: MembershipMessages,
        reply: oneshot::Sender<Result<Reservation, ConnectRefusal>>,
    ) {
        let answer = self
            .router
            .reserve(daemon, wanted, notices)
            .map(|(session, member)| {
                let (queue, frames) = mpsc::channel(limits::QUEUED_MESSAGES);
                let (stop, stopped) = oneshot::channel();
                let patience = Patience::Fresh;
                self.outlets.insert(
                    session,
                    Outlet {
                        queue,
                        stop,
                        patience,
                    },
                );
                Reservation {
                    session,
                    member,
                    queue: frames,
                    stop: stopped,
                }
            });
        if let Err(Ok(unheard)) = reply.send(answer) {
            self.router
                .disconnect(unheard.session, CloseCause::EndOfStream);
        }
    }

    /// Carries out a control order; its messages are queued before the reply goes out.
    async fn control(&mut self, order: ControlOrder) {
        match order {
            ControlOrder::Partition(partition, reply) => {
                let done = self.router.partition(&partition, now());
                if done.is_ok() {
                    info!(%partition, "partitioned");
                }
                self.drain();
                let _ = reply.send(done);
            }
            ControlOrder::Heal(reply) => {
                self.router.heal(now());
                info!("healed");
                self.drain();
                let _ = reply.send(Ok(()));
            }
            ControlOrder::Stop(name, reply) => {
                let done = self.router.stop(&name, now());
                self.drain();
                if done.is_ok() {
                    info!(daemon = %name, "stopped");
                    self.ports.close(&name).await;
                }
                let _ = reply.send(done);
            }
            ControlOrder::Start(name, reply) => {
                let mut done = self.router.start(&name, now());
                if done.is_ok() {
                    done = self.ports.open(&name).await.map(|_| ());
                    if done.is_err() {
                        // Without its sockets it is as good as stopped; it runs, so it can stop.
                        let _ = self.router.stop(&name, now());
                    }
                }
                self.drain();
                let _ = reply.send(done);
            }
            ControlOrder::Drop(member, reply) => {
                let done = self
                    .router
                    .session_of(&member)
                    .map(|session| self.router.disconnect(session, CloseCause::Dropped));
                self.drain();
                let _ = reply.send(done);
            }
            ControlOrder::Stats(reply) => {
                let _ = reply.send(Ok(self.stats()));
            }
        }
    }

    fn stats(&self) -> Stats {
        Stats {
            sessions: self.router.session_count(),
            groups: self.router.group_count(),
            topology: self.router.topology(),
            requests: self.counters.requests,
            deliveries: self.counters.deliveries,
            too_slow: self.counters.too_slow,
            illegal: self.counters.illegal,
        }
    }

    /// Carries out what the router wants done, until it wants nothing more.
    fn drain(&mut self) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Deliver { to, delivery } => {
                    let frame = delivery.encode();
                    for session in to {
                        self.queue(session, frame.clone());
                    }
                }
                Output::Close { session, cause } => self.close(session, cause),
            }
        }
    }

    fn queue(&mut self, session: SessionId, frame: Bytes) {
        let Some(outlet) = self.outlets.get_mut(&session) else {
            return;
        };
        let room = outlet.queue.capacity();
        if room == outlet.queue.max_capacity() {
            outlet.patience = Patience::Fresh;
        }
        match outlet.queue.try_send(frame) {
            Ok(()) => {
                self.counters.deliveries += 1;
                if room <= CROWDED
                    && outlet.patience == Patience::Fresh
                    && !self.crowded.contains(&session)
                {
                    self.crowded.push(session);
                }
            }
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.router.disconnect(session, CloseCause::TooSlow);
            }
            // The session's task is gone; its end is on the way.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }

    fn close(&mut self, session: SessionId, cause: CloseCause) {
        match cause {
            CloseCause::TooSlow => self.counters.too_slow += 1,
            CloseCause::Illegal | CloseCause::TooManyGroups => self.counters.illegal += 1,
            CloseCause::Disconnected
            | CloseCause::EndOfStream
            | CloseCause::Dropped
            | CloseCause::DaemonStopped => {}
        }
        if let Some(outlet) = self.outlets.remove(&session) {
            debug!(%session, ?cause, "session over");
            // The task may be gone already; then there is nothing left to stop.
            let _ = outlet.stop.send(cause);
        }
    }

    async fn wait_for_relief(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        for session in std::mem::take(&mut self.crowded) {
            let Some(outlet) = self.outlets.get_mut(&session) else {
                continue;
            };
            // Room is asked for and given back at once: only its being there matters.
            let relief = timeout_at(deadline, outlet.queue.reserve_many(RELIEVED)).await;
            if relief.is_err() {
                outlet.patience = Patience::UsedUp;
            }
        }
    }
}

/// Seconds of the clock, as group ids carry them.
pub(crate) fn now() -> u32 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|time| u32::try_from(time.as_secs()).ok())
        .unwrap_or_default()
}
