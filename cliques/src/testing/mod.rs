//! The test kit, outside semantic versioning.
//!
//! # How to write a test
//!
//! | the test is about | use |
//! |---|---|
//! | membership events in a row | [`world::World`]: members on a bus; every event is checked for one new key and the same order and controller at all |
//! | one delivery: dropped, altered, repeated | [`bus::Bus::change_with`], whose hook sees each delivery and answers with a [`bus::Flow`] |
//! | what every suite must do | a function of [`contract`], called for [`Protocol::ALL`](crate::Protocol::ALL) |
//! | tokens of a member that deviates | [`faults`]: how the tokens of a suite are altered, and how each must be refused |
//! | who can know a key | a member over a [`symbolic::SymbolicGroup`], and [`symbolic::Knowledge`] |
//! | drivers and sessions with a suite of another crate | [`foreign::FOREIGN`] |
//! | bytes from a fuzzer | [`fuzz`] |
//!
//! Schedules ([`bus::Schedule`]), generators ([`rng`]) and signatures ([`signature`]) are deterministic:
//! a test with the same seed does the same.
//!
//! ```
//! use cliques::{
//!     NamedGroup, Protocol,
//!     testing::{bus::Schedule, world::World},
//! };
//!
//! let group: NamedGroup = "toy17".parse()?;
//! let (mut world, all) = World::grown(Protocol::GDH, &group, Schedule::Shuffled(1), 4);
//! let run = world.update("leave", &all, &all[..1], &[]);
//! assert_eq!(run.total().broadcasts, 1);
//! # Ok::<(), cliques::group::UnknownGroup>(())
//! ```
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
