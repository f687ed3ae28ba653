//! Counters of a group.

use cliques::Cost;

use crate::{record::OpenError, replay::Replay};

/// Messages that were not opened, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejections {
    /// Too short, of another version, or with undecodable content.
    pub malformed: u64,
    /// Unknown flags.
    pub flags: u64,
    /// Another record suite.
    pub suite: u64,
    /// The sender is not in the view.
    pub not_in_view: u64,
    /// Unknown key.
    pub wrong_key: u64,
    /// Bad tag.
    pub tag: u64,
    /// The sender's signature is invalid, or required and missing.
    pub signature: u64,
    /// Sequence number seen before or out of range.
    pub replay: u64,
    /// Sequence number older than the window: lost, not necessarily an attack.
    pub old: u64,
    /// A message of a user's type that is not sealed.
    pub plaintext: u64,
}

impl Rejections {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.malformed
            + self.flags
            + self.suite
            + self.not_in_view
            + self.wrong_key
            + self.tag
            + self.signature
            + self.replay
            + self.old
            + self.plaintext
    }

    pub(crate) const fn count(&mut self, reason: &OpenError) {
        let counter = match reason {
            OpenError::Truncated(_)
            | OpenError::Version(_)
            | OpenError::Blocks(_)
            | OpenError::Malformed
            | OpenError::Internal(_) => &mut self.malformed,
            OpenError::Signature | OpenError::Unsigned => &mut self.signature,
            OpenError::Flags(_) => &mut self.flags,
            OpenError::UnknownSuite(_) | OpenError::SuiteMismatch { .. } => &mut self.suite,
            OpenError::NotInView => &mut self.not_in_view,
            OpenError::WrongKey => &mut self.wrong_key,
            OpenError::Tag => &mut self.tag,
            OpenError::Replay(Replay::OutOfRange(_) | Replay::Repeated(_)) => &mut self.replay,
            OpenError::Replay(Replay::Old(_)) => &mut self.old,
        };
        *counter += 1;
    }
}

/// What the agreement on the last key cost this member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastKey {
    /// Computations and messages.
    pub cost: Cost,
    /// Tokens that were delivered to this member.
    pub tokens: u64,
    /// Milliseconds from the membership, or the refresh request, to the key.
    pub duration: u64,
}

/// Counters of a group since it was joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupStats {
    /// Counters of the key agreement, tokens dropped by reason among them.
    pub agreement: gka_robust::Stats,
    /// Secure views installed, refreshes not counted.
    pub secure_views: u64,
    /// Keys installed by a refresh.
    pub refreshes: u64,
    /// The agreement on the last key.
    pub last_key: LastKey,
    /// Messages sealed and sent.
    pub sealed: u64,
    /// Payload bytes of them.
    pub sealed_bytes: u64,
    /// Messages opened.
    pub opened: u64,
    /// Payload bytes of them.
    pub opened_bytes: u64,
    /// Messages not opened.
    pub rejections: Rejections,
    /// Messages of an undefined reserved type, dropped.
    pub reserved: u64,
    /// Messages kept because their key was not installed yet.
    pub early: u64,
    /// Denials by the access policy.
    pub denied: u64,
    /// Messages in parts given up: a gap, a change of type or service, or too long.
    pub broken: u64,
    /// Confirmations and evidence dropped: for another key or view, not authentic, or too many.
    pub unconfirmed: u64,
    /// Tokens not sent when they were due: the group is being left, or a member is not accepted.
    pub unsent: u64,
}
