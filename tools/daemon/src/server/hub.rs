//! The one place where all events meet: the router behind a lock, and the queues of the sessions.
//!
//! A session's task brings the requests of its client here itself, many at a time; the order in
//! which the lock is taken is the total order. Nothing is awaited under the lock, and nothing in
//! here waits for a client: a delivery goes into the receiver's bounded queue at once, or the
//! receiver is closed. When a queue is crowded the *sender's* task waits for it, outside of the
//! lock, and takes no more from its own client meanwhile (see `outbox`); everybody else goes on.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use gcs_proto::{
    codec::{Delivery, Encoded, Request},
    error::ConnectRefusal,
    handshake::MembershipMessages,
    name::{DaemonName, GroupName, MemberName, PrivateName},
};
use tokio::sync::oneshot;
use tracing::debug;

use super::{
    outbox::{Outbox, Pushed, QueueBounds},
    stats::Stats,
};
use crate::{
    access::{Identity, Origin},
    error::Error,
    router::{CloseCause, Output, Router, SessionId},
};

/// What a session needs of the hub.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(crate) session: SessionId,
    pub(crate) member: MemberName,
    /// Messages for the client.
    pub(crate) outbox: Arc<Outbox>,
    /// Fires when the session is over.
    pub(crate) stop: oneshot::Receiver<CloseCause>,
}

/// The hub's end of a session.
#[derive(Debug)]
struct Outlet {
    outbox: Arc<Outbox>,
    stop: oneshot::Sender<CloseCause>,
    /// Whether it is among those whose writers are to be woken.
    touched: bool,
}

#[derive(Debug, Default)]
struct Counters {
    requests: u64,
    deliveries: u64,
    refused: u64,
    too_slow: u64,
    illegal: u64,
}

/// Router and queues.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    router: Router,
    outlets: BTreeMap<SessionId, Outlet>,
    bounds: QueueBounds,
    counters: Counters,
    /// Sessions that got something since their writers were last woken, each one once.
    touched: Vec<SessionId>,
    /// Queues that became crowded since somebody last waited.
    crowded: Vec<Arc<Outbox>>,
}

impl Hub {
    pub(crate) fn new(router: Router, bounds: QueueBounds) -> Self {
        Self {
            state: Mutex::new(State {
                router,
                outlets: BTreeMap::new(),
                bounds: bounds.at_least_one_message(),
                counters: Counters::default(),
                touched: Vec::new(),
                crowded: Vec::new(),
            }),
        }
    }

    /// Takes a name for a session whose handshake goes on.
    pub(crate) fn reserve(
        &self,
        daemon: &DaemonName,
        wanted: Option<PrivateName>,
        notices: MembershipMessages,
    ) -> Result<Reservation, ConnectRefusal> {
        let mut state = self.state();
        let (session, member) = state.router.reserve(daemon, wanted, notices)?;
        let outbox = Arc::new(Outbox::new(state.bounds));
        let (stop, stopped) = oneshot::channel();
        let outlet = Outlet {
            outbox: Arc::clone(&outbox),
            stop,
            touched: false,
        };
        state.outlets.insert(session, outlet);
        Ok(Reservation {
            session,
            member,
            outbox,
            stop: stopped,
        })
    }

    /// The handshake is done: from here on the session is a target, unless the policy says no.
    pub(crate) fn connect(
        &self,
        session: SessionId,
        origin: Origin,
        user: Option<Vec<u8>>,
        identity: Option<Identity>,
    ) -> Result<(), ConnectRefusal> {
        let router = &mut self.state().router;
        if let Some(identity) = identity {
            router.identify(session, identity);
        }
        router.connect_as(session, origin, user)
    }

    /// The session has proved who it is.
    pub(crate) fn identify(&self, session: SessionId, identity: Identity) {
        self.state().router.identify(session, identity);
    }

