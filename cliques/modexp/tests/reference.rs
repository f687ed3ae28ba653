//! Every operation against num-bigint, at the sizes around the limits of words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use cliques_modexp::{Exponent, Jacobi, Modulus, ModulusError, Order, ResidueError};
use num_bigint::BigUint;
use proptest::prelude::*;
use support::{
    fixed, integer, jacobi::jacobi, moduli, modulus_of, odd_of_bits, residue, secret_integer,
};

/// Lengths around the limits of 32- and 64-bit words.
const BITS: &[u32] = &[
    16, 17, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 191, 192, 193, 255, 256, 257, 320, 521,
];

prop_compose! {
    fn odd_number()(bits in prop::sample::select(BITS), seed in prop::collection::vec(any::<u8>(), 66)) -> BigUint {
        odd_of_bits(bits, &seed)
    }
}

/// Moduli next to a power of two, where carries and borrows go through all limbs.
fn extreme_moduli() -> Vec<BigUint> {
    let one = BigUint::from(1_u8);
    BITS.iter()
        .flat_map(|bits| {
            [
                (&one << *bits) - &one,
                (&one << (*bits - 1)) + &one,
                (&one << *bits) - BigUint::from(3_u8),
            ]
        })
        .collect()
}

/// Compares a power on every engine.
fn check_pow(p: &BigUint, base: &BigUint, exponent: &BigUint, width: u32) {
    let secret = Exponent::from_be_bytes(&exponent.to_bytes_be(), width);
    let expected = base.modpow(exponent, p);
    for modulus in moduli(p) {
        let power = residue(&modulus, base).pow(&secret);
        let engine = modulus.engine();
        assert_eq!(
            secret_integer(&power),
            expected,
            "{engine}: {base}^{exponent} mod {p}"
        );
        assert_eq!(integer(&power.publish()), expected);
    }
}

#[test]
fn powers_at_the_edges_equal_the_reference() {
    let (zero, one) = (BigUint::ZERO, BigUint::from(1_u8));
    for p in extreme_moduli() {
        for base in [
            zero.clone(),
            one.clone(),
            BigUint::from(2_u8),
            &p - &one,
            &p >> 1_u8,
        ] {
            for width in [1_u32, 4, 5, 63, 64, 65, 160, 639, 640, 641] {
                let ones = (&one << width) - &one;
                for exponent in [zero.clone(), one.clone(), ones.clone(), &one << (width - 1)] {
                    check_pow(&p, &base, &exponent, width);
                }
            }
        }
    }
}

#[test]
fn powers_of_every_short_exponent_equal_the_reference() {
    let p = (BigUint::from(1_u8) << 89_u32) - BigUint::from(1_u8);
    for exponent in 0_u32..1200 {
        check_pow(&p, &BigUint::from(3_u8), &BigUint::from(exponent), 11);
    }
}

#[test]
fn exponents_are_cut_to_their_declared_width() {
    let wide = Exponent::from_be_bytes(&[0xff; 9], 66);
    assert_eq!(
        &wide.to_be_bytes()[..],
        [3, 255, 255, 255, 255, 255, 255, 255, 255]
    );
    assert_eq!(wide.width(), 66);
    assert_eq!(
        &Exponent::from_be_bytes(&[0xff; 40], 8).to_be_bytes()[..],
        [255]
    );
    assert_eq!(
        &Exponent::from_be_bytes(&[1], 64).to_be_bytes()[..],
        [0, 0, 0, 0, 0, 0, 0, 1]
    );
    assert!(bool::from(Exponent::from_be_bytes(&[], 64).is_zero()));
    assert!(bool::from(Exponent::from_be_bytes(&[0; 30], 200).is_zero()));
    assert!(!bool::from(
        Exponent::from_be_bytes(&[1; 30], 200).is_zero()
    ));
}

