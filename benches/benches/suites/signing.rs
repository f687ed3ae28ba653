//! Ed25519 signatures of tokens (RFC 8032). Those that arrive together are verified together.

use std::collections::BTreeMap;

use cliques::{Claim, MemberName, SignatureAlgorithm, Signer, Verifier, VerifyError};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey, verify_batch};
use sha2::{Digest, Sha256};

/// The key of a member.
#[derive(Debug)]
pub(crate) struct Key(SigningKey);

impl Key {
    /// The key of this member, which is always the same.
    pub(crate) fn of(member: &MemberName) -> Self {
        Self(SigningKey::from_bytes(
            &Sha256::digest(member.as_bytes()).into(),
        ))
    }
}

impl Signer for Key {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ed25519
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).to_bytes().to_vec()
    }
}

/// The public keys of some members.
#[derive(Debug)]
pub(crate) struct Keys(BTreeMap<MemberName, VerifyingKey>);

impl Keys {
    /// The keys of these members.
    pub(crate) fn of(members: &[MemberName]) -> Self {
        let key = |member: &MemberName| (*member, Key::of(member).0.verifying_key());
        Self(members.iter().map(key).collect())
    }
}

impl Verifier for Keys {
    fn verify(
        &self,
        member: &MemberName,
        _: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let key = self.0.get(member).ok_or(VerifyError::UnknownIdentity)?;
        Signature::from_slice(signature)
            .and_then(|signature| key.verify_strict(message, &signature))
            .map_err(|_| VerifyError::BadSignature)
    }

    fn verify_all(&self, claims: &[Claim<'_>]) -> Vec<Result<(), VerifyError>> {
        let one_by_one = || {
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
        };
        if claims.len() < 2 {
            return one_by_one();
        }
        let messages: Vec<&[u8]> = claims.iter().map(|claim| claim.message).collect();
        let signatures: Option<Vec<Signature>> = claims
            .iter()
            .map(|claim| Signature::from_slice(claim.signature).ok())
            .collect();
        let keys: Option<Vec<VerifyingKey>> = claims
            .iter()
            .map(|claim| self.0.get(claim.member).copied())
            .collect();
        match signatures.zip(keys) {
            Some((signatures, keys)) if verify_batch(&messages, &signatures, &keys).is_ok() => {
                claims.iter().map(|_| Ok(())).collect()
            }
            Some(_) | None => one_by_one(),
        }
    }
}