    /// Sends a join back to who wanted it.
    pub(crate) fn refuse_join(&self, session: SessionId, group: GroupName) {
        self.change(|router| router.refuse_join(session, group));
    }

    /// Says something to a session on behalf of its daemon.
    pub(crate) fn tell(&self, session: SessionId, message_type: i16, body: Bytes) {
        self.change(|router| router.tell(session, message_type, body));
    }

    /// Carries requests out, oldest first, until there are none or a queue is crowded; the queues
    /// that are have to be waited for before the rest.
    pub(crate) fn requests(
        &self,
        session: SessionId,
        requests: &mut impl Iterator<Item = Request>,
    ) -> Vec<Arc<Outbox>> {
        let mut state = self.state();
        for request in requests {
            state.counters.requests += 1;
            state.router.request(session, request);
            state.drain();
            if !state.crowded.is_empty() {
                break;
            }
        }
        state.wake();
        std::mem::take(&mut state.crowded)
    }

    /// A session's stream is over.
    pub(crate) fn end(&self, session: SessionId, cause: CloseCause) {
        self.change(|router| router.disconnect(session, cause));
    }

    /// Closes the session of a member without goodbye.
    pub(crate) fn drop_session(&self, member: &MemberName) -> Result<(), Error> {
        self.change(|router| {
            let session = router.session_of(member)?;
            router.disconnect(session, CloseCause::Dropped);
            Ok(())
        })
    }

    /// Changes the router and queues what comes of it before it returns.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Router) -> T) -> T {
        let mut state = self.state();
        let changed = change(&mut state.router);
        state.drain();
        state.wake();
        // Who is at the controls does not wait for slow clients.
        state.crowded.clear();
        changed
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.state();
        let (mut queued_messages, mut queued_bytes) = (0, 0);
        for outlet in state.outlets.values() {
            let load = outlet.outbox.load();
            queued_messages += load.messages;
            queued_bytes += load.bytes;
        }
        Stats {
            sessions: state.router.session_count(),
            groups: state.router.group_count(),
            topology: state.router.topology(),
            held: state.router.held_count(),
            requests: state.counters.requests,
            deliveries: state.counters.deliveries,
            queued_messages,
            queued_bytes,
            refused: state.counters.refused,
            too_slow: state.counters.too_slow,
            illegal: state.counters.illegal,
        }
    }

    // A panic in the router would leave it in the middle of an event; all later events would be
    // carried out on that. None is known.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Carries out what the router wants done, until it wants nothing more.
    fn drain(&mut self) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Deliver { to, delivery } => {
                    if let Delivery::Refused(_) = &delivery {
                        self.counters.refused += 1;
                    }
                    let message = delivery.encode_parts();
                    for session in to {
                        self.queue(session, message.clone());
                    }
                }
                Output::Close { session, cause } => self.close(session, cause),
            }
        }
    }

    fn queue(&mut self, session: SessionId, message: Encoded) {
        let Some(outlet) = self.outlets.get_mut(&session) else {
            return;
        };
        match outlet.outbox.push(message) {
            Pushed::Taken => self.counters.deliveries += 1,
            Pushed::Crowded => {
                self.counters.deliveries += 1;
                let mut crowded = self.crowded.iter();
                if !crowded.any(|noted| Arc::ptr_eq(noted, &outlet.outbox)) {
                    self.crowded.push(Arc::clone(&outlet.outbox));
                }
            }
            Pushed::Full => {
                self.router.disconnect(session, CloseCause::TooSlow);
                return;
            }
            Pushed::Closed => return,
        }
        if !outlet.touched {
            outlet.touched = true;
            self.touched.push(session);
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
            outlet.outbox.close();
            // The task may be gone already; then there is nothing left to stop.
            let _ = outlet.stop.send(cause);
        }
    }

    fn wake(&mut self) {
        for session in self.touched.drain(..) {
            if let Some(outlet) = self.outlets.get_mut(&session) {
                outlet.touched = false;
                outlet.outbox.wake();
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
