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
//! ..     ..   ciphertext of: i16 message type || payload
//! end    n    tag over AAD || everything before || u64 bits of AAD
//!
//! AAD = enc16(group) || enc16(sender) || u32 service bit
//! ```
//!
//! Integers are big-endian. The tag is computed over the ciphertext (encrypt-then-MAC) and checked
//! in constant time before anything is decrypted, so there is no padding to learn from. Group,
//! sender and service are not sent but authenticated: a message delivered as somebody else's, in
//! another group or with another service does not open. View, epoch and members are bound by the
//! key ([`crate::schedule`]).
//!
//! The order of tests on receipt is the one of [`open`](crate::epoch::ViewKeys::open); any failure
//! leaves everything as it was.
//!
//! AES is FIPS 197, CBC SP 800-38A, HMAC RFC 2104 over SHA-256. Source: secure layer notes,
//! section 5.3; checked against their vectors.

mod cbc_hmac;
mod header;
mod keys;
mod suite;

pub use header::{HEADER_LENGTH, Header, VERSION};
pub use keys::SenderKeys;
pub use suite::{RecordSuite, UnknownSuite, UnsupportedSuite};

use alloc::vec::Vec;

use gcs_proto::{
    name::{GroupName, MemberName},
    service::Service,
};

use crate::{replay::Replay, schedule::put16};

/// Highest sequence number: so many messages are sealed under one key.
pub const SEQUENCE_MAX: u64 = 1 << 48;
/// Bytes sealed under one key, counted over whole messages.
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
    /// A flag with no meaning here.
    #[error("unknown flags 0x{0:04x}")]
    Flags(u16),
    /// A suite with no meaning.
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
    /// Sealed under a key that is not known in this view.
    #[error("unknown key")]
    WrongKey,
    /// The ciphertext is not a positive number of blocks.
    #[error("ciphertext of {0} bytes")]
    Blocks(usize),
    /// The tag is not the sender's for this group, service and content.
    #[error("bad tag")]
    Tag,
    /// The sequence number is not acceptable.
    #[error(transparent)]
    Replay(#[from] Replay),
    /// Authentic, but without a readable content.
    #[error("malformed content")]
    Malformed,
}

/// Why a message was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// 2^48 messages or 2^40 bytes are sealed under the key.
    #[error("key is used up")]
    KeyExhausted,
    /// The sender is not a member of the view.
    #[error("sender is not in the view")]
    NotInView,
    /// The suite is not part of this build.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedSuite),
}

/// What a sealed message is authenticated with although it is not in it.
pub(crate) fn associated_data(group: &GroupName, sender: &MemberName, service: Service) -> Vec<u8> {
    let mut aad = Vec::with_capacity(8 + 62);
    put16(&mut aad, group.as_bytes());
    put16(&mut aad, sender.as_bytes());
    aad.extend_from_slice(&service.bit().to_be_bytes());
    aad
}
