//! One secure group: events of the flush layer become inputs of the key agreement, its outputs
//! become messages, keys and events.
//!
//! ```text
//!  FlushEvent           SecureGroup                              RobustDriver
//!  View      ---------> keys of the old view erased,  ---------> Membership (Fail: unknown identity)
//!  Message   token ----------------------------------- --------> Token
//!            sealed --> key known?  yes ----------------------> Data   ---> Deliver: open, to application
//!                                   no, may come soon ---------> EarlyData -> Deliver after Install
//!  FlushRequest, signal --------------------------------------->
//!                       Send    -> multicast or view-bound unicast of the flush layer
//!                       FlushOk -> flush_ok, and a timer that names who holds us up
//!                       Install -> key schedule, SecureView or KeyRefreshed
//! ```
//!
//! Source: flush layer of the protocol notes, section 11; secure layer notes, sections 2 to 5.

mod calls;
mod carry;
mod feed;
mod phase;
mod stats;
mod timers;
mod translate;
pub mod wire;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};

use bytes::Bytes;
use cliques::{Cost, Protocol};
use gcs_proto::{
    flush::FlushLayer,
    name::{GroupName, MemberName},
    service::Service,
};
use gka_robust::{Algorithm, Payload, RefreshPolicy, RobustDriver};
use rand_core::CryptoRng;

pub(crate) use calls::{Outgoing, payload_max};
pub use phase::Phase;
pub use stats::{GroupStats, Rejections};
pub(crate) use translate::id;

use self::{
    carry::Withheld,
    phase::{Intent, Prospect},
    timers::{Timer, Timers},
};
use crate::{
    config::{GroupOptions, SessionConfig},
    epoch::ViewKeys,
    error::Error,
    event::{Mismatch, SecureViewEvent, SessionEvent},
    identity::{Credentials, Trust},
    schedule::KeyId,
    time::Timestamp,
};

/// Names of the last keys, kept to notice a key that comes back.
const USED_KEYS: usize = 256;

/// A sealed message on its way through the driver.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    sender: MemberName,
    service: Service,
    body: Bytes,
}

impl Payload for Sealed {
    fn size(&self) -> usize {
        self.body.len()
    }
}

/// What surrounds a group while it handles something.
pub(crate) struct Around<'a> {
    pub(crate) flush: &'a mut FlushLayer,
    pub(crate) events: &'a mut VecDeque<SessionEvent>,
    pub(crate) now: Timestamp,
    pub(crate) rng: &'a mut dyn CryptoRng,
}

/// A group that this member is in, or about to be.
#[derive(Debug)]
pub(crate) struct SecureGroup {
    name: GroupName,
    me: MemberName,
    options: GroupOptions,
    config: SessionConfig,
    trust: Arc<dyn Trust>,
    driver: RobustDriver<Sealed>,
    intent: Intent,
    prospect: Prospect,
    /// Keys of the secure view, until the next VS membership.
    keys: Option<ViewKeys>,
    /// The secure view installed last, even if it has been replaced since.
    installed: Option<SecureViewEvent>,
    used_keys: VecDeque<KeyId>,
    /// Who was reported to seal differently under the present key.
    reported: BTreeSet<MemberName>,
    /// Who sealed under a key that may yet be installed here, and when our patience ends.
    suspects: BTreeMap<MemberName, Timestamp>,
    timers: Timers,
    stats: GroupStats,
    /// Work done before the agreement under way.
    cost_before: Cost,
    /// What could not be given to the layer below in the present VS view, in order.
    withheld: Vec<Withheld>,
    /// When the agreement under way began, and the tokens delivered for it.
    began: Timestamp,
    tokens: u64,
}

