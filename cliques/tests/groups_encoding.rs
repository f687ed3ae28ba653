//! The check of encodings that are kept for later, against decoding.
#![allow(clippy::unwrap_used, missing_docs)]

use cliques::{
    Group, NamedGroup,
    group::{ElementError, GroupExt, GroupVisitor},
    testing::rng::seeded,
};
use proptest::prelude::*;

/// What the check finds, decoding finds; and decoding finds elements only where the check does not
/// object.
struct Agree(Vec<u8>);

impl GroupVisitor for Agree {
    type Output = Result<(), TestCaseError>;

    fn visit<G: Group>(self, group: G) -> Self::Output {
        let (checked, decoded) = (group.check_encoding(&self.0), group.decode(&self.0));
        match (checked, decoded) {
            (Err(checked), Err(decoded)) => prop_assert_eq!(checked, decoded),
            (Ok(()), Err(late)) => {
                prop_assert!(matches!(
                    late,
                    ElementError::NotInGroup | ElementError::Encoding
                ));
            }
            (checked, Ok(_)) => prop_assert_eq!(checked, Ok(())),
        }
        Ok(())
    }
}

/// An element of the group.
struct Honest(u64);

impl GroupVisitor for Honest {
    type Output = Vec<u8>;

    fn visit<G: Group>(self, group: G) -> Self::Output {
        let share = group.random_scalar(&mut seeded(self.0));
        group.encode(&group.exponentiate_generator(&share))
    }
}

/// Those of this build.
fn groups() -> Vec<NamedGroup> {
    ["toy17", "schnorr2048-256", "ristretto255", "p256"]
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect()
}

#[test]
fn numbers_at_the_ends_of_the_range() {
    for group in groups() {
        let honest = group.with(Honest(1));
        group.with(Agree(honest.clone())).unwrap();
        for first in [0, 1, 2, 3, 0x7f, 0x80, 0xff] {
            for fill in [0, 0xff] {
                for last in [0, 1, 2, 0xec, 0xed, 0xee, 0x7f, 0xfe, 0xff] {
                    let mut bytes = vec![fill; honest.len()];
                    *bytes.first_mut().unwrap() = first;
                    *bytes.last_mut().unwrap() = last;
                    group.with(Agree(bytes)).unwrap();
                }
            }
        }
        group.with(Agree(Vec::new())).unwrap();
        group.with(Agree([&honest[..], &[0]].concat())).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn numbers_near_elements(seed: u64, place: prop::sample::Index, byte: u8) {
        for group in groups() {
            let mut bytes = group.with(Honest(seed));
            let place = place.index(bytes.len());
            *bytes.get_mut(place).unwrap() = byte;
            group.with(Agree(bytes))?;
        }
    }
}
