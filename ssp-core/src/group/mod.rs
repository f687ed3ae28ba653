//! One secure group: events of the flush layer become inputs of the key agreement, its outputs
//! become messages, keys and events.
//!
//! ```text
//!  FlushEvent           SecureGroup                              RobustDriver
//!  View      ---------> everything of the old view erased ------> Membership (Fail: unknown identity)
//!  Message   token ----------------------------------- --------> Token
//!            sealed --> key known?  yes ----------------------> Data   ---> Deliver: open, to application
//!                                   no, may come soon ---------> EarlyData -> Deliver after Install
//!  FlushRequest, signal --------------------------------------->
//!                       Send    -> multicast or view-bound unicast of the flush layer
//!                       FlushOk -> flush_ok, and a timer that reports who holds up the view
//!                       Install -> key schedule, SecureView or KeyRefreshed
//! ```
//!
//! Data goes one way: [`inputs`], [`view::Present`], [`outputs`].
//!
//! Source: flush layer of the protocol notes, section 11; secure layer notes, sections 2 to 5.

mod admission;
mod calls;
mod confirm;
mod deliver;
mod evidence;
mod failure;
mod history;
mod inputs;
mod install;
mod outputs;
mod phase;
mod reassembly;
mod roster;
mod send;
mod stats;
mod timeouts;
mod timers;
mod view;
mod window;
pub mod wire;

use alloc::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use gcs_proto::{
    flush::FlushLayer,
    name::{GroupName, MemberName},
    service::Service,
};
use gka_robust::{Payload, RobustDriver};
use rand_core::CryptoRng;

pub use phase::Phase;
pub(crate) use send::payload_max;
pub use stats::{GroupStats, LastKey, Rejections};

use self::{
    admission::Admission,
    evidence::Evidence,
    history::History,
    phase::Intent,
    roster::Roster,
    timers::Timer,
    view::{Present, Stage},
};
use crate::{
    Timestamp,
    access::AccessPolicy,
    config::{GroupOptions, SessionConfig},
    epoch::ViewKeys,
    error::Error,
    event::{SecureViewEvent, SessionEvent},
    identity::{Credentials, Trust},
};

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

/// What surrounds a group while it handles an input.
pub(crate) struct Environment<'a> {
    pub(crate) flush: &'a mut FlushLayer,
    pub(crate) events: &'a mut VecDeque<SessionEvent>,
    pub(crate) now: Timestamp,
    pub(crate) rng: &'a mut dyn CryptoRng,
}

/// A group that this member is in or about to join.
#[derive(Debug)]
pub(crate) struct SecureGroup {
    name: GroupName,
    me: MemberName,
    options: GroupOptions,
    config: SessionConfig,
    admission: Admission,
    driver: RobustDriver<Sealed>,
    intent: Intent,
    /// What belongs to the present VS view.
    present: Present,
    /// What is remembered of earlier ones.
    history: History,
    /// Number of the next own token in parts.
    next_token: u32,
    stats: GroupStats,
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
            // The session has its own policy, which counts what it seals.
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
            // Returned by calls only, not by the constructor.
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
            admission: Admission {
                own: credentials.signer.clone(),
                trust: credentials.trust.clone(),
                policy,
                roster,
                evidence: Evidence::default(),
            },
            driver,
            intent: Intent::Stay,
            present: Present::joining(now, config.message_bytes),
            history: History::default(),
            next_token: 0,
            stats: GroupStats::default(),
        };
        // A joining member needs the permission of the others as well.
        group.start(Timer::Flush, now);
        Ok(group)
    }

    /// Where the group stands.
    pub(crate) fn phase(&self) -> Phase {
        if self.intent == Intent::Leave {
            return Phase::Leaving;
        }
        match (self.present.stage(), self.driver.send_permission()) {
            (Stage::Failed, _) => Phase::Failed,
            (Stage::Keyed(keyed), Ok(())) if keyed.is_confirming() => Phase::Confirming,
            (Stage::Keyed(_), Ok(())) => Phase::Secure,
            (_, Err(gka_robust::Error::Refreshing)) => Phase::Refreshing,
            (_, Err(gka_robust::Error::NotAllowedToSend)) => Phase::Flushing,
            (Stage::Joining, _) => Phase::Joining,
            (Stage::Agreeing | Stage::Keyed(_), _) => Phase::Agreeing,
        }
    }

    pub(crate) fn keys(&self) -> Option<&ViewKeys> {
        self.present.keys()
    }

    pub(crate) const fn installed(&self) -> Option<&SecureViewEvent> {
        self.history.installed.as_ref()
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

    #[cfg(feature = "test-util")]
    pub(crate) fn impersonate(&mut self, name: MemberName) {
        if let Some(keys) = self.present.keys_mut() {
            keys.impersonate(name);
        }
    }

    /// Replaces the trust, from the next view on.
    pub(crate) fn set_trust(&mut self, trust: Arc<dyn Trust>) {
        self.admission.trust = trust;
    }
}
