//! Test instruments, outside semantic versioning: a bus between members, the contract that every
//! suite keeps, hostile tokens, generators and signatures that repeat themselves.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

pub mod bus;
pub mod contract;
pub mod faults;
pub mod foreign;
pub mod fuzz;
pub mod rng;
pub mod signature;
pub mod world;

pub use crate::group::symbolic;
