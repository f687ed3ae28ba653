//! Counters: what happened, and what was dropped for which reason.

use cliques::Rejected;

use crate::envelope::Refused;

/// What a driver has counted since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// VS views.
    pub memberships: u64,
    /// Keys installed, those of refreshes included.
    pub installs: u64,
    /// Keys installed by a refresh.
    pub refreshes: u64,
    /// Agreements that ended without a key, by a change of membership or a failure.
    pub abandoned: u64,
    /// Failures reported.
    pub failures: u64,
    /// Events that a correct flush service and honest members cannot cause; dropped.
    pub impossible: u64,
    /// Events that are legal but come too late to matter; dropped.
    pub ignored: u64,
    /// Tokens sent.
    pub tokens_sent: u64,
    /// Tokens that passed all checks of the envelope.
    pub tokens_accepted: u64,
    /// Tokens dropped, by reason.
    pub token_drops: TokenDrops,
    /// User messages delivered.
    pub data_delivered: u64,
    /// User messages that had to wait for a key.
    pub data_queued: u64,
    /// User messages dropped, by reason.
    pub data_drops: DataDrops,
    /// Events of the log that were lost because nobody took them.
    pub events_lost: u64,
}

/// Tokens dropped, by the check that they failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenDrops {
    /// Could not be read.
    pub malformed: u64,
    /// Version, suite or mathematical group differ.
    pub suite_mismatch: u64,
    /// For another group.
    pub group_name: u64,
    /// From another view, member list or epoch.
    pub wrong_epoch: u64,
    /// Sender inside and outside differ.
    pub sender_mismatch: u64,
    /// Sender is no member of the view.
    pub not_in_view: u64,
    /// Addressed to another member.
    pub not_for_me: u64,
    /// Kind and message type of the transport disagree.
    pub kind_mismatch: u64,
    /// Signature not valid.
    pub bad_signature: u64,
    /// No key known for the sender.
    pub unknown_identity: u64,
    /// Timestamp outside the window.
    pub stale: u64,
    /// Seen before in this run.
    pub repeated: u64,
    /// More different tokens in one run than any run has.
    pub overflow: u64,
    /// Authentic, but of no use to the suite in its present state.
    pub unexpected: u64,
}

/// User messages dropped, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataDrops {
    /// No key of the present VS view, and none to wait for.
    pub no_key: u64,
    /// Waited for a key that was never installed.
    pub discarded: u64,
    /// The queue was full.
    pub overflow: u64,
}

impl TokenDrops {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.malformed
            + self.suite_mismatch
            + self.group_name
            + self.wrong_epoch
            + self.sender_mismatch
            + self.not_in_view
            + self.not_for_me
            + self.kind_mismatch
            + self.bad_signature
            + self.unknown_identity
            + self.stale
            + self.repeated
            + self.overflow
            + self.unexpected
    }

    /// Counts a rejected token.
    pub(crate) fn count(&mut self, rejected: &Rejected) {
        let counter = match rejected {
            Rejected::SuiteMismatch { .. } => &mut self.suite_mismatch,
            Rejected::GroupNameMismatch => &mut self.group_name,
            Rejected::WrongEpoch { .. } => &mut self.wrong_epoch,
            Rejected::SenderMismatch { .. } => &mut self.sender_mismatch,
            Rejected::NotInView(_) => &mut self.not_in_view,
            Rejected::NotForMe(_) => &mut self.not_for_me,
            Rejected::KindMismatch => &mut self.kind_mismatch,
            Rejected::BadSignature(_) => &mut self.bad_signature,
            Rejected::UnknownIdentity(_) => &mut self.unknown_identity,
            Rejected::Stale(_) => &mut self.stale,
            Rejected::Repeated(_) => &mut self.repeated,
        };
        *counter += 1;
    }
}

impl DataDrops {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.no_key + self.discarded + self.overflow
    }
}

impl Stats {
    /// Counts a token that was not let in.
    pub(crate) fn count_refused(&mut self, refused: &Refused) {
        match refused {
            Refused::Malformed => self.token_drops.malformed += 1,
            Refused::Rejected(rejected) => self.token_drops.count(rejected),
            Refused::Overflow => self.token_drops.overflow += 1,
        }
    }
}
