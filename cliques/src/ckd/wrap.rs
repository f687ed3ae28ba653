//! Mode 1: the group secret, wrapped with the key shared with each member.
//!
//! ```text
//! PRK       = HKDF-Extract(no salt, pairwise Diffie-Hellman element)
//! K_e, K_m  = HKDF-Expand(PRK, "ckd wrap" || TH || name of y, 32 + 32)
//! wrapped   = IV (16) || AES-256-CBC(K_e, IV, S, PKCS #7) (48) || HMAC-SHA-256(K_m, all before) (32)
//! ```
//!
//! TH is the hash of the key's context (secure layer notes, section 5.2). Source: key agreement
//! notes, section 4.2; RFC 5869 (HKDF), FIPS 197 and SP 800-38A (AES-CBC), RFC 2104 (HMAC).

use aes::Aes256;
use alloc::{boxed::Box, vec, vec::Vec};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use gcs_view::MemberName;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::secret::GroupSecret;

/// Length of the group secret.
pub(super) const SECRET_LEN: usize = 32;
/// Length of an initialization vector.
pub(super) const IV_LEN: usize = 16;
const CIPHERTEXT_LEN: usize = 48;
const TAG_LEN: usize = 32;
/// Length of a wrapped secret.
pub(crate) const WRAPPED_LEN: usize = IV_LEN + CIPHERTEXT_LEN + TAG_LEN;

/// The key that the controller shares with one member; erased on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct WrapKey([u8; 32]);

impl WrapKey {
    /// From the encoding of their Diffie-Hellman element.
    pub(super) fn new(element: &GroupSecret) -> Self {
        let (mut key, _) = Hkdf::<Sha256>::extract(None, element.expose());
        let this = Self(key.into());
        key.zeroize();
        this
    }

    /// The keys of one agreement for one member: encryption, authentication.
    fn expand(&self, context: &[u8; 32], member: &MemberName) -> Option<Zeroizing<[u8; 64]>> {
        let mut keys = Zeroizing::new([0; 64]);
        let info: [&[u8]; 3] = [b"ckd wrap", context, member.as_bytes()];
        Hkdf::<Sha256>::from_prk(&self.0)
            .ok()?
            .expand_multi_info(&info, &mut *keys)
            .ok()?;
        Some(keys)
    }

    /// Wraps a secret for `member`. `None` only if a cipher refuses its fixed lengths.
    pub(super) fn wrap(
        &self,
        secret: &[u8; SECRET_LEN],
        context: &[u8; 32],
        member: &MemberName,
        iv: &[u8; IV_LEN],
    ) -> Option<Vec<u8>> {
        let keys = self.expand(context, member)?;
        let (encryption, authentication) = keys.split_at_checked(32)?;
        let mut ciphertext = vec![0; CIPHERTEXT_LEN];
        cbc::Encryptor::<Aes256>::new_from_slices(encryption, iv)
            .ok()?
            .encrypt_padded_b2b::<Pkcs7>(secret, &mut ciphertext)
            .ok()?;
        let mut wrapped = [&iv[..], &ciphertext].concat();
        let mut mac = Hmac::<Sha256>::new_from_slice(authentication).ok()?;
        mac.update(&wrapped);
        wrapped.extend_from_slice(&mac.finalize().into_bytes());
        Some(wrapped)
    }

    /// Unwraps a secret for `member`, or `None` if it is not authentic. The tag is compared in constant
    /// time, before anything is decrypted.
    pub(super) fn unwrap(
        &self,
        wrapped: &[u8],
        context: &[u8; 32],
        member: &MemberName,
    ) -> Option<GroupSecret> {
        if wrapped.len() != WRAPPED_LEN {
            return None;
        }
        let (covered, tag) = wrapped.split_at_checked(IV_LEN + CIPHERTEXT_LEN)?;
        let keys = self.expand(context, member)?;
        let (encryption, authentication) = keys.split_at_checked(32)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(authentication).ok()?;
        mac.update(covered);
        mac.verify_slice(tag).ok()?;
        let (iv, ciphertext) = covered.split_at_checked(IV_LEN)?;
        let mut plaintext = Zeroizing::new([0; CIPHERTEXT_LEN]);
        let secret = cbc::Decryptor::<Aes256>::new_from_slices(encryption, iv)
            .ok()?
            .decrypt_padded_b2b::<Pkcs7>(ciphertext, &mut *plaintext)
            .ok()?;
        (secret.len() == SECRET_LEN).then(|| GroupSecret::new(Box::from(secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> WrapKey {
        WrapKey::new(&GroupSecret::new([byte; 40].into()))
    }

    fn names() -> [MemberName; 2] {
        ["alice", "bob"].map(|name| MemberName::try_from(name).expect("a name"))
    }

    #[test]
    fn a_secret_comes_back_only_under_its_key_context_and_name() {
        let [alice, bob] = names();
        let wrapped = key(1).wrap(&[7; 32], &[2; 32], &alice, &[3; 16]);
        let wrapped = wrapped.expect("wrapped");
        assert_eq!(wrapped.len(), 96);
        let unwrapped = |key: WrapKey, context: u8, name: &MemberName| {
            let secret = key.unwrap(&wrapped, &[context; 32], name)?;
            Some(secret.expose().to_vec())
        };
        assert_eq!(unwrapped(key(1), 2, &alice), Some([7; 32].to_vec()));
        assert_eq!(unwrapped(key(2), 2, &alice), None);
        assert_eq!(unwrapped(key(1), 3, &alice), None);
        assert_eq!(unwrapped(key(1), 2, &bob), None);
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let [alice, _] = names();
        let wrapped = key(1).wrap(&[7; 32], &[2; 32], &alice, &[3; 16]);
        let wrapped = wrapped.expect("wrapped");
        for place in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[place] ^= 1;
            assert!(key(1).unwrap(&changed, &[2; 32], &alice).is_none());
        }
        for len in 0..wrapped.len() {
            assert!(key(1).unwrap(&wrapped[..len], &[2; 32], &alice).is_none());
        }
    }

    /// The bytes, computed apart from this code (hmac and hashlib of Python, OpenSSL).
    #[test]
    fn the_format_is_the_one_of_the_notes() {
        let [alice, _] = names();
        let wrapped = key(1).wrap(&[7; 32], &[2; 32], &alice, &[3; 16]);
        assert_eq!(hex::encode(wrapped.expect("wrapped")), EXPECTED);
    }

    const EXPECTED: &str = concat!(
        "03030303030303030303030303030303b5a50098560c0f94cb7415bc4b2f0ff3",
        "0daa1e364da81100c723992e426510f814a06fa29ccf360a050e48ab7108cc7e",
        "8becf37a0a5e1b2c76b4d67d3e45f067332e97932b9cd48f697a130c58736e79",
    );
}
