//! The numbers of the named MODP groups.
//!
//! What follows from a rule is given as that rule, which shows that nothing was chosen freely: the primes of RFC 2409 and 3526 come from the digits of pi, those of RFC 7919 from those of e,
//! and the groups of this project from a hash. A test compares them all with recorded values.
//!
//! Source: key agreement notes, section 1.2.

use alloc::{format, vec::Vec};

use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use super::{Cofactor, Numbers};

/// Where the numbers of a named group come from.
#[derive(Clone, Copy, Debug)]
pub(in crate::group) enum Derivation {
    /// p = 2^b - 2^(b-64) - 1 + 2^64 (floor(2^(b-130) pi) + c), g = 2 (RFC 2409, RFC 3526).
    Pi {
        /// b
        bits: u32,
        /// c
        c: u32,
    },
    /// p = 2^b - 2^(b-64) - 1 + 2^64 (floor(2^(b-130) e) + c), g = 2 (RFC 7919, appendix A).
    E {
        /// b
        bits: u32,
        /// c
        c: u32,
    },
    /// p = 2qr + 1 with q of 256 bits and r prime, from the seeds `ka-schnorr-<b>-256/q` and `/p`.
    Schnorr {
        /// b
        bits: u32,
        /// How many odd numbers behind the first candidate q is.
        q_step: u32,
        /// How many odd numbers behind the first candidate r is.
        r_step: u32,
    },
    /// 512 bits with q of 160 bits, from the seeds `ka-bench-512-160/q` and `/p`.
    #[cfg(feature = "legacy-groups")]
    Bench512,
    /// Digits, hexadecimal.
    Given {
        /// p
        p: &'static str,
        /// q
        q: &'static str,
        /// g
        g: &'static str,
    },
    /// 17 bits: p = 2q + 1.
    #[cfg(feature = "test-util")]
    Toy17,
}

impl Derivation {
    /// Computes the numbers, which takes milliseconds at 2048 bits: call it once.
    pub(in crate::group) fn numbers(self) -> Numbers {
        match self {
            Self::Pi { bits, c } => safe_prime(closed_form(bits, c, pi), 2),
            Self::E { bits, c } => safe_prime(closed_form(bits, c, e), 2),
            Self::Schnorr {
                bits,
                q_step,
                r_step,
            } => {
                let seed = format!("ka-schnorr-{bits}-256");
                let q = odd(from_seed(&seed, "q", 256)) + q_step * 2;
                let x = from_seed(&seed, "p", bits);
                let r = odd(x / (&q * 2_u8)) + r_step * 2;
                let p = &q * &r * 2_u8 + 1_u8;
                let g = BigUint::from(2_u8).modpow(&(r * 2_u8), &p);
                let cofactor = Cofactor::TwicePrime;
                Numbers { p, q, g, cofactor }
            }
            #[cfg(feature = "legacy-groups")]
            Self::Bench512 => {
                let seed = "ka-bench-512-160";
                let q = odd(from_seed(seed, "q", 160)) + 2_u8 * 48_u8;
                let x = from_seed(seed, "p", 512);
                let step = &q * 2_u8;
                let p = &x - (&x % &step) + 1_u8 + &step * 63_u8;
                let g = BigUint::from(2_u8).modpow(&((&p - 1_u8) / &q), &p);
                let cofactor = Cofactor::Other;
                Numbers { p, q, g, cofactor }
            }
            Self::Given { p, q, g } => {
                let [p, q, g] = [p, q, g].map(hexadecimal);
                let cofactor = Cofactor::Other;
                Numbers { p, q, g, cofactor }
            }
            #[cfg(feature = "test-util")]
            Self::Toy17 => safe_prime(BigUint::from(130_367_u32), 4),
        }
    }
}

/// The squares modulo p = 2q + 1.
fn safe_prime(p: BigUint, g: u8) -> Numbers {
    Numbers {
        q: &p >> 1_u8,
        p,
        g: BigUint::from(g),
        cofactor: Cofactor::Two,
    }
}

