//! Who the members are: own keys, and the keys of others.
//!
//! Every key agreement message is signed, and the signature is bound to the name by which group
//! communication knows its sender ([`cliques::token`]). So what decides who may be in a group is
//! the answer of [`Trust`]: a member that it does not know keeps the whole view without a key.
//!
//! No file is read here: callers bring texts.

mod ed25519;
mod trust;

use alloc::sync::Arc;
use core::fmt;

use cliques::{MemberId, SIGNATURE_CONTEXT, Signer, Verifier, VerifyError};
use gcs_proto::name::MemberName;

pub use ed25519::{Ed25519Signer, IdentityError, PublicKey};
pub use trust::{TrustError, TrustErrorKind, TrustStore};

/// Knows who may be a member, and their public keys.
pub trait Trust: Verifier {
    /// Whether the member is known at all.
    ///
    /// # Errors
    /// [`VerifyError::UnknownIdentity`] when it is not.
    fn knows(&self, member: &MemberId) -> Result<(), VerifyError>;
}

/// Own signing key, and whom this member trusts.
#[derive(Clone)]
pub struct Credentials {
    /// Signs own tokens.
    pub signer: Arc<dyn Signer>,
    /// Knows the keys of the others, and the own one.
    pub trust: Arc<dyn Trust>,
}

impl Credentials {
    /// Whether the own trust store accepts the own signature under the name `me`.
    ///
    /// If it does not, others that trust the same members cannot be expected to: worth a warning
    /// before joining, but no obstacle, for they may know better.
    ///
    /// # Errors
    /// [`VerifyError`], with what the others would find wrong.
    pub fn check(&self, me: &MemberName) -> Result<(), VerifyError> {
        let me = MemberId::new(me.as_bytes()).map_err(|_| VerifyError::UnknownIdentity)?;
        // No token: nothing but the context that all signatures begin with.
        let signature = self.signer.sign(SIGNATURE_CONTEXT);
        self.trust.knows(&me)?;
        self.trust
            .verify(&me, self.signer.algorithm(), SIGNATURE_CONTEXT, &signature)
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
