//! The own identity as a private key and a certificate.

use alloc::vec::Vec;
use core::fmt;

use gcs_view::{SignatureAlgorithm, Signer};
use pki_types::{CertificateDer, pem::PemObject};

use super::{
    chain,
    p256_key::P256Signer,
    subject::{Subject, SubjectKey},
};
use crate::{Ed25519Signer, IdentityError, OwnIdentity};

/// A private key of either kind.
pub(super) enum PrivateKey {
    Ed25519(Ed25519Signer),
    P256(P256Signer),
}

impl PrivateKey {
    pub(super) fn from_pem(text: &str) -> Result<Self, IdentityError> {
        match Ed25519Signer::from_pem(text) {
            Ok(signer) => return Ok(Self::Ed25519(signer)),
            Err(IdentityError::NotEd25519) => {}
            Err(other) => return Err(other),
        }
        P256Signer::from_pem(text)
            .map(Self::P256)
            .map_err(|error| match error {
                IdentityError::NotP256 => IdentityError::Algorithm,
                other => other,
            })
    }

    pub(super) fn public_key(&self) -> SubjectKey {
        match self {
            Self::Ed25519(signer) => SubjectKey::Ed25519(signer.public_key()),
            Self::P256(signer) => SubjectKey::P256(signer.public_key()),
        }
    }
}

/// Signs with the key of a certificate, and shows the certificate. Not `Clone`; its key is erased on
/// drop.
pub struct CertificateIdentity {
    key: PrivateKey,
    /// The chain as it is shown.
    evidence: Vec<u8>,
    subject: Subject,
}

impl CertificateIdentity {
    /// Reads a PEM text with a private key (PKCS#8, Ed25519 or ECDSA P-256), its certificate, and
    /// the certificates of the authorities in between. A root among them is not shown to others:
    /// they have it, or do not trust it.
    ///
    /// # Errors
    /// [`IdentityError`]. Whether the others accept the certificate is not known here; see
    /// [`Credentials::check`](crate::Credentials::check).
    pub fn from_pem(text: &str) -> Result<Self, IdentityError> {
        let key = PrivateKey::from_pem(text)?;
        let mut chain = Vec::new();
        let mut own = None;
        for der in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let der = der.map_err(|_| IdentityError::Certificate)?;
            let subject = Subject::read(&der).map_err(|_| IdentityError::Certificate)?;
            let root = own.is_some() && subject.is_self_issued();
            if own.is_none() {
                own = Some(subject);
            }
            if !root {
                chain.push(der.to_vec());
            }
        }
        let subject = own.ok_or(IdentityError::Certificate)?;
        if subject.key() != Some(key.public_key()) {
            return Err(IdentityError::OtherKey);
        }
        let evidence = chain::encode(&chain)?;
        Ok(Self {
            key,
            evidence,
            subject,
        })
    }
}

impl Signer for CertificateIdentity {
    fn algorithm(&self) -> SignatureAlgorithm {
        match &self.key {
            PrivateKey::Ed25519(signer) => signer.algorithm(),
            PrivateKey::P256(signer) => signer.algorithm(),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            PrivateKey::Ed25519(signer) => signer.sign(message),
            PrivateKey::P256(signer) => signer.sign(message),
        }
    }
}

impl OwnIdentity for CertificateIdentity {
    fn evidence(&self) -> Option<&[u8]> {
        Some(&self.evidence)
    }
}

impl fmt::Debug for CertificateIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateIdentity({})", self.subject.text())
    }
}
