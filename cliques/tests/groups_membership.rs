//! Which received elements are accepted, by group and policy, and the map F.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use cliques::{
    Group, MathematicalGroup, NamedGroup,
    group::{ElementError, ElementPolicy, GroupExt, Modp, ModpElement, ParameterError},
    testing::rng::seeded,
};
use num_bigint::BigUint;
use proptest::prelude::*;
use serde_json::Value;

fn modp(name: &str) -> Modp {
    name.parse::<NamedGroup>().unwrap().modp().unwrap()
}

fn strict(name: &str) -> Modp {
    modp(name).with_policy(ElementPolicy::Strict)
}

fn element_checks() -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/dh-groups.json")).unwrap();
    all["element_checks"].as_array().unwrap().clone()
}

/// Big-endian bytes of the length of an element, or more if the number needs them.
fn fixed(group: &Modp, number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [
        vec![0; group.element_len().saturating_sub(bytes.len())],
        bytes,
    ]
    .concat()
}

fn element(group: &Modp, case: &Value) -> Vec<u8> {
    let digits = case["element"].as_str().unwrap();
    fixed(group, &BigUint::parse_bytes(digits.as_bytes(), 16).unwrap())
}

/// How an element that is refused must be called.
fn fault(reason: &str) -> ElementError {
    match reason {
        "zero" => ElementError::Zero,
        "identity" => ElementError::One,
        "not reduced" => ElementError::Encoding,
        _ => ElementError::NotInGroup,
    }
}

fn verdict(accept: &Value, reason: &str) -> Result<(), ElementError> {
    match accept.as_bool().unwrap() {
        true => Ok(()),
        false => Err(fault(reason)),
    }
}

#[test]
fn recorded_elements_are_judged_as_recorded() {
    let cases = element_checks();
    for case in &cases {
        let (name, reason) = (&case["group"], case["reason"].as_str().unwrap());
        let group = modp(name.as_str().unwrap());
        let bytes = element(&group, case);
        let exact = verdict(&case["accept"], reason);
        let by_jacobi = match &case["accept_jacobi"] {
            Value::Null => exact,
            accept => verdict(accept, reason),
        };
        assert_eq!(
            group.decode(&bytes).map(drop),
            by_jacobi,
            "{name}: {reason}"
        );
        let strict = group.clone().with_policy(ElementPolicy::Strict);
        assert_eq!(strict.decode(&bytes).map(drop), exact, "{name}: {reason}");

        // Late: what can be read is accepted at first; a token always has the exact test.
        for group in [&group, &strict] {
            let token = group
                .parse(&bytes)
                .and_then(|element| group.validate_token(element.assume_valid()));
            assert_eq!(token, exact, "{name}: {reason}");
            let exponent = group.random_scalar(&mut seeded(7));
            let power = group.parse(&bytes).and_then(|element| {
                let element = element.assume_valid();
                let power = group.exponentiate_token(element, &exponent)?;
                assert_eq!(power, group.exponentiate(element, &exponent));
                Ok(())
            });
            assert_eq!(power, exact, "{name}: {reason}");
        }
    }
    assert_eq!(cases.len(), 66);
}

/// What the bytes encode, in the group or not.
fn untested(group: &Modp, bytes: &[u8]) -> ModpElement {
    group.parse(bytes).unwrap().assume_valid().clone()
}

/// An element of order r, and one of order qr.
fn strangers(group: &Modp, name: &str) -> Vec<ModpElement> {
    element_checks()
        .iter()
        .filter(|case| case["group"] == name && case["accept"] == false)
        .filter(|case| case["accept_jacobi"] == true)
        .map(|case| untested(group, &element(group, case)))
        .collect()
}

fn members(group: &Modp, count: usize) -> Vec<ModpElement> {
    let mut rng = seeded(1);
    (0..count)
        .map(|_| group.exponentiate_generator(&group.random_scalar(&mut rng)))
        .collect()
}

#[test]
fn lists_are_tested_by_the_policy_and_the_culprit_is_found() {
    let name = "schnorr2048-256";
    let (jacobi, strict) = (modp(name), strict(name));
    let good = members(&jacobi, 5);
    let strangers = strangers(&jacobi, name);
    assert_eq!(strangers.len(), 2);
    for stranger in &strangers {
        for place in 0..good.len() {
            let mut list: Vec<&ModpElement> = good.iter().collect();
            assert_eq!(strict.validate(&list), Ok(()));
            list[place] = stranger;
            assert_eq!(strict.validate(&list), Err(place));
            assert_eq!(jacobi.validate(&list), Ok(()));
        }
    }
    // Order qr twice, once inverted: the product of both is in the group, but the coefficients
    // differ.
    let one = jacobi.divide_vartime(&good[0], &good[0]);
    let inverse = jacobi.divide_vartime(&one, &strangers[0]);
    assert_eq!(strict.validate(&[&strangers[0], &inverse]), Err(0));
    let non_residue = BigUint::from_bytes_be(&jacobi.modulus()) - 4_u8;
    let non_residue = untested(&jacobi, &non_residue.to_bytes_be());
    for group in [&jacobi, &strict] {
        assert_eq!(group.validate(&[&good[0], &non_residue]), Err(1));
        assert_eq!(group.validate(&[]), Ok(()));
        assert_eq!(group.validate(&[&good[0]]), Ok(()));
    }
    assert_eq!(strict.validate(&[&strangers[0]]), Err(0));
}

