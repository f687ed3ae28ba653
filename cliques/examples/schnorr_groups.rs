//! Regenerates `schnorr2048-256` and `schnorr3072-256` from their seeds.
//!
//! ```text
//! cargo run --release -p cliques --example schnorr_groups              quick check, seconds
//! cargo run --release -p cliques --example schnorr_groups -- search    the whole search, minutes
//! cargo run --release -p cliques --example schnorr_groups -- primes    p and q of all named groups
//! ```
//!
//! The rule (docs/spec/key-agreement.md, section 1.2), for b = 2048 and 3072:
//!
//! ```text
//! Stream(s) = SHA-256(s"/0") || SHA-256(s"/1") || ..
//! q = first prime at or above the first 32 bytes of Stream("ka-schnorr-<b>-256/q"), with top bit
//!     and low bit set, in steps of 2
//! x = first b/8 bytes of Stream("ka-schnorr-<b>-256/p"), with top bit set
//! r = r_0 + 2k, r_0 = floor(x / 2q) with low bit set, for the smallest k >= 0 with which r and
//!     p = 2qr + 1 are both prime
//! g = 2^((p-1)/q) mod p
//! ```
//!
//! The quick check takes k as known, derives everything else, tests q, r and p for being prime and
//! compares with what the library has. The search finds k: a sieve strikes out every k with which
//! r or p has a small factor; of those that are left, r is tested first.
#![allow(clippy::print_stdout, missing_docs)]

use std::{env, process::ExitCode, time::Instant};

use cliques::{
    Group, NamedGroup,
    group::{Modp, ModpElement},
};
use cliques_modexp::{Exponent, Modulus, Residue};
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

/// Primes below this strike out candidates.
const SIEVE_LIMIT: u32 = 1 << 22;

/// Values of k that one sieve covers.
const SIEVE_LEN: u32 = 1 << 20;

/// What the rule comes to before k is known.
struct Seeded {
    q: BigUint,
    r_0: BigUint,
}

impl Seeded {
    fn new(bits: u32) -> Self {
        let seed = format!("ka-schnorr-{bits}-256");
        let mut q = odd(from_seed(&seed, "q", 256));
        while !is_prime(&q) {
            q += 2_u8;
        }
        let x = from_seed(&seed, "p", bits);
        let r_0 = odd(x / (&q * 2_u8));
        Self { q, r_0 }
    }

    fn r(&self, k: u32) -> BigUint {
        &self.r_0 + 2 * u64::from(k)
    }

    fn p(&self, r: &BigUint) -> BigUint {
        &self.q * r * 2_u8 + 1_u8
    }

    /// The smallest k with which r and p are prime.
    fn search(&self) -> u32 {
        let primes = primes_below(SIEVE_LIMIT);
        let mut tested = 0;
        for start in (0..).step_by(SIEVE_LEN as usize) {
            let candidates = self.sieve(start, &primes);
            for k in candidates {
                tested += 1;
                let r = self.r(k);
                // Almost every candidate fails the first of these.
                if is_no_witness(&r, 2) && is_prime(&self.p(&r)) && is_prime(&r) {
                    println!("  {tested} candidates tested");
                    return k;
                }
            }
        }
        unreachable!("the numbers do not end")
    }

    /// The k from `start` with which neither r nor p has a factor among the primes.
    fn sieve(&self, start: u32, primes: &[u32]) -> Vec<u32> {
        let mut struck = vec![false; SIEVE_LEN as usize];
        let r = self.r(start);
        for prime in primes {
            // r and p as a + b k modulo the prime.
            let [r, q] = [&r, &self.q].map(|n| small(n, *prime));
            let p = (2 * q % u64::from(*prime) * r + 1) % u64::from(*prime);
            strike(&mut struck, r, 2, *prime);
            strike(&mut struck, p, 4 * q, *prime);
        }
        let left = (start..).zip(&struck).filter(|(_, struck)| !**struck);
        left.map(|(k, _)| k).collect()
    }
}

/// Strikes out the k with a + b k = 0 modulo the prime.
fn strike(struck: &mut [bool], a: u64, b: u64, prime: u32) {
    let prime = u64::from(prime);
    let b = b % prime;
    if b == 0 {
        return;
    }
    let first = (prime - a) % prime * inverse(b, prime) % prime;
    let places = struck.iter_mut().skip(first as usize);
    for place in places.step_by(prime as usize) {
        *place = true;
    }
}

/// 1 / a modulo a prime, by Fermat.
fn inverse(a: u64, prime: u64) -> u64 {
    let (mut power, mut base, mut exponent) = (1, a, prime - 2);
    while exponent > 0 {
        if exponent % 2 == 1 {
            power = power * base % prime;
        }
        base = base * base % prime;
        exponent /= 2;
    }
    power
}

