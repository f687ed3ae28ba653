//! The kit of these tests: numbers of num-bigint, which is the reference, beside ours.
//!
//! A test makes an odd number, runs an operation on each of its [`moduli`], one for every engine that
//! this processor can run, and compares the [`integer`] of each result with the reference.
#![allow(dead_code, reason = "no test uses everything")]

pub(crate) mod jacobi;

use cliques_modexp::{Engine, Modulus, Residue, SecretResidue};
use num_bigint::BigUint;

/// The modulus on the engine that the crate chooses.
pub(crate) fn modulus_of(n: &BigUint) -> Modulus {
    Modulus::from_be_bytes(&n.to_bytes_be()).unwrap()
}

/// The modulus on every engine that can serve it here.
pub(crate) fn moduli(n: &BigUint) -> Vec<Modulus> {
    let modulus = modulus_of(n);
    Engine::all()
        .filter_map(|engine| modulus.with_engine(engine))
        .collect()
}

/// Big-endian bytes, with leading zeros.
pub(crate) fn fixed(n: &BigUint, len: usize) -> Vec<u8> {
    let bytes = n.to_bytes_be();
    let mut out = vec![0; len - bytes.len()];
    out.extend(bytes);
    out
}

/// A number below the modulus as a residue.
pub(crate) fn residue(modulus: &Modulus, value: &BigUint) -> Residue {
    modulus.residue(&fixed(value, modulus.byte_len())).unwrap()
}

/// A public result as a number.
pub(crate) fn integer(residue: &Residue) -> BigUint {
    BigUint::from_bytes_be(&residue.to_be_bytes())
}

/// A secret result as a number.
pub(crate) fn secret_integer(residue: &SecretResidue) -> BigUint {
    BigUint::from_bytes_be(&residue.to_be_bytes())
}

/// Secret results as numbers.
pub(crate) fn secret_integers(residues: &[SecretResidue]) -> Vec<BigUint> {
    residues.iter().map(secret_integer).collect()
}

/// An odd number of exactly so many bits.
pub(crate) fn odd_of_bits(bits: u32, seed: &[u8]) -> BigUint {
    let top = BigUint::from(1_u8) << (bits - 1);
    (BigUint::from_bytes_be(seed) % &top) | top | BigUint::from(1_u8)
}
