#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod client;
mod config;
mod driver;
mod endpoint;
mod error;
mod event;
pub mod files;
pub mod flush;
mod group;
mod inbox;
pub mod persistent;
pub mod plain;
mod prover;
mod receiving;
mod secure;
mod transport;

pub use client::{Client, PrivateMessages};
pub use config::{ClientConfig, ConnectionConfig};
pub use endpoint::{DEFAULT_PORT, Endpoint, EndpointError};
pub use error::{Error, SendError, SendFailure, TooShort};
pub use event::GroupEvent;
pub use group::{Group, PartSender, StreamError};
pub use inbox::Received;

pub use gcs_proto::{self, service::Service};
pub use ssp_core::{self, GroupOptions};
