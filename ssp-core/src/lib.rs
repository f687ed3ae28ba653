#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod access;
pub mod config;
pub mod epoch;
pub mod error;
pub mod event;
mod group;
mod kind;
pub mod record;
pub mod replay;
pub mod schedule;
mod sending;
mod session;

pub use cliques::{Cost, MathematicalGroup, NamedGroup, PeerFault, Protocol};
pub use config::{
    Confirmation, FlushMode, GroupOptions, PartDelivery, RefreshPolicy, SessionConfig,
};
pub use error::{Error, SendError};
pub use event::{GroupFailure, Mismatch, SecureMessage, SecureViewEvent, SessionEvent, ViewNumber};
pub use gka_robust::Algorithm;
pub use group::{GroupStats, LastKey, Phase, Rejections, wire};
pub use kind::GroupKind;
pub use record::{Authorship, Padding, Part, PartEnd, RecordSuite};
pub use schedule::Fingerprint;
pub use sending::{MessageToSend, PARTS_IN_FLIGHT, PartStream, Protection, Signing};
pub use session::Session;
pub use ssp_identity::{self as identity, Credentials, Timestamp};

/// Version of this crate: major, minor, patch.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
