//! Errors of identities, challenges and proofs.

use alloc::string::String;

use gcs_view::{GroupName, MemberName};

use crate::accepted::Distrust;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No `BEGIN PRIVATE KEY` and `END PRIVATE KEY` lines.
    #[error("no PEM private key (PKCS#8) in this text")]
    NoPem,
    /// The lines between are not base64.
    #[error("PEM private key is not base64")]
    Base64,
    /// Not PKCS#8, or not of an Ed25519 key.
    #[error("not an Ed25519 key in PKCS#8")]
    NotEd25519,
    /// Not PKCS#8, or not of an ECDSA P-256 key.
    #[error("not an ECDSA P-256 key in PKCS#8")]
    NotP256,
    /// Not PKCS#8, or neither of an Ed25519 nor of an ECDSA P-256 key.
    #[error("neither an Ed25519 nor an ECDSA P-256 key in PKCS#8")]
    Algorithm,
    /// No certificate in the text, or one that cannot be read.
    #[error("no certificate in this text, or not a readable one")]
    Certificate,
    /// The first certificate is for another key.
    #[error("the first certificate is for another key")]
    OtherKey,
    /// A chain of certificates too long to be shown.
    #[error("certificates of {0} bytes are too long")]
    TooLong(usize),
    /// Not 32 bytes that are a public key which can be verified strictly.
    #[error("not an Ed25519 public key")]
    PublicKey,
}

/// Why a challenge was not answered, or an answer not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeError {
    /// Cannot be read.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// There is no identity to answer with.
    #[error("no identity to answer a challenge with")]
    NoIdentity,
    /// The challenge is for the join of a group that nobody here asked to join.
    #[error("challenge for group \"{0}\", which is not being joined")]
    NotJoining(GroupName),
    /// The challenge is another daemon's than the one that the own name belongs to.
    #[error("challenge of daemon \"{challenger}\" for member {member}")]
    OtherDaemon {
        /// The daemon that the challenge names.
        challenger: String,
        /// The own name.
        member: MemberName,
    },
    /// The challenge asks for something else than what the member wants to do.
    #[error("challenge for {found} where one for {expected} is answered")]
    OtherPurpose {
        /// What it asks a proof for.
        found: String,
        /// What the member wants to do.
        expected: String,
    },
    /// The own signature or evidence is too long for a proof.
    #[error("own identity is too long for a proof")]
    TooLong,
    /// The identity is not accepted.
    #[error(transparent)]
    Distrust(#[from] Distrust),
    /// The signature is not valid for this challenge and name.
    #[error("bad signature")]
    BadSignature,
}
