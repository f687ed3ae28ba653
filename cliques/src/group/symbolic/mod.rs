//! A group whose elements are formulas, to prove who can know what.
//!
//! An element is g to the power of a Laurent polynomial, with integer coefficients, in *atoms*: the
//! shares that members drew, and the images F(k) of secret elements, one atom for each element.
//! Suites run over it unchanged. Exponentiation multiplies the polynomial by the exponent's monomial,
//! and multiplication of elements adds polynomials, so thousands of runs take seconds, and a key says
//! what is in it: [`Algebra::shares`] tells which shares, through images too, and
//! [`Algebra::owner`] who drew them and when.
//!
//! [`Knowledge`] is what somebody can compute who has some shares and has seen all tokens: the
//! symbolic closure of invariant I20 in the notes on robust key agreement, section 8.
//!
//! Elements travel as the hash of their polynomial, which the common [`Algebra`] translates back.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod algebra;
mod formula;
mod group;
mod knowledge;

pub use self::{
    algebra::Algebra,
    formula::{Atom, Monomial, Polynomial, ShareId},
    group::{Scalar, SecretElement, SymbolicGroup},
    knowledge::Knowledge,
};
