//! Signatures of members: where key agreement and identities meet.
//!
//! Key agreement signs and verifies through these traits and knows no keys; identities implement them and
//! know no agreement.

use alloc::vec::Vec;
use core::fmt;

use crate::name::MemberName;

/// A signature algorithm, with its number on the wire (secure layer notes, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SignatureAlgorithm {
    /// None at all: for tests, or where the transport authenticates members.
    None = 0,
    /// Ed25519 (RFC 8032), verified strictly.
    Ed25519 = 1,
    /// ECDSA over P-256 with SHA-256.
    EcdsaP256 = 4,
}

impl SignatureAlgorithm {
    /// All algorithms.
    pub const ALL: &'static [Self] = &[Self::None, Self::Ed25519, Self::EcdsaP256];

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The algorithm with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.number() == number)
    }
}

/// Signs for this member.
pub trait Signer: fmt::Debug + Send + Sync {
    /// Algorithm of the signatures made.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs a message. Its first bytes say what it is for, so that no signature can be taken for one of
    /// another purpose.
    fn sign(&self, message: &[u8]) -> Vec<u8>;
}

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum VerifyError {
    /// No key is known for the member.
    #[error("unknown identity")]
    UnknownIdentity,
    /// The signature is not valid under the member's key, or of another algorithm.
    #[error("bad signature")]
    BadSignature,
}

/// Knows the members' public keys.
pub trait Verifier: fmt::Debug + Send + Sync {
    /// Checks that `signature` over `message` was made by `member`.
    ///
    /// # Errors
    /// [`VerifyError`] when it was not, or cannot be known.
    fn verify(
        &self,
        member: &MemberName,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError>;

    /// Checks many signatures, one verdict for each claim in order. To be overridden where checking
    /// together is cheaper; what one of them is does not change the verdict on another.
    fn verify_all(&self, claims: &[Claim<'_>]) -> Vec<Result<(), VerifyError>> {
        claims
            .iter()
            .map(|claim| {
                self.verify(
                    claim.member,
                    claim.algorithm,
                    claim.message,
                    claim.signature,
                )
            })
            .collect()
    }
}

/// That a member made a signature.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Who is said to have made it.
    pub member: &'a MemberName,
    /// Algorithm.
    pub algorithm: SignatureAlgorithm,
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
}
