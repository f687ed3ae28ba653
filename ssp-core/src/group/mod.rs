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
mod confirm;
mod feed;
mod identify;
mod joiner;
mod kind;
mod phase;
mod receipts;
mod roster;
mod send;
mod stats;
mod timers;
pub mod wire;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};

use bytes::Bytes;
use cliques::Cost;
use gcs_proto::{
    flush::FlushLayer,
    name::{GroupName, MemberName},
    service::Service,
};
use gka_robust::{Payload, RobustDriver};
use rand_core::CryptoRng;

pub use kind::GroupKind;
pub use phase::Phase;
pub(crate) use send::payload_max;
pub use stats::{GroupStats, Rejections};

use self::{
    carry::Withheld,
    confirm::{Confirming, Early},
    joiner::Joiner,
    phase::{Intent, Prospect},
    receipts::Receipts,
    roster::{Evidence, Roster},
    timers::{Timer, Timers},
};
use crate::{
    Timestamp,
    access::AccessPolicy,
    config::{GroupOptions, SessionConfig},
    epoch::ViewKeys,
    error::Error,
    event::{Mismatch, SecureViewEvent, SessionEvent},
    identity::{Credentials, OwnIdentity, Trust},
    schedule::KeyId,
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
    identity: Arc<dyn OwnIdentity>,
    trust: Arc<dyn Trust>,
    policy: Arc<dyn AccessPolicy>,
    /// Accepted identities; the driver verifies tokens with it.
    roster: Arc<Roster>,
    evidence: Evidence,
    confirming: Confirming,
    early_confirmations: Early,
    /// Incomplete messages of the present key and the one before, and incomplete tokens of the present
    /// VS view.
    messages: Joiner,
    token_parts: Joiner,
    /// What members have of own messages in parts.
    receipts: Receipts,
    next_token: u32,
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
        policy: Arc<dyn AccessPolicy>,
        config: SessionConfig,
        options: GroupOptions,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let roster = Arc::new(Roster::default());
        let driver = RobustDriver::new(gka_robust::Config {
            me,
            group: name.as_bytes().to_vec(),
            protocol: options.protocol,
            mathematical_group: options.mathematical_group.clone(),
            algorithm: options.algorithm(),
            // The session has its own, which counts what it seals.
            refresh: gka_robust::RefreshPolicy::default(),
            signer: credentials.signer.clone(),
            verifier: roster.clone(),
            queue_bytes: config.early_bytes,
            timestamp_window: config.timestamp_window,
            event_log: 0,
        })
        .map_err(|error| match error {
            gka_robust::Error::UnsupportedAlgorithm {
                protocol,
                algorithm,
            } => Error::Algorithm {
                protocol,
                algorithm,
            },
            // Said of calls only, not of a driver being made.
            gka_robust::Error::GroupNotSecure
            | gka_robust::Error::Refreshing
            | gka_robust::Error::NotAllowedToSend
            | gka_robust::Error::IllegalFlushOk
            | gka_robust::Error::FlushOkAlreadySent => Error::Internal("driver"),
            gka_robust::Error::Internal(what) => Error::Internal(what),
        })?;
        let mut group = Self {
            name,
            me,
            options,
            config,
            identity: credentials.signer.clone(),
            trust: credentials.trust.clone(),
            policy,
            roster,
            evidence: Evidence::default(),
            confirming: Confirming::default(),
            early_confirmations: Early::new(),
            messages: Joiner::new(config.message_bytes),
            token_parts: Joiner::new(config.message_bytes),
            receipts: Receipts::default(),
            next_token: 0,
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
            (Ok(()), Prospect::Open) if self.keys.is_some() && self.is_confirming() => {
                Phase::Confirming
            }
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

    /// Whether others may be waiting for this member in the agreement under way; none if there is
    /// no agreement.
    pub(crate) fn is_awaited(&self) -> Option<bool> {
        self.driver.is_awaited()
    }

    /// When [`expire`](Self::expire) is to be called.
    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// Acts on timers that have run out.
    pub(crate) fn expire(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        for timer in self.timers.expired(now) {
            match timer {
                Timer::Flush => {
                    let mut members = around.flush.missing_flush(&self.name);
                    members.retain(|member| *member != self.me);
                    if !members.is_empty() {
                        tracing::warn!(group = %self.name, ?members, "members hold up a view change");
                        let blocked = SessionEvent::FlushBlocked {
                            group: self.name,
                            members,
                        };
                        // Who takes no events shall not find one for each time it was told.
                        if !around.events.contains(&blocked) {
                            around.events.push_back(blocked);
                        }
                    }
                    self.wait_for_flush(now);
                }
                Timer::Evidence => self.evidence_is_late(around),
                Timer::Confirmation => self.confirmation_is_late(around),
                Timer::Refresh => self.refresh_is_due(around),
                Timer::Suspicion => {
                    for (sender, due) in core::mem::take(&mut self.suspects) {
                        if due <= now {
                            self.report(sender, Mismatch::Key, around.events);
                        } else {
                            self.suspect(sender, due);
                        }
                    }
                }
            }
        }
    }

    #[cfg(feature = "test-util")]
    pub(crate) const fn impersonate(&mut self, name: MemberName) {
        if let Some(keys) = &mut self.keys {
            keys.impersonate(name);
        }
    }

    /// From now on others are trusted: asked in the next view.
    pub(crate) fn set_trust(&mut self, trust: Arc<dyn Trust>) {
        self.trust = trust;
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