/// 2^b - 2^(b-64) - 1 + 2^64 (floor(2^(b-130) x) + c).
fn closed_form(bits: u32, c: u32, x: fn(u32) -> BigUint) -> BigUint {
    let one = BigUint::from(1_u8);
    let middle = x(bits.saturating_sub(130)) + c;
    (&one << bits) - (&one << bits.saturating_sub(64)) - &one + (middle << 64_u8)
}

/// Bits computed beyond those wanted: each of the fewer than 2^13 terms errs by less than 1.
const GUARD_BITS: u32 = 64;

/// floor(2^bits pi), by Machin's formula pi = 16 arctan(1/5) - 4 arctan(1/239).
fn pi(bits: u32) -> BigUint {
    let scale = BigUint::from(1_u8) << bits.saturating_add(GUARD_BITS);
    // arctan(1/x) = 1/x - 1/(3 x^3) + 1/(5 x^5) - ..
    let arctan = |x: u32| {
        let (mut plus, mut minus) = (BigUint::ZERO, BigUint::ZERO);
        let mut power = &scale / x;
        for odd in (1_u32..).step_by(2).take_while(|odd| *odd < 1 << 16) {
            if power == BigUint::ZERO {
                break;
            }
            match odd % 4 {
                1 => plus += &power / odd,
                _ => minus += &power / odd,
            }
            power /= x * x;
        }
        plus - minus
    };
    (arctan(5) * 16_u8 - arctan(239) * 4_u8) >> GUARD_BITS
}

/// floor(2^bits e), as the sum of 1 / k!.
fn e(bits: u32) -> BigUint {
    let mut term = BigUint::from(1_u8) << bits.saturating_add(GUARD_BITS);
    let mut sum = BigUint::ZERO;
    for k in 1_u32..1 << 16 {
        if term == BigUint::ZERO {
            break;
        }
        sum += &term;
        term /= k;
    }
    sum >> GUARD_BITS
}

/// The first `bits` of SHA-256(seed/name/0) || SHA-256(seed/name/1) || .., with the top bit set.
fn from_seed(seed: &str, name: &str, bits: u32) -> BigUint {
    let len = bits.div_ceil(8) as usize;
    let mut bytes: Vec<u8> = (0..len.div_ceil(32))
        .flat_map(|counter| Sha256::digest(format!("{seed}/{name}/{counter}")))
        .collect();
    bytes.truncate(len);
    BigUint::from_bytes_be(&bytes) | BigUint::from(1_u8) << bits.saturating_sub(1)
}

/// The number with its low bit set.
fn odd(number: BigUint) -> BigUint {
    number | BigUint::from(1_u8)
}

/// A constant, which has nothing but hexadecimal digits.
fn hexadecimal(digits: &str) -> BigUint {
    BigUint::parse_bytes(digits.as_bytes(), 16).unwrap_or_default()
}

/// RFC 5114, section 2.1.
#[cfg(feature = "legacy-groups")]
pub(in crate::group) const RFC5114_1024_160: Derivation = Derivation::Given {
    p: "\
        b10b8f96a080e01dde92de5eae5d54ec52c99fbcfb06a3c69a6a9dca52d23b616073e28675a23d18\
        9838ef1e2ee652c013ecb4aea906112324975c3cd49b83bfaccbdd7d90c4bd7098488e9c219a7372\
        4effd6fae5644738faa31a4ff55bccc0a151af5f0dc8b4bd45bf37df365c1a65e68cfda76d4da708\
        df1fb2bc2e4a4371",
    q: "f518aa8781a8df278aba4e7d64b7cb9d49462353",
    g: "\
        a4d1cbd5c3fd34126765a442efb99905f8104dd258ac507fd6406cff14266d31266fea1e5c41564b\
        777e690f5504f213160217b4b01b886a5e91547f9e2749f4d7fbd7d3b9a92ee1909d0d2263f80a76\
        a6a24c087a091f531dbf0a0169b6a28ad662a4d18e73afa32d779d5918d08bc8858f4dcef97c2a24\
        855e6eeb22b3b2e5",
};

