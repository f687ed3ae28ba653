//! Group arithmetic that counts its cost.

mod received;

use alloc::vec::Vec;
use core::mem;

use gcs_view::MemberName;
use rand_core::CryptoRng;

pub(crate) use self::received::Received;
use crate::{
    cost::{Cost, Exponentiation},
    error::{Error, PeerFault},
    group::{ElementError, Group, GroupExt},
    rules::peer,
    secret::GroupSecret,
    token::{Outgoing, Recipient, TokenKind},
};

/// A group and the work done in it since the last [`take_cost`](Self::take_cost).
pub(crate) struct Arithmetic<G: Group> {
    group: G,
    generator: G::Element,
    cost: Cost,
}

impl<G: Group> Arithmetic<G> {
    pub(crate) fn new(group: G) -> Self {
        Self {
            generator: group.generator(),
            group,
            cost: Cost::default(),
        }
    }

    pub(crate) const fn group(&self) -> &G {
        &self.group
    }

    pub(crate) const fn generator(&self) -> &G::Element {
        &self.generator
    }

    pub(crate) fn take_cost(&mut self) -> Cost {
        mem::take(&mut self.cost)
    }

    /// Draws a fresh share.
    pub(crate) fn draw(&self, rng: &mut dyn CryptoRng) -> G::Scalar {
        self.group.random_scalar(rng)
    }

    /// `base` to the power of `exponent`. Uses the table of the generator if the base, which is public,
    /// is the generator.
    pub(crate) fn exponentiate(&mut self, base: &G::Element, exponent: &G::Scalar) -> G::Element {
        if *base == self.generator {
            self.cost.fixed_base_exponentiations += 1;
            return self.group.exponentiate_generator(exponent);
        }
        self.count_exponentiation();
        self.group.exponentiate(base, exponent)
    }

    /// The generator to the power of `exponent`.
    pub(crate) fn exponentiate_generator(&mut self, exponent: &G::Scalar) -> G::Element {
        self.cost.fixed_base_exponentiations += 1;
        self.group.exponentiate_generator(exponent)
    }

    /// The group secret `base` to the power of `exponent`, or `None` if that is the identity.
    pub(crate) fn agree(&mut self, base: &G::Element, exponent: &G::Scalar) -> Option<GroupSecret> {
        let secret = self.agree_element(base, exponent);
        self.group_secret(&secret)
    }

    /// A secret element, `base` to the power of `exponent`.
    pub(crate) fn agree_element(
        &mut self,
        base: &G::Element,
        exponent: &G::Scalar,
    ) -> G::SecretElement {
        self.count_exponentiation();
        self.group.agree(base, exponent)
    }

    /// A secret element, the generator to the power of `exponent`.
    pub(crate) fn agree_generator(&mut self, exponent: &G::Scalar) -> G::SecretElement {
        self.cost.fixed_base_exponentiations += 1;
        self.group.agree_generator(exponent)
    }

    /// A secret element to the power of each of the exponents; the results are public.
    pub(crate) fn exponentiate_secret_each(
        &mut self,
        base: &G::SecretElement,
        exponents: &[&G::Scalar],
    ) -> Vec<G::Element> {
        exponents.iter().for_each(|_| self.count_exponentiation());
        self.group.exponentiate_secret_each(base, exponents)
    }

    /// A secret element as group secret, or `None` if it is the identity.
    pub(crate) fn group_secret(&self, element: &G::SecretElement) -> Option<GroupSecret> {
        (!self.group.is_identity(element)).then(|| self.group.secret(element))
    }

    /// `dividend` / `divisor`, of public elements.
    pub(crate) fn quotient(&mut self, dividend: &G::Element, divisor: &G::Element) -> G::Element {
        self.cost.inversions += 1;
        self.cost.multiplications += 1;
        self.group.divide_vartime(dividend, divisor)
    }

    /// The identity.
    pub(crate) fn identity(&self) -> G::Element {
        self.group.divide_vartime(&self.generator, &self.generator)
    }

