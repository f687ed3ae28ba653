//! The session over a connection as an engine.
//!
//! ```text
//!   Group           <- events, progress --+
//!   FlushGroup      <- events ------------+
//!   BareGroup       <- events ------------+-- Session -- GcsEvent/GcsCommand -- Connection -- bytes
//!   PrivateMessages <- messages ----------+      ^
//!   commands ------------------------------------+
//! ```

mod command;
mod engine;
mod queue;

pub(crate) use command::{
    BeginParts, Behind, Clear, Command, Export, Join, JoinAs, Outgoing, OutgoingPart, Passed,
    Receivers, ViewCast,
};
pub(crate) use engine::SecureEngine;

use ssp_core::{Phase, ViewNumber};

/// A key of a group: the secure view it is for and its number in that view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) view: ViewNumber,
    pub(crate) epoch: u32,
}

/// How far a group has come, whether or not the application has taken the events of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The key installed last.
    pub(crate) key: Option<Key>,
    /// What the group is doing. Kept for those who wait: a refresh that is given up ends without
    /// a key of its own, and only the phase tells that the old one is in use again.
    pub(crate) phase: Option<Phase>,
    /// Receipts of parts that told something new; kept for those who wait as well.
    pub(crate) receipts: u64,
}
