//! Test instruments, outside semantic versioning: a model of a view-synchronous network, an oracle
//! for the properties of the driver, and directed scenarios.
//!
//! ```text
//! scenario (a script)  \
//!                        simulation: adversary, applications, drivers  -->  trace  -->  oracle
//! seed (random cascade) /      |
//!                            network: branches of views, logs, cuts, signals
//! ```
//!
//! Everything is a function of the seed. The suites run over [symbolic](cliques::testing::symbolic)
//! elements, so that a key tells whose shares are in it, and what an outsider can compute is decided.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod branch;
pub mod cascade;
mod dice;
pub mod explore;
mod faults;
mod memory;
pub mod oracle;
pub mod scenario;
pub mod simulation;
mod suite;
pub mod trace;

pub use dice::Dice;
pub use faults::{Fault, FaultyDriver};
pub use oracle::{check, check_exclusion};
pub use scenario::{Problem, Scenario};
pub use trace::Violation;

pub use simulation::{Options, Simulation, Suite};
