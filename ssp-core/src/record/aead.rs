//! Sealing with an AEAD: AES-256-GCM and ChaCha20-Poly1305.
//!
//! The nonce is four zero bytes and the sequence number. A key belongs to one sender, which uses
//! every number at most once, so no nonce repeats under one key.

use alloc::{boxed::Box, vec::Vec};

use aes_gcm::{
    KeyInit,
    aead::{AeadInOut, Nonce, Tag, consts::U12, consts::U16},
};

use rand_core::CryptoRng;

use super::{
    HEADER_LENGTH, Header, OpenError,
    aad::AssociatedData,
    content::Plain,
    suite::{Cipher, Freshness},
};

/// Bytes of a tag.
const TAG: usize = 16;

/// An AEAD of one sender. The expanded key erases itself.
pub(super) struct Aead<C>(C);

impl<C> Aead<C>
where
    C: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + Send + Sync + 'static,
{
    /// Bytes that sealing adds to header and content.
    pub(super) const EXPANSION: usize = TAG;

    /// Takes a key of the cipher's size.
    pub(super) fn expand(key: &[u8]) -> Option<Box<dyn Cipher>> {
        Some(Box::new(Self(C::new_from_slice(key).ok()?)))
    }
}

impl<C> Cipher for Aead<C>
where
    C: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + Send + Sync,
{
    fn seal(
        &self,
        aad: &AssociatedData,
        header: &Header,
        plain: &Plain<'_>,
        _: &mut dyn CryptoRng,
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

    /// The tag can be verified only by decrypting.
    fn open(
        &self,
        aad: &AssociatedData,
        header: &Header,
        message: &[u8],
        fresh: Freshness<'_>,
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
