#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod access;
mod error;
pub mod router;
pub mod server;

pub use error::Error;
pub use router::{Cut, Partition};
pub use server::{
    Builder, Control, Daemon, Direction, QueueBounds, Stats, Tap, TapRecord, VirtualDaemon,
    console::Command,
};