/// RFC 5114, section 2.2.
pub(in crate::group) const RFC5114_2048_224: Derivation = Derivation::Given {
    p: "\
        ad107e1e9123a9d0d660faa79559c51fa20d64e5683b9fd1b54b1597b61d0a75e6fa141df95a56db\
        af9a3c407ba1df15eb3d688a309c180e1de6b85a1274a0a66d3f8152ad6ac2129037c9edefda4df8\
        d91e8fef55b7394b7ad5b7d0b6c12207c9f98d11ed34dbf6c6ba0b2c8bbc27be6a00e0a0b9c49708\
        b3bf8a317091883681286130bc8985db1602e714415d9330278273c7de31efdc7310f7121fd5a074\
        15987d9adc0a486dcdf93acc44328387315d75e198c641a480cd86a1b9e587e8be60e69cc928b2b9\
        c52172e413042e9b23f10b0e16e79763c9b53dcf4ba80a29e3fb73c16b8e75b97ef363e2ffa31f71\
        cf9de5384e71b81c0ac4dffe0c10e64f",
    q: "801c0d34c58d93fe997177101f80535a4738cebcbf389a99b36371eb",
    g: "\
        ac4032ef4f2d9ae39df30b5c8ffdac506cdebe7b89998caf74866a08cfe4ffe3a6824a4e10b9a6f0\
        dd921f01a70c4afaab739d7700c29f52c57db17c620a8652be5e9001a8d66ad7c17669101999024a\
        f4d027275ac1348bb8a762d0521bc98ae247150422ea1ed409939d54da7460cdb5f6c6b250717cbe\
        f180eb34118e98d119529a45d6f834566e3025e316a330efbb77a86f0c1ab15b051ae3d428c8f8ac\
        b70a8137150b8eeb10e183edd19963ddd9e263e4770589ef6aa21e7f5f2ff381b539cce3409d13cd\
        566afbb48d6c019181e1bcfe94b30269edfe72fe9b6aa4bd7b5a0f1c71cfff4c19c418e1f6ec0179\
        81bc087f2a7065b384b890d3191f2bfa",
};

/// RFC 5114, section 2.3.
pub(in crate::group) const RFC5114_2048_256: Derivation = Derivation::Given {
    p: "\
        87a8e61db4b6663cffbbd19c651959998ceef608660dd0f25d2ceed4435e3b00e00df8f1d61957d4\
        faf7df4561b2aa3016c3d91134096faa3bf4296d830e9a7c209e0c6497517abd5a8a9d306bcf67ed\
        91f9e6725b4758c022e0b1ef4275bf7b6c5bfc11d45f9088b941f54eb1e59bb8bc39a0bf12307f5c\
        4fdb70c581b23f76b63acae1caa6b7902d52526735488a0ef13c6d9a51bfa4ab3ad8347796524d8e\
        f6a167b5a41825d967e144e5140564251ccacb83e6b486f6b3ca3f7971506026c0b857f689962856\
        ded4010abd0be621c3a3960a54e710c375f26375d7014103a4b54330c198af126116d2276e11715f\
        693877fad7ef09cadb094ae91e1a1597",
    q: "8cf83642a709a097b447997640129da299b1a47d1eb3750ba308b0fe64f5fbd3",
    g: "\
        3fb32c9b73134d0b2e77506660edbd484ca7b18f21ef205407f4793a1a0ba12510dbc15077be463f\
        ff4fed4aac0bb555be3a6c1b0c6b47b1bc3773bf7e8c6f62901228f8c28cbb18a55ae31341000a65\
        0196f931c77a57f2ddf463e5e9ec144b777de62aaab8a8628ac376d282d6ed3864e67982428ebc83\
        1d14348f6f2f9193b5045af2767164e1dfc967c1fb3f2e55a4bd1bffe83b9c80d052b985d182ea0a\
        db2a3b7313d3fe14c8484b1e052588b9b7d2bbd2df016199ecd06e1557cd0915b3353bbb64e0ec37\
        7fd028370df92b52c7891428cdc67eb6184b523d1db246c32f63078490f00ef8d647d148d4795451\
        5e2327cfef98c582664b4c0f6cc41659",
};
