//! From a fresh byte stream to a connection, as client and as daemon.
//!
//! ```text
//!  client                                   daemon
//!    | -- version, flags, private name -------> |   one record, one write
//!    | <-------------- methods offered -------- |   or a negative code and the end
//!    | -- methods chosen, 90 bytes -----------> |
//!    | -- user name, password --------------->  |   only if PWORD was chosen
//!    | <-- 1, member name, challenge ---------- |   only if SSP-PROOF was chosen, which is ours;
//!    | -- proof ------------------------------> |   or a negative code and the end
//!    | <-- 1 ---------------------------------- |   only with PWORD; or 0, a code and the end
//!    | <-- 1, daemon version, private group --- |   or a negative code and the end
//! ```
//!
//! Libraries before 3.16 know no methods: the accept record, or a code, answers the connect record.
//! Libraries before 3.15 announce a version of two bytes and get one of two bytes.
//!
//! The daemon's side is tolerant where the reference daemon is not: records may arrive in any
//! number of pieces. A client must still write its record at once and wait for the answer.
//!
//! Source: Spread client protocol, sections 3 and 10 of the protocol notes in `docs/`.

mod client;
mod credentials;
mod daemon;
mod message;
mod method;
mod proof;

pub use crate::version::Version;
pub use client::ClientHandshake;
pub use credentials::{Credentials, CredentialsError};
pub use daemon::{DaemonHandshake, DaemonStep};
pub use message::{ConnectOptions, ConnectRequest, MembershipMessages, Priority};
pub use method::Method;
pub use proof::ProofRequest;
