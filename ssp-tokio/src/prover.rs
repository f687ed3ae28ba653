//! Proof of identity to the daemon that asks for it, in the handshake and before a join.

use std::sync::Arc;

use gcs_proto::{
    connection::Connection,
    gcs::GcsEvent,
    handshake::ProofRequest,
    name::{GroupName, MemberName},
};
use ssp_core::identity::{ChallengeError, OwnIdentity, Proof, answer_join_challenge};

/// The own identity towards a daemon, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prover(pub(crate) Option<Arc<dyn OwnIdentity>>);

impl Prover {
    /// Whether a daemon may ask.
    pub(crate) const fn can_prove(&self) -> bool {
        self.0.is_some()
    }

    /// The proof that a daemon asks for in the handshake.
    pub(crate) fn prove(&self, request: &ProofRequest) -> Result<Vec<u8>, ChallengeError> {
        let identity = self.0.as_deref().ok_or(ChallengeError::NoIdentity)?;
        Proof::meet(&request.challenge, None, &request.member, identity)
    }

    /// Answers a challenge before the join of a group that `is_joining`; every other event comes back.
    pub(crate) fn pass(
        &self,
        event: GcsEvent,
        me: &MemberName,
        connection: &mut Connection,
        is_joining: impl FnOnce(&GroupName) -> bool,
    ) -> Option<GcsEvent> {
        let answer = answer_join_challenge(&event, me, self.0.as_deref(), is_joining);
        let Some(answer) = answer else {
            return Some(event);
        };
        if let Err(error) = answer.outcome {
            tracing::warn!(%error, group = ?answer.group, "daemon asks for proof of identity");
        }
        let sent = answer
            .command
            .map_or(Ok(()), |command| connection.command(command));
        if let Err(error) = sent {
            // The daemon takes nothing, or is gone; an event tells of that.
            tracing::debug!(%error, "proof of identity not sent");
        }
        None
    }
}