#[test]
fn lists_of_other_groups_are_tested_exactly() {
    for name in ["toy17", "bench512-160", "rfc5114-1024-160"] {
        for group in [modp(name), strict(name)] {
            let good = members(&group, 3);
            let mut list: Vec<&ModpElement> = good.iter().collect();
            assert_eq!(group.validate(&list), Ok(()));
            let order_two = BigUint::from_bytes_be(&group.modulus()) - 1_u8;
            let order_two = untested(&group, &order_two.to_bytes_be());
            list[1] = &order_two;
            assert_eq!(group.validate(&list), Err(1), "{name}");
        }
    }
}

#[test]
fn policies_are_read_back() {
    for policy in ElementPolicy::ALL {
        assert_eq!(policy.to_string().parse(), Ok(*policy));
    }
    assert_eq!(ElementPolicy::default(), ElementPolicy::Jacobi);
    assert_eq!(modp("schnorr2048-256").policy(), ElementPolicy::Jacobi);
    let error = "Strict".parse::<ElementPolicy>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown element policy \"Strict\", there is: jacobi, strict"
    );
    assert_ne!(modp("schnorr2048-256"), strict("schnorr2048-256"));
}

/// F of g^exponent, as the exponent of a known base.
fn f_of(group: &Modp, secret: &BigUint) -> Option<Vec<u8>> {
    let element = untested(group, &fixed(group, secret));
    let one = group.divide_vartime(&element, &element);
    let unit = group.agree(&one, &group.random_scalar(&mut seeded(1)));
    let scalar = group.secret_to_scalar(&group.multiply_secret(&unit, &element))?;
    Some(group.scalar_secret(&scalar).expose().to_vec())
}

proptest! {
    #[test]
    fn the_map_f_is_the_one_of_the_name(exponent in 1_u32..65_183) {
        let mod_q = modp("toy17");
        let abs = mod_q.clone().with_abs().unwrap();
        let (p, q) = (130_367_u32, 65_183);
        let power = BigUint::from(4_u8).modpow(&BigUint::from(exponent), &BigUint::from(p));
        let x = u32::try_from(&power).unwrap();
        let expected = |value: u32| {
            let scalar = value % q;
            (scalar != 0).then(|| scalar.to_be_bytes()[1..].to_vec())
        };
        prop_assert_eq!(f_of(&mod_q, &power), expected(x));
        prop_assert_eq!(f_of(&abs, &power), expected(x.min(p - x)));
    }
}

/// One element of the toy group has F(x) = 0 under each map: q itself or p - q, whichever is a
/// square.
#[test]
fn an_element_that_is_mapped_to_zero_gives_no_exponent() {
    let (p, q) = (BigUint::from(130_367_u32), BigUint::from(65_183_u32));
    let is_square = |x: &BigUint| x.modpow(&q, &p) == BigUint::from(1_u8);
    let abs = modp("toy17").with_abs().unwrap();
    for x in [q.clone(), &p - &q] {
        if is_square(&x) {
            assert_eq!(f_of(&abs, &x), None);
        }
    }
    assert!(is_square(&q) != is_square(&(&p - &q)));
    // q and p - q = q + 1 are consecutive, and mod q only the former is 0.
    assert_eq!(f_of(&modp("toy17"), &q), None);
}

#[test]
fn abs_is_part_of_the_name_and_for_safe_primes_only() {
    let group: MathematicalGroup = "modp2048+abs".parse().unwrap();
    assert_eq!(group.name(), "modp2048+abs");
    assert_ne!(group, "modp2048".parse().unwrap());
    let abs = modp("modp2048").with_abs().unwrap();
    assert_eq!(abs.name(), "modp2048+abs");
    assert_eq!(abs.clone().with_abs().unwrap().name(), "modp2048+abs");
    assert_eq!(MathematicalGroup::from(abs), group);
    let refused = modp("schnorr2048-256").with_abs();
    assert_eq!(refused.map(drop), Err(ParameterError::NoSafePrime));
    for name in [
        "schnorr2048-256+abs",
        "ristretto255+abs",
        "modp2048+abs+abs",
        "modp2048+",
        "+abs",
        "modp2048 +abs",
    ] {
        let error = name.parse::<MathematicalGroup>().unwrap_err();
        assert_eq!(error.name, name);
    }
    assert!("modp2048+abs".parse::<NamedGroup>().is_err());
}
