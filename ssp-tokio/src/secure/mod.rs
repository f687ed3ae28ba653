//! The secure session over a connection as an engine.
//!
//! ```text
//!   GroupHandle <- events, progress --+
//!   GroupHandle <- events, progress --+-- Session -- GcsEvent/GcsCommand -- Connection -- bytes
//!   commands -----------------------------^
//! ```

mod command;
mod engine;

pub(crate) use command::{Command, Export, Join, Outgoing};
pub(crate) use engine::SecureEngine;

use ssp_core::ViewNumber;

/// A key of a group: the secure view it is for and its number in that view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) view: ViewNumber,
    pub(crate) epoch: u32,
}

/// The key installed last, whether or not the application has taken its event.
pub(crate) type Progress = Option<Key>;