    /// The product of a secret and a public element.
    pub(crate) fn multiply_secret(
        &mut self,
        secret: &G::SecretElement,
        factor: &G::Element,
    ) -> G::SecretElement {
        self.cost.multiplications += 1;
        self.group.multiply_secret(secret, factor)
    }

    /// The last of the running products `first`, `first` x_1, `first` x_1 x_2, .., and the product of
    /// all of them.
    pub(crate) fn multiply_running(
        &mut self,
        first: &G::SecretElement,
        factors: &[&G::Element],
    ) -> (G::SecretElement, G::SecretElement) {
        let count = u64::try_from(factors.len()).unwrap_or(u64::MAX);
        self.cost.multiplications += count.saturating_mul(2);
        self.group.multiply_running(first, factors)
    }

    /// 1 / `scalar` modulo q.
    pub(crate) fn invert(&mut self, scalar: &G::Scalar) -> G::Scalar {
        self.cost.inversions += 1;
        self.group.invert_scalar(scalar)
    }

    /// `dividend` / `divisor` modulo q.
    pub(crate) fn divide(&mut self, dividend: &G::Scalar, divisor: &G::Scalar) -> G::Scalar {
        let inverse = self.invert(divisor);
        self.group.multiply_scalars(dividend, &inverse)
    }

    /// Every base to the power of one `exponent`, as a batch. Uses the table of the generator for a base
    /// that is the generator.
    pub(crate) fn exponentiate_each(
        &mut self,
        bases: &[&G::Element],
        exponent: &G::Scalar,
    ) -> Vec<G::Element> {
        let (generators, others): (Vec<_>, Vec<_>) =
            bases.iter().partition(|base| ***base == self.generator);
        for _ in &others {
            self.count_exponentiation();
        }
        let powers = self.group.exponentiate_each(&others, exponent);
        let Some(generator) = generators.first() else {
            return powers;
        };
        let power = self.exponentiate(generator, exponent);
        let mut powers = powers.into_iter();
        bases
            .iter()
            .filter_map(|base| match **base == self.generator {
                true => Some(power.clone()),
                false => powers.next(),
            })
            .collect()
    }

    /// Decodes and tests an element that `sender` sent and that is used at once.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        sender: &MemberName,
    ) -> Result<G::Element, Error> {
        self.count_tests(1);
        let element = self.group.decode(bytes);
        element.map_err(|error| refused(sender, error))
    }

    /// The exact test of an element that `sender` sent.
    pub(crate) fn validate_token(
        &mut self,
        element: &G::Element,
        sender: &MemberName,
    ) -> Result<(), Error> {
        self.count_tests(1);
        let result = self.group.validate_token(element);
        result.map_err(|error| refused(sender, error))
    }

    /// Encodes a public element.
    pub(crate) fn encode(&self, element: &G::Element) -> Vec<u8> {
        self.group.encode(element)
    }

    /// Makes a token to be sent, and counts it.
    pub(crate) fn outgoing(&mut self, to: Recipient, kind: TokenKind, body: Vec<u8>) -> Outgoing {
        match to {
            Recipient::Group => self.cost.broadcasts += 1,
            Recipient::Member(_) => self.cost.unicasts += 1,
        }
        self.cost.bytes += u64::try_from(body.len()).unwrap_or(u64::MAX);
        Outgoing {
            to,
            service: kind.service(),
            kind,
            body,
        }
    }

    fn count_tests(&mut self, elements: usize) {
        self.cost.element_tests += u64::try_from(elements).unwrap_or(u64::MAX);
    }

    fn count_exponentiation(&mut self) {
        match self.group.exponentiation() {
            Exponentiation::Full => self.cost.full_exponentiations += 1,
            Exponentiation::Short => self.cost.short_exponentiations += 1,
            Exponentiation::FixedBase => self.cost.fixed_base_exponentiations += 1,
        }
    }
}

/// The error for an element that `sender` sent and that failed a test.
fn refused(sender: &MemberName, error: ElementError) -> Error {
    let fault = match error {
        ElementError::Zero => PeerFault::ZeroElement,
        ElementError::One => PeerFault::OneElement,
        ElementError::Encoding | ElementError::NotInGroup => PeerFault::NotInGroup,
    };
    peer(sender, fault)
}
