//! Laws, validation and erasure of the mathematical groups.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use cliques::{
    Exponentiation, Group, MathematicalGroup, NamedGroup,
    group::{
        ElementError, GroupExt, GroupVisitor, Modp, ModpElement, ModpScalar, ModpSecret,
        Ristretto255, RistrettoScalar, RistrettoSecret, UnknownGroup, Unverified,
    },
    testing::rng::{ReplayRng, seeded},
};
use num_bigint::BigUint;
use proptest::prelude::*;
use zeroize::ZeroizeOnDrop;

/// Runs one check over a group of any type.
macro_rules! visitor {
    ($name:ident($group:ident, $seed:ident) $body:block) => {
        struct $name(u64);

        impl GroupVisitor for $name {
            type Output = ();

            fn visit<G: Group>(self, $group: G) {
                let $seed = self.0;
                $body
            }
        }
    };
}

visitor! {
    Laws(group, seed) {
        let mut rng = seeded(seed);
        let g = group.generator();
        let (a, b) = (group.random_scalar(&mut rng), group.random_scalar(&mut rng));
        let (ga, gb) = (group.exponentiate_generator(&a), group.exponentiate_generator(&b));
        if ga == gb {
            // The same share twice: that happens in the group of 17 bits.
            return;
        }
        assert_eq!(ga, group.exponentiate(&g, &a));

        // Both ways to the same secret, which is the encoding of the element.
        let gab = group.exponentiate(&ga, &b);
        assert_eq!(gab, group.exponentiate(&gb, &a));
        let agreed = group.agree(&ga, &b);
        assert!(!group.is_identity(&agreed));
        assert_eq!(group.secret(&agreed).expose(), group.encode(&gab));
        assert_eq!(group.secret(&group.agree(&gb, &a)).expose(), group.encode(&gab));

        // A share is factored out with its inverse, and replaced by the quotient.
        let inverse = group.invert_scalar(&a);
        assert_eq!(group.exponentiate(&gab, &inverse), gb);
        assert_eq!(group.exponentiate_generator(&group.multiply_scalars(&a, &inverse)), g);
        assert_eq!(group.exponentiate_generator(&group.multiply_scalars(&a, &b)), gab);
        let quotient = group.multiply_scalars(&b, &inverse);
        assert_eq!(group.exponentiate(&ga, &quotient), gb);

        // Many at once.
        let exponents = [&a, &b, &inverse];
        let bases = [&ga, &g, &gab];
        let singly = bases.map(|base| group.exponentiate(base, &b));
        assert_eq!(group.exponentiate_each(&bases, &b), singly);
        let encoded = singly.each_ref().map(|element| group.encode(element));
        let together = group.exponentiate_each(&bases, &b);
        assert_eq!(together.iter().map(|element| group.encode(element)).collect::<Vec<_>>(), encoded);
        assert!(group.exponentiate_each(&[], &b).is_empty());
        let secret = group.agree(&ga, &b);
        let singly = exponents.map(|exponent| group.exponentiate(&gab, exponent));
        assert_eq!(group.exponentiate_secret_each(&secret, &exponents), singly);

        // As many as have a table of their own, in every family.
        let many: Vec<_> = exponents.iter().copied().cycle().take(11).collect();
        let each = group.exponentiate_secret_each(&secret, &many);
        assert!(each.iter().eq(singly.iter().cycle().take(11)));
        assert_eq!(group.exponentiate_token(&ga, &b).as_ref(), Ok(&gab));

        // Products and quotients, of public and of secret elements.
        let one = group.divide_vartime(&ga, &ga);
        let multiply = |a: &G::Element, b: &G::Element| {
            group.divide_vartime(a, &group.divide_vartime(&one, b))
        };
        let product = multiply(&ga, &gb);
        assert_eq!(group.divide_vartime(&product, &gb), ga);
        let expose = |secret: &G::SecretElement| group.secret(secret).expose().to_vec();
        let by_public = group.multiply_secret(&group.agree_generator(&a), &gb);
        assert_eq!(expose(&by_public), group.encode(&product));
        let by_secret = group.multiply_secrets(&group.agree_generator(&a), &group.agree(&g, &b));
        assert_eq!(expose(&by_secret), group.encode(&product));
        let (last, all) = group.multiply_running(&group.agree_generator(&a), &[&gb, &gab]);
        let product_of_three = multiply(&product, &gab);
        assert_eq!(expose(&last), group.encode(&product_of_three));
        let product_of_all = multiply(&multiply(&ga, &product), &product_of_three);
        assert_eq!(expose(&all), group.encode(&product_of_all));
        let (last, all) = group.multiply_running(&group.agree_generator(&a), &[]);
        assert_eq!([expose(&last), expose(&all)], [&ga, &ga].map(|one| group.encode(one)));
        assert!(group.is_identity(&group.agree(&one, &a)));

        // The map F depends on the element alone.
        let f = group.secret_to_scalar(&agreed).map(|f| group.scalar_secret(&f));
        let again = group.secret_to_scalar(&group.agree(&gb, &a)).map(|f| group.scalar_secret(&f));
        assert_eq!(f.as_ref().map(|f| f.expose()), again.as_ref().map(|f| f.expose()));

        for element in [&g, &ga, &gb, &gab] {
            assert_eq!(group.validate(&[element]), Ok(()));
            assert_eq!(group.validate_token(element), Ok(()));
            let parsed = group.parse(&group.encode(element));
            assert_eq!(parsed.as_ref().map(Unverified::assume_valid), Ok(element));
            let bytes = group.encode(element);
            assert_eq!(bytes.len(), group.element_len());
            assert_eq!(group.decode(&bytes).as_ref(), Ok(element));
        }
        assert_eq!(group.validate(&[&g, &ga, &gb, &gab]), Ok(()));
    }
}

