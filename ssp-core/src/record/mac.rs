//! HMAC-SHA-256 over a sealed message: the tag of suites 1 to 3.
//!
//! `tag = HMAC(key, AAD || everything before the tag || u64 bits of AAD)`

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{OpenError, aad::AssociatedData};

/// Bytes of a tag that is not truncated.
pub(super) const TAG: usize = 32;

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

/// The fields of a message.
pub(super) struct Split<'a> {
    /// What the tag authenticates.
    authenticated: &'a [u8],
    /// Header and, where there is one, initialisation vector.
    pub(super) front: &'a [u8],
    /// Everything between `front` and the tag.
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
    /// Verifies the tag in constant time, on exactly the length that the suite sends.
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
