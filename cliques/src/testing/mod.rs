//! Test instruments, outside semantic versioning.

pub mod bus;
pub mod rng;
pub mod signature;
