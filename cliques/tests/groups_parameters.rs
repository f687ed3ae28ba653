//! The constants of the named groups: closed forms, derivations, hashes, primality.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use cliques::{
    Group, NamedGroup,
    group::{GroupVisitor, Modp},
};
use num_bigint::BigUint;
use serde_json::Value;
use sha2::{Digest, Sha256};

struct AsModp;

impl GroupVisitor for AsModp {
    type Output = Option<Modp>;

    fn visit<G: Group>(self, group: G) -> Option<Modp> {
        (&group as &dyn core::any::Any).downcast_ref().cloned()
    }
}

fn modp(name: &str) -> Modp {
    name.parse::<NamedGroup>().unwrap().with(AsModp).unwrap()
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
        let Some(ours) = group.with(AsModp) else {
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
    assert_eq!(compared, NamedGroup::ALL.len() - 1, "all but ristretto255");
}

#[test]
fn p_and_q_are_prime_and_the_generator_has_order_q() {
    for group in NamedGroup::ALL {
        let Some(ours) = group.with(AsModp) else {
            continue;
        };
        let p = BigUint::from_bytes_be(&ours.modulus());
        let q = BigUint::from_bytes_be(&ours.order());
        assert!(is_prime(&p) && is_prime(&q), "{group}");
        assert_eq!((&p - 1_u8) % &q, BigUint::ZERO, "{group}");
        let g = BigUint::from_bytes_be(&ours.encode(&ours.generator()));
        assert_ne!(g, one());
        assert_eq!(g.modpow(&q, &p), one(), "{group}");
    }
}

/// floor(2^bits pi), by Machin's formula pi = 16 arctan(1/5) - 4 arctan(1/239).
fn pi(bits: u32) -> BigUint {
    const GUARD: u32 = 64;
    let scale = one() << (bits + GUARD);
    let arctan = |inverse: u32| {
        let (mut sum, mut power, mut odd) = (BigUint::ZERO, &scale / inverse, 1_u32);
        let mut minus = BigUint::ZERO;
        while power != BigUint::ZERO {
            if odd % 4 == 1 {
                sum += &power / odd;
            } else {
                minus += &power / odd;
            }
            power /= inverse * inverse;
            odd += 2;
        }
        sum - minus
    };
    (arctan(5) * 16_u8 - arctan(239) * 4_u8) >> GUARD
}

/// floor(2^bits e), by the series of 1 / k!.
fn e(bits: u32) -> BigUint {
    const GUARD: u32 = 64;
    let mut term = one() << (bits + GUARD);
    let mut sum = BigUint::ZERO;
    let mut k = 1_u32;
    while term != BigUint::ZERO {
        sum += &term;
        term /= k;
        k += 1;
    }
    sum >> GUARD
}

/// 2^b - 2^(b-64) - 1 + 2^64 (floor(2^(b-130) constant) + c)
fn closed_form(bits: u32, constant: fn(u32) -> BigUint, c: u32) -> BigUint {
    (one() << bits) - (one() << (bits - 64)) - 1_u8 + ((constant(bits - 130) + c) << 64_u32)
}

#[test]
fn primes_of_rfc_3526_follow_from_pi() {
    for (bits, c) in [
        (1024, 129_093),
        (2048, 124_476),
        (3072, 1_690_314),
        (4096, 240_904),
    ] {
        assert_eq!(
            p_of(&format!("modp{bits}")),
            closed_form(bits, pi, c),
            "{bits}"
        );
    }
}

#[test]
fn primes_of_rfc_7919_follow_from_e() {
    for (bits, c) in [(2048, 560_316), (3072, 2_625_351), (4096, 5_736_041)] {
        assert_eq!(
            p_of(&format!("ffdhe{bits}")),
            closed_form(bits, e, c),
            "{bits}"
        );
    }
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
