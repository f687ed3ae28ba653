//! Test kit, outside semantic versioning: a model of a view-synchronous network, an oracle for the
//! properties of the drivers, directed scenarios, and drivers brought to any state by hand.
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
//!
//! # How to write a test
//!
//! | to show | use | see |
//! |---|---|---|
//! | what one driver does with one input | [`Trio::at`](trio::Trio::at) brings a member to a state, [`Trio::handle`](trio::Trio::handle) gives the input, [`describe`](trio::describe) reads the outputs; or a row of `tests/tables/` | `tests/table.rs`, `tests/hostile_tokens.rs` |
//! | what a group does in one sequence of events | a [`Scenario`]: a script of a line for each event | `tests/directed.rs`, `tests/testdata/` |
//! | a property of all sequences | [`cascade::run`] with many seeds, over [`DESIGNS`] | `tests/cascades.rs` |
//! | a property of everything that can happen | [`explore::explore`] within bounds | `tests/explore.rs` |
//! | that the oracle notices | a [`Fault`] in [`Options`], and a case that names the invariant | `tests/faults.rs` |
//!
//! Name the test after the property. A new invariant is a function of `oracle/` that names itself, is
//! called by [`check`], and is broken on purpose in `tests/oracle.rs`. A new fault is a variant of
//! [`Fault`], planted in `faults.rs`, with a case in `tests/faults.rs`. Nothing may depend on luck or on
//! the clock: seeds are fixed, time is an argument.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod branch;
pub mod cascade;
mod designs;
mod dice;
pub mod explore;
mod faults;
mod memory;
pub mod oracle;
pub mod scenario;
pub mod simulation;
mod suite;
pub mod trace;
pub mod trio;

pub use designs::{BASIC, DESIGNS, Design, OPTIMIZED, RECOMMENDED};
pub use dice::Dice;
pub use faults::{Fault, FaultyDriver};
pub use oracle::{check, check_exclusion};
pub use scenario::{Problem, Scenario};
pub use trace::Violation;

pub use simulation::{Options, Simulation, Suite};
