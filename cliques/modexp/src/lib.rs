#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod engine;
mod exponent;
mod jacobi;
mod modulus;
mod order;
mod residue;
mod words;

pub use exponent::Exponent;
pub use jacobi::Jacobi;
pub use modulus::{Modulus, ModulusError};
pub use order::Order;
pub use residue::{Residue, ResidueError, SecretResidue};
