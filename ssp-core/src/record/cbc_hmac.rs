//! AES-256 in CBC mode with HMAC-SHA-256, encrypt-then-MAC.

use alloc::vec::Vec;

use aes::{
    Aes256,
    cipher::{
        Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, block_padding::Pkcs7,
    },
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{HEADER_LENGTH, OpenError};
use crate::schedule::keyed;

/// Bytes of a block and of an initialisation vector.
pub(super) const BLOCK: usize = 16;
/// Bytes of a tag.
pub(super) const TAG: usize = 32;
/// Bytes in front of the ciphertext.
const FRONT: usize = HEADER_LENGTH + BLOCK;

/// Cipher and MAC of one sender, keyed. The expanded keys erase themselves.
pub(super) struct CbcHmac {
    cipher: Aes256,
    mac: Hmac<Sha256>,
}

impl CbcHmac {
    /// Takes 32 bytes of encryption key and 32 bytes of MAC key; nothing else has a meaning.
    pub(super) fn new(keys: &[u8]) -> Option<Self> {
        let (encryption, mac) = keys.split_first_chunk::<32>()?;
        let mac: &[u8; 32] = mac.try_into().ok()?;
        Some(Self {
            cipher: Aes256::new(encryption.into()),
            mac: keyed(mac),
        })
    }

    /// Seals `inner`, whose parts are taken one after the other and copied once.
    pub(super) fn seal(
        &self,
        aad: &[u8],
        header: &[u8; HEADER_LENGTH],
        iv: &[u8; BLOCK],
        inner: &[&[u8]],
    ) -> Vec<u8> {
        let length: usize = inner.iter().map(|part| part.len()).sum();
        // PKCS#7: one to sixteen bytes, each telling how many they are.
        let padding = BLOCK - length % BLOCK;
        let mut out = Vec::with_capacity(FRONT + length + padding + TAG);
        out.extend_from_slice(header);
        out.extend_from_slice(iv);
        inner.iter().for_each(|part| out.extend_from_slice(part));
        out.resize(FRONT + length + padding, u8::try_from(padding).unwrap_or(0));
        let mut cipher = cbc::Encryptor::<&Aes256>::inner_iv_init(&self.cipher, iv.into());
        if let Some(room) = out.get_mut(FRONT..) {
            // The room is a whole number of blocks, so nothing stays behind in the clear.
            let (blocks, _) = Array::slice_as_chunks_mut(room);
            cipher.encrypt_blocks(blocks);
        }
        let tag = self.authenticator(aad, &out).finalize().into_bytes();
        out.extend_from_slice(&tag);
        out
    }

    /// Checks lengths and tag of a whole message; returns initialisation vector and ciphertext.
    pub(super) fn authenticate<'a>(
        &self,
        aad: &[u8],
        message: &'a [u8],
    ) -> Result<(&'a [u8; BLOCK], &'a [u8]), OpenError> {
        let short = OpenError::Truncated(message.len());
        let (sealed, tag) = message.split_last_chunk::<TAG>().ok_or(short)?;
        let front = sealed.first_chunk::<FRONT>().ok_or(short)?;
        let iv = front.last_chunk::<BLOCK>().ok_or(short)?;
        let ciphertext = sealed.get(FRONT..).ok_or(short)?;
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
            return Err(OpenError::Blocks(ciphertext.len()));
        }
        // Constant time, on exactly the length of the tag.
        self.authenticator(aad, sealed)
            .verify(tag.into())
            .map_err(|_| OpenError::Tag)?;
        Ok((iv, ciphertext))
    }

    /// Decrypts what [`authenticate`](Self::authenticate) has returned. The buffer has the
    /// content in front; its length comes with it.
    pub(super) fn decrypt(
        &self,
        iv: &[u8; BLOCK],
        ciphertext: &[u8],
    ) -> Result<(Vec<u8>, usize), OpenError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let cipher = cbc::Decryptor::<&Aes256>::inner_iv_init(&self.cipher, iv.into());
        let length = cipher
            .decrypt_padded::<Pkcs7>(&mut buffer)
            .map_err(|_| OpenError::Malformed)?
            .len();
        Ok((core::mem::take(&mut *buffer), length))
    }

    fn authenticator(&self, aad: &[u8], sealed: &[u8]) -> Hmac<Sha256> {
        let bits = (aad.len() as u64).saturating_mul(8);
        self.mac
            .clone()
            .chain_update(aad)
            .chain_update(sealed)
            .chain_update(bits.to_be_bytes())
    }
}
