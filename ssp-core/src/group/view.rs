//! What belongs to the present VS view: replaced as a whole when the next view is installed.
//!
//! ```text
//!  Joining --view--> Agreeing --key--> Keyed --refresh--> Keyed
//!                        |               |                  |
//!                        +---------------+------------------+--> Failed     until the next view
//! ```
//!
//! What a stage does not have cannot be asked for: only `Keyed` has keys, confirmations that are waited
//! for, incomplete messages and a send window. What outlasts a view is in the group itself, and in
//! [`History`](super::history::History).

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use bytes::Bytes;
use cliques::TokenBinding;
use gcs_proto::name::MemberName;
use gka_robust::Transmission;

use super::{
    evidence::EvidenceExchange,
    reassembly::Reassembly,
    timers::{Timer, Timers},
    window::SendWindow,
};
use crate::{
    Timestamp,
    epoch::{EpochKeys, ViewKeys},
};

/// The present VS view, or the wait for the first one.
#[derive(Debug)]
pub(super) struct Present {
    stage: Stage,
    pub(super) timers: Timers,
    pub(super) agreement: Progress,
    pub(super) evidence: EvidenceExchange,
    /// Confirmations that came before the key, one per member.
    pub(super) early_confirmations: BTreeMap<MemberName, Bytes>,
    pub(super) mismatches: Mismatches,
    /// Incomplete tokens.
    pub(super) token_parts: Reassembly,
    /// What a leaving member must not send, in order.
    pub(super) deferred: Vec<Deferred>,
    message_bytes: usize,
}

/// Whether there is a key.
#[derive(Debug)]
pub(super) enum Stage {
    /// No VS view is installed.
    Joining,
    /// A key is being agreed on.
    Agreeing,
    /// There is a key; it may be about to be refreshed.
    Keyed(Box<Keyed>),
    /// This view has no key, and gets none.
    Failed,
}

/// What there is together with a key.
#[derive(Debug)]
pub(super) struct Keyed {
    pub(super) keys: ViewKeys,
    pub(super) confirming: Confirming,
    /// Incomplete messages under the present key and the one before.
    pub(super) messages: Reassembly,
    /// What members have confirmed of own messages in parts.
    pub(super) window: SendWindow,
}

/// The state of the explicit confirmation of the present key.
#[derive(Debug)]
pub(super) enum Confirming {
    /// No confirmation is asked for, or all members have confirmed.
    Done,
    /// These members have not confirmed.
    Waiting {
        binding: TokenBinding,
        epoch: u32,
        missing: BTreeSet<MemberName>,
    },
}

/// The agreement that is running, for statistics.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// When it began.
    pub(super) began: Timestamp,
    /// Tokens delivered for it.
    pub(super) tokens: u64,
}

/// Members that seal differently under the present key.
#[derive(Debug, Default)]
pub(super) struct Mismatches {
    /// Already reported to the application.
    reported: BTreeSet<MemberName>,
    /// Members that sealed under a key that may yet be installed here, with the time at which they
    /// are reported.
    unknown_keys: BTreeMap<MemberName, Timestamp>,
}

/// Something that a leaving member must not send. If the engine refuses the leave it is sent after
/// all, because the others wait for it.
#[derive(Debug)]
pub(super) enum Deferred {
    Token(Transmission),
    Evidence,
    Confirmation(Bytes),
    FlushOk,
}

impl Present {
    /// Before the first view; `message_bytes` bounds what is kept of incomplete messages.
    pub(super) fn joining(now: Timestamp, message_bytes: usize) -> Self {
        Self {
            stage: Stage::Joining,
            timers: Timers::default(),
            agreement: Progress {
                began: now,
                tokens: 0,
            },
            evidence: EvidenceExchange::default(),
            early_confirmations: BTreeMap::new(),
            mismatches: Mismatches::default(),
            token_parts: Reassembly::new(message_bytes),
            deferred: Vec::new(),
            message_bytes,
        }
    }

