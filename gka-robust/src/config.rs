//! Configuration of a driver.

use alloc::{sync::Arc, vec::Vec};

use cliques::{MathematicalGroup, MemberId, Protocol, Signer, Verifier};

/// How a view change is turned into an agreement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Every view starts from scratch (basic algorithm).
    #[default]
    Basic,
}

/// Bytes of user data that a driver keeps while a key is about to be installed.
pub const DEFAULT_QUEUE_BYTES: usize = 1 << 20;

/// Everything a driver is made of. All members of a group must agree on all but the first two
/// and the keys.
#[derive(Clone, Debug)]
pub struct Config {
    /// This member.
    pub me: MemberId,
    /// Name of the group of members.
    pub group: Vec<u8>,
    /// Key agreement suite.
    pub protocol: Protocol,
    /// Mathematical group.
    pub mathematical_group: MathematicalGroup,
    /// Algorithm.
    pub algorithm: Algorithm,
    /// Signs own tokens.
    pub signer: Arc<dyn Signer>,
    /// Knows the keys of the others.
    pub verifier: Arc<dyn Verifier>,
    /// Bound of the queue of early user data, in bytes; what does not fit is dropped and counted.
    pub queue_bytes: usize,
    /// Largest difference between a token's timestamp and the own clock, in milliseconds; none
    /// where clocks are not synchronised.
    pub timestamp_window: Option<u64>,
}
