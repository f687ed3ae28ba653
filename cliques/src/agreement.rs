//! The interface of a key agreement suite.
//!
//! A suite is a pure machine: it is told of a change in the group or given a token, and answers
//! with a [`Step`], which says what to send and, when the agreement is complete, holds the group
//! secret. It never blocks, reads no clock and draws randomness only from the generator handed in.
//!
//! ```text
//!            begin(change)                process(token)*              secret
//!   idle  ------------------>  agreeing  ---------------->  complete  ------->  caller
//!     ^                            |                            |
//!     +-------- abandon() ---------+        refresh(), begin(change)
//! ```
//!
//! Agreements are staged: until one completes, the last completed state stays as it was, and
//! [`abandon`](KeyAgreement::abandon) returns to it.

use alloc::{vec, vec::Vec};
use core::fmt;

use gcs_view::MemberName;
use rand_core::CryptoRng;

use crate::{
    cost::Cost,
    error::Error,
    secret::GroupSecret,
    token::{Outgoing, TokenKind},
};

/// What happened to the group.
///
/// Lists are in the order of the membership service, which is the same at all members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This member founds a group of itself alone.
    Found,
    /// This member starts over as the only old member; `joined` are new. Its previous agreement does not
    /// contribute to the new key, and is erased when that is complete.
    Restart {
        /// Everybody else.
        joined: Vec<MemberName>,
    },
    /// This member enters as a new member; another member starts. Its previous agreement does not
    /// contribute to the new key, and is erased when that is complete.
    Enter {
        /// The whole membership, this member included.
        members: Vec<MemberName>,
    },
    /// The component of this member continues: leave, partition, join, merge or several at once; a refresh
    /// if both lists are empty.
    Update {
        /// Members of the component that left.
        left: Vec<MemberName>,
        /// Members that are new to the component.
        joined: Vec<MemberName>,
    },
    /// Like [`Update`](Self::Update), but from where the agreement under way was interrupted, not from
    /// the last completed one: only for suites of which [everything](crate::Survival::Everything)
    /// survives a cut. `left` and `joined` are relative to the members of the agreement under way.
    Resume {
        /// Members of the component that left.
        left: Vec<MemberName>,
        /// Members that are new to the component.
        joined: Vec<MemberName>,
    },
}

/// What the caller has to do for a suite.
#[derive(Debug, Default)]
#[must_use = "tokens that are not sent stop the agreement"]
pub struct Step {
    /// Tokens to send, in this order.
    pub send: Vec<Outgoing>,
    /// The group secret, if this completed the agreement.
    pub secret: Option<GroupSecret>,
}

impl Step {
    /// Nothing to do.
    pub const fn wait() -> Self {
        Self {
            send: Vec::new(),
            secret: None,
        }
    }

    /// One token to send.
    pub fn send(token: Outgoing) -> Self {
        Self {
            send: vec![token],
            secret: None,
        }
    }

    /// The agreement is complete.
    pub const fn complete(secret: GroupSecret) -> Self {
        Self {
            send: Vec::new(),
            secret: Some(secret),
        }
    }
}

/// One member's side of a key agreement suite.
///
/// # Errors
/// Every method that fails leaves the machine as it was. [`Error::Peer`] names the members at
/// fault; the caller then [`abandon`](Self::abandon)s the agreement.
pub trait KeyAgreement: fmt::Debug + Send {
    /// Name of the mathematical group, as it stands in envelopes and key contexts.
    fn group_name(&self) -> &str;

    /// This member.
    fn me(&self) -> &MemberName;

    /// Binds the agreements that begin from now on to the hash TH of the context of their keys
    /// (secure layer notes, section 5.2), which is the same at all members; 32 zero bytes until it is
    /// called. Only suites that encrypt the secret with other keys use it.
    fn bind(&mut self, context: [u8; 32]) {
        let _ = context;
    }

    /// Starts an agreement; one that is under way is abandoned first.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] when the change does not fit the present members; [`Error::Peer`] when
    /// this member has to compute with an element from an earlier agreement that was not used before, and
    /// that turns out not to be in the group.
    fn begin(&mut self, change: Change, rng: &mut dyn CryptoRng) -> Result<Step, Error>;

    /// Starts an agreement with one new member, which is told to [enter](Change::Enter): like
    /// [`Change::Update`] with that member alone, but by the shorter protocol that a suite may have for
    /// just this. All old members must call the same of the two.
    ///
    /// # Errors
    /// Those of [`begin`](Self::begin).
    fn begin_join(&mut self, joined: MemberName, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let (left, joined) = (Vec::new(), vec![joined]);
        self.begin(Change::Update { left, joined }, rng)
    }

    /// Processes a token, own broadcasts included, from `sender` as authenticated by the transport.
    ///
    /// # Errors
    /// [`Error::Decode`] for a body that cannot be read, [`Error::Unexpected`] for a kind that this
    /// state does not expect, [`Error::Peer`] for a body that breaks the protocol.
    fn process(
        &mut self,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error>;

    /// Starts the agreement on a new key among the same members. At members without a role in it the step
    /// is empty.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] when there is no completed agreement to refresh.
    fn refresh(&mut self, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        self.begin(
            Change::Update {
                left: Vec::new(),
                joined: Vec::new(),
            },
            rng,
        )
    }

    /// Whether others may be waiting for this member: false if it only has to receive in the agreement under
    /// way, or if it would not be the one to begin when a member joins the completed one. A hint for a caller
    /// that runs several members on one processor; it affects nothing but time.
    fn is_awaited(&self) -> bool {
        true
    }

    /// Abandons the agreement under way; the last completed state applies again.
    fn abandon(&mut self);

    /// Erases everything; the member has no group.
    fn reset(&mut self);

    /// Members in the suite's own order, of the agreement under way or else the last completed one.
    fn order(&self) -> &[MemberName];

    /// The member with the suite's special role in the next event: controller or sponsor.
    fn controller(&self) -> Option<&MemberName>;

    /// Work done since the last [`take_cost`](Self::take_cost).
    fn take_cost(&mut self) -> Cost;
}
