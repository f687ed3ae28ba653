//! Configuration of a session and of a group.

use cliques::{MathematicalGroup, NamedGroup, Protocol};
use gcs_proto::{
    gcs::{Capabilities, SignalTiming},
    limits,
    name::GroupName,
    service::Service,
};
use gka_robust::Algorithm;

use crate::{record::RecordSuite, sending::Protection};

/// Who answers flush requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FlushMode {
    /// The session, immediately.
    #[default]
    Automatic,
    /// The application, by [`Session::flush_ok`](crate::Session::flush_ok), after
    /// [`SessionEvent::FlushRequest`](crate::SessionEvent::FlushRequest). The whole group waits until it
    /// does.
    Manual,
}

/// Whether members confirm to each other that they hold the same key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Confirmation {
    /// Only by their messages: the first one sealed under another key is reported.
    #[default]
    Implicit,
    /// Each member broadcasts a tag after the agreement, and sends nothing before it has received the tags
    /// of all: [`KeyConfirmed`](crate::SessionEvent::KeyConfirmed). Costs one signed message per member.
    Explicit,
}

/// How the application receives a message in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PartDelivery {
    /// As a whole, once it is complete; at most [`message_bytes`](SessionConfig::message_bytes) are
    /// buffered for all senders together.
    #[default]
    Joined,
    /// Each part as it arrives, in order and without gaps, with
    /// [`SecureMessage::part`](crate::SecureMessage::part): nothing is buffered.
    Streamed,
}

/// When this member asks for a new key by itself. A limit of `None` is never reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RefreshPolicy {
    /// Milliseconds since the key was installed. Members ask a second apart, so that usually one of them
    /// asks.
    pub age: Option<u64>,
    /// Messages that this member has sealed under the key.
    pub messages: Option<u64>,
    /// Bytes that this member has sealed under the key.
    pub bytes: Option<u64>,
}

impl RefreshPolicy {
    /// Whether a limit is reached.
    pub(crate) fn is_reached(&self, messages: u64, bytes: u64) -> bool {
        self.messages.is_some_and(|limit| messages >= limit)
            || self.bytes.is_some_and(|limit| bytes >= limit)
    }
}

/// How a group is secured. Suites, mathematical group, algorithm and confirmation must be the same at
/// all members; the rest is each member's own choice.
///
/// ```
/// use ssp_core::{FlushMode, GroupOptions};
///
/// let options = GroupOptions { flush: FlushMode::Manual, ..GroupOptions::default() };
/// assert_eq!(options.record.as_str(), "aes-256-cbc-hmac-sha256");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOptions {
    /// Key agreement suite.
    pub protocol: Protocol,
    /// Mathematical group of the suite; by name, `"modp2048+abs".parse()`.
    pub mathematical_group: MathematicalGroup,
    /// How messages are sealed.
    pub record: RecordSuite,
    /// How a view change is turned into an agreement; `None` for the default of the suite, see
    /// [`algorithm`](Self::algorithm).
    pub algorithm: Option<Algorithm>,
    /// Who answers flush requests.
    pub flush: FlushMode,
    /// How messages are signed and padded.
    pub protection: Protection,
    /// Whether members confirm the key.
    pub confirmation: Confirmation,
    /// When this member asks for a new key by itself.
    pub refresh: RefreshPolicy,
    /// How the application receives a message in parts.
    pub parts: PartDelivery,
}

impl GroupOptions {
    /// The default policy of the Secure Spread library: the first character of the group's name
    /// chooses the suite, `1` BD, `2` CKD, `3` GDH, `4` STR, `5` TGDH, and anything else GDH. All other
    /// options have their defaults (secure layer notes, section 3.1).
    pub fn by_prefix(group: &GroupName) -> Self {
        Self::of(match group.as_bytes().first() {
            Some(b'1') => Protocol::BD,
            Some(b'2') => Protocol::CKD,
            Some(b'4') => Protocol::STR,
            Some(b'5') => Protocol::TGDH,
            Some(_) | None => Protocol::GDH,
        })
    }

    /// The default options with another suite.
    pub fn of(protocol: Protocol) -> Self {
        Self {
            protocol,
            ..Self::default()
        }
    }

    /// How a view change is turned into an agreement: the configured algorithm, else
    /// [`Algorithm::Basic`] for GDH, which recovers with the next view even if the daemon lied about the
    /// last one, and [`Algorithm::of`] for the other suites.
    ///
    /// [`Algorithm::Optimized`] makes joins of large GDH groups much cheaper. It builds on the state of
    /// the last view, so a fault there persists until the members are separated.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or_else(|| {
            if self.protocol == Protocol::GDH {
                Algorithm::Basic
            } else {
                Algorithm::of(self.protocol)
            }
        })
    }
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            protocol: Protocol::GDH,
            mathematical_group: NamedGroup::Ristretto255.into(),
            record: RecordSuite::default(),
            algorithm: None,
            flush: FlushMode::default(),
            protection: Protection::default(),
            confirmation: Confirmation::default(),
            refresh: RefreshPolicy::default(),
            parts: PartDelivery::default(),
        }
    }
}

/// Bounds and delays of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// What the engine can do; bounds the length of a message.
    pub capabilities: Capabilities,
    /// Milliseconds after which members are reported that hold up a view change of a secure group
    /// (repeatedly), have not shown evidence or confirmed a key, or seal under another key; 0 for never.
    pub flush_timeout: u64,
    /// Sequence numbers of one sender and class that a receiver remembers, one bit each; clamped to
    /// [`MINIMUM_WINDOW`](crate::replay::MINIMUM_WINDOW) and
    /// [`MAXIMUM_WINDOW`](crate::replay::MAXIMUM_WINDOW).
    pub replay_window: usize,
    /// Longest message, in bytes. Messages that are too long for one message of the engine are sent in
    /// parts. A receiver buffers up to this many bytes of incomplete messages per group, over all
    /// senders, and as many of tokens. Must be less than the transmit queue of the transport.
    pub message_bytes: usize,
    /// Bytes of sealed messages buffered per group while their key is being agreed on.
    pub early_bytes: usize,
    /// Largest accepted difference between a token's timestamp and the local clock, in milliseconds;
    /// `None` where clocks are not synchronised.
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
            flush_timeout: 3_000,
            replay_window: crate::replay::MINIMUM_WINDOW,
            message_bytes: 4 << 20,
            early_bytes: gka_robust::DEFAULT_QUEUE_BYTES,
            timestamp_window: None,
        }
    }
}
