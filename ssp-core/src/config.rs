//! Configuration of a session and of a group.

use cliques::{NamedGroup, Protocol};
use gcs_proto::{
    gcs::{Capabilities, SignalTiming},
    limits,
    service::Service,
};

use crate::record::RecordSuite;

/// Who answers a flush request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FlushMode {
    /// The session, at once.
    #[default]
    Automatic,
    /// The application, by [`Session::flush_ok`](crate::Session::flush_ok), after
    /// [`SessionEvent::FlushRequest`](crate::SessionEvent::FlushRequest). Until it does, the whole
    /// group waits for it.
    Manual,
}

/// How a group is secured. All members must name the same, but for `flush`.
///
/// ```
/// use ssp_core::{FlushMode, GroupOptions};
///
/// let options = GroupOptions { flush: FlushMode::Manual, ..GroupOptions::default() };
/// assert_eq!(options.record.as_str(), "aes-256-cbc-hmac-sha256");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOptions {
    /// Key agreement suite.
    pub protocol: Protocol,
    /// Mathematical group of the suite.
    pub mathematical_group: NamedGroup,
    /// How messages are sealed.
    pub record: RecordSuite,
    /// Who answers flush requests.
    pub flush: FlushMode,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            protocol: Protocol::Gdh,
            mathematical_group: NamedGroup::Ristretto255,
            record: RecordSuite::default(),
            flush: FlushMode::default(),
        }
    }
}

/// Bounds and delays of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// What the engine below can do; bounds the length of a message.
    pub capabilities: Capabilities,
    /// Milliseconds after which members that hold up a view change are named, again and again, and
    /// members that seal under another key once; 0 for never.
    pub flush_patience: u64,
    /// Sequence numbers of one sender and class that a receiver remembers, one bit each; kept
    /// within [`MINIMUM_WINDOW`](crate::replay::MINIMUM_WINDOW) and
    /// [`MAXIMUM_WINDOW`](crate::replay::MAXIMUM_WINDOW).
    pub replay_window: usize,
    /// Bytes of sealed messages kept per group while their key is being agreed.
    pub early_bytes: usize,
    /// Largest difference between a token's timestamp and the own clock, in milliseconds; `None`
    /// where clocks are not synchronised.
    pub timestamp_window: Option<u64>,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            capabilities: Capabilities {
                strongest_service: Service::Safe,
                signal: SignalTiming::Prompt,
                destinations: limits::ROUTED_DESTINATIONS,
                message: limits::SAFE_MESSAGE,
            },
            flush_patience: 3_000,
            replay_window: crate::replay::MINIMUM_WINDOW,
            early_bytes: gka_robust::DEFAULT_QUEUE_BYTES,
            timestamp_window: None,
        }
    }
}
