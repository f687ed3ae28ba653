#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! - To talk to a daemon: [`handshake::ClientHandshake`], then [`connection::Connection`], then
//!   [`flush::FlushLayer`] if views are to be synchronous.
//! - To be a daemon: [`handshake::DaemonHandshake`], then [`codec::FrameDecoder`],
//!   [`codec::Request`] and [`codec::Delivery`].
//! - To bind programs written for the C library: [`receive::Inbox`] and [`code::Code`] beside these.
//! - To put another engine below: translate it to [`gcs::GcsEvent`] and [`gcs::GcsCommand`].
extern crate alloc;

pub mod code;
pub mod codec;
pub mod connection;
mod decode_error;
pub mod error;
pub mod flush;
pub mod gcs;
pub mod handshake;
pub mod limits;
pub mod receive;
pub mod service;
mod version;

pub use error::{DecodeError, Error};
pub use gcs_view::name;
