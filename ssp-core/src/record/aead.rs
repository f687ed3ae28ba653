//! The AEAD suites: AES-256-GCM and ChaCha20-Poly1305.
//!
//! The nonce is four zero bytes and the sequence number: a key belongs to one sender, who uses
//! every number once at most, so no nonce comes twice under one key.

use alloc::vec::Vec;

use aes_gcm::{
    KeyInit,
    aead::{AeadInOut, Nonce, Tag, consts::U12, consts::U16},
};

use super::{HEADER_LENGTH, Header, OpenError, aad::AssociatedData, content::Plain};
use crate::replay::Replay;

/// Bytes of a tag.
const TAG: usize = 16;

/// An AEAD of one sender, keyed once. The expanded keys erase themselves.
pub(super) struct Aead<C>(C);

impl<C: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit> Aead<C> {
    /// Takes a key of the cipher's size; nothing else has a meaning.
    pub(super) fn new(keys: &[u8]) -> Option<Self> {
        C::new_from_slice(keys).ok().map(Self)
    }

    /// Seals into one buffer of the exact size. The plaintext is far below the limit of either
    /// cipher, which is all that could be wrong.
    pub(super) fn seal(
        &self,
        aad: &AssociatedData,
        header: &Header,
        plain: &Plain<'_>,
    ) -> Option<Vec<u8>> {
        let encoded = header.encode();
        let mut out = Vec::with_capacity(HEADER_LENGTH + plain.len() + TAG);
        out.extend_from_slice(&encoded);
        plain.write(&mut out);
        let tag = self
            .0
            .encrypt_inout_detached(
                &nonce::<C>(header),
                aad.with_header(&encoded).as_slice(),
                out.get_mut(HEADER_LENGTH..)?.into(),
            )
            .ok()?;
        out.extend_from_slice(&tag);
        Some(out)
    }

    /// Checks the tag, decrypts into one buffer of the exact size, and asks whether the message
    /// is `fresh`.
    pub(super) fn open(
        &self,
        aad: &AssociatedData,
        header: &Header,
        message: &[u8],
        fresh: impl FnOnce() -> Result<(), Replay>,
    ) -> Result<Vec<u8>, OpenError> {
        let short = OpenError::Truncated(message.len());
        let (sealed, tag) = message.split_last_chunk::<TAG>().ok_or(short)?;
        let (front, ciphertext) = sealed.split_first_chunk::<HEADER_LENGTH>().ok_or(short)?;
        let mut out = ciphertext.to_vec();
        let tag: &Tag<C> = tag.into();
        self.0
            .decrypt_inout_detached(
                &nonce::<C>(header),
                aad.with_header(front).as_slice(),
                out.as_mut_slice().into(),
                tag,
            )
            .map_err(|_| OpenError::Tag)?;
        fresh()?;
        Ok(out)
    }
}

fn nonce<C: AeadInOut<NonceSize = U12>>(header: &Header) -> Nonce<C> {
    let mut nonce = Nonce::<C>::default();
    if let Some(number) = nonce.last_chunk_mut::<8>() {
        *number = header.sequence.to_be_bytes();
    }
    nonce
}
