//! A primality test for parameters from an untrusted source.
//!
//! With fixed bases, composite numbers can be constructed that pass for all of them (Arnault,
//! Mathematics of Computation 1995; Albrecht et al., "Prime and Prejudice", CCS 2018). With random bases
//! they cannot, but then the result could differ from member to member. So the bases come from a hash of
//! the number: an attacker has to try about 4^64 composites until one passes, and the result is the same
//! at all members.

use alloc::vec::Vec;

use cliques_modexp::{Exponent, Modulus, ModulusError, Residue};
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

/// Rounds of the test; a composite passes one for at most a quarter of all bases.
const ROUNDS: u32 = 64;

/// Rounds in one batch.
const BATCH: usize = 8;

/// The prefix of the hash from which the bases come.
const DOMAIN: &[u8] = b"cliques-primality";

/// Miller and Rabin's test (Handbook of Applied Cryptography, 4.24) with bases from a hash. Takes
/// time by the length of the number, most of it only if the number is prime.
///
/// # Errors
/// [`ModulusError`] when the number is even, too short or too long.
pub(super) fn is_prime(n: &BigUint) -> Result<bool, ModulusError> {
    let modulus = Modulus::from_be_bytes(&n.to_bytes_be())?;
    let n_minus_one = n - 1_u8;
    let twos = n_minus_one.trailing_zeros().unwrap_or(0);
    let odd = &n_minus_one >> twos;
    let width = u32::try_from(odd.bits()).unwrap_or(u32::MAX);
    let odd = Exponent::from_be_bytes(&odd.to_bytes_be(), width);
    let minus_one = modulus.reduce_vartime(&n_minus_one.to_bytes_be());
    // One round detects almost every composite; the rest is done in batches.
    let batches = core::iter::once(0..1).chain(
        (1..ROUNDS)
            .step_by(BATCH)
            .map(|first| first..first.saturating_add(BATCH as u32).min(ROUNDS)),
    );
    for rounds in batches {
        let bases: Vec<Residue> = rounds
            .map(|round| modulus.reduce_vartime(&base(n, round)))
            .collect();
        let references: Vec<&Residue> = bases.iter().collect();
        let powers = Residue::pow_each(&references, &odd);
        let mut rounds = bases.iter().zip(powers);
        if rounds.any(|(base, power)| is_witness(base, power.publish(), twos, &minus_one)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether base^(n-1) is not 1, or its computation from `power`, base^odd, contains a square
/// root of 1 other than 1 and -1.
fn is_witness(base: &Residue, mut power: Residue, twos: u64, minus_one: &Residue) -> bool {
    // These bases are no evidence.
    if base.is_zero() || base.is_one() || base == minus_one {
        return false;
    }
    if power.is_one() || power == *minus_one {
        return false;
    }
    !(1..twos).any(|_| {
        power = power.square();
        power == *minus_one
    })
}

/// The base of a round: SHA-256 of domain, round, block number and n, block after block, 128 bits
/// longer than n.
fn base(n: &BigUint, round: u32) -> Vec<u8> {
    let n = n.to_bytes_be();
    let mut bytes = Vec::new();
    for block in 0_u32.. {
        if bytes.len() >= n.len().saturating_add(16) {
            break;
        }
        let mut hash = Sha256::new_with_prefix(DOMAIN);
        hash.update(round.to_be_bytes());
        hash.update(block.to_be_bytes());
        hash.update(&n);
        bytes.extend_from_slice(&hash.finalize());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prime(n: u64) -> bool {
        is_prime(&BigUint::from(n)).unwrap()
    }

    #[test]
    fn the_verdict_is_that_of_trial_division() {
        for n in (32_769..36_000_u64).step_by(2) {
            let expected = (3..200).step_by(2).all(|d| n % d != 0);
            assert_eq!(prime(n), expected, "{n}");
        }
    }

    /// Composites that pass Miller and Rabin's test for all of the first bases (Jaeschke 1993;
    /// Arnault 1995), and a Carmichael number.
    #[test]
    fn composites_that_fool_fixed_bases_are_found() {
        for n in [
            3_215_031_751,
            3_474_749_660_383,
            341_550_071_728_321,
            41_041,
        ] {
            assert!(!prime(n), "{n}");
        }
        // Passes for every prime base below 307.
        let p1 = "29674495668685510550154174642905332730771991799853043350995075531276838753171770\
                  199594238596428121188033664754218345562493168782883";
        let p1 = BigUint::parse_bytes(p1.as_bytes(), 10).unwrap();
        let arnault = &p1 * (313_u16 * (&p1 - 1_u8) + 1_u8) * (353_u16 * (&p1 - 1_u8) + 1_u8);
        assert!(is_prime(&p1).unwrap());
        assert!(!is_prime(&arnault).unwrap());
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(
            is_prime(&BigUint::from(65_538_u32)),
            Err(ModulusError::Even)
        );
        assert_eq!(is_prime(&BigUint::from(3_u8)), Err(ModulusError::Size(2)));
        let long = (BigUint::from(1_u8) << 8192_u32) + 1_u8;
        assert_eq!(is_prime(&long), Err(ModulusError::Size(8193)));
    }
}
