#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
//! placeholder
extern crate alloc;

pub mod codec;
pub mod connection;
pub mod error;
pub mod flush;
pub mod gcs;
pub mod handshake;
pub mod limits;
pub mod name;
pub mod service;

pub use error::{DecodeError, Error};
