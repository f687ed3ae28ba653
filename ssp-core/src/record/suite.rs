//! What a record suite is.

use alloc::{boxed::Box, vec::Vec};
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use rand_core::CryptoRng;

use super::{HEADER_LENGTH, Header, OpenError, aad::AssociatedData, content::Plain, content::TYPE};
use crate::replay::Replay;

/// How messages are sealed. All members of a group must use the same suite.
///
/// | number | name | cipher | tag, bytes | adds, bytes |
/// |---|---|---|---|---|
/// | 1 | `aes-128-cbc-hmac-sha256` | AES-128-CBC, HMAC-SHA-256 | 16 | 55 to 70 |
/// | 2 | `aes-256-cbc-hmac-sha256`, default | AES-256-CBC, HMAC-SHA-256 | 32 | 71 to 86 |
/// | 3 | `hmac-sha256` | none: everybody can read it | 32 | 54 |
/// | 4 | `aes-256-gcm` | AES-256-GCM | 16 | 38 |
/// | 5 | `chacha20-poly1305` | ChaCha20-Poly1305 | 16 | 38 |
#[derive(Clone, Copy)]
pub struct RecordSuite(&'static Definition);

/// Everything in which suites differ.
pub(super) struct Definition {
    /// Name in configuration, on the command line and in events.
    pub(super) name: &'static str,
    /// Number in sealed messages and key labels.
    pub(super) number: u8,
    /// Bytes of key material of one sender.
    pub(super) key_length: usize,
    /// Most bytes that sealing adds to header and content.
    pub(super) expansion: usize,
    /// Expands the key material of one sender; `None` for another length.
    pub(super) expand: fn(&[u8]) -> Option<Box<dyn Cipher>>,
}

/// Whether a message is neither repeated nor too old; asked once its tag is verified.
pub(super) type Freshness<'a> = &'a dyn Fn() -> Result<(), Replay>;

/// The expanded keys of one sender. Implementations erase them on drop.
pub(super) trait Cipher: Send + Sync {
    /// Seals into one buffer of the exact size. `None` would be a bug: no message comes near a cipher's
    /// limit.
    fn seal(
        &self,
        aad: &AssociatedData,
        header: &Header,
        plain: &Plain<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>>;

    /// Verifies form and tag, checks freshness, and only then returns what was encrypted, in one buffer
    /// of the exact size.
    fn open(
        &self,
        aad: &AssociatedData,
        header: &Header,
        message: &[u8],
        fresh: Freshness<'_>,
    ) -> Result<Vec<u8>, OpenError>;
}

impl RecordSuite {
    pub(super) const fn of(definition: &'static Definition) -> Self {
        Self(definition)
    }

    /// Name in configuration, on the command line and in events.
    pub const fn as_str(self) -> &'static str {
        self.0.name
    }

    /// Number in sealed messages and key labels.
    pub const fn number(self) -> u8 {
        self.0.number
    }

    /// Bytes of key material of one sender: encryption key, then MAC key.
    pub const fn key_length(self) -> usize {
        self.0.key_length
    }

    /// Most bytes that sealing adds to a payload.
    pub const fn overhead(self) -> usize {
        HEADER_LENGTH + TYPE + self.0.expansion
    }

    pub(super) fn expand(self, keys: &[u8]) -> Option<Box<dyn Cipher>> {
        (self.0.expand)(keys)
    }
}

impl PartialEq for RecordSuite {
    fn eq(&self, other: &Self) -> bool {
        self.number() == other.number()
    }
}

impl Eq for RecordSuite {}

impl PartialOrd for RecordSuite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RecordSuite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl Hash for RecordSuite {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number().hash(state);
    }
}

impl fmt::Debug for RecordSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RecordSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
