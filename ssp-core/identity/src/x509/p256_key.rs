//! ECDSA keys over P-256 with SHA-256 (FIPS 186-5), signing deterministically
//! ([RFC 6979](https://www.rfc-editor.org/rfc/rfc6979)).
//!
//! Signatures are 64 bytes, r and s, and s is the lower of the two that verify: whoever could
//! choose between them could make one token look like two.

use alloc::{string::String, vec::Vec};
use core::fmt;

use gcs_view::{SignatureAlgorithm, Signer, VerifyError};
use p256::{
    ecdsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer as _, Verifier as _},
    },
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{IdentityError, MemberKey, OwnIdentity, pem};

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct P256PublicKey(pub(super) VerifyingKey);

impl P256PublicKey {
    /// Takes the point in SEC1 encoding, compressed (33 bytes) or not (65 bytes).
    ///
    /// # Errors
    /// [`IdentityError::NotP256`] when it is no point of the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        VerifyingKey::from_sec1_bytes(bytes)
            .map(Self)
            .map_err(|_| IdentityError::NotP256)
    }

    /// The compressed point, 33 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_sec1_point(true).as_bytes().to_vec()
    }
}

impl MemberKey for P256PublicKey {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let bad = VerifyError::BadSignature;
        if algorithm != SignatureAlgorithm::EcdsaP256 {
            return Err(bad);
        }
        let signature = Signature::from_slice(signature).map_err(|_| bad)?;
        if signature.normalize_s() != signature {
            return Err(bad);
        }
        self.0.verify(message, &signature).map_err(|_| bad)
    }
}

impl fmt::Debug for P256PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Signs with an ECDSA P-256 key. Not `Clone`; erased on drop; shows its public key only.
pub struct P256Signer(pub(super) SigningKey);

impl P256Signer {
    /// A new key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        // Nearly every string of 32 bytes is a key; one that is not is thrown away.
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            rng.fill_bytes(&mut *bytes);
            if let Ok(key) = SigningKey::from_slice(&*bytes) {
                return Self(key);
            }
        }
    }

    /// Reads a PKCS#8 PEM file. Text around the PEM block is ignored.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_pem(text: &str) -> Result<Self, IdentityError> {
        SigningKey::from_pkcs8_der(&pem::pkcs8(text)?)
            .map(Self)
            .map_err(|_| IdentityError::NotP256)
    }

    /// The key as a PKCS#8 PEM file.
    ///
    /// # Errors
    /// [`IdentityError::NotP256`] if it cannot be encoded, which does not happen to a key.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, IdentityError> {
        let der = self.0.to_pkcs8_der().map_err(|_| IdentityError::NotP256)?;
        Ok(pem::write(der.as_bytes()))
    }

    /// The public key.
    pub fn public_key(&self) -> P256PublicKey {
        P256PublicKey(*self.0.verifying_key())
    }
}

impl Signer for P256Signer {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::EcdsaP256
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.normalize_s().to_vec()
    }
}

impl OwnIdentity for P256Signer {}

impl fmt::Debug for P256Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P256Signer({:?})", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn signatures_verify_in_one_form_only() {
        let signer = P256Signer::generate(&mut ChaCha20Rng::seed_from_u64(1));
        let key = signer.public_key();
        let signature = signer.sign(b"message");
        let ecdsa = SignatureAlgorithm::EcdsaP256;
        assert_eq!(key.verify(ecdsa, b"message", &signature), Ok(()));
        let bad = Err(VerifyError::BadSignature);
        assert_eq!(key.verify(ecdsa, b"massage", &signature), bad);
        assert_eq!(
            key.verify(SignatureAlgorithm::None, b"message", &signature),
            bad
        );
        for at in 0..64 {
            let mut flipped = signature.clone();
            flipped[at] ^= 1;
            assert_eq!(key.verify(ecdsa, b"message", &flipped), bad);
        }
        // The other s, which plain ECDSA would accept as well.
        let (r, s) = Signature::from_slice(&signature).unwrap().split_scalars();
        let other = Signature::from_scalars(r, -*s).unwrap();
        assert!(key.0.verify(b"message", &other).is_ok());
        assert_eq!(key.verify(ecdsa, b"message", &other.to_vec()), bad);
    }

    #[test]
    fn key_files_lead_back() {
        let signer = P256Signer::generate(&mut ChaCha20Rng::seed_from_u64(1));
        let pem = signer.to_pem().unwrap();
        let read = P256Signer::from_pem(&pem).unwrap();
        assert_eq!(read.public_key(), signer.public_key());
        assert_eq!(
            P256PublicKey::from_bytes(&signer.public_key().to_bytes()),
            Ok(signer.public_key())
        );
        assert!(crate::Ed25519Signer::from_pem(&pem).is_err());
    }
}
