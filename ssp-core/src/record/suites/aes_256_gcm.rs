//! Suite 4: AES-256 in Galois/counter mode.

use aes_gcm::Aes256Gcm;

use crate::record::{
    aead::Aead,
    suite::{Definition, RecordSuite},
};

static SUITE: Definition = Definition {
    name: "aes-256-gcm",
    number: 4,
    key_length: 32,
    expansion: Aead::<Aes256Gcm>::EXPANSION,
    expand: Aead::<Aes256Gcm>::expand,
};

impl RecordSuite {
    /// AES-256 in Galois/counter mode.
    pub const AES_256_GCM: Self = Self::of(&SUITE);
}