visitor! {
    WrongLengths(group, seed) {
        let bytes = group.encode(&group.exponentiate_generator(&group.random_scalar(&mut seeded(seed))));
        for length in [0, 1, bytes.len() - 1] {
            assert_eq!(group.decode(&bytes[..length]), Err(ElementError::Encoding));
            assert_eq!(group.decode(&bytes[bytes.len() - length..]), Err(ElementError::Encoding));
        }
        assert_eq!(group.decode(&[&[0], &bytes[..]].concat()), Err(ElementError::Encoding));
        assert_eq!(group.decode(&[&bytes[..], &[0]].concat()), Err(ElementError::Encoding));
    }
}

/// Groups in which an exponentiation does not take long without optimisation.
fn quick_groups() -> impl Iterator<Item = NamedGroup> {
    let quick = |group: &NamedGroup| group.modp().is_none_or(|modp| modp.order_bits() <= 2048);
    NamedGroup::ALL.iter().copied().filter(quick)
}

#[test]
fn laws_hold_in_the_named_groups() {
    for group in quick_groups() {
        group.with(Laws(7));
        group.with(WrongLengths(7));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn laws_hold_for_many_shares(seed in any::<u64>()) {
        NamedGroup::Toy17.with(Laws(seed));
        NamedGroup::Ristretto255.with(Laws(seed));
    }

    /// Decoding accepts what Euler's criterion accepts, for every residue of the toy group.
    #[test]
    fn membership_in_the_toy_group_is_that_of_the_squares(x in 0_u32..140_000) {
        let group = modp(NamedGroup::Toy17);
        let (p, q) = (BigUint::from(130_367_u32), BigUint::from(65_183_u32));
        let expected = match x {
            0 => Err(ElementError::Zero),
            1 => Err(ElementError::One),
            130_367.. => Err(ElementError::Encoding),
            _ if BigUint::from(x).modpow(&q, &p) == BigUint::from(1_u8) => Ok(()),
            _ => Err(ElementError::NotInGroup),
        };
        prop_assert_eq!(group.decode(&x.to_be_bytes()[1..]).map(drop), expected);
    }

    #[test]
    fn ristretto_decodes_only_what_it_encodes(bytes in any::<[u8; 32]>()) {
        let group = Ristretto255::new();
        if let Ok(element) = group.decode(&bytes) {
            prop_assert_eq!(group.encode(&element), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn laws_hold_for_some_shares_of_larger_groups(seed in any::<u64>()) {
        NamedGroup::Bench512.with(Laws(seed));
        NamedGroup::Modp1024.with(Laws(seed));
        NamedGroup::Rfc5114Q160.with(Laws(seed));
        NamedGroup::Schnorr2048.with(Laws(seed));
    }
}

fn modp(group: NamedGroup) -> Modp {
    group.modp().unwrap()
}

/// Big-endian bytes of the length given, or more if the number needs them.
fn fixed(n: &BigUint, len: usize) -> Vec<u8> {
    let bytes = n.to_bytes_be();
    [vec![0; len.saturating_sub(bytes.len())], bytes].concat()
}

#[test]
fn a_generator_of_random_bytes_that_replays_a_share_yields_it() {
    for name in quick_groups() {
        let Some(group) = name.modp() else {
            continue;
        };
        let [p, q] = [group.modulus(), group.order()].map(|n| BigUint::from_bytes_be(&n));
        let g = BigUint::from_bytes_be(&group.encode(&group.generator()));
        let len = group.order().len();
        for share in [
            BigUint::from(1_u8),
            BigUint::from(12_345_u16),
            &q >> 1_u8,
            &q - 1_u8,
        ] {
            let mut rng = ReplayRng::new();
            // 0 and q are out of range and dropped.
            rng.push(&vec![0; len]);
            rng.push(&fixed(&q, len));
            rng.push(&fixed(&share, len));
            let element = group.exponentiate_generator(&group.random_scalar(&mut rng));
            assert_eq!(rng.left(), 0);
            let expected = g.modpow(&share, &p);
            assert_eq!(
                group.encode(&element),
                fixed(&expected, group.element_len()),
                "{name}"
            );
        }
    }
}

#[test]
fn ristretto_shares_are_64_bytes_reduced_and_zero_is_redrawn() {
    let group = Ristretto255::new();
    // q of RFC 9496, section 4: 2^252 + 27742317777372353535851937790883648493.
    let tail = BigUint::parse_bytes(b"27742317777372353535851937790883648493", 10).unwrap();
    let q = (BigUint::from(1_u8) << 252_u32) + tail;
    let wide = |n: &BigUint| {
        let mut bytes = n.to_bytes_le();
        bytes.resize(64, 0);
        bytes
    };
    let mut rng = ReplayRng::new();
    rng.push(&[0; 64]);
    rng.push(&wide(&(&q << 200_u32)));
    rng.push(&wide(&((&q << 200_u32) + 2_u8)));
    let share = group.random_scalar(&mut rng);
    assert_eq!(rng.left(), 0);
    let g = group.generator();
    // RFC 9496, appendix A.1: the generator and its square, in multiplicative notation.
    assert_eq!(
        hex::encode(group.encode(&g)),
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
    );
    assert_eq!(
        hex::encode(group.encode(&group.exponentiate_generator(&share))),
        "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"
    );
}

#[test]
fn ristretto_refuses_the_identity_and_what_is_not_canonical() {
    let group = Ristretto255::new();
    assert_eq!(group.decode(&[0; 32]), Err(ElementError::One));
    // RFC 9496, section 4.3.1: the number must be below 2^255 - 19 and even.
    let p = (BigUint::from(1_u8) << 255_u32) - 19_u8;
    let good = BigUint::from_bytes_le(&group.encode(&group.generator()));
    let top_bit = BigUint::from(1_u8) << 255_u32;
    for bad in [
        p.clone(),
        &p + 1_u8,
        &top_bit - 1_u8,
        BigUint::from(1_u8),
        &p - 1_u8,
        &p - &good,
        &good | top_bit,
        (BigUint::from(1_u8) << 256_u32) - 1_u8,
    ] {
        let bytes = bad.to_bytes_le();
        let bytes = [&bytes[..], &vec![0; 32 - bytes.len()]].concat();
        assert_eq!(group.decode(&bytes), Err(ElementError::Encoding), "{bad:x}");
    }
}

#[test]
fn ristretto_secrets_of_different_shares_differ_and_the_identity_is_seen() {
    let group = Ristretto255::new();
    let mut rng = seeded(1);
    let (a, b) = (group.random_scalar(&mut rng), group.random_scalar(&mut rng));
    let base = group.generator();
    let (one, other) = (group.agree(&base, &a), group.agree(&base, &b));
    assert_ne!(group.secret(&one).expose(), group.secret(&other).expose());
    assert!(!group.is_identity(&one));
}

#[test]
fn names_are_read_back_and_others_refused_with_the_list() {
    for group in NamedGroup::ALL {
        assert_eq!(group.to_string().parse(), Ok(*group));
    }
    for group in quick_groups() {
        assert_eq!(group.with(Name), group.as_str());
        assert_eq!(MathematicalGroup::from(group).name(), group.as_str());
        let parsed = group.as_str().parse::<MathematicalGroup>();
        assert_eq!(parsed, Ok(group.into()));
    }
    let error = "modp17".parse::<NamedGroup>().unwrap_err();
    assert_eq!(
        error,
        UnknownGroup {
            name: "modp17".into()
        }
    );
    let text = error.to_string();
    assert!(text.starts_with("unknown mathematical group \"modp17\", there is: ristretto255, "));
    for group in NamedGroup::ALL {
        assert!(text.contains(group.as_str()));
    }
    for text in ["", "Ristretto255", " ristretto255", "ristretto255 "] {
        assert!(text.parse::<NamedGroup>().is_err());
    }
}

struct Name;

impl GroupVisitor for Name {
    type Output = String;

    fn visit<G: Group>(self, group: G) -> String {
        group.name().to_owned()
    }
}

#[test]
fn exponentiations_are_full_only_in_safe_prime_groups() {
    let counted = |group: NamedGroup| modp(group).exponentiation();
    assert_eq!(counted(NamedGroup::Ffdhe2048), Exponentiation::Full);
    assert_eq!(counted(NamedGroup::Modp3072), Exponentiation::Full);
    assert_eq!(counted(NamedGroup::Schnorr3072), Exponentiation::Short);
    assert_eq!(counted(NamedGroup::Rfc5114Q160), Exponentiation::Short);
    assert_eq!(Ristretto255::new().exponentiation(), Exponentiation::Short);
}

#[test]
fn debug_output_shows_no_secret() {
    let group = modp(NamedGroup::Toy17);
    let share = group.random_scalar(&mut seeded(1));
    assert_eq!(format!("{share:?}"), "ModpScalar");
    assert_eq!(
        format!("{:?}", group.agree(&group.generator(), &share)),
        "ModpSecret"
    );
    let group = Ristretto255::new();
    let share = group.random_scalar(&mut seeded(1));
    assert_eq!(format!("{share:?}"), "RistrettoScalar");
    assert_eq!(
        format!("{:?}", group.agree(&group.generator(), &share)),
        "RistrettoSecret"
    );
}

/// Compiles only while none of the secret types is `Clone`: a `Clone` type would have two
/// candidates for `A`.
#[test]
fn secrets_erase_themselves_and_cannot_be_copied() {
    trait NotClone<A> {
        fn check() {}
    }
    impl<T: ?Sized> NotClone<()> for T {}
    impl<T: Clone> NotClone<u8> for T {}

    fn erases<T: ZeroizeOnDrop>() {}

    erases::<ModpScalar>();
    erases::<ModpSecret>();
    erases::<RistrettoScalar>();
    erases::<RistrettoSecret>();
    <ModpScalar as NotClone<_>>::check();
    <ModpSecret as NotClone<_>>::check();
    <RistrettoScalar as NotClone<_>>::check();
    <RistrettoSecret as NotClone<_>>::check();
    // The public ones are cheap to copy.
    <ModpElement as NotClone<u8>>::check();
}
