//! HMAC-SHA-256 over a sealed message: the tag of suites 1 and 2, and all there is of suite 3.
//!
//! `tag = HMAC(key, AAD || everything before the tag || u64 bits of AAD)`

use alloc::vec::Vec;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{HEADER_LENGTH, OpenError, aad::AssociatedData, content::Plain};
use crate::{replay::Replay, schedule::keyed};

/// Bytes of a whole tag.
const TAG: usize = 32;

pub(super) fn begin(keyed: &Hmac<Sha256>, aad: &AssociatedData) -> Hmac<Sha256> {
    keyed.clone().chain_update(aad.as_slice())
}

fn close(mac: Hmac<Sha256>, aad: &AssociatedData) -> Hmac<Sha256> {
    let bits = (aad.as_slice().len() as u64).saturating_mul(8);
    mac.chain_update(bits.to_be_bytes())
}

pub(super) fn end(mac: Hmac<Sha256>, aad: &AssociatedData) -> [u8; TAG] {
    close(mac, aad).finalize().into_bytes().into()
}

/// A message taken apart.
pub(super) struct Split<'a> {
    /// What the tag is over.
    authenticated: &'a [u8],
    /// Header and, where there is one, initialisation vector.
    pub(super) front: &'a [u8],
    /// What is between them and the tag.
    pub(super) content: &'a [u8],
    tag: &'a [u8],
}

pub(super) fn split(message: &[u8], front: usize, tag: usize) -> Result<Split<'_>, OpenError> {
    let short = OpenError::Truncated(message.len());
    let end = message.len().checked_sub(tag).ok_or(short)?;
    let (authenticated, tag) = message.split_at_checked(end).ok_or(short)?;
    let (front, content) = authenticated.split_at_checked(front).ok_or(short)?;
    Ok(Split {
        authenticated,
        front,
        content,
        tag,
    })
}

impl Split<'_> {
    /// Checks the tag in constant time, on exactly the length that the suite sends.
    pub(super) fn verify(
        &self,
        keyed: &Hmac<Sha256>,
        aad: &AssociatedData,
    ) -> Result<(), OpenError> {
        close(begin(keyed, aad).chain_update(self.authenticated), aad)
            .verify_truncated_left(self.tag)
            .map_err(|_| OpenError::Tag)
    }
}

/// The suite without encryption, of one sender.
pub(super) struct HmacOnly(Hmac<Sha256>);

impl HmacOnly {
    /// Takes 32 bytes of MAC key; nothing else has a meaning.
    pub(super) fn new(keys: &[u8]) -> Option<Self> {
        keys.try_into().ok().map(|key| Self(keyed(key)))
    }

    pub(super) fn seal(
        &self,
        aad: &AssociatedData,
        header: &[u8; HEADER_LENGTH],
        plain: &Plain<'_>,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LENGTH + plain.len() + TAG);
        out.extend_from_slice(header);
        plain.write(&mut out);
        let tag = end(begin(&self.0, aad).chain_update(&out), aad);
        out.extend_from_slice(&tag);
        out
    }

    pub(super) fn open(
        &self,
        aad: &AssociatedData,
        message: &[u8],
        fresh: impl FnOnce() -> Result<(), Replay>,
    ) -> Result<Vec<u8>, OpenError> {
        let sealed = split(message, HEADER_LENGTH, TAG)?;
        sealed.verify(&self.0, aad)?;
        fresh()?;
        Ok(sealed.content.to_vec())
    }
}
