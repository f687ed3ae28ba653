//! MODP groups of the caller's own parameters, from numbers and from files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::fmt::Write as _;

use cliques::{
    Change, Group, MathematicalGroup, MemberName, NamedGroup, Protocol,
    group::{ElementError, ElementPolicy, GroupExt, Modp, ModpElement, ParameterError},
    testing::rng::seeded,
};
use num_bigint::BigUint;
use proptest::prelude::*;

fn file(name: &str) -> String {
    let path = format!(
        "{}/tests/vectors/parameters/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn custom_parameters_are_tested() {
    let custom = |p: u32, q: u32, g: u32| {
        Modp::custom_insecure(&p.to_be_bytes(), &q.to_be_bytes(), &g.to_be_bytes()).map(drop)
    };
    assert_eq!(custom(130_367, 65_183, 4), Ok(()));
    assert!(matches!(
        custom(130_366, 65_183, 4),
        Err(ParameterError::Size(_))
    ));
    assert!(matches!(
        custom(130_367, 181, 4),
        Err(ParameterError::Size(_))
    ));
    let composite = Err(ParameterError::CompositeModulus);
    assert_eq!(custom(130_371, 65_183, 4), composite);
    let composite = Err(ParameterError::CompositeOrder);
    assert_eq!(custom(130_367, 65_185, 4), composite);
    let no_divisor = Err(ParameterError::OrderDoesNotDivide);
    assert_eq!(custom(130_367, 65_179, 4), no_divisor);
    for generator in [0, 1, 5, 130_366, 130_367, 130_371] {
        assert_eq!(
            custom(130_367, 65_183, generator),
            Err(ParameterError::Generator)
        );
    }
}

#[test]
fn custom_parameters_behave_as_the_named_group() {
    for name in [NamedGroup::Toy17, NamedGroup::Bench512] {
        let named = name.modp().unwrap();
        let generator = named.encode(&named.generator());
        let custom = Modp::custom_insecure(&named.modulus(), &named.order(), &generator).unwrap();
        assert_ne!(custom, named, "another name");
        let element = |group: &Modp| {
            let share = group.random_scalar(&mut seeded(3));
            group.encode(&group.exponentiate_generator(&share))
        };
        assert_eq!(element(&custom), element(&named));
    }
}

/// An order other than (p - 1) / 2 calls for the test x^q = 1: an element of order 3 has Jacobi
/// symbol 1 in this group, so the symbol alone would let it pass.
#[test]
fn elements_of_small_order_are_refused_where_the_cofactor_has_small_factors() {
    // p = 6 q + 1.
    let q = 50053_u32;
    let p = 6 * q + 1;
    let power = |base: u32, exponent: u32| {
        u32::try_from(&BigUint::from(base).modpow(&BigUint::from(exponent), &BigUint::from(p)))
            .unwrap()
    };
    let g = (2..).map(|base| power(base, 6)).find(|g| *g != 1).unwrap();
    let [p_bytes, q_bytes, g_bytes] = [p, q, g].map(u32::to_be_bytes);
    let group = Modp::custom_insecure(&p_bytes, &q_bytes, &g_bytes).unwrap();
    let third = (2..)
        .map(|base| power(base, 2 * q))
        .find(|x| *x != 1)
        .unwrap();
    assert_eq!(power(third, 3), 1);
    assert_eq!(power(third, 3 * q), 1, "a square");
    let bytes = &third.to_be_bytes()[4 - group.element_len()..];
    assert_eq!(group.decode(bytes), Err(ElementError::NotInGroup));
}

#[test]
fn short_numbers_are_called_insecure() {
    let custom = |name: NamedGroup| {
        let group = name.modp().unwrap();
        let generator = group.encode(&group.generator());
        Modp::custom(&group.modulus(), &group.order(), &generator).map(drop)
    };
    let insecure = |name, bits, least| Err(ParameterError::Insecure { name, bits, least });
    assert_eq!(custom(NamedGroup::Toy17), insecure("p", 17, 2048));
    assert_eq!(custom(NamedGroup::Rfc5114Q160), insecure("p", 1024, 2048));
    let ffdhe = NamedGroup::Ffdhe2048.modp().unwrap();
    let short = Modp::custom(&ffdhe.modulus(), &[0xff; 20], &[2]).map(drop);
    assert_eq!(short, insecure("q", 160, 224));
}

/// The two-policy rule holds only where r is a prime above 2^255.
#[test]
fn the_form_of_p_is_found_out() {
    let custom = |name: NamedGroup| {
        let group = name.modp().unwrap();
        let generator = group.encode(&group.generator());
        Modp::custom_insecure(&group.modulus(), &group.order(), &generator).unwrap()
    };
    let accepts_jacobi_one = |group: &Modp| {
        // The square of 3 has Jacobi symbol 1 and, by no accident, is in none of the short groups.
        let mut square = vec![0; group.element_len()];
        *square.last_mut().unwrap() = 9;
        group.decode(&square).is_ok()
    };
    let schnorr = custom(NamedGroup::Schnorr2048);
    assert!(accepts_jacobi_one(&schnorr));
    assert!(!accepts_jacobi_one(
        &schnorr.with_policy(ElementPolicy::Strict)
    ));
    assert!(!accepts_jacobi_one(&custom(NamedGroup::Rfc5114Q160)));
    assert!(!accepts_jacobi_one(&custom(NamedGroup::Bench512)));
    let safe = custom(NamedGroup::Modp768);
    assert!(accepts_jacobi_one(&safe));
    assert!(safe.with_abs().is_ok());
}

#[test]
fn names_tell_parameters_apart() {
    let [p, q] = [130_367_u32, 65_183].map(u32::to_be_bytes);
    let group = |g: u8| Modp::custom_insecure(&p, &q, &[g]).unwrap();
    assert_eq!(group(4), group(4));
    assert_ne!(group(4), group(9));
    assert_ne!(group(4).name(), group(9).name());
    assert!(group(4).name().starts_with("modp17-16-"));
    // Leading zeros are no difference.
    let padded = Modp::custom_insecure(&p, &[&[0; 9][..], &q].concat(), &[0, 0, 4]).unwrap();
    assert_eq!(padded, group(4));
    assert!(group(4).name().parse::<MathematicalGroup>().is_err());
}

#[test]
fn a_custom_group_reaches_the_suites() {
    let [p, q] = [130_367_u32, 65_183].map(u32::to_be_bytes);
    let group = Modp::custom_insecure(&p, &q, &[4]).unwrap();
    for protocol in Protocol::ALL {
        let me = MemberName::try_from("alice").unwrap();
        let mut member = protocol.member(group.clone(), me);
        assert_eq!(member.group_name(), group.name());
        let step = member.begin(Change::Found, &mut seeded(1)).unwrap();
        assert!(step.secret.is_some());
    }
}

fn same_numbers(a: &Modp, b: &Modp) -> bool {
    let numbers = |group: &Modp| {
        let generator = group.encode(&group.generator());
        (group.modulus(), group.order(), generator)
    };
    numbers(a) == numbers(b)
}

#[test]
fn dh_parameters_of_pkcs_3_are_read() {
    let group = Modp::from_pem(&file("dh-ffdhe2048.pem")).unwrap();
    assert!(same_numbers(&group, &NamedGroup::Ffdhe2048.modp().unwrap()));
}

#[test]
fn text_in_front_of_a_file_is_skipped() {
    let group = Modp::from_pem(&file("dh-generated-with-text.pem")).unwrap();
    assert_eq!((group.modulus_bits(), group.order_bits()), (2048, 2047));
}

#[test]
fn parameters_of_x9_42_are_read() {
    let group = Modp::from_pem(&file("x942-rfc5114-2048-256.pem")).unwrap();
    assert!(same_numbers(
        &group,
        &NamedGroup::Rfc5114Q256.modp().unwrap()
    ));
    // With seed and counter behind the numbers.
    let group = Modp::from_pem(&file("x942-generated.pem")).unwrap();
    assert_eq!((group.modulus_bits(), group.order_bits()), (2048, 256));
}

#[test]
fn parameters_of_dsa_are_read() {
    let group = Modp::from_pem(&file("dsa-2048-256.pem")).unwrap();
    assert_eq!((group.modulus_bits(), group.order_bits()), (2048, 256));
    let mut rng = seeded(1);
    let share = group.random_scalar(&mut rng);
    let element: ModpElement = group.exponentiate_generator(&share);
    assert_eq!(group.decode(&group.encode(&element)), Ok(element));
}

#[test]
fn files_of_insecure_groups_are_refused() {
    let error = Modp::from_pem(&file("dh-modp1536.pem")).map(drop);
    let (name, bits, least) = ("p", 1536, 2048);
    assert_eq!(error, Err(ParameterError::Insecure { name, bits, least }));
}

#[test]
fn other_texts_are_no_parameter_files() {
    let read = |text: &str| Modp::from_pem(text).map(drop);
    let good = file("dh-ffdhe2048.pem");
    assert_eq!(read(""), Err(ParameterError::Pem));
    assert_eq!(read("modp2048"), Err(ParameterError::Pem));
    assert_eq!(read(&good[..good.len() - 40]), Err(ParameterError::Pem));
    let mut long = "x\n".repeat(40_000);
    long.push_str(&good);
    assert_eq!(read(&long), Err(ParameterError::Pem));
    let label = |label: &str| good.replace("DH PARAMETERS", label);
    let other = Err(ParameterError::Label {
        label: "CERTIFICATE".into(),
    });
    assert_eq!(read(&label("CERTIFICATE")), other);
    for name in ["DSA PARAMETERS", "X9.42 DH PARAMETERS"] {
        let other = Err(ParameterError::Structure { label: name.into() });
        assert_eq!(read(&label(name)), other, "two numbers are not enough");
    }
}

/// A DER INTEGER that is not negative.
fn integer(number: &BigUint) -> Vec<u8> {
    let mut content = number.to_bytes_be();
    if content[0] >= 0x80 {
        content.insert(0, 0);
    }
    [vec![2], length(content.len()), content].concat()
}

fn length(len: usize) -> Vec<u8> {
    match len {
        0..0x80 => vec![len as u8],
        _ => [&[0x82], &(len as u16).to_be_bytes()[..]].concat(),
    }
}

fn armour(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = String::new();
    for chunk in der.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            digits.push(if place <= chunk.len() {
                digit.into()
            } else {
                '='
            });
        }
    }
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in digits.as_bytes().chunks(64) {
        writeln!(text, "{}", std::str::from_utf8(line).unwrap()).unwrap();
    }
    text + &format!("-----END {label}-----\n")
}

