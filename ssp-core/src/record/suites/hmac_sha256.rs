//! Suite 3: HMAC-SHA-256 without encryption.

use alloc::{boxed::Box, vec::Vec};

use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;

use crate::{
    record::{
        AssociatedData, HEADER_LENGTH, Header, OpenError,
        content::Plain,
        mac,
        suite::{Cipher, Definition, Freshness, RecordSuite},
    },
    schedule::keyed,
};

static SUITE: Definition = Definition {
    name: "hmac-sha256",
    number: 3,
    key_length: 32,
    expansion: mac::TAG,
    expand: |keys| Some(Box::new(HmacOnly(keyed(keys.try_into().ok()?)))),
};

impl RecordSuite {
    /// No encryption, HMAC-SHA-256.
    pub const HMAC_SHA256: Self = Self::of(&SUITE);
}

/// The MAC of one sender. The expanded key erases itself.
struct HmacOnly(Hmac<Sha256>);

impl Cipher for HmacOnly {
    fn seal(
        &self,
        aad: &AssociatedData,
        header: &Header,
        plain: &Plain<'_>,
        _: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(HEADER_LENGTH + plain.len() + mac::TAG);
        out.extend_from_slice(&header.encode());
        plain.write(&mut out);
        let tag = mac::end(mac::begin(&self.0, aad).chain_update(&out), aad);
        out.extend_from_slice(&tag);
        Some(out)
    }

    fn open(
        &self,
        aad: &AssociatedData,
        _: &Header,
        message: &[u8],
        fresh: Freshness<'_>,
    ) -> Result<Vec<u8>, OpenError> {
        let sealed = mac::split(message, HEADER_LENGTH, mac::TAG)?;
        sealed.verify(&self.0, aad)?;
        fresh()?;
        Ok(sealed.content.to_vec())
    }
}
