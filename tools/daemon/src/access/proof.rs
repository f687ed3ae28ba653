//! Proof of identity: whom a daemon trusts, and for what it asks proof.
//!
//! ```text
//!   connection: challenge in the handshake -> proof -> identity of the session, or code -9
//!   join:       the connection has given a proof: judged anew by time, revocation and trust as
//!                                                 they are now
//!               it has not: challenge for this group -> proof
//!               no good, or not in time: the join comes back as a REJECT
//! ```
//!
//! A verdict on a join falls before the join has a place in the total order, so a stranger changes
//! nothing for a group: no membership, no flush. The identity is bound to the name of the session, and
//! policies see it ([`User::identity`](super::User::identity)).
//!
//! Source: client protocol notes, sections 3.7 and 8; secure layer notes, section 7.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{SystemTime, UNIX_EPOCH},
};

use gcs_proto::name::{DaemonName, GroupName, MemberName};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_identity::{Challenge, ChallengeError, Identity, Proof, Proved, Timestamp, Trust};

/// For what a proof is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    /// To connect, and judged anew to join any group.
    Connections,
    /// To join any group.
    Joins,
    /// To join one of these groups.
    JoinsOf(BTreeSet<GroupName>),
}

/// Whom a daemon trusts, and for what it asks proof of identity
/// ([`Builder::proof_of_identity`](crate::Builder::proof_of_identity)). Copies share the trust.
///
/// The trust is asked as members ask theirs: public keys by name, authorities and revocation
/// lists, or any other [`Trust`].
///
/// ```
/// use std::sync::Arc;
///
/// use gcs_daemon::access::ProofOfIdentity;
/// use ssp_identity::{Ed25519Signer, TrustStore};
///
/// let key = Ed25519Signer::from_seed(&[1; 32]).public_key();
/// let trust: TrustStore = format!("alice ed25519 {key}").parse()?;
/// let proof = ProofOfIdentity::new(Arc::new(trust));
/// let builder = gcs_daemon::Daemon::builder().proof_of_identity(proof.clone());
/// // Later, while the daemon runs: nobody is known any more.
/// proof.set_trust(Arc::new(TrustStore::new()));
/// # let _ = builder;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
/// A proof shows that the client had the key when it was asked, and nothing about who else is on
/// the stream; what a group is worth rests on the signatures of its members, never on this.
#[derive(Clone)]
pub struct ProofOfIdentity {
    trust: Arc<RwLock<Arc<dyn Trust>>>,
    scope: Scope,
}

impl ProofOfIdentity {
    /// Asks everybody who connects, and judges each join.
    #[must_use]
    pub fn new(trust: Arc<dyn Trust>) -> Self {
        Self {
            trust: Arc::new(RwLock::new(trust)),
            scope: Scope::Connections,
        }
    }

    /// Asks nobody who connects, and everybody who wants to join a group, each time anew.
    #[must_use]
    pub fn for_joins(mut self) -> Self {
        self.scope = Scope::Joins;
        self
    }

    /// Like [`for_joins`](Self::for_joins), for these groups only; calls add up.
    #[must_use]
    pub fn for_joins_of(mut self, groups: impl IntoIterator<Item = GroupName>) -> Self {
        let mut guarded = match self.scope {
            Scope::JoinsOf(guarded) => guarded,
            Scope::Connections | Scope::Joins => BTreeSet::new(),
        };
        guarded.extend(groups);
        self.scope = Scope::JoinsOf(guarded);
        self
    }

    /// Trusts otherwise from now on, for instance because a new revocation list has come: each
    /// connection and each join is judged by it. Who is in a group stays there, as members judge
    /// each other in every view.
    pub fn set_trust(&self, trust: Arc<dyn Trust>) {
        let mut current = self.trust.write().unwrap_or_else(PoisonError::into_inner);
        *current = trust;
    }

    /// Whether nobody connects without a proof.
    pub(crate) fn guards_connections(&self) -> bool {
        match self.scope {
            Scope::Connections => true,
            Scope::Joins | Scope::JoinsOf(_) => false,
        }
    }

    /// Whether nobody joins this group without a proof.
    pub(crate) fn guards(&self, group: &GroupName) -> bool {
        match &self.scope {
            Scope::Connections | Scope::Joins => true,
            Scope::JoinsOf(guarded) => guarded.contains(group),
        }
    }

    /// A challenge that was never used; none without random numbers.
    pub(crate) fn challenge(
        &self,
        daemon: &DaemonName,
        group: Option<GroupName>,
    ) -> Option<Challenge> {
        let mut rng = ChaCha20Rng::try_from_rng(&mut getrandom::SysRng).ok()?;
        Some(Challenge::new(*daemon, group, &mut rng))
    }

    /// Judges the answer to a challenge, which is used up.
    pub(crate) fn verify(
        &self,
        challenge: Challenge,
        member: &MemberName,
        proof: &[u8],
    ) -> Result<Proved, ChallengeError> {
        let proof = Proof::decode(proof)?;
        challenge.accept(member, proof, &*self.trust(), now())
    }

    /// Judges a proof anew.
    pub(crate) fn judge(&self, proved: &Proved) -> Result<Identity, ChallengeError> {
        proved.judge(&*self.trust(), now())
    }

    fn trust(&self) -> Arc<dyn Trust> {
        let current = self.trust.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }
}

impl fmt::Debug for ProofOfIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofOfIdentity")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// The clock, as identities are valid by it.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let milliseconds = since.map_or(0, |since| since.as_millis());
    Timestamp(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use ssp_identity::TrustStore;

    use super::*;

    #[test]
    fn what_is_guarded() {
        let group = |name: &str| name.parse::<GroupName>().unwrap();
        let everything = ProofOfIdentity::new(Arc::new(TrustStore::new()));
        assert!(everything.guards_connections() && everything.guards(&group("a")));
        let joins = everything.clone().for_joins();
        assert!(!joins.guards_connections() && joins.guards(&group("a")));
        let some = joins.for_joins_of([group("a")]).for_joins_of([group("b")]);
        assert!(!some.guards_connections());
        let guarded = ["a", "b", "c"].map(|name| some.guards(&group(name)));
        assert_eq!(guarded, [true, true, false]);
    }

    #[test]
    fn no_challenge_comes_twice() {
        let proof = ProofOfIdentity::new(Arc::new(TrustStore::new()));
        let daemon = "n1".parse().unwrap();
        let made: BTreeSet<_> = (0..100)
            .map(|_| proof.challenge(&daemon, None).unwrap().encode())
            .collect();
        assert_eq!(made.len(), 100);
    }
}
