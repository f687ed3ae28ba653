//! P-256: known multiples of the generator, encodings, shares.
#![cfg(feature = "p256")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use cliques::{
    Exponentiation, Group, NamedGroup,
    group::{ElementError, GroupExt, P256, P256Scalar, P256Secret},
    testing::rng::{ReplayRng, seeded},
};
use num_bigint::BigUint;
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use zeroize::ZeroizeOnDrop;

/// p, q, and the x coordinates of g and of its square (SP 800-186, section 3.2.1.3; NIST's
/// mathematical routines, P-256 test vectors).
const P: &[u8] = b"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
const Q: &[u8] = b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const G: &str = "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
const G2: &str = "037cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978";

fn number(digits: &[u8]) -> BigUint {
    BigUint::parse_bytes(digits, 16).unwrap()
}

/// Big-endian bytes of the length of a drawn share.
fn wide(n: &BigUint) -> Vec<u8> {
    let bytes = n.to_bytes_be();
    [vec![0; 64 - bytes.len()], bytes].concat()
}

fn share(n: &BigUint) -> P256Scalar {
    let mut rng = ReplayRng::new();
    rng.push(&wide(n));
    let share = P256::new().random_scalar(&mut rng);
    assert_eq!(rng.left(), 0);
    share
}

fn power(n: &BigUint) -> String {
    let group = P256::new();
    hex::encode(group.encode(&group.exponentiate_generator(&share(n))))
}

#[test]
fn known_powers_of_the_generator_come_out() {
    let group = P256::new();
    assert_eq!(hex::encode(group.encode(&group.generator())), G);
    let q = number(Q);
    assert_eq!(power(&BigUint::from(1_u8)), G);
    assert_eq!(power(&BigUint::from(2_u8)), G2);
    // The inverse of the generator has the other sign.
    assert_eq!(power(&(&q - 1_u8)), G.replacen("03", "02", 1));
    assert_eq!(group.name(), "p256");
    assert_eq!("p256".parse(), Ok(NamedGroup::P256));
    assert_eq!(group.exponentiation(), Exponentiation::Short);
}

#[test]
fn shares_are_64_bytes_reduced_and_zero_is_redrawn() {
    let q = number(Q);
    let mut rng = ReplayRng::new();
    rng.push(&[0; 64]);
    rng.push(&wide(&(&q << 200_u32)));
    rng.push(&wide(&((&q << 200_u32) + 2_u8)));
    let group = P256::new();
    let share = group.random_scalar(&mut rng);
    assert_eq!(rng.left(), 0);
    assert_eq!(
        hex::encode(group.encode(&group.exponentiate_generator(&share))),
        G2
    );
    // Big-endian, in the length of a scalar.
    let secret = group.scalar_secret(&share);
    assert_eq!(secret.expose(), [&[0; 31][..], &[2]].concat());
}

#[test]
fn the_map_f_is_a_hash_reduced() {
    let group = P256::new();
    let agreed = group.agree_generator(&share(&BigUint::from(2_u8)));
    let f = group.scalar_secret(&group.secret_to_scalar(&agreed).unwrap());
    let digest = Sha512::digest([&b"ka-F"[..], &hex::decode(G2).unwrap()].concat());
    let expected = BigUint::from_bytes_be(&digest) % number(Q);
    assert_eq!(BigUint::from_bytes_be(f.expose()), expected);
}

#[test]
fn the_identity_and_what_is_not_canonical_are_refused() {
    let group = P256::new();
    let good = hex::decode(G).unwrap();
    let with_head = |head: u8| [&[head], &good[1..]].concat();
    let x = |n: &BigUint| {
        let bytes = n.to_bytes_be();
        [vec![2; 1], vec![0; 32 - bytes.len()], bytes].concat()
    };
    // The identity, padded and not; other kinds of encoding; x at and above p; uncompressed.
    for bad in [
        vec![0; 33],
        vec![0],
        with_head(0),
        with_head(1),
        with_head(4),
        with_head(5),
        with_head(6),
        x(&number(P)),
        x(&(number(P) + 5_u8)),
        vec![0xff; 33],
        [&[4][..], &[1; 64]].concat(),
    ] {
        assert_eq!(group.decode(&bad), Err(ElementError::Encoding));
    }
    // About half of all x belong to no point.
    let none = (0..64_u8).filter(|n| group.decode(&x(&BigUint::from(*n))).is_err());
    assert!((16..48).contains(&none.count()));
}

proptest! {
    #[test]
    fn only_what_is_encoded_decodes(bytes in any::<[u8; 32]>(), head in 2_u8..4) {
        let group = P256::new();
        let bytes = [&[head], &bytes[..]].concat();
        if let Ok(element) = group.decode(&bytes) {
            prop_assert_eq!(group.encode(&element), bytes);
        }
    }
}

#[test]
fn secrets_erase_themselves_and_do_not_show() {
    fn erases<T: ZeroizeOnDrop>() {}
    erases::<P256Scalar>();
    erases::<P256Secret>();
    let group = P256::new();
    let share = group.random_scalar(&mut seeded(1));
    assert_eq!(format!("{share:?}"), "P256Scalar");
    assert_eq!(format!("{:?}", group.agree_generator(&share)), "P256Secret");
}
