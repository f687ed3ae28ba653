//! Every engine at the lengths where its kernels change, on numbers where carries go far.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use std::collections::BTreeSet;

use cliques_modexp::{Engine, Exponent, FixedBase, Modulus, Residue, engine};
use num_bigint::BigUint;
use proptest::prelude::*;
use support::{moduli, modulus_of, odd_of_bits, residue, secret_integer as integer};

/// The usual lengths with their neighbours, and the lengths around which a number takes one more digit of
/// 52 bits or another kernel.
const BITS: &[u32] = &[
    16, 51, 52, 256, 416, 511, 512, 513, 517, 518, 519, 520, 521, 1023, 1024, 1025, 1038, 1039,
    1535, 1536, 1537, 1558, 1559, 2047, 2048, 2049, 2078, 2079, 3071, 3072, 3073, 3118, 3119, 4095,
    4096, 4097, 4158, 4159,
];

/// Compares the powers of all bases and exponents, by every operation of every engine.
fn check(p: &BigUint, bases: &[BigUint], exponents: &[(BigUint, u32)]) {
    let expected: Vec<Vec<BigUint>> = bases
        .iter()
        .map(|base| exponents.iter().map(|(e, _)| base.modpow(e, p)).collect())
        .collect();
    for modulus in moduli(p) {
        let engine = modulus.engine();
        let bases: Vec<Residue> = bases.iter().map(|base| residue(&modulus, base)).collect();
        let secrets: Vec<Exponent> = exponents
            .iter()
            .map(|(e, width)| Exponent::from_be_bytes(&e.to_bytes_be(), *width))
            .collect();
        let mut pairs = Vec::new();
        for (base, expected) in bases.iter().zip(&expected) {
            let widest = exponents.iter().map(|(_, width)| *width).max().unwrap();
            for (secret, expected) in secrets.iter().zip(expected) {
                assert_eq!(
                    integer(&base.pow(secret)),
                    *expected,
                    "{engine:?} {base:?} {p}"
                );
                pairs.push((base, secret));
            }
            // Tables take long to make.
            if pairs.len() % 2 == 0 {
                continue;
            }
            let table = FixedBase::new(base, widest);
            for (secret, expected) in secrets.iter().zip(expected) {
                assert_eq!(
                    integer(&table.pow(secret)),
                    *expected,
                    "{engine:?} {base:?} {p}"
                );
            }
            let all: Vec<_> = secrets.iter().collect();
            for (result, expected) in table.pow_each(&all).iter().zip(expected) {
                assert_eq!(integer(result), *expected, "{engine:?} {base:?} {p}");
            }
        }
        let expected: Vec<&BigUint> = expected.iter().flatten().collect();
        for (result, expected) in Residue::pow_pairs(&pairs).iter().zip(&expected) {
            assert_eq!(integer(result), **expected, "{engine:?} {p}");
        }
        for count in [0, 1, 7, pairs.len()] {
            let product = expected.iter().take(count);
            let product = product.fold(BigUint::from(1_u8), |product, power| product * *power % p);
            let ours = modulus.product_of_powers(&pairs[..count.min(pairs.len())]);
            assert_eq!(integer(&ours), product, "{engine:?} {p}");
        }
    }
}

#[test]
fn edges_equal_the_reference() {
    let one = BigUint::from(1_u8);
    for bits in BITS {
        let top = &one << (bits - 1);
        for p in [(&one << *bits) - &one, &top + &one, (&one << *bits) - 3_u8] {
            let bases = [
                BigUint::ZERO,
                one.clone(),
                BigUint::from(2_u8),
                &p - &one,
                &p - 2_u8,
                &p >> 1_u8,
                // All digits of 52 bits full.
                ((&one << 4160_u32) - &one) % &top,
            ];
            let exponents = [
                (BigUint::ZERO, 1),
                (BigUint::ZERO, 70),
                (one.clone(), 1),
                (one.clone(), 64),
                ((&one << 65_u32) - &one, 65),
                (&one << 63_u32, 64),
                (BigUint::from(0x8001_u32), 160),
            ];
            check(&p, &bases, &exponents);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn powers_equal_the_reference(bits in prop::sample::select(BITS), seed in prop::collection::vec(any::<u8>(), 521),
                                  bases in prop::collection::vec(prop::collection::vec(any::<u8>(), 521), 1..4),
                                  exponents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6)) {
        let p = odd_of_bits(bits, &seed);
        let bases: Vec<_> = bases.iter().map(|base| BigUint::from_bytes_be(base) % &p).collect();
        let exponents: Vec<_> = exponents
            .iter()
            .map(|bytes| (BigUint::from_bytes_be(bytes), bytes.len() as u32 * 8 + 1))
            .collect();
        check(&p, &bases, &exponents);
    }

    /// Above 640 bits windows are wider.
    #[test]
    fn powers_of_long_exponents_equal_the_reference(bits in prop::sample::select(&[512_u32, 1024, 2048][..]),
                                                    seed in prop::collection::vec(any::<u8>(), 521),
                                                    exponent in prop::collection::vec(any::<u8>(), 80..140)) {
        let p = odd_of_bits(bits, &seed);
        let base = BigUint::from_bytes_be(&exponent) % &p;
        let width = exponent.len() as u32 * 8;
        check(&p, &[base], &[(BigUint::from_bytes_be(&exponent), width)]);
    }
}

#[test]
fn engines_are_named_and_moduli_on_them_are_equal() {
    let names: BTreeSet<_> = Engine::all().map(Engine::name).collect();
    assert_eq!(names.len(), Engine::all().count(), "names are unique");
    assert_eq!(Engine::all().last(), Some(Engine::PORTABLE));

    let p = (BigUint::from(1_u8) << 2048_u32) - 3_u8;
    let moduli = moduli(&p);
    assert!(moduli.iter().all(|modulus| *modulus == moduli[0]));
    assert_eq!(moduli.last().unwrap().engine(), Engine::PORTABLE);
    // The engine that is chosen for the usual lengths.
    assert_eq!(modulus_of(&p).engine(), engine());
}

#[test]
fn moduli_that_no_vector_engine_serves_are_left_to_the_portable_one() {
    let large = Modulus::from_be_bytes(&[0xff; 1024]).unwrap();
    assert_eq!(large.engine(), Engine::PORTABLE);
    for engine in Engine::all().filter(|engine| engine.name() == "avx512-ifma") {
        assert!(large.with_engine(engine).is_none());
    }
}
