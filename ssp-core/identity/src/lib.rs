#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod accepted;
mod challenge;
mod ed25519;
mod error;
mod join;
mod pem;
mod proof;
mod time;
mod trust;
mod wire;
#[cfg(feature = "x509")]
pub mod x509;

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use gcs_view::MemberName;
pub use gcs_view::{SignatureAlgorithm, Signer, VerifyError};

pub use accepted::{Distrust, Identity, MemberKey};
pub use challenge::{CHALLENGE_CONTEXT, CHALLENGE_LENGTH, Challenge, Proved};
pub use ed25519::{Ed25519Signer, PublicKey};
pub use error::{ChallengeError, IdentityError};
pub use join::{JOIN_CHALLENGE, JOIN_PROOF, JoinAnswer, JoinProof, answer_join_challenge};
pub use proof::{PROOF_MAX, Proof};
pub use time::Timestamp;
pub use trust::{TrustError, TrustErrorKind, TrustStore, session_name};

/// Longest evidence of an identity, in bytes: several certificates.
pub const EVIDENCE_MAX: usize = 16 << 10;

/// The own identity: signs, and shows what others need to see.
pub trait OwnIdentity: Signer {
    /// What others must see to accept this identity, at most [`EVIDENCE_MAX`] bytes; `None` where
    /// they know its key already.
    fn evidence(&self) -> Option<&[u8]> {
        None
    }
}

/// Decides whose identity is accepted.
pub trait Trust: fmt::Debug + Send + Sync {
    /// The identity of `member`, at the time `now`, by what it has shown of itself in this view, if
    /// it has. Asked in every view and whenever evidence comes, so it should not take long.
    ///
    /// # Errors
    /// [`Distrust`]: why the member is not accepted. [`Distrust::NotShown`] is no refusal but asks
    /// for evidence, and the agreement goes on while it is waited for.
    fn identify(
        &self,
        member: &MemberName,
        evidence: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Identity, Distrust>;
}

/// Accepts whom any of several trusts accepts, asked in order: for groups whose members have
/// identities of different kinds.
#[derive(Clone, Debug)]
pub struct AnyOf(pub Vec<Arc<dyn Trust>>);

impl Trust for AnyOf {
    /// # Errors
    /// The reason that tells most: one that asks for evidence, else a real one, else
    /// [`Distrust::Unknown`].
    fn identify(
        &self,
        member: &MemberName,
        evidence: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Identity, Distrust> {
        let mut worst = Distrust::Unknown;
        for trust in &self.0 {
            match trust.identify(member, evidence, now) {
                Ok(identity) => return Ok(identity),
                Err(Distrust::NotShown) => worst = Distrust::NotShown,
                Err(reason) if worst == Distrust::Unknown => worst = reason,
                Err(_) => {}
            }
        }
        Err(worst)
    }
}

/// Own identity, and whom this member trusts.
#[derive(Clone)]
pub struct Credentials {
    /// Signs own tokens.
    pub signer: Arc<dyn OwnIdentity>,
    /// Knows the others, and this member as they should.
    pub trust: Arc<dyn Trust>,
}

impl Credentials {
    /// Whether the own trust accepts the own identity under the name `me`.
    ///
    /// If it does not, others that trust the same cannot be expected to: worth a warning before
    /// joining, but no obstacle, for they may know better.
    ///
    /// # Errors
    /// [`Distrust`], with what the others would find wrong.
    pub fn check(&self, me: &MemberName, now: Timestamp) -> Result<(), Distrust> {
        let identity = self.trust.identify(me, self.signer.evidence(), now)?;
        // No proof of anything: nothing but the context that the signature of a proof begins with.
        let signature = self.signer.sign(CHALLENGE_CONTEXT);
        identity
            .key()
            .verify(self.signer.algorithm(), CHALLENGE_CONTEXT, &signature)
            .map_err(|_| Distrust::OtherKey)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("signer", &self.signer)
            .field("trust", &self.trust)
            .finish()
    }
}