    /// A new view replaces everything; gives back what there was.
    pub(super) fn replace(&mut self, now: Timestamp) -> Self {
        let next = Self {
            stage: Stage::Agreeing,
            ..Self::joining(now, self.message_bytes)
        };
        core::mem::replace(self, next)
    }

    pub(super) const fn stage(&self) -> &Stage {
        &self.stage
    }

    pub(super) const fn has_failed(&self) -> bool {
        matches!(self.stage, Stage::Failed)
    }

    pub(super) fn keyed(&self) -> Option<&Keyed> {
        match &self.stage {
            Stage::Keyed(keyed) => Some(keyed),
            Stage::Joining | Stage::Agreeing | Stage::Failed => None,
        }
    }

    pub(super) fn keyed_mut(&mut self) -> Option<&mut Keyed> {
        match &mut self.stage {
            Stage::Keyed(keyed) => Some(keyed),
            Stage::Joining | Stage::Agreeing | Stage::Failed => None,
        }
    }

    pub(super) fn keys(&self) -> Option<&ViewKeys> {
        self.keyed().map(|keyed| &keyed.keys)
    }

    pub(super) fn keys_mut(&mut self) -> Option<&mut ViewKeys> {
        self.keyed_mut().map(|keyed| &mut keyed.keys)
    }

    /// Whether all members have seen what this member had to show: there was a key, and nothing of
    /// it was held back.
    pub(super) fn evidence_was_seen(&self) -> bool {
        let evidence = |deferred: &Deferred| matches!(deferred, Deferred::Evidence);
        self.keyed().is_some() && !self.deferred.iter().any(evidence)
    }

    /// The first key of the view.
    pub(super) fn install(&mut self, keys: ViewKeys) {
        self.stage = Stage::Keyed(Box::new(Keyed {
            keys,
            confirming: Confirming::Done,
            messages: Reassembly::new(self.message_bytes),
            window: SendWindow::default(),
        }));
        self.key_changed();
    }

    /// The next key of a view that has one.
    pub(super) fn refresh(&mut self, keys: EpochKeys) {
        if let Some(keyed) = self.keyed_mut() {
            keyed.keys.refresh(keys);
            keyed.messages.refresh(keyed.keys.epoch());
            keyed.window = SendWindow::default();
            keyed.confirming = Confirming::Done;
            self.key_changed();
        }
    }

    fn key_changed(&mut self) {
        self.mismatches = Mismatches::default();
        for timer in [Timer::UnknownKey, Timer::Confirmation, Timer::Refresh] {
            self.timers.stop(timer);
        }
    }

    /// Erases the key, if there is one: the view has none from now on.
    pub(super) fn fail(&mut self) {
        self.stage = Stage::Failed;
        self.timers.stop(Timer::Confirmation);
        self.timers.stop(Timer::Refresh);
    }

    /// Reports at `due` that the member seals under another key, unless a key is installed before.
    pub(super) fn report_unknown_key(&mut self, sender: MemberName, due: Timestamp) {
        let pending = &mut self.mismatches.unknown_keys;
        pending.entry(sender).or_insert(due);
        if let Some(first) = pending.values().min() {
            self.timers.set(Timer::UnknownKey, *first);
        }
    }

    /// Members that are to be reported for an unknown key by now.
    pub(super) fn unknown_keys_due(&mut self, now: Timestamp) -> Vec<MemberName> {
        let (due, later): (BTreeMap<_, _>, BTreeMap<_, _>) =
            core::mem::take(&mut self.mismatches.unknown_keys)
                .into_iter()
                .partition(|(_, due)| *due <= now);
        for (sender, due) in later {
            self.report_unknown_key(sender, due);
        }
        due.into_keys().collect()
    }
}

impl Keyed {
    pub(super) const fn is_confirming(&self) -> bool {
        matches!(self.confirming, Confirming::Waiting { .. })
    }
}

impl Mismatches {
    /// Whether this is the first report on the member.
    pub(super) fn is_first(&mut self, sender: MemberName) -> bool {
        self.reported.insert(sender)
    }
}