#[test]
fn moduli_that_are_even_or_of_wrong_size_are_refused() {
    let error = |bytes: &[u8]| Modulus::from_be_bytes(bytes).unwrap_err();
    assert_eq!(error(&[]), ModulusError::Size(0));
    assert_eq!(error(&[0, 0]), ModulusError::Size(0));
    assert_eq!(error(&[0x7f, 0xff]), ModulusError::Size(15));
    assert_eq!(error(&[0x80, 0x00]), ModulusError::Even);
    assert_eq!(error(&[0xff; 1025]), ModulusError::Size(8200));
    let largest = Modulus::from_be_bytes(&[0xff; 1024]).unwrap();
    assert_eq!((largest.bits(), largest.byte_len()), (8192, 1024));
    let padded = Modulus::from_be_bytes(&[0, 0, 0x80, 0x01]).unwrap();
    assert_eq!(
        (padded.bits(), padded.to_be_bytes()),
        (16, vec![0x80, 0x01])
    );
    assert_eq!(padded, Modulus::from_be_bytes(&[0x80, 0x01]).unwrap());
}

#[test]
fn residues_of_wrong_length_or_not_reduced_are_refused() {
    for p in extreme_moduli() {
        let modulus = modulus_of(&p);
        let len = modulus.byte_len();
        let one = BigUint::from(1_u8);
        assert!(modulus.residue(&fixed(&(&p - &one), len)).is_ok());
        assert_eq!(
            modulus.residue(&fixed(&p, len)).unwrap_err(),
            ResidueError::NotReduced
        );
        assert_eq!(
            modulus.residue(&vec![0xff; len]).unwrap_err(),
            ResidueError::NotReduced
        );
        for wrong in [0, len - 1, len + 1] {
            assert_eq!(
                modulus.residue(&vec![0; wrong]).unwrap_err(),
                ResidueError::Length {
                    got: wrong,
                    expected: len
                }
            );
        }
    }
}

#[test]
fn operands_of_another_modulus_are_taken_as_integers() {
    let (p, q) = (
        BigUint::from(130_367_u32),
        (BigUint::from(1_u8) << 130_u32) + BigUint::from(1_u8),
    );
    let (small, large) = (modulus_of(&p), modulus_of(&q));
    let wide = residue(&large, &(&q - BigUint::from(5_u8)));
    let product = small.residue_of(7).multiply(&wide);
    let expected = (BigUint::from(7_u8) * (&q - BigUint::from(5_u8))) % &p;
    assert_eq!(product.to_be_bytes(), fixed(&expected, small.byte_len()));

    let order = Order::from_be_bytes(&[0xff, 0xf1]).unwrap();
    let wide = Exponent::from_be_bytes(&[0xff; 20], 160);
    let reduced = BigUint::from_bytes_be(&[0xff; 20]) % BigUint::from(0xfff1_u32);
    let product = order.multiply(&wide, &wide);
    assert_eq!(
        product.to_be_bytes()[..],
        fixed(&(&reduced * &reduced % BigUint::from(0xfff1_u32)), 2)
    );
}

#[test]
fn sampling_clears_high_bits_and_rejects_numbers_out_of_range() {
    let order = Order::from_be_bytes(&[0x01, 0x00, 0x01]).unwrap();
    // 17 bits: 0x1_0001 and 0x1_ffff are too large, 0 too small, then 0xfe_0007 is 7.
    let draws = [
        [1, 0, 1],
        [0xff, 0xff, 0xff],
        [0xfe, 0, 0],
        [0xfe, 0, 7],
        [0, 0, 9],
    ];
    let mut next = draws.iter();
    let mut sample = || order.sample(|bytes| bytes.copy_from_slice(next.next().unwrap()));
    assert_eq!(&sample().to_be_bytes()[..], [0, 0, 7]);
    assert_eq!(&sample().to_be_bytes()[..], [0, 0, 9]);
    let largest = order.sample(|bytes| bytes.copy_from_slice(&[1, 0, 0]));
    assert_eq!(&largest.to_be_bytes()[..], [1, 0, 0]);
}

#[test]
fn inverse_of_zero_is_zero() {
    let order = Order::from_be_bytes(&[0xff, 0xf1]).unwrap();
    assert!(bool::from(order.invert(&order.reduce(&[0])).is_zero()));
    assert!(bool::from(
        order.invert(&order.reduce(&[0xff, 0xf1])).is_zero()
    ));
}

