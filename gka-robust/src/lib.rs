#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(feature = "test-util")]
extern crate std;

mod algorithm;
mod choose;
mod config;
mod continuity;
mod driver;
mod envelope;
mod environment;
mod error;
mod input;
mod key_context;
mod log;
mod machine;
mod output;
mod queue;
mod refresh;
mod rules;
mod stats;
#[cfg(feature = "test-util")]
pub mod testing;
mod view;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use config::{Config, DEFAULT_QUEUE_BYTES};
pub use driver::{Handled, RobustDriver};
pub use error::Error;
pub use input::{Input, Payload};
pub use log::{AgreementEvent, Cut, Happening};
pub use machine::{gdh, generic};
pub use output::{Failure, FailureReason, Output, Transmission};
pub use refresh::RefreshPolicy;
pub use stats::{DataDrops, Stats, TokenDrops};
pub use view::{Cause, SecureView, View, ViewId};
