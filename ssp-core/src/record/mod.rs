//! Sealed messages.
//!
//! ```text
//! offset size field
//! 0      1    version = 1
//! 1      1    record suite
//! 2      2    flags
//! 4      8    key-id
//! 12     8    sequence number, per sender and key, first 1, last 2^48
//! 20     16   initialisation vector (suites with CBC), fresh random per message
//! ..     ..   ciphertext of: i16 message type || payload, and the fields that the flags announce ([`Content`])
//! end    n    tag
//!
//! AAD  = enc16(group) || enc16(sender) || u32 service bit
//! tag  = HMAC(AAD || everything before || u64 bits of AAD), 16 or 32 bytes      suites 1 to 3
//! AEAD : nonce = 4 zero bytes || sequence number, associated = AAD || header    suites 4 and 5
//! ```
//!
//! Integers are big-endian. The tag is computed over the ciphertext and verified in constant time
//! before anything is decrypted, so there is no padding oracle. Group, sender and service are not sent
//! but authenticated: a message delivered under another sender, in another group or with another service
//! does not open. View, epoch and members are bound by the key ([`crate::schedule`]).
//!
//! The order of checks on receipt is that of [`open`](crate::epoch::ViewKeys::open); a failure changes
//! nothing.
//!
//! The keys of a sender are expanded once per epoch. A message costs one buffer of its exact size and no
//! other allocation, except for signatures.
//!
//! AES is FIPS 197, CBC SP 800-38A, GCM SP 800-38D, ChaCha20-Poly1305
//! [RFC 8439](https://www.rfc-editor.org/rfc/rfc8439), HMAC RFC 2104 over SHA-256. Source: secure layer notes,
//! section 5.3; checked against their vectors.

mod aad;
mod aead;
mod cbc_hmac;
mod content;
mod header;
mod keys;
mod mac;
mod suite;
mod suites;

pub(crate) use aad::AssociatedData;
pub use content::{Authorship, Content, DATA_SIGNATURE_CONTEXT, Padding, Part, PartEnd};
pub(crate) use content::{Bound, PART, SIGNATURE, TYPE, unpack};
pub use header::{HEADER_LENGTH, Header, VERSION, flag};
pub use keys::SenderKeys;
pub use suite::RecordSuite;
pub use suites::UnknownSuite;

use crate::replay::Replay;
pub use crate::replay::SEQUENCE_MAX;

/// Most bytes sealed under one key, counted over whole messages.
pub const SEALED_BYTES_MAX: u64 = 1 << 40;

/// Why a message was not opened. For the local log and counters only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Shorter than the header, or than the suite's shortest message.
    #[error("{0} bytes are too short")]
    Truncated(usize),
    /// Another version.
    #[error("version {0}")]
    Version(u8),
    /// An undefined flag.
    #[error("unknown flags 0x{0:04x}")]
    Flags(u16),
    /// An undefined suite.
    #[error("record suite {0} does not exist")]
    UnknownSuite(u8),
    /// Another suite than the configured one.
    #[error("sealed with {theirs}, {ours} configured")]
    SuiteMismatch {
        /// Configured here.
        ours: RecordSuite,
        /// Named in the message.
        theirs: RecordSuite,
    },
    /// Its sender is not a member of the view.
    #[error("sender is not in the view")]
    NotInView,
    /// Sealed under a key that is unknown in this view.
    #[error("unknown key")]
    WrongKey,
    /// The ciphertext is not a positive number of blocks.
    #[error("ciphertext of {0} bytes")]
    Blocks(usize),
    /// The tag does not match sender, group, service and content.
    #[error("bad tag")]
    Tag,
    /// The sequence number is not acceptable.
    #[error(transparent)]
    Replay(#[from] Replay),
    /// The signature is invalid, or the sender's key is unknown.
    #[error("bad signature")]
    Signature,
    /// Not signed, although signatures are required.
    #[error("not signed")]
    Unsigned,
    /// Authentic, but with undecodable content.
    #[error("malformed content")]
    Malformed,
    /// A bug in this crate.
    #[error("internal inconsistency: {0}")]
    Internal(&'static str),
}

/// Why a message was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// [`SEQUENCE_MAX`] messages or [`SEALED_BYTES_MAX`] bytes are sealed under the key.
    #[error("key is exhausted")]
    KeyExhausted,
    /// The sender is not a member of the view.
    #[error("sender is not in the view")]
    NotInView,
    /// The signature of the sender is too long for a message.
    #[error("signature too long")]
    Signature,
    /// A bug in this crate.
    #[error("internal inconsistency: {0}")]
    Internal(&'static str),
}