fn dh_file(parts: &[Vec<u8>]) -> String {
    let content = parts.concat();
    let der = [vec![0x30], length(content.len()), content].concat();
    armour("DH PARAMETERS", &der)
}

#[test]
fn dh_parameters_need_a_safe_prime_and_a_generator_of_its_squares() {
    let ffdhe = BigUint::from_bytes_be(&NamedGroup::Ffdhe2048.modp().unwrap().modulus());
    let rfc5114 = BigUint::from_bytes_be(&NamedGroup::Rfc5114Q256.modp().unwrap().modulus());
    let read = |p: &BigUint, g: u8| {
        Modp::from_pem(&dh_file(&[
            integer(p),
            integer(&g.into()),
            integer(&256_u16.into()),
        ]))
    };
    assert!(same_numbers(
        &read(&ffdhe, 2).unwrap(),
        &NamedGroup::Ffdhe2048.modp().unwrap()
    ));
    // (p - 1) / 2 is composite, or not even odd.
    let refused = read(&rfc5114, 2).map(drop).unwrap_err();
    assert!(matches!(
        refused,
        ParameterError::CompositeOrder | ParameterError::Size(_)
    ));
    let composite = Err(ParameterError::CompositeModulus);
    assert_eq!(read(&(&ffdhe + 4_u8), 2).map(drop), composite);
    // p = 7 modulo 8: 2 is a square, so -2 is none, and neither is the first prime that is none.
    let q = &ffdhe >> 1_u8;
    let one = BigUint::from(1_u8);
    let whole = (3..).find(|g| BigUint::from(*g).modpow(&q, &ffdhe) != one);
    let generator = Err(ParameterError::Generator);
    assert_eq!(read(&ffdhe, whole.unwrap()).map(drop), generator);
    assert_eq!(read(&ffdhe, 1).map(drop), generator);
}

