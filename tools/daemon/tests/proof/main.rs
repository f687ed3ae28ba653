//! Proof of identity at a running daemon: who gets in, who does not, and that a group in peace
//! notices nothing of those who do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

#[path = "../client/mod.rs"]
mod client;
mod connections;
mod joins;
mod people;
