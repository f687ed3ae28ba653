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
pub mod persistent;
pub mod plain;
mod secure;
mod transport;

pub use client::Client;
pub use config::{ClientConfig, ConnectionConfig};
pub use endpoint::{DEFAULT_PORT, Endpoint, EndpointError};
pub use error::{Error, SendError, SendFailure, TooShort};
pub use event::GroupEvent;
pub use group::{Group, PartSender, Received, StreamError};

pub use gcs_proto::{self, service::Service};
pub use ssp_core::{self, GroupOptions};
