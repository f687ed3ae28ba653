//! What stands between a client and the groups that ask for proof of identity.
//!
//! ```text
//!   join ----------> proof of the connection, judged anew ----> the router, or back
//!        \---------> no proof: challenge -> waits -> proof ---> the router, or back
//!                                             |
//!                                             +- too late, or withdrawn by a leave -> back
//! ```
//!
//! The gate of a session works in the session's own task, outside of the hub's lock: what a verdict
//! costs is paid by who asked for it. Source: secure layer notes, section 7.

use std::collections::BTreeMap;

use bytes::Bytes;
use gcs_proto::{
    codec::{DataMessage, Request},
    name::{DaemonName, GroupName, MemberName},
};
use ssp_identity::{Challenge, Identity, JOIN_PROOF, JoinProof, Proved};
use tokio::time::Instant;
use tracing::debug;

use super::shared::PROOF_TIME;
use crate::access::ProofOfIdentity;

/// Joins of one session that may wait for their proofs (ours); one more comes back at once.
const WAITING: usize = 16;

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It goes to the router.
    Pass(Request),
    /// It goes to the router, from a session that has proved to be this.
    Proved(Request, Identity),
    /// The client is asked first, by this challenge.
    Ask(Bytes),
    /// The join of this group goes back.
    Refuse(GroupName),
    /// It is done with.
    Taken,
}

/// A join whose proof has not come.
#[derive(Debug)]
struct Waiting {
    challenge: Challenge,
    until: Instant,
}

/// The gate of one session.
#[derive(Debug)]
pub(super) struct Gate<'a> {
    proof: Option<&'a ProofOfIdentity>,
    daemon: DaemonName,
    member: MemberName,
    /// What the client has proved when it connected.
    proved: Option<Proved>,
    waiting: BTreeMap<GroupName, Waiting>,
}

impl<'a> Gate<'a> {
    pub(super) const fn new(
        proof: Option<&'a ProofOfIdentity>,
        daemon: DaemonName,
        member: MemberName,
        proved: Option<Proved>,
    ) -> Self {
        Self {
            proof,
            daemon,
            member,
            proved,
            waiting: BTreeMap::new(),
        }
    }

    /// Whether everything passes.
    pub(super) const fn is_open(&self) -> bool {
        self.proof.is_none()
    }

    /// Judges the next request of the client.
    pub(super) fn judge(&mut self, request: Request, now: Instant) -> Verdict {
        let Some(proof) = self.proof else {
            return Verdict::Pass(request);
        };
        match request {
            Request::Join(group) if proof.guards(&group) => self.join(proof, group, now),
            Request::Leave(group) if self.waiting.remove(&group).is_some() => {
                Verdict::Refuse(group)
            }
            Request::Data(message) if self.is_answer(&message) => self.answer(proof, &message),
            request @ (Request::Join(_)
            | Request::Leave(_)
            | Request::Data(_)
            | Request::Disconnect) => Verdict::Pass(request),
        }
    }

    /// When a join has waited long enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.values().map(|waiting| waiting.until).min()
    }

    /// Takes out a join that has waited long enough.
    pub(super) fn expire(&mut self, now: Instant) -> Option<GroupName> {
        let mut waiting = self.waiting.iter();
        let (group, _) = waiting.find(|(_, waiting)| waiting.until <= now)?;
        let group = *group;
        self.waiting.remove(&group);
        debug!(member = %self.member, %group, "no proof of identity came in time");
        Some(group)
    }

    fn join(&mut self, proof: &ProofOfIdentity, group: GroupName, now: Instant) -> Verdict {
        if let Some(proved) = &self.proved {
            return match proof.judge(proved) {
                Ok(identity) => Verdict::Proved(Request::Join(group), identity),
                Err(error) => {
                    debug!(member = %self.member, %group, %error, "identity is accepted no more");
                    Verdict::Refuse(group)
                }
            };
        }
        if self.waiting.contains_key(&group) {
            // The client knows already what it is to do.
            return Verdict::Taken;
        }
        if self.waiting.len() >= WAITING {
            return Verdict::Refuse(group);
        }
        let Some(challenge) = proof.challenge(&self.daemon, Some(group)) else {
            return Verdict::Refuse(group);
        };
        let ask = Bytes::from(challenge.encode());
        let until = now + PROOF_TIME;
        self.waiting.insert(group, Waiting { challenge, until });
        Verdict::Ask(ask)
    }

    /// Nobody but the daemon is meant by such a message, so it is never routed.
    fn is_answer(&self, message: &DataMessage) -> bool {
        message.hint.message_type() == JOIN_PROOF
            && matches!(message.destinations.as_slice(), [only] if only == self.member.as_name())
    }

    fn answer(&mut self, proof: &ProofOfIdentity, message: &DataMessage) -> Verdict {
        let answer = match JoinProof::decode(&message.body) {
            Ok(answer) => answer,
            Err(error) => {
                debug!(member = %self.member, %error, "answer to a challenge dropped");
                return Verdict::Taken;
            }
        };
        let group = answer.group;
        let Some(Waiting { challenge, .. }) = self.waiting.remove(&group) else {
            debug!(member = %self.member, %group, "nobody asked for this proof");
            return Verdict::Taken;
        };
        match proof.verify(challenge, &self.member, &answer.proof) {
            Ok(proved) => Verdict::Proved(Request::Join(group), proved.identity().clone()),
            Err(error) => {
                debug!(member = %self.member, %group, %error, "proof of identity refused");
                Verdict::Refuse(group)
            }
        }
    }
}
