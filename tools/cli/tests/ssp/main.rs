//! The `ssp` command as a user runs it: processes, pipes and files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod cert;
mod demo;
mod ends;
mod flood;
mod options;
mod proof;
mod schema;
mod soak;
mod support;
#[cfg(unix)]
mod terminal;
mod user;