fn small(n: &BigUint, prime: u32) -> u64 {
    let rest = n % prime;
    rest.to_u64_digits().first().copied().unwrap_or(0)
}

/// Odd primes, by the sieve of Eratosthenes.
fn primes_below(limit: u32) -> Vec<u32> {
    let mut composite = vec![false; limit as usize];
    let mut primes = Vec::new();
    for n in (3..limit).step_by(2) {
        if composite.get(n as usize) == Some(&false) {
            primes.push(n);
            let multiples = composite.iter_mut().step_by(n as usize).skip(n as usize);
            multiples.for_each(|place| *place = true);
        }
    }
    primes
}

/// The first `bits` of the stream, with the top bit set.
fn from_seed(seed: &str, name: &str, bits: u32) -> BigUint {
    let len = bits as usize / 8;
    let mut bytes: Vec<u8> = (0..len.div_ceil(32))
        .flat_map(|counter| Sha256::digest(format!("{seed}/{name}/{counter}")))
        .collect();
    bytes.truncate(len);
    BigUint::from_bytes_be(&bytes) | BigUint::from(1_u8) << (bits - 1)
}

fn odd(n: BigUint) -> BigUint {
    n | BigUint::from(1_u8)
}

/// Miller and Rabin's test with the first bases, which is enough for numbers from a hash.
fn is_prime(n: &BigUint) -> bool {
    [2, 3, 5, 7, 11, 13, 17, 19]
        .iter()
        .all(|base| is_no_witness(n, *base))
}

fn is_no_witness(n: &BigUint, base: u64) -> bool {
    let Ok(modulus) = Modulus::from_be_bytes(&n.to_bytes_be()) else {
        return false;
    };
    let below = n - 1_u8;
    let twos = below.trailing_zeros().unwrap_or(0);
    let exponent = &below >> twos;
    let width = u32::try_from(exponent.bits()).unwrap_or(u32::MAX);
    let exponent = Exponent::from_be_bytes(&exponent.to_bytes_be(), width);
    let minus_one = modulus.reduce_vartime(&below.to_bytes_be());
    let mut power: Residue = modulus.residue_of(base).pow(&exponent).publish();
    power.is_one()
        || (0..twos).any(|_| {
            let found = power == minus_one;
            power = power.square();
            found
        })
}

/// Whether a group of the library is the one that k leads to.
fn check(name: NamedGroup, k: u32) -> bool {
    let Some(group) = name.modp() else {
        return false;
    };
    let seeded = Seeded::new(group.modulus_bits());
    let r = seeded.r(k);
    let p = seeded.p(&r);
    let g = BigUint::from(2_u8).modpow(&(&r * 2_u8), &p);
    let ours = |bytes: Vec<u8>| BigUint::from_bytes_be(&bytes);
    let generator: ModpElement = group.generator();
    is_prime(&r)
        && is_prime(&p)
        && ours(group.modulus()) == p
        && ours(group.order()) == seeded.q
        && ours(group.encode(&generator)) == g
}

/// p and q of every named group.
fn check_primes() -> bool {
    let prime = |group: &Modp| {
        [group.modulus(), group.order()]
            .iter()
            .all(|n| is_prime(&BigUint::from_bytes_be(n)))
    };
    let groups = NamedGroup::ALL.iter().copied();
    let verdicts = groups.filter_map(|name| name.modp().map(|group| (name, prime(&group))));
    verdicts.fold(true, |all, (name, good)| all & report(name.as_str(), good))
}

fn report(what: &str, good: bool) -> bool {
    println!("{what}: {}", if good { "as recorded" } else { "DIFFERS" });
    good
}

/// The groups, and the k that stands in the specification.
const GROUPS: [(NamedGroup, u32, u32); 2] = [
    (NamedGroup::Schnorr2048, 2048, 40_583),
    (NamedGroup::Schnorr3072, 3072, 2_918_609),
];

fn main() -> ExitCode {
    let task = env::args().nth(1);
    let start = Instant::now();
    let good = match task.as_deref() {
        None | Some("check") => GROUPS.iter().fold(true, |all, (name, _, k)| {
            all & report(name.as_str(), check(*name, *k))
        }),
        Some("search") => GROUPS.iter().fold(true, |all, (name, bits, k)| {
            println!("{name}: searching");
            let found = Seeded::new(*bits).search();
            println!("  k = {found}");
            all & report(name.as_str(), found == *k && check(*name, found))
        }),
        Some("primes") => check_primes(),
        Some(other) => {
            println!("no such task: \"{other}\", there is: check, search, primes");
            return ExitCode::from(2);
        }
    };
    println!("{:.1} s", start.elapsed().as_secs_f64());
    ExitCode::from(u8::from(!good))
}
