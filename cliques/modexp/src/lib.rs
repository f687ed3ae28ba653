#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod batch;
mod engine;
mod exponent;
mod fixed_base;
mod invert;
mod jacobi;
mod lehmer;
mod modulus;
mod order;
mod powers;
mod product;
mod residue;
mod words;

pub use engine::{Engine, engine};
pub use exponent::Exponent;
pub use fixed_base::FixedBase;
pub use jacobi::Jacobi;
pub use modulus::{Modulus, ModulusError};
pub use order::Order;
pub use residue::{Residue, ResidueError, SecretResidue};