#[test]
fn damaged_structures_are_refused() {
    let p = integer(&BigUint::from_bytes_be(
        &NamedGroup::Ffdhe2048.modp().unwrap().modulus(),
    ));
    let g = vec![2, 1, 2];
    let label = || "DH PARAMETERS".into();
    let refused = Err(ParameterError::Structure { label: label() });
    for parts in [
        vec![],
        vec![p.clone()],
        // A negative number, one that is not shortest, another type, too many.
        vec![p.clone(), vec![2, 1, 0x82]],
        vec![p.clone(), vec![2, 2, 0, 2]],
        vec![p.clone(), vec![4, 1, 2]],
        vec![p.clone(), g.clone(), g.clone(), g.clone()],
    ] {
        assert_eq!(Modp::from_pem(&dh_file(&parts)).map(drop), refused);
    }
    let trailing = [&[0x30, 0][..], &[0]].concat();
    assert_eq!(
        Modp::from_pem(&armour("DH PARAMETERS", &trailing)).map(drop),
        refused
    );
}

proptest! {
    /// Bytes of anybody: no panic, and no work before the numbers are of a length that is allowed.
    #[test]
    fn arbitrary_files_are_refused(
        label in prop::sample::select(vec!["DH PARAMETERS", "X9.42 DH PARAMETERS", "DSA PARAMETERS"]),
        der in proptest::collection::vec(any::<u8>(), 0..100),
        text in ".{0,200}",
    ) {
        prop_assert!(Modp::from_pem(&armour(label, &der)).is_err());
        prop_assert!(Modp::from_pem(&text).is_err());
    }
}
