//! The answer to a challenge.

use alloc::vec::Vec;

use bytes::Buf;
use gcs_view::SignatureAlgorithm;

use crate::{
    EVIDENCE_MAX,
    error::ChallengeError,
    wire::{get16, put16},
};

/// Version of challenges and proofs.
pub(crate) const VERSION: u8 = 1;
/// Longest signature of any algorithm that is accepted, in bytes.
pub(crate) const SIGNATURE_MAX: usize = 1_024;
/// Longest encoding of a proof, in bytes.
pub const PROOF_MAX: usize = 1 + 1 + 2 + SIGNATURE_MAX + 2 + EVIDENCE_MAX;

/// The answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) signature: Vec<u8>,
    pub(crate) evidence: Option<Vec<u8>>,
}

impl Proof {
    /// The bytes on the wire, at most [`PROOF_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.push(VERSION);
        out.push(self.algorithm.number());
        put16(&mut out, &self.signature);
        put16(&mut out, self.evidence.as_deref().unwrap_or_default());
        out
    }

    /// Reads a proof; nothing may stand behind it.
    ///
    /// # Errors
    /// [`ChallengeError::Malformed`].
    pub fn decode(mut bytes: &[u8]) -> Result<Self, ChallengeError> {
        let read = |bytes: &mut &[u8]| -> Option<Self> {
            if bytes.try_get_u8().ok()? != VERSION {
                return None;
            }
            let algorithm = SignatureAlgorithm::from_number(bytes.try_get_u8().ok()?)?;
            let signature = get16(bytes).filter(|bytes| bytes.len() <= SIGNATURE_MAX)?;
            let evidence = get16(bytes).filter(|bytes| bytes.len() <= EVIDENCE_MAX)?;
            bytes.is_empty().then(|| Self {
                algorithm,
                signature: signature.to_vec(),
                evidence: (!evidence.is_empty()).then(|| evidence.to_vec()),
            })
        };
        read(&mut bytes).ok_or(ChallengeError::Malformed("proof"))
    }
}
