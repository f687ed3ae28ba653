//! Suite 2: AES-256 in CBC mode, HMAC-SHA-256.

use aes::Aes256;

use crate::record::{
    cbc_hmac::CbcHmac,
    suite::{Definition, RecordSuite},
};

/// Bytes of the tag.
const TAG: usize = 32;

static SUITE: Definition = Definition {
    name: "aes-256-cbc-hmac-sha256",
    number: 2,
    key_length: 32 + 32,
    expansion: CbcHmac::<Aes256, TAG>::EXPANSION,
    expand: CbcHmac::<Aes256, TAG>::expand,
};

impl RecordSuite {
    /// AES-256 in CBC mode, HMAC-SHA-256.
    pub const AES_256_CBC_HMAC_SHA256: Self = Self::of(&SUITE);
}
