//! Suite 1: AES-128 in CBC mode, HMAC-SHA-256 truncated to 16 bytes.

use aes::Aes128;

use crate::record::{
    cbc_hmac::CbcHmac,
    suite::{Definition, RecordSuite},
};

/// Bytes of the tag.
const TAG: usize = 16;

static SUITE: Definition = Definition {
    name: "aes-128-cbc-hmac-sha256",
    number: 1,
    key_length: 16 + 32,
    expansion: CbcHmac::<Aes128, TAG>::EXPANSION,
    expand: CbcHmac::<Aes128, TAG>::expand,
};

impl RecordSuite {
    /// AES-128 in CBC mode, HMAC-SHA-256 truncated to 16 bytes.
    pub const AES_128_CBC_HMAC_SHA256: Self = Self::of(&SUITE);
}
