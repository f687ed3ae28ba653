//! Sans-IO state of all virtual daemons: sessions, groups, components, and one total order.
//!
//! ```text
//!   reserve, connect                        +---------------------------+
//!   request(session, Request)   ----------> | Router                    | ----> poll_output()
//!   disconnect(session, cause)              |  Sessions    by name      |       Deliver { to, .. }
//!   partition, heal, stop, start (now)      |  Components  daemons that |       Close { session }
//!                                           |    reach each other, with |
//!                                           |    their groups           |
//!                                           +---------------------------+
//! ```
//!
//! Every call is one event, carried out whole before the next: that makes one total order, so every
//! service level, SAFE included, is satisfied by delivering on arrival (protocol notes, 6.2).
//! A router can also be told to [hold](Router::hold) operations back, for changes of the network to
//! fall between them.
//! What crosses from one virtual daemon to another does so by sharing a
//! component's groups; a partition is nothing but a component made two.
//!
//! Call order: after every call that changes something, drain [`Router::poll_output`] before the
//! next. Time is an argument, in seconds; the router has no clock, no randomness, no tasks.

mod admission;
mod component;
mod configuration;
mod group;
mod hold;
mod membership;
mod multicast;
mod network;
mod output;
mod session;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use gcs_proto::{
    codec::Request,
    error::ConnectRefusal,
    handshake::MembershipMessages,
    name::{DaemonName, MemberName, PrivateName},
};

use self::{
    admission::Policy,
    component::{Clock, Component, State},
    group::Pair,
    hold::{Act, Held, Operation},
    session::{Phase, Session, Sessions},
};
pub use self::{
    configuration::{Configuration, DAEMONS, DaemonEntry, DaemonIndex, Partition},
    hold::{Cut, HELD_BYTES, HELD_OPERATIONS},
    output::{CloseCause, Output},
    session::{GROUPS_OF_SESSION, SessionId},
};
use crate::{
    access::{AccessPolicy, PermitAll},
    error::Error,
};

/// State of all virtual daemons of a configuration. A clone is another world with the same past.
#[derive(Clone, Debug)]
pub struct Router {
    configuration: Configuration,
    sessions: Sessions,
    /// In the order of their first daemons; a stopped daemon is in none.
    components: Vec<Component>,
    clock: Clock,
    policy: Policy,
    /// Present while deliveries are held back.
    held: Option<Held>,
    outputs: VecDeque<Output>,
}

impl Router {
    /// Starts all daemons of a configuration, in one component, and permits everything.
    #[must_use]
    pub fn new(configuration: Configuration, now: u32) -> Self {
        Self::with_policy(configuration, Arc::new(PermitAll), now)
    }

    /// Starts all daemons of a configuration, in one component, and asks a policy what clients
    /// may do.
    #[must_use]
    pub fn with_policy(
        configuration: Configuration,
        policy: Arc<dyn AccessPolicy>,
        now: u32,
    ) -> Self {
        let (clock, time) = Clock::new(now);
        let daemons: BTreeSet<DaemonIndex> =
            configuration.entries().map(|(index, _)| index).collect();
        let proc_id = daemons
            .first()
            .map_or(0, |first| configuration.proc_id(*first));
        let component = Component {
            daemons,
            pair: Pair { proc_id, time },
            state: State::Regular,
            groups: BTreeMap::new(),
        };
        Self {
            configuration,
            sessions: Sessions::default(),
            components: vec![component],
            clock,
            policy: Policy(policy),
            held: None,
            outputs: VecDeque::new(),
        }
    }

    /// Takes a private name at a daemon, or lets the daemon choose one, while the handshake goes
    /// on. Undo with [`disconnect`](Self::disconnect).
    ///
    /// # Errors
    /// [`ConnectRefusal::Quota`] or [`ConnectRefusal::NotUnique`], as the client is to be told;
    /// [`ConnectRefusal::Quota`] also at a stopped daemon, which takes no sessions at all.
    pub fn reserve(
        &mut self,
        daemon: &DaemonName,
        wanted: Option<PrivateName>,
        notices: MembershipMessages,
    ) -> Result<(SessionId, MemberName), ConnectRefusal> {
        let index = self
            .configuration
            .find(daemon)
            .map_err(|_| ConnectRefusal::Quota)?;
        if self.component_of(index).is_none() {
            return Err(ConnectRefusal::Quota);
        }
        self.sessions.reserve(index, daemon, wanted, notices)
    }

    /// Ends the handshake of a session without asking the policy: from now on it is a target.
    pub fn connect(&mut self, session: SessionId) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.phase = Phase::Connected;
        }
    }

    /// Carries out what a client asks, or holds it if told so. Requests of sessions that are over,
    /// or not there yet, are dropped; what the policy refuses goes back.
    pub fn request(&mut self, session: SessionId, request: Request) {
        let Some(known) = self.sessions.get(session) else {
            return;
        };
        let (member, daemon) = (known.member, known.daemon);
        match known.phase {
            Phase::Connected => {}
            Phase::Reserved | Phase::Ending => return,
        }
        if matches!(request, Request::Disconnect) {
            self.disconnect(session, CloseCause::Disconnected);
            return;
        }
        let Some(request) = self.admit(session, request) else {
            return;
        };
        self.order(Operation {
            session,
            member,
            daemon,
            act: Act::of(request),
        });
    }

    /// Ends a session, whatever the reason: closes it, then tells its groups in the order of their
    /// names. Does nothing for a session that is over.
    ///
    /// The name is free when the groups have been told, which may be later if operations are held.
    pub fn disconnect(&mut self, session: SessionId, cause: CloseCause) {
        let Some(ended) = self.sessions.get(session) else {
            return;
        };
        let (member, daemon) = (ended.member, ended.daemon);
        if !self.sessions.end(session) {
            return;
        }
        self.close(session, cause);
        self.order(Operation {
            session,
            member,
            daemon,
            act: Act::End,
        });
    }

    /// The session behind a member name.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] naming it.
    pub fn session_of(&self, member: &MemberName) -> Result<SessionId, Error> {
        self.sessions
            .find(member.as_name())
            .filter(|(_, session)| session.phase != Phase::Ending)
            .map(|(id, _)| id)
            .ok_or(Error::UnknownMember(*member))
    }

    /// What is to be done next, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The daemons that run, divided as they reach each other.
    #[must_use]
    pub fn topology(&self) -> Partition {
        Partition::new(self.components.iter().map(|component| {
            component
                .daemons
                .iter()
                .filter_map(|daemon| self.configuration.entry(*daemon))
                .map(|entry| entry.name)
        }))
    }

    /// Sessions of all daemons, those in their handshake included.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Groups, counted once in each component that has members of them.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.components
            .iter()
            .map(|component| component.groups.len())
            .sum()
    }

    fn component_of(&self, daemon: DaemonIndex) -> Option<&Component> {
        self.components
            .iter()
            .find(|component| component.daemons.contains(&daemon))
    }

    fn component_of_mut(&mut self, daemon: DaemonIndex) -> Option<&mut Component> {
        self.components
            .iter_mut()
            .find(|component| component.daemons.contains(&daemon))
    }

    fn close(&mut self, session: SessionId, cause: CloseCause) {
        self.outputs.push_back(Output::Close { session, cause });
    }

    /// Those of some members who want to be told of memberships.
    fn to_be_told(&self, members: impl IntoIterator<Item = SessionId>) -> Vec<SessionId> {
        members
            .into_iter()
            .filter(|id| {
                self.sessions
                    .get(*id)
                    .is_some_and(|session: &Session| session.notices == MembershipMessages::Wanted)
            })
            .collect()
    }
}
