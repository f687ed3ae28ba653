//! MODP groups of the caller's own parameters, for tests.

use cliques_modexp::ModulusError;
use num_bigint::BigUint;

use super::modp::Modp;

/// Bases of the primality test: enough to prove numbers below 2^64 prime (Jaeschke; Sorenson and
/// Webster), and to catch an accident in longer ones.
const WITNESSES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// Why numbers are not the parameters of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// p or q is even, too short or too long.
    #[error(transparent)]
    Size(#[from] ModulusError),
    /// p is composite.
    #[error("p is not prime")]
    CompositeModulus,
    /// q is composite.
    #[error("q is not prime")]
    CompositeOrder,
    /// q does not divide p - 1.
    #[error("q does not divide p - 1")]
    OrderDoesNotDivide,
    /// g is not reduced, is 0 or 1, or g^q is not 1.
    #[error("g does not generate a group of order q")]
    Generator,
}

impl Modp {
    /// A group with parameters of the caller's, big-endian.
    ///
    /// # Security
    /// For tests only. The checks find mistakes, not malice: the primality test has fixed bases,
    /// and nothing tells whether discrete logarithms are hard in the group.
    ///
    /// # Errors
    /// [`ParameterError`] when p and q are not odd primes with q a divisor of p - 1, or g is not of
    /// order q.
    pub fn custom(name: &str, p: &[u8], q: &[u8], g: &[u8]) -> Result<Self, ParameterError> {
        // Lengths first: they bound the work below.
        let group = Self::subgroup(name, p, q, g)?;
        let one = BigUint::from(1_u8);
        let [p_number, q_number, g_number] = [p, q, g].map(BigUint::from_bytes_be);
        if !is_probable_prime(&p_number) {
            return Err(ParameterError::CompositeModulus);
        }
        if !is_probable_prime(&q_number) {
            return Err(ParameterError::CompositeOrder);
        }
        let p_minus_one = &p_number - &one;
        if &p_minus_one % &q_number != BigUint::ZERO {
            return Err(ParameterError::OrderDoesNotDivide);
        }
        if g_number <= one || g_number >= p_number || g_number.modpow(&q_number, &p_number) != one {
            return Err(ParameterError::Generator);
        }
        if p_minus_one == q_number << 1_u8 {
            return Ok(Self::squares(name, p, q, g)?);
        }
        Ok(group)
    }
}

/// Miller and Rabin's test of an odd number above 37 (Handbook of Applied Cryptography, 4.24).
fn is_probable_prime(n: &BigUint) -> bool {
    let one = BigUint::from(1_u8);
    let n_minus_one = n - &one;
    let Some(twos) = n_minus_one.trailing_zeros() else {
        return false;
    };
    let odd = &n_minus_one >> twos;
    WITNESSES.iter().all(|witness| {
        let mut power = BigUint::from(*witness).modpow(&odd, n);
        if power == one || power == n_minus_one {
            return true;
        }
        (1..twos).any(|_| {
            power = power.modpow(&BigUint::from(2_u8), n);
            power == n_minus_one
        })
    })
}
