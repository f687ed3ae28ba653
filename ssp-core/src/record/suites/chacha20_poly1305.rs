//! Suite 5: ChaCha20 and Poly1305.

use chacha20poly1305::ChaCha20Poly1305;

use crate::record::{
    aead::Aead,
    suite::{Definition, RecordSuite},
};

static SUITE: Definition = Definition {
    name: "chacha20-poly1305",
    number: 5,
    key_length: 32,
    expansion: Aead::<ChaCha20Poly1305>::EXPANSION,
    expand: Aead::<ChaCha20Poly1305>::expand,
};

impl RecordSuite {
    /// ChaCha20 and Poly1305.
    pub const CHACHA20_POLY1305: Self = Self::of(&SUITE);
}