/// The reference for prime moduli is Euler's criterion.
#[test]
fn jacobi_symbols_of_a_mersenne_prime_follow_eulers_criterion() {
    let one = BigUint::from(1_u8);
    for exponent in [17_u32, 31, 61, 89, 127, 521] {
        let p = (&one << exponent) - &one;
        let modulus = modulus_of(&p);
        for a in 0_u64..300 {
            let euler = BigUint::from(a).modpow(&(&p >> 1_u8), &p);
            let expected = match () {
                () if a == 0 => Jacobi::Zero,
                () if euler == one => Jacobi::One,
                () => Jacobi::MinusOne,
            };
            assert_eq!(
                modulus.residue_of(a).jacobi_vartime(),
                expected,
                "({a} / 2^{exponent} - 1)"
            );
        }
    }
}

#[test]
fn jacobi_symbols_at_the_edges_equal_the_reference() {
    let one = BigUint::from(1_u8);
    for n in extreme_moduli() {
        let modulus = modulus_of(&n);
        let mut numbers: Vec<BigUint> = (0_u32..n.bits() as u32 - 1)
            .map(|bit| &one << bit)
            .collect();
        numbers.extend(numbers.clone().iter().map(|power| &n - power));
        numbers.extend((0_u32..70).map(|small| (&n >> 1_u8) + BigUint::from(small)));
        numbers.extend((0_u32..70).map(|small| &n - BigUint::from(small + 1)));
        for a in numbers.iter().filter(|a| **a < n) {
            let residue = residue(&modulus, a);
            assert_eq!(residue.jacobi_vartime(), jacobi(a, &n), "({a} / {n})");
        }
    }
}

