#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod error;
pub mod router;
pub mod server;

pub use error::Error;
pub use router::Partition;
pub use server::{
    Builder, Control, Daemon, Direction, Stats, Tap, TapRecord, VirtualDaemon, console::Command,
};
