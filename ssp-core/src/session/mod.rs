//! The session: all groups of one connection.

mod calls;
mod clear;
mod routing;

use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    vec::Vec,
};

use gcs_proto::{
    flush::{FlushLayer, Stats},
    gcs::{GcsCommand, GcsEvent},
    name::{GroupName, MemberName},
};
use rand_core::CryptoRng;

use self::clear::ClearGroup;
use crate::{
    Timestamp,
    access::{AccessPolicy, AllowAll},
    config::SessionConfig,
    event::{SecureViewEvent, SessionEvent},
    group::{Environment, GroupStats, Phase, SecureGroup},
    identity::{Credentials, Trust},
    kind::GroupKind,
    schedule::Fingerprint,
};

/// All groups of one connection to a group communication engine. Sans-IO: it takes events, calls and the
/// time, and returns commands and events.
///
/// Groups are secure, flush-only or bare ([`GroupKind`]), and a name is of one kind at a time. Nothing is
/// sent unencrypted into a secure group.
///
/// Order of calls: after every [`handle_event`](Self::handle_event),
/// [`handle_timeout`](Self::handle_timeout) and call of the application
///
/// 1. give all commands of [`poll_command`](Self::poll_command) to the engine;
/// 2. take events from [`poll_event`](Self::poll_event); stop reading from the engine while
///    [`pending_events`](Self::pending_events) is more than the application can take;
/// 3. set a timer to [`poll_timeout`](Self::poll_timeout).
///
/// Input from the network causes neither errors nor panics: what is invalid is dropped and counted.
/// Dropping the session erases all keys.
#[derive(Debug)]
pub struct Session {
    me: MemberName,
    credentials: Credentials,
    policy: Arc<dyn AccessPolicy>,
    config: SessionConfig,
    flush: FlushLayer,
    /// Answers to challenges of the daemon, besides the commands of the flush layer.
    answers: VecDeque<GcsCommand>,
    groups: BTreeMap<GroupName, SecureGroup>,
    /// Groups without keys.
    clear: BTreeMap<GroupName, ClearGroup>,
    events: VecDeque<SessionEvent>,
    state: State,
}

/// Whether there is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The application has closed it; the confirmation of the engine is missing.
    Closing,
    Closed,
}

impl Session {
    /// A session over a connection on which this member is named `me`.
    pub fn new(me: MemberName, credentials: Credentials, config: SessionConfig) -> Self {
        Self {
            me,
            credentials,
            policy: Arc::new(AllowAll),
            config,
            flush: FlushLayer::with_capabilities(me, &config.capabilities),
            answers: VecDeque::new(),
            groups: BTreeMap::new(),
            clear: BTreeMap::new(),
            events: VecDeque::new(),
            state: State::Open,
        }
    }

    /// Sets the access policy; by default everything is allowed.
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<dyn AccessPolicy>) -> Self {
        self.policy = policy;
        self
    }

    /// Replaces the trust, for instance after a new revocation list was issued. It takes effect in the
    /// next view of each group.
    pub fn set_trust(&mut self, trust: Arc<dyn Trust>) {
        for group in self.groups.values_mut() {
            group.set_trust(trust.clone());
        }
        self.credentials.trust = trust;
    }

    /// Seals in the present view of `group` as `name`, as every member can. For tests.
    #[cfg(feature = "test-util")]
    pub fn impersonate(&mut self, group: &GroupName, name: MemberName) {
        if let Some(group) = self.groups.get_mut(group) {
            group.impersonate(name);
        }
    }

    /// Handles an event of the engine. A daemon's challenge before a join is answered with the own
    /// identity.
    pub fn handle_event(&mut self, event: GcsEvent, now: Timestamp, rng: &mut dyn CryptoRng) {
        if self.answer_challenge(&event) {
            return;
        }
        self.flush.handle_event(event);
        self.route(now, rng);
    }

    /// Handles expired timers, to be called at [`poll_timeout`](Self::poll_timeout). Harmless before.
    pub fn handle_timeout(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        for group in self.groups.values_mut() {
            group.expire(&mut Environment {
                flush: &mut self.flush,
                events: &mut self.events,
                now,
                rng,
            });
        }
    }

    /// Whether a key is being agreed on in some group and nobody waits for this member in any. Where
    /// several sessions share a processor, letting the others run first then shortens the agreement. A
    /// hint that affects nothing but time.
    pub fn may_step_aside(&self) -> bool {
        let mut agreeing = self.groups.values().filter_map(SecureGroup::is_awaited);
        agreeing.next().is_some_and(|awaited| !awaited) && agreeing.all(|awaited| !awaited)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.groups
            .values()
            .filter_map(SecureGroup::next_timeout)
            .min()
    }

    /// The next command for the engine.
    pub fn poll_command(&mut self) -> Option<GcsCommand> {
        let answer = self.answers.pop_front();
        answer.or_else(|| self.flush.poll_command())
    }

    /// The next event for the application.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Number of events not taken yet.
    pub fn pending_events(&self) -> usize {
        self.events.len()
    }

    /// The name of this member.
    pub const fn me(&self) -> &MemberName {
        &self.me
    }

    /// Whether the connection is closed.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Groups that this member is in, or is joining or leaving.
    pub fn groups(&self) -> impl Iterator<Item = &GroupName> {
        self.groups.keys().chain(self.clear.keys())
    }

    /// The kind of a group; `None` if it is not joined.
    pub fn kind(&self, group: &GroupName) -> Option<GroupKind> {
        match self.clear.get(group) {
            Some(clear) => Some(clear.kind()),
            None => self.groups.get(group).map(|_| GroupKind::Secure),
        }
    }

    /// The phase of a secure group; `None` if it is not joined.
    pub fn group_state(&self, group: &GroupName) -> Option<Phase> {
        self.groups.get(group).map(SecureGroup::phase)
    }

    /// The secure view installed last, as of its latest refresh. It may be outdated, see
    /// [`group_state`](Self::group_state).
    pub fn secure_view(&self, group: &GroupName) -> Option<&SecureViewEvent> {
        self.groups.get(group)?.installed()
    }

    /// Members of the secure view installed last.
    pub fn members(&self, group: &GroupName) -> Option<&[MemberName]> {
        Some(&self.secure_view(group)?.view.members)
    }

    /// Number of the present key in the view; `None` without a key.
    pub fn epoch(&self, group: &GroupName) -> Option<u32> {
        Some(self.groups.get(group)?.keys()?.epoch())
    }

    /// Public digest of the present key, equal at all members; `None` without a key.
    pub fn fingerprint(&self, group: &GroupName) -> Option<Fingerprint> {
        Some(self.groups.get(group)?.keys()?.schedule().fingerprint())
    }

    /// Counters of a group.
    pub fn stats(&self, group: &GroupName) -> Option<GroupStats> {
        self.groups.get(group).map(SecureGroup::stats)
    }

    /// Counters of the flush layer, over all groups.
    pub const fn flush_stats(&self) -> &Stats {
        self.flush.stats()
    }

    /// Members that have not permitted the current view change.
    pub fn missing_flush(&self, group: &GroupName) -> Vec<MemberName> {
        self.flush.missing_flush(group)
    }
}
