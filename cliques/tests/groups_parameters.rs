//! The parameters of the named groups: recorded values and hashes, derivations, primality. The
//! example program `schnorr_groups` does the slow part: all primes, and the search from the seeds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use cliques::{
    Group, NamedGroup,
    group::{GroupExt, Modp},
};
use num_bigint::BigUint;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn modp(name: &str) -> Modp {
    name.parse::<NamedGroup>().unwrap().modp().unwrap()
}

fn p_of(name: &str) -> BigUint {
    BigUint::from_bytes_be(&modp(name).modulus())
}

fn vectors() -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/dh-groups.json")).unwrap();
    all["groups"].as_array().unwrap().clone()
}

fn vector(name: &str) -> Value {
    vectors()
        .into_iter()
        .find(|group| group["name"] == name)
        .unwrap()
}

fn number(hex: &Value) -> BigUint {
    BigUint::parse_bytes(hex.as_str().unwrap().as_bytes(), 16).unwrap()
}

fn one() -> BigUint {
    BigUint::from(1_u8)
}

/// Miller and Rabin with the first bases: a mistaken digit does not survive it.
fn is_prime(n: &BigUint) -> bool {
    let below = n - 1_u8;
    let twos = below.trailing_zeros().unwrap();
    let odd = &below >> twos;
    [2_u8, 3, 5, 7].iter().all(|base| {
        let mut power = BigUint::from(*base).modpow(&odd, n);
        power == one()
            || (0..twos).any(|_| {
                let minus_one = power == below;
                power = &power * &power % n;
                minus_one
            })
    })
}

#[test]
fn parameters_equal_the_recorded_ones_and_their_hashes() {
    let mut compared = 0;
    for group in NamedGroup::ALL {
        let Some(ours) = group.modp() else {
            continue;
        };
        let recorded = vector(group.as_str());
        assert_eq!(
            BigUint::from_bytes_be(&ours.modulus()),
            number(&recorded["p"]),
            "{group}"
        );
        let hash = Sha256::digest(ours.modulus());
        assert_eq!(
            hex::encode(hash),
            recorded["sha256_p"].as_str().unwrap(),
            "{group}"
        );
        assert_eq!(
            u64::from(ours.modulus_bits()),
            recorded["p_bits"].as_u64().unwrap()
        );
        assert_eq!(
            u64::from(ours.order_bits()),
            recorded["q_bits"].as_u64().unwrap()
        );
        assert_eq!(
            ours.element_len() as u64,
            recorded["element_len"].as_u64().unwrap()
        );
        let generator = BigUint::from_bytes_be(&ours.encode(&ours.generator()));
        assert_eq!(generator, number(&recorded["g"]), "{group}");
        if recorded["q"] != "(p-1)/2" {
            assert_eq!(
                BigUint::from_bytes_be(&ours.order()),
                number(&recorded["q"]),
                "{group}"
            );
        }
        compared += 1;
    }
    assert_eq!(compared, vectors().len(), "every recorded group");
}

#[test]
fn q_divides_p_minus_one_and_the_generator_has_order_q() {
    for group in NamedGroup::ALL {
        let Some(ours) = group.modp() else {
            continue;
        };
        let p = BigUint::from_bytes_be(&ours.modulus());
        let q = BigUint::from_bytes_be(&ours.order());
        assert_eq!((&p - 1_u8) % &q, BigUint::ZERO, "{group}");
        let g = BigUint::from_bytes_be(&ours.encode(&ours.generator()));
        assert_ne!(g, one());
        if p == &q * 2_u8 + 1_u8 {
            // Euler: the squares are the elements of order q.
            assert!(
                ours.decode(&ours.encode(&ours.generator())).is_ok(),
                "{group}"
            );
        } else {
            assert_eq!(g.modpow(&q, &p), one(), "{group}");
        }
    }
}

#[test]
fn short_primes_are_prime() {
    for group in NamedGroup::ALL {
        let Some(ours) = group.modp().filter(|modp| modp.modulus_bits() <= 2048) else {
            continue;
        };
        let numbers = [ours.modulus(), ours.order()];
        assert!(
            numbers.iter().all(|n| is_prime(&BigUint::from_bytes_be(n))),
            "{group}"
        );
    }
}

#[test]
fn handles_of_a_named_group_share_its_parameters() {
    let group = NamedGroup::Ffdhe8192.modp().unwrap();
    let again: Vec<Modp> = (0..10_000)
        .map(|_| NamedGroup::Ffdhe8192.modp().unwrap())
        .collect();
    assert!(again.iter().all(|other| *other == group));
}

/// SHA-256(seed || "/0") || SHA-256(seed || "/1") || ..
fn stream(seed: &str, len: usize) -> BigUint {
    let mut bytes: Vec<u8> = Vec::new();
    for counter in 0.. {
        if bytes.len() >= len {
            break;
        }
        bytes.extend(Sha256::digest(format!("{seed}/{counter}")));
    }
    BigUint::from_bytes_be(&bytes[..len])
}

/// The first prime at or above, in steps of two.
fn next_prime(mut candidate: BigUint) -> BigUint {
    while !is_prime(&candidate) {
        candidate += 2_u8;
    }
    candidate
}

fn with_top_bit(x: BigUint, len: usize) -> BigUint {
    x | (one() << (8 * len as u32 - 1))
}

#[test]
fn groups_of_short_order_follow_from_their_seeds() {
    for bits in [2048_usize, 3072] {
        let name = format!("schnorr{bits}-256");
        let group = modp(&name);
        let q =
            next_prime(with_top_bit(stream(&format!("ka-{}/q", seed_name(bits)), 32), 32) | one());
        assert_eq!(BigUint::from_bytes_be(&group.order()), q);
        let x = with_top_bit(
            stream(&format!("ka-{}/p", seed_name(bits)), bits / 8),
            bits / 8,
        );
        let k = vector(&name)["k"].as_u64().unwrap();
        let r = ((x / (&q * 2_u8)) | one()) + 2 * k;
        assert!(is_prime(&r));
        let p = &q * &r * 2_u8 + 1_u8;
        assert_eq!(p_of(&name), p);
        let g = BigUint::from(2_u8).modpow(&(r * 2_u8), &p);
        assert_eq!(BigUint::from_bytes_be(&group.encode(&group.generator())), g);
    }
}

fn seed_name(bits: usize) -> String {
    format!("schnorr-{bits}-256")
}

#[test]
fn benchmark_group_follows_from_its_seed() {
    let group = modp("bench512-160");
    let q = next_prime(with_top_bit(stream("ka-bench-512-160/q", 20), 20) | one());
    assert_eq!(BigUint::from_bytes_be(&group.order()), q);
    let x = with_top_bit(stream("ka-bench-512-160/p", 64), 64);
    let step = &q * 2_u8;
    let mut p = &x - (&x % &step) + 1_u8;
    while !is_prime(&p) {
        p += &step;
    }
    assert_eq!(BigUint::from_bytes_be(&group.modulus()), p);
}