impl SecureGroup {
    /// A group that is about to be joined.
    pub(crate) fn new(
        name: GroupName,
        me: MemberName,
        credentials: &Credentials,
        config: SessionConfig,
        options: GroupOptions,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let driver = RobustDriver::new(gka_robust::Config {
            me: id(&me).map_err(|_| Error::Internal("own name"))?,
            group: name.as_bytes().to_vec(),
            protocol: options.protocol,
            mathematical_group: options.mathematical_group.into(),
            // The basic algorithm heals with the next view whatever went wrong in this one.
            algorithm: match options.protocol {
                Protocol::Gdh => Algorithm::Basic,
                protocol => Algorithm::of(protocol),
            },
            refresh: RefreshPolicy::default(),
            signer: credentials.signer.clone(),
            verifier: credentials.trust.clone(),
            queue_bytes: config.early_bytes,
            timestamp_window: config.timestamp_window,
            event_log: 0,
        })
        .map_err(|_| Error::Internal("a suite has the algorithm recommended for it"))?;
        let mut group = Self {
            name,
            me,
            options,
            config,
            trust: credentials.trust.clone(),
            driver,
            intent: Intent::Stay,
            prospect: Prospect::Open,
            keys: None,
            installed: None,
            used_keys: VecDeque::new(),
            reported: BTreeSet::new(),
            suspects: BTreeMap::new(),
            timers: Timers::default(),
            stats: GroupStats::default(),
            cost_before: Cost::default(),
            withheld: Vec::new(),
            began: now,
            tokens: 0,
        };
        // A joiner needs the others' permission as well.
        group.wait_for_flush(now);
        Ok(group)
    }

    /// Where the group stands.
    pub(crate) fn phase(&self) -> Phase {
        if self.intent == Intent::Leave {
            return Phase::Leaving;
        }
        match (self.driver.send_permission(), self.prospect) {
            (_, Prospect::Failed) => Phase::Failed,
            (Ok(()), Prospect::Open) if self.keys.is_some() => Phase::Secure,
            (Err(gka_robust::Error::Refreshing), Prospect::Open) => Phase::Refreshing,
            (Err(gka_robust::Error::NotAllowedToSend), Prospect::Open) => Phase::Flushing,
            (_, Prospect::Open) if self.driver.view().is_none() => Phase::Joining,
            (_, Prospect::Open) => Phase::Agreeing,
        }
    }

    pub(crate) const fn keys(&self) -> Option<&ViewKeys> {
        self.keys.as_ref()
    }

    pub(crate) const fn installed(&self) -> Option<&SecureViewEvent> {
        self.installed.as_ref()
    }

    pub(crate) fn stats(&self) -> GroupStats {
        GroupStats {
            agreement: self.driver.stats().clone(),
            ..self.stats.clone()
        }
    }

    /// When [`expire`](Self::expire) is to be called.
    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// Acts on timers that have run out.
    pub(crate) fn expire(
        &mut self,
        now: Timestamp,
        flush: &FlushLayer,
        events: &mut VecDeque<SessionEvent>,
    ) {
        for timer in self.timers.expired(now) {
            match timer {
                Timer::Flush => {
                    let mut members = flush.missing_flush(&self.name);
                    members.retain(|member| *member != self.me);
                    if !members.is_empty() {
                        tracing::warn!(group = %self.name, ?members, "members hold up a view change");
                        let blocked = SessionEvent::FlushBlocked {
                            group: self.name,
                            members,
                        };
                        // Who takes no events shall not find one for each time it was told.
                        if !events.contains(&blocked) {
                            events.push_back(blocked);
                        }
                    }
                    self.wait_for_flush(now);
                }
                Timer::Suspicion => {
                    for (sender, due) in core::mem::take(&mut self.suspects) {
                        if due <= now {
                            self.report(sender, Mismatch::Key, events);
                        } else {
                            self.suspect(sender, due);
                        }
                    }
                }
            }
        }
    }

    /// Gives a member until `due` before it is told to seal under another key.
    fn suspect(&mut self, sender: MemberName, due: Timestamp) {
        self.suspects.entry(sender).or_insert(due);
        if let Some(first) = self.suspects.values().min() {
            self.timers.set(Timer::Suspicion, *first);
        }
    }

    fn wait_for_flush(&mut self, now: Timestamp) {
        let patience = self.config.flush_patience;
        if patience > 0 {
            self.timers.set(Timer::Flush, now.after(patience));
        }
    }
}
