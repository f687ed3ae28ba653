//! MODP groups of the caller's own parameters.

use alloc::{format, string::String};

use cliques_modexp::ModulusError;
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use super::{Cofactor, Modp, Numbers, primality::is_prime};

/// Smallest p of [`Modp::custom`], in bits.
const MODULUS_BITS: u32 = 2048;

/// Smallest q of [`Modp::custom`], in bits.
const ORDER_BITS: u32 = 224;

/// A prime r in p = 2qr + 1 has more bits than this, or its order counts as a small one.
const LARGE_PRIME_BITS: u64 = 255;

/// Why numbers, or those of a file, are not the parameters of a group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// p or q is even, too short or too long to compute with.
    #[error(transparent)]
    Size(#[from] ModulusError),
    /// p or q is too short to be secure.
    #[error("{name} has {bits} bits, at least {least} are secure")]
    Insecure {
        /// Which number.
        name: &'static str,
        /// Its length.
        bits: u32,
        /// The shortest allowed.
        least: u32,
    },
    /// p is composite.
    #[error("p is not prime")]
    CompositeModulus,
    /// q is composite; without a q, (p - 1) / 2 is.
    #[error("q is not prime")]
    CompositeOrder,
    /// q does not divide p - 1.
    #[error("q does not divide p - 1")]
    OrderDoesNotDivide,
    /// g is not reduced, is 0 or 1, or g^q is not 1.
    #[error("g does not generate a group of order q")]
    Generator,
    /// F = `abs` was asked for a group in which p is not 2q + 1.
    #[error("the map F = abs needs a safe prime, p = 2q + 1")]
    NoSafePrime,
    /// Not a text with PEM armour, or longer than a parameter file can be.
    #[cfg(feature = "pem")]
    #[error("no PEM text of at most {max} bytes", max = super::pem::TEXT_MAX)]
    Pem,
    /// PEM of something else.
    #[cfg(feature = "pem")]
    #[error(
        "PEM label is \"{label}\", there is: DH PARAMETERS, X9.42 DH PARAMETERS, DSA PARAMETERS"
    )]
    Label {
        /// The label after BEGIN.
        label: String,
    },
    /// The content is not the DER structure that the label announces.
    #[cfg(feature = "pem")]
    #[error("no DER structure of {label}")]
    Structure {
        /// The label after BEGIN.
        label: String,
    },
}

impl Modp {
    /// A group of the caller's parameters, big-endian: primes p of 2048 to 8192 bits and q of at
    /// least 224 bits with q a divisor of p - 1, and g of order q.
    ///
    /// The group is named after its parameters, `modp<bits>-<bits>-<32 hexadecimal digits>`, so that
    /// members with different ones cannot agree on a key by accident. The test of received elements
    /// is the strongest that they need: the Jacobi symbol only where p = 2q + 1, a choice of
    /// [policy](Self::with_policy) where p = 2qr + 1 with a prime r above 2^255, x^q = 1 in all
    /// other groups.
    ///
    /// Takes as long as some hundred exponentiations with exponents as long as p: reuse the handle.
    ///
    /// # Security
    /// That the numbers are primes of the right kind is tested well enough for parameters of an
    /// adversary. Nothing ensures that discrete logarithms are hard: whoever chose p may have chosen
    /// one that lets them compute discrete logarithms (Fried et al., "A kilobit hidden SNFS discrete logarithm
    /// computation", EUROCRYPT 2017). Use only parameters from a trusted source, or with a
    /// derivation that can be checked.
    ///
    /// # Errors
    /// [`ParameterError`] with the first rule that is broken.
    pub fn custom(p: &[u8], q: &[u8], g: &[u8]) -> Result<Self, ParameterError> {
        let [p, q, g] = [p, q, g].map(BigUint::from_bytes_be);
        secure("p", &p, MODULUS_BITS)?;
        secure("q", &q, ORDER_BITS)?;
        Self::checked(p, q, g)
    }

    /// As [`custom`](Self::custom), with p and q of 16 bits or more: the sizes of old measurements,
    /// and of tests.
    ///
    /// # Security
    /// For nothing that is secret.
    ///
    /// # Errors
    /// [`ParameterError`] with the first rule that is broken.
    #[cfg(feature = "legacy-groups")]
    pub fn custom_insecure(p: &[u8], q: &[u8], g: &[u8]) -> Result<Self, ParameterError> {
        let [p, q, g] = [p, q, g].map(BigUint::from_bytes_be);
        Self::checked(p, q, g)
    }

    fn checked(p: BigUint, q: BigUint, g: BigUint) -> Result<Self, ParameterError> {
        let one = BigUint::from(1_u8);
        // The lengths bound the work below.
        let name = name(&p, &q, &g);
        let numbers = Numbers {
            p,
            q,
            g,
            cofactor: Cofactor::Other,
        };
        Self::trusted(&name, &numbers)?;
        let Numbers { p, q, g, .. } = &numbers;
        let p_minus_one = p - &one;
        if !is_prime(p)? {
            return Err(ParameterError::CompositeModulus);
        }
        if !is_prime(q)? {
            return Err(ParameterError::CompositeOrder);
        }
        if &p_minus_one % q != BigUint::ZERO {
            return Err(ParameterError::OrderDoesNotDivide);
        }
        if *g <= one || *g >= *p || g.modpow(q, p) != one {
            return Err(ParameterError::Generator);
        }
        let cofactor = cofactor(&(p_minus_one / q));
        let numbers = Numbers {
            cofactor,
            ..numbers
        };
        Ok(Self::trusted(&name, &numbers)?)
    }
}

fn secure(name: &'static str, number: &BigUint, least: u32) -> Result<(), ParameterError> {
    let bits = u32::try_from(number.bits()).unwrap_or(u32::MAX);
    if bits < least {
        return Err(ParameterError::Insecure { name, bits, least });
    }
    Ok(())
}

/// The kind of the cofactor (p - 1) / q, which is even.
fn cofactor(quotient: &BigUint) -> Cofactor {
    let half = quotient >> 1_u8;
    if half == BigUint::from(1_u8) {
        return Cofactor::Two;
    }
    // Even numbers are no primes, hence the error.
    match half.bits() > LARGE_PRIME_BITS && is_prime(&half) == Ok(true) {
        true => Cofactor::TwicePrime,
        false => Cofactor::Other,
    }
}

/// The name identifies the parameters: SHA-256 of p, q and g, each after its length.
fn name(p: &BigUint, q: &BigUint, g: &BigUint) -> String {
    let mut hash = Sha256::new();
    for number in [p, q, g] {
        let bytes = number.to_bytes_be();
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(&bytes);
    }
    let digest = hash.finalize();
    let digits: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("modp{}-{}-{digits}", p.bits(), q.bits())
}
