//! Ed25519 keys ([RFC 8032](https://www.rfc-editor.org/rfc/rfc8032)).
//!
//! Private keys are kept in PKCS#8 PEM files
//! ([RFC 8410](https://www.rfc-editor.org/rfc/rfc8410), section 7), as `openssl genpkey -algorithm
//! ed25519` writes them. Verification is strict: canonical encodings, no small-order keys, no
//! cofactor, so that no member accepts what another one refuses.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{
    Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey,
    pkcs8::{DecodePrivateKey, KeypairBytes},
};
use gcs_view::{SignatureAlgorithm, Signer, VerifyError};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{MemberKey, OwnIdentity, error::IdentityError, pem};

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`IdentityError::PublicKey`] when they are no point of the curve, or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, IdentityError> {
        VerifyingKey::from_bytes(bytes)
            .ok()
            .filter(|key| !key.is_weak())
            .map(Self)
            .ok_or(IdentityError::PublicKey)
    }

    /// The 32 bytes of RFC 8032.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Verifies by RFC 8032, section 5.1.7, without cofactor: as strict as can be, since a key is never of
    /// small order, and a signature fits one key and one message.
    ///
    /// # Errors
    /// [`VerifyError::BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        let signature = Signature::from_slice(signature).map_err(|_| VerifyError::BadSignature)?;
        self.0
            .verify(message, &signature)
            .map_err(|_| VerifyError::BadSignature)
    }
}

impl MemberKey for PublicKey {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        match algorithm {
            SignatureAlgorithm::Ed25519 => Self::verify(self, message, signature),
            // "None" would let anybody sign for the key's owner.
            _ => Err(VerifyError::BadSignature),
        }
    }
}

impl fmt::Display for PublicKey {
    /// Base64, as a trust file wants it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&STANDARD.encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        // 32 bytes are 44 characters; nothing longer needs to be looked at.
        let bytes = (text.len() <= 44)
            .then(|| STANDARD.decode(text).ok())
            .flatten()
            .ok_or(IdentityError::PublicKey)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| IdentityError::PublicKey)?;
        Self::from_bytes(&bytes)
    }
}

/// Signs with an Ed25519 key. Not `Clone`; erased on drop; shows its public key only.
pub struct Ed25519Signer(pub(super) SigningKey);

impl Ed25519Signer {
    /// A new key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Self::from_seed(&seed)
    }

    /// The key of a 32-byte seed (the private key of RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads a PKCS#8 PEM file. Text around the PEM block is ignored.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_pem(text: &str) -> Result<Self, IdentityError> {
        let der = pem::pkcs8(text)?;
        SigningKey::from_pkcs8_der(&der)
            .map(Self)
            .map_err(|_| IdentityError::NotEd25519)
    }

    /// The key as a PKCS#8 PEM file.
    ///
    /// # Errors
    /// [`IdentityError::NotEd25519`] if it cannot be encoded, which does not happen to a key.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, IdentityError> {
        let seed = Zeroizing::new(self.0.to_bytes());
        // Without the optional public key, as everybody reads it.
        let der = KeypairBytes {
            secret_key: *seed,
            public_key: None,
        }
        .to_der()?;
        Ok(pem::write(&der))
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

trait ToDer {
    fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, IdentityError>;
}

impl ToDer for KeypairBytes {
    fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
        use ed25519_dalek::pkcs8::EncodePrivateKey;
        self.to_pkcs8_der()
            .map(|document| Zeroizing::new(document.as_bytes().to_vec()))
            .map_err(|_| IdentityError::NotEd25519)
    }
}

impl Signer for Ed25519Signer {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ed25519
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).to_bytes().to_vec()
    }
}

impl OwnIdentity for Ed25519Signer {}

impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519Signer({})", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410, section 10.3, and its public key from section 10.1.
    const RFC_8410: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
    const RFC_8410_PUBLIC: &str =
        "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

    #[test]
    fn key_of_rfc_8410_is_read_and_written() {
        let signer = Ed25519Signer::from_pem(RFC_8410).unwrap();
        assert_eq!(hex::encode(signer.public_key().as_bytes()), RFC_8410_PUBLIC);
        assert_eq!(signer.to_pem().unwrap().as_str(), RFC_8410);
    }

    #[test]
    fn signatures_verify_and_small_changes_do_not() {
        let signer = Ed25519Signer::from_seed(&[7; 32]);
        let key = signer.public_key();
        let mut signature = signer.sign(b"message");
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        assert_eq!(
            key.verify(b"massage", &signature),
            Err(VerifyError::BadSignature)
        );
        assert_eq!(
            key.verify(b"message", &signature[1..]),
            Err(VerifyError::BadSignature)
        );
        signature[40] ^= 1;
        assert_eq!(
            key.verify(b"message", &signature),
            Err(VerifyError::BadSignature)
        );
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(
            PublicKey::from_bytes(&identity),
            Err(IdentityError::PublicKey)
        );
        assert_eq!(
            PublicKey::from_bytes(&[0; 32]),
            Err(IdentityError::PublicKey)
        );
    }

    #[test]
    fn texts_that_are_no_key() {
        for (text, error) in [
            ("", IdentityError::NoPem),
            ("-----BEGIN PRIVATE KEY-----\nMC4C", IdentityError::NoPem),
            (
                "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----",
                IdentityError::Base64,
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----",
                IdentityError::NotEd25519,
            ),
        ] {
            assert_eq!(Ed25519Signer::from_pem(text).map(|_| ()), Err(error));
        }
        assert_eq!("AAAA".parse::<PublicKey>(), Err(IdentityError::PublicKey));
    }

    #[test]
    fn debug_shows_the_public_key_only() {
        let signer = Ed25519Signer::from_seed(&[7; 32]);
        let shown = alloc::format!("{signer:?}");
        assert_eq!(
            shown,
            alloc::format!("Ed25519Signer({})", signer.public_key())
        );
    }
}
