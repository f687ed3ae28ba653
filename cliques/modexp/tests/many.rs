//! Batches, fixed bases, products and inversions, on every engine, against num-bigint and against
//! single operations.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use cliques_modexp::{Exponent, FixedBase, Modulus, Residue};
use num_bigint::BigUint;
use proptest::prelude::*;
use support::{integer, moduli, odd_of_bits, residue, secret_integers as integers};

/// Lengths around the limits of words and of the vector engines' digits.
const BITS: &[u32] = &[
    16, 63, 64, 65, 192, 207, 208, 209, 511, 512, 513, 518, 519, 1038, 1039,
];

#[derive(Debug)]
struct Case {
    p: BigUint,
    bases: Vec<BigUint>,
    exponents: Vec<(BigUint, u32)>,
}

prop_compose! {
    fn case()(bits in prop::sample::select(BITS), seed in prop::collection::vec(any::<u8>(), 140),
              pairs in prop::collection::vec((prop::collection::vec(any::<u8>(), 140),
                                              prop::collection::vec(any::<u8>(), 0..60), 1..8_u32), 0..40)) -> Case {
        let p = odd_of_bits(bits, &seed);
        let bases = pairs.iter().map(|(base, _, _)| BigUint::from_bytes_be(base) % &p).collect();
        let exponents = pairs.iter().map(|(_, exponent, spare)| {
            (BigUint::from_bytes_be(exponent), exponent.len() as u32 * 8 + spare)
        }).collect();
        Case { p, bases, exponents }
    }
}

impl Case {
    fn residues(&self, modulus: &Modulus) -> Vec<Residue> {
        self.bases
            .iter()
            .map(|base| residue(modulus, base))
            .collect()
    }

    fn exponents(&self) -> Vec<Exponent> {
        self.exponents
            .iter()
            .map(|(value, width)| Exponent::from_be_bytes(&value.to_bytes_be(), *width))
            .collect()
    }

    fn powers(&self) -> Vec<BigUint> {
        self.bases
            .iter()
            .zip(&self.exponents)
            .map(|(base, (exponent, _))| base.modpow(exponent, &self.p))
            .collect()
    }

    fn product(&self) -> BigUint {
        let one = BigUint::from(1_u8);
        self.powers()
            .iter()
            .fold(one, |product, power| product * power % &self.p)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn powers_of_pairs_equal_the_reference(case in case()) {
        for modulus in moduli(&case.p) {
            let (bases, exponents) = (case.residues(&modulus), case.exponents());
            let pairs: Vec<_> = bases.iter().zip(&exponents).collect();
            prop_assert_eq!(integers(&Residue::pow_pairs(&pairs)), case.powers());
            let product = modulus.product_of_powers(&pairs);
            prop_assert_eq!(&integers(&[product])[0], &case.product());
            let public: Vec<Vec<u8>> = case.exponents.iter().map(|(value, _)| value.to_bytes_be()).collect();
            let pairs: Vec<_> = bases.iter().zip(public.iter().map(|bytes| &bytes[..])).collect();
            prop_assert_eq!(integer(&modulus.product_of_powers_vartime(&pairs)), case.product());
            for ((base, exponent), power) in pairs.iter().zip(case.powers()) {
                prop_assert_eq!(integer(&base.pow_vartime(exponent)), power);
            }
        }
    }

    #[test]
    fn powers_of_many_bases_and_of_one_equal_the_reference(case in case()) {
        for modulus in moduli(&case.p) {
            let (bases, exponents) = (case.residues(&modulus), case.exponents());
            let Some((first, _)) = case.exponents.first() else { return Ok(()) };
            let results = Residue::pow_each(&bases.iter().collect::<Vec<_>>(), &exponents[0]);
            let expected: Vec<_> = case.bases.iter().map(|base| base.modpow(first, &case.p)).collect();
            prop_assert_eq!(integers(&results), expected);

            let expected: Vec<_> = case.exponents.iter().map(|(e, _)| case.bases[0].modpow(e, &case.p)).collect();
            let exponents: Vec<_> = exponents.iter().collect();
            let secret = bases[0].pow(&Exponent::from_be_bytes(&[1], 1));
            for count in [0, 1, 2, exponents.len()] {
                let some = &exponents[..count.min(exponents.len())];
                prop_assert_eq!(&integers(&secret.pow_each(some))[..], &expected[..some.len()]);
                prop_assert_eq!(&integers(&bases[0].pow_all(some))[..], &expected[..some.len()]);
            }
            for width in [1, 100, 500] {
                let table = FixedBase::new(&bases[0], width);
                prop_assert_eq!(&integers(&table.pow_each(&exponents)), &expected);
                for (exponent, power) in exponents.iter().zip(&expected) {
                    prop_assert_eq!(&integers(&[table.pow(exponent)])[0], power);
                }
            }
        }
    }

    #[test]
    fn running_products_equal_the_reference(case in case()) {
        for modulus in moduli(&case.p) {
            let residues = case.residues(&modulus);
            let first = modulus.residue_of(3).pow(&Exponent::from_be_bytes(&[5], 3));
            let (last, product) = first.multiply_running(&residues.iter().collect::<Vec<_>>());
            let first_value = BigUint::from(243_u8) % &case.p;
            let mut expected = [first_value.clone(), first_value];
            for base in &case.bases {
                expected[0] = &expected[0] * base % &case.p;
                expected[1] = &expected[0] * &expected[1] % &case.p;
            }
            prop_assert_eq!(&integers(&[last, product])[..], &expected[..]);
        }
    }

    #[test]
    fn joint_inverses_equal_single_ones(case in case()) {
        for modulus in moduli(&case.p) {
            let residues = case.residues(&modulus);
            let expected: Option<Vec<_>> = case.bases.iter().map(|base| base.modinv(&case.p)).collect();
            let joint = Residue::invert_each_vartime(&residues.iter().collect::<Vec<_>>());
            prop_assert_eq!(joint.map(|inverses| inverses.iter().map(integer).collect()), expected);
            for (residue, base) in residues.iter().zip(&case.bases) {
                prop_assert_eq!(residue.invert_vartime().as_ref().map(integer), base.modinv(&case.p));
            }
        }
    }
}

#[test]
fn powers_of_several_moduli_keep_their_order() {
    let moduli =
        [130_367_u32, 65_183, 130_367].map(|p| Modulus::from_be_bytes(&p.to_be_bytes()).unwrap());
    let bases: Vec<_> = moduli.iter().map(|modulus| modulus.residue_of(5)).collect();
    let exponent = Exponent::from_be_bytes(&[77], 7);
    let results = Residue::pow_each(&bases.iter().collect::<Vec<_>>(), &exponent);
    for (base, result) in bases.iter().zip(&results) {
        assert_eq!(result.to_be_bytes(), base.pow(&exponent).to_be_bytes());
        assert_eq!(result.modulus(), base.modulus());
    }
}
