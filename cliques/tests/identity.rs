//! An agreed key that is the identity is refused, even where the group's own test lets an element
//! pass that leads to it.
#![allow(clippy::unwrap_used, missing_docs)]

use cliques::{
    Change, Error, Exponentiation, Group, GroupSecret, KeyAgreement, PeerFault,
    gdh::Gdh,
    group::{ElementError, Unverified},
    testing::{rng::seeded, world::members},
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// A group whose elements are written as their logarithms, and whose decoder tests nothing.
#[derive(Clone, Debug)]
struct Careless;

const ORDER: u64 = 65_183;

impl Careless {
    fn times(a: u64, b: u64) -> u64 {
        a * b % ORDER
    }

    fn plus(a: u64, b: u64) -> u64 {
        (a + b) % ORDER
    }
}

impl Group for Careless {
    type Element = u64;
    type Scalar = Zeroizing<u64>;
    type SecretElement = Zeroizing<u64>;

    fn name(&self) -> &'static str {
        "careless"
    }

    fn element_len(&self) -> usize {
        8
    }

    fn generator(&self) -> u64 {
        1
    }

    fn random_scalar(&self, rng: &mut dyn CryptoRng) -> Zeroizing<u64> {
        Zeroizing::new(1 + rng.next_u64() % (ORDER - 1))
    }

    fn exponentiate(&self, base: &u64, exponent: &Zeroizing<u64>) -> u64 {
        Self::times(*base, **exponent)
    }

    fn exponentiate_generator(&self, exponent: &Zeroizing<u64>) -> u64 {
        **exponent
    }

    fn agree(&self, base: &u64, exponent: &Zeroizing<u64>) -> Zeroizing<u64> {
        Zeroizing::new(Self::times(*base, **exponent))
    }

    fn exponentiate_secret_each(
        &self,
        base: &Zeroizing<u64>,
        exponents: &[&Zeroizing<u64>],
    ) -> Vec<u64> {
        let power = |exponent: &&Zeroizing<u64>| Self::times(**base, ***exponent);
        exponents.iter().map(power).collect()
    }

    fn divide_vartime(&self, dividend: &u64, divisor: &u64) -> u64 {
        (dividend + ORDER - divisor % ORDER) % ORDER
    }

    fn multiply_secret(&self, secret: &Zeroizing<u64>, factor: &u64) -> Zeroizing<u64> {
        Zeroizing::new(Self::plus(**secret, *factor))
    }

    fn multiply_secrets(&self, a: &Zeroizing<u64>, b: &Zeroizing<u64>) -> Zeroizing<u64> {
        Zeroizing::new(Self::plus(**a, **b))
    }

    fn secret_to_scalar(&self, secret: &Zeroizing<u64>) -> Option<Zeroizing<u64>> {
        (**secret != 0).then(|| secret.clone())
    }

    fn scalar_secret(&self, scalar: &Zeroizing<u64>) -> GroupSecret {
        self.secret(scalar)
    }

    fn invert_scalar(&self, scalar: &Zeroizing<u64>) -> Zeroizing<u64> {
        let inverse = (0..ORDER - 2).fold(1, |product, _| Self::times(product, **scalar));
        Zeroizing::new(inverse)
    }

    fn multiply_scalars(&self, a: &Zeroizing<u64>, b: &Zeroizing<u64>) -> Zeroizing<u64> {
        Zeroizing::new(Self::times(**a, **b))
    }

    fn encode(&self, element: &u64) -> Vec<u8> {
        element.to_be_bytes().to_vec()
    }

    fn parse(&self, bytes: &[u8]) -> Result<Unverified<u64>, ElementError> {
        let bytes = bytes.try_into().map_err(|_| ElementError::Encoding)?;
        Ok(Unverified::new(u64::from_be_bytes(bytes)))
    }

    fn is_identity(&self, secret: &Zeroizing<u64>) -> bool {
        **secret == 0
    }

    fn secret(&self, element: &Zeroizing<u64>) -> GroupSecret {
        GroupSecret::new(element.to_be_bytes().into())
    }

    fn exponentiation(&self) -> Exponentiation {
        Exponentiation::Short
    }
}

#[test]
fn a_key_list_that_leads_to_the_identity_is_its_authors_fault() {
    let [old, new] = <[_; 2]>::try_from(members(1..=2)).unwrap();
    let mut rng = seeded(1);
    let mut machine = Gdh::new(Careless, old);
    let _ = machine.begin(Change::Found, &mut rng).unwrap();
    let change = Change::Update {
        left: vec![],
        joined: vec![new],
    };
    let partial = machine.begin(change, &mut rng).unwrap().send.remove(0);
    let step = machine
        .process(&new, cliques::gdh::FINAL_TOKEN, &partial.body, &mut rng)
        .unwrap();
    assert_eq!(step.send.len(), 1, "the factor-out");

    let (_, token) = partial.body.split_last_chunk::<8>().unwrap();
    let list = |of_old: u64| {
        [
            &[0, 2][..],
            b"\0\x03m01",
            &of_old.to_be_bytes(),
            b"\0\x03m02",
            token,
        ]
        .concat()
    };
    let error = machine
        .process(&new, cliques::gdh::KEY_LIST, &list(0), &mut rng)
        .unwrap_err();
    let fault = PeerFault::OneElement;
    let culprit = new;
    assert_eq!(error, Error::Peer { culprit, fault });

    // Nothing has changed: the honest list is still taken.
    let step = machine
        .process(&new, cliques::gdh::KEY_LIST, &list(7), &mut rng)
        .unwrap();
    assert!(step.secret.is_some());
    assert_eq!(machine.order(), [old, new]);
}
