//! Signatures for tests: a hash with a key that everybody can compute. They are not secure; what
//! they do is fail whenever a signed byte, the signer or the algorithm changes.

use alloc::{collections::BTreeSet, vec::Vec};

use gcs_view::{MemberName, SignatureAlgorithm, Signer, Verifier, VerifyError};
use sha2::{Digest, Sha256};

/// Signs for one member.
#[derive(Clone, Debug)]
pub struct TestSigner {
    me: MemberName,
}

impl TestSigner {
    /// The signer of `me`.
    pub const fn new(me: MemberName) -> Self {
        Self { me }
    }
}

impl Signer for TestSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ed25519
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        signature(&self.me, message)
    }
}

/// Knows all members, or those it is told.
#[derive(Clone, Debug, Default)]
pub struct TestVerifier {
    unknown: BTreeSet<MemberName>,
}

impl TestVerifier {
    /// Knows everybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the key of a member.
    #[must_use]
    pub fn without(mut self, member: MemberName) -> Self {
        self.unknown.insert(member);
        self
    }
}

impl Verifier for TestVerifier {
    fn verify(
        &self,
        member: &MemberName,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signed: &[u8],
    ) -> Result<(), VerifyError> {
        if self.unknown.contains(member) {
            return Err(VerifyError::UnknownIdentity);
        }
        match algorithm == SignatureAlgorithm::Ed25519 && signature(member, message) == signed {
            true => Ok(()),
            false => Err(VerifyError::BadSignature),
        }
    }
}

fn signature(member: &MemberName, message: &[u8]) -> Vec<u8> {
    Sha256::new()
        .chain_update(b"test signature of ")
        .chain_update([u8::try_from(member.as_bytes().len()).unwrap_or(0)])
        .chain_update(member.as_bytes())
        .chain_update(message)
        .finalize()
        .to_vec()
}
