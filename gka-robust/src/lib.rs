#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(feature = "test-util")]
extern crate std;

mod choose;
mod config;
mod context;
mod continuity;
mod driver;
mod envelope;
mod error;
mod event;
mod fault;
pub mod gdh;
mod input;
mod output;
mod queue;
mod stats;
#[cfg(feature = "test-util")]
pub mod testing;
mod view;

pub use config::{Algorithm, Config, DEFAULT_QUEUE_BYTES};
pub use driver::{Handled, RobustDriver};
pub use error::Error;
#[cfg(feature = "test-util")]
pub use fault::Fault;
pub use input::{Input, Payload};
pub use output::{Failure, FailureReason, Output, Transmission};
pub use stats::{DataDrops, Stats, TokenDrops};
pub use view::{Cause, SecureView, View, ViewId};
