//! Sessions: clients known by name to one daemon.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use gcs_proto::{
    error::ConnectRefusal,
    handshake::MembershipMessages,
    limits,
    name::{DaemonName, GroupName, MemberName, Name, PrivateName},
};

use super::configuration::DaemonIndex;
use crate::access::{Origin, User};

/// Most groups that one session may be in (ours). One more join closes the session.
pub const GROUPS_OF_SESSION: usize = 4_096;

/// Number of a session, unique while its daemons run, in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its name is taken, its handshake goes on: no target yet.
    Reserved,
    /// Accepted.
    Connected,
    /// Closed, with its end in the order of held operations: no target, and its requests are
    /// dropped.
    Ending,
}

/// A client of one daemon.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) daemon: DaemonIndex,
    pub(crate) member: MemberName,
    pub(crate) user: User,
    pub(crate) notices: MembershipMessages,
    pub(crate) phase: Phase,
    pub(crate) groups: BTreeSet<GroupName>,
}

/// All sessions of all daemons, by number and by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    by_id: BTreeMap<SessionId, Session>,
    by_member: BTreeMap<MemberName, SessionId>,
    /// Sessions that are closed and still have memberships.
    ending: usize,
    last: u64,
}

impl Sessions {
    /// Takes a name at a daemon, or chooses one.
    pub(crate) fn reserve(
        &mut self,
        daemon: DaemonIndex,
        daemon_name: &DaemonName,
        wanted: Option<PrivateName>,
        notices: MembershipMessages,
    ) -> Result<(SessionId, MemberName), ConnectRefusal> {
        let at_daemon = self.of_daemon(daemon).count();
        if at_daemon >= limits::SESSIONS {
            return Err(ConnectRefusal::Quota);
        }
        let member = match wanted {
            Some(name) => MemberName::of_session(&name, daemon_name),
            None => self.choose(daemon_name)?,
        };
        if self.by_member.contains_key(&member) {
            return Err(ConnectRefusal::NotUnique);
        }
        self.last += 1;
        let id = SessionId(self.last);
        self.by_member.insert(member, id);
        self.by_id.insert(
            id,
            Session {
                daemon,
                member,
                user: User {
                    member,
                    origin: Origin::Local,
                    name: None,
                    identity: None,
                },
                notices,
                phase: Phase::Reserved,
                groups: BTreeSet::new(),
            },
        );
        Ok((id, member))
    }

    /// A free name for a client that brought none: `r` and a number.
    fn choose(&self, daemon: &DaemonName) -> Result<MemberName, ConnectRefusal> {
        // One more candidate than sessions there may be: one of them is free.
        let start = self.last + 1;
        (start..=start + limits::SESSIONS as u64)
            .filter_map(|number| {
                PrivateName::new(format!("r{}", number % 100_000_000).as_bytes()).ok()
            })
            .map(|name| MemberName::of_session(&name, daemon))
            .find(|member| !self.by_member.contains_key(member))
            .ok_or(ConnectRefusal::NotUnique)
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Session> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.by_id.get_mut(&id)
    }

    /// Notes that a session is closed; false if it was before or is not known.
    pub(crate) fn end(&mut self, id: SessionId) -> bool {
        match self.by_id.get_mut(&id) {
            Some(session) if session.phase != Phase::Ending => {
                session.phase = Phase::Ending;
                self.ending += 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Whether a session is closed and still has memberships.
    pub(crate) fn has_ending(&self) -> bool {
        self.ending > 0
    }

    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.by_id.remove(&id)?;
        if session.phase == Phase::Ending {
            self.ending -= 1;
        }
        self.by_member.remove(&session.member);
        Some(session)
    }

    /// The session behind a private group name, whatever its daemon.
    pub(crate) fn find(&self, member: &Name) -> Option<(SessionId, &Session)> {
        let id = *self.by_member.get(member)?;
        self.by_id.get(&id).map(|session| (id, session))
    }

    pub(crate) fn of_daemon(&self, daemon: DaemonIndex) -> impl Iterator<Item = SessionId> {
        self.by_id
            .iter()
            .filter(move |(_, session)| session.daemon == daemon)
            .map(|(id, _)| *id)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}
