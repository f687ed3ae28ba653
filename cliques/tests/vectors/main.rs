//! Replays the published test vectors: every message, secret, state and cost.
//!
//! The files are those of the key agreement notes, section 11. A suite adds one file here, with its
//! encodings and the names of its scenarios.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod bd;
mod ckd;
mod gdh;
mod harness;
mod own;
mod str_;
mod tgdh;
mod trees;