#[test]
fn jacobi_symbol_of_a_common_factor_is_zero() {
    let factor = (BigUint::from(1_u8) << 107_u32) - BigUint::from(1_u8);
    let n = &factor * ((BigUint::from(1_u8) << 127_u32) - BigUint::from(1_u8));
    let modulus = modulus_of(&n);
    for k in [1_u32, 2, 3, 64, 1000] {
        let a = &factor * BigUint::from(k);
        let residue = residue(&modulus, &a);
        assert_eq!(residue.jacobi_vartime(), Jacobi::Zero);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn powers_equal_the_reference(p in odd_number(), base in prop::collection::vec(any::<u8>(), 1..70),
                                  exponent in prop::collection::vec(any::<u8>(), 1..90)) {
        let base = BigUint::from_bytes_be(&base) % &p;
        check_pow(&p, &base, &BigUint::from_bytes_be(&exponent), exponent.len() as u32 * 8);
    }

    #[test]
    fn products_equal_the_reference(p in odd_number(), a in prop::collection::vec(any::<u8>(), 1..70),
                                    b in prop::collection::vec(any::<u8>(), 1..70)) {
        let modulus = modulus_of(&p);
        let (a, b) = (BigUint::from_bytes_be(&a) % &p, BigUint::from_bytes_be(&b) % &p);
        let residue = |x: &BigUint| residue(&modulus, x);
        let expected = fixed(&(&a * &b % &p), modulus.byte_len());
        prop_assert_eq!(residue(&a).multiply(&residue(&b)).to_be_bytes(), expected);
        prop_assert_eq!(residue(&a).square(), residue(&a).multiply(&residue(&a)));
    }

    #[test]
    fn encodings_round_trip(p in odd_number(), a in prop::collection::vec(any::<u8>(), 1..70)) {
        let modulus = modulus_of(&p);
        let bytes = fixed(&(BigUint::from_bytes_be(&a) % &p), modulus.byte_len());
        prop_assert_eq!(modulus.residue(&bytes).unwrap().to_be_bytes(), bytes);
        prop_assert_eq!(modulus.to_be_bytes(), p.to_bytes_be());
    }

    #[test]
    fn order_arithmetic_equals_the_reference(q in odd_number(), a in prop::collection::vec(any::<u8>(), 0..140),
                                             b in prop::collection::vec(any::<u8>(), 0..140)) {
        let order = Order::from_be_bytes(&q.to_bytes_be()).unwrap();
        let (x, y) = (BigUint::from_bytes_be(&a) % &q, BigUint::from_bytes_be(&b) % &q);
        let (a, b) = (order.reduce(&a), order.reduce(&b));
        prop_assert_eq!(&a.to_be_bytes()[..], fixed(&x, order.byte_len()));
        prop_assert_eq!(a.width(), order.bits());
        prop_assert_eq!(&order.multiply(&a, &b).to_be_bytes()[..], fixed(&(&x * &y % &q), order.byte_len()));
        prop_assert_eq!(bool::from(order.ct_eq(&a, &b)), x == y);
        let inverse = x.modinv(&q).unwrap_or(BigUint::ZERO);
        prop_assert_eq!(&order.invert(&a).to_be_bytes()[..], fixed(&inverse, order.byte_len()));
    }

    #[test]
    fn jacobi_symbols_equal_the_reference(n in odd_number(), a in prop::collection::vec(any::<u8>(), 1..70)) {
        let modulus = modulus_of(&n);
        let a = BigUint::from_bytes_be(&a) % &n;
        let residue = residue(&modulus, &a);
        prop_assert_eq!(residue.jacobi_vartime(), jacobi(&a, &n));
    }
}

/// A number made of long runs of equal bits, where carries go far and leading words are equal.
fn runs(max: usize) -> impl Strategy<Value = BigUint> {
    prop::collection::vec((any::<bool>(), 1_u32..200), 1..max).prop_map(|runs| {
        runs.iter().fold(BigUint::ZERO, |number, (ones, length)| {
            let filled = (BigUint::from(1_u8) << *length) - BigUint::from(1_u8);
            (number << *length) | if *ones { filled } else { BigUint::ZERO }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn jacobi_symbols_of_long_runs_equal_the_reference(n in runs(60), a in runs(60)) {
        let n = (n << 16_u8 | BigUint::from(0x8001_u32)) % (BigUint::from(1_u8) << 8192_u32);
        let n = if n.bits() < 16 { BigUint::from(0x8001_u32) } else { n };
        let modulus = modulus_of(&n);
        let a = a % &n;
        let residue = residue(&modulus, &a);
        prop_assert_eq!(residue.jacobi_vartime(), jacobi(&a, &n));
    }
}

/// Two odd numbers, the smaller first, that become nearly equal after some steps of the binary
/// algorithm. They are made by taking these steps backwards. A comparison of leading words alone, which
/// have errors by then, would take the wrong one for the larger.
fn close_after_steps() -> impl Strategy<Value = (BigUint, BigUint)> {
    let start = prop::collection::vec(any::<u8>(), 33..300);
    let steps = prop::collection::vec((1_u32..6, any::<bool>()), 1..40);
    (start, 0_u32..8, steps).prop_map(|(start, gap, steps)| {
        let top = BigUint::from(1_u8) << (8 * start.len());
        let mut a = BigUint::from_bytes_be(&start) | top | BigUint::from(1_u8);
        let mut b = &a + BigUint::from(2 * gap);
        for (halvings, swap) in steps {
            if swap {
                std::mem::swap(&mut a, &mut b);
            }
            a = (a << halvings) + &b;
        }
        (b.clone().min(a.clone()), a.max(b))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn jacobi_symbols_of_numbers_that_become_close_equal_the_reference((a, n) in close_after_steps()) {
        let modulus = modulus_of(&n);
        // The algorithm works on the Montgomery form. To make that `a` itself, divide by R.
        let half = (&n + BigUint::from(1_u8)) >> 1_u8;
        let words = n.bits().div_ceil(64);
        let residue = &a * half.modpow(&BigUint::from(64 * words), &n) % &n;
        let residue = support::residue(&modulus, &residue);
        prop_assert_eq!(residue.jacobi_vartime(), jacobi(&a, &n));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn powers_of_usual_length_equal_the_reference(bits in prop::sample::select(&[1024_u32, 2047, 2048, 2049][..]),
                                                  seed in prop::collection::vec(any::<u8>(), 260), base in runs(20),
                                                  exponent in prop::collection::vec(any::<u8>(), 1..256)) {
        let p = odd_of_bits(bits, &seed);
        check_pow(&p, &(base % &p), &BigUint::from_bytes_be(&exponent), exponent.len() as u32 * 8);
    }
}
