//! Configuration of a driver.

use alloc::{sync::Arc, vec::Vec};

use cliques::{MathematicalGroup, MemberName, Protocol, Signer, Verifier};

use crate::{algorithm::Algorithm, refresh::RefreshPolicy};

/// Bytes of user data that a driver keeps while a key is about to be installed.
pub const DEFAULT_QUEUE_BYTES: usize = 1 << 20;

/// Configuration of a driver. Group, suite, mathematical group and algorithm must be the same at all
/// members of a group.
#[derive(Clone, Debug)]
pub struct Config {
    /// This member.
    pub me: MemberName,
    /// Name of the group of members.
    pub group: Vec<u8>,
    /// Key agreement suite.
    pub protocol: Protocol,
    /// Mathematical group.
    pub mathematical_group: MathematicalGroup,
    /// Algorithm; [`Algorithm::of`] a protocol is the recommended one.
    pub algorithm: Algorithm,
    /// When the key is replaced without a request of the application.
    pub refresh: RefreshPolicy,
    /// Signs own tokens.
    pub signer: Arc<dyn Signer>,
    /// Verifies tokens of other members.
    pub verifier: Arc<dyn Verifier>,
    /// Bound of the queue of early user data, in bytes; data that does not fit is dropped and counted.
    pub queue_bytes: usize,
    /// Largest accepted difference between a token's timestamp and the local clock, in milliseconds;
    /// none where clocks are not synchronised.
    pub timestamp_window: Option<u64>,
    /// Events of agreements that are kept for [`poll_event`](crate::RobustDriver::poll_event); if there
    /// are more, the oldest are lost and counted. 0 for no log.
    pub event_log: usize,
}
