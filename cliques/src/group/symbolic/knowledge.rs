//! What somebody can compute from what he has and has seen.
//!
//! Whoever knows some exponents and some elements can multiply elements and raise them to any
//! rational function of the exponents; from every element that he reaches he gets its image under
//! F, which is one more exponent. Nothing else: that g^(ab) cannot be had from g^a and g^b is the
//! assumption that the suites rest on. So the logarithms of what he reaches are the linear span of
//! those that he knows, over the field of rational functions in the atoms that he knows, where the
//! monomials in the other atoms are independent of one another.
//!
//! Whether a formula is in that span is decided with random numbers modulo 2^61 - 1 in place of the
//! known atoms, by Gaussian elimination. A wrong answer has a probability below 2^-40.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use sha2::{Digest, Sha256};

use super::{
    algebra::{Algebra, Value},
    formula::{Atom, Monomial, Polynomial, ShareId},
};

/// 2^61 - 1, a prime.
const MODULUS: u64 = (1 << 61) - 1;

/// Exponents and elements that somebody knows.
#[derive(Clone, Debug)]
pub struct Knowledge {
    algebra: Arc<Algebra>,
    atoms: BTreeSet<Atom>,
    elements: BTreeMap<[u8; 32], Polynomial>,
    /// Span of the elements, while it is up to date.
    span: Option<Span>,
}

impl Knowledge {
    /// Knows g.
    pub fn new(algebra: &Arc<Algebra>) -> Self {
        let one = Polynomial::one();
        Self {
            algebra: algebra.clone(),
            atoms: BTreeSet::new(),
            elements: [(one.hash(), one)].into(),
            span: None,
        }
    }

    /// Learns all the shares that a member ever drew.
    pub fn learn_shares_of(&mut self, owner: usize) {
        for share in self.algebra.shares_of(owner) {
            self.learn_share(share);
        }
    }

    /// Learns one share.
    pub fn learn_share(&mut self, share: ShareId) {
        self.atoms.insert(Atom::Share(share));
        self.span = None;
    }

    /// Learns all the elements, and exponents, that are encoded anywhere in these bytes: a token, or
    /// a secret.
    pub fn learn(&mut self, bytes: &[u8]) {
        for window in bytes.windows(32) {
            match self.algebra.value(window) {
                Some(Value::Element(element)) => {
                    self.elements.insert(element.hash(), element);
                }
                Some(Value::Exponent(exponent)) => self.atoms.extend(exponent.atoms()),
                None => continue,
            }
            self.span = None;
        }
    }

    /// Whether an encoded element or secret can be computed.
    ///
    /// # Panics
    /// When the bytes encode nothing.
    pub fn reaches(&mut self, encoding: &[u8]) -> bool {
        let value = self.algebra.value(encoding).expect("an encoding");
        let span = match self.span.take() {
            Some(span) => span,
            None => self.close(),
        };
        let reached = match value {
            Value::Element(element) => span.contains(&element),
            Value::Exponent(exponent) => exponent.atoms().all(|atom| self.atoms.contains(&atom)),
        };
        self.span = Some(span);
        reached
    }

    /// Takes in images of elements within reach, until there are no more; the span of it all.
    fn close(&mut self) -> Span {
        let images = self.algebra.images();
        loop {
            let span = Span::of(&self.elements, &self.atoms);
            let more: Vec<Atom> = images
                .iter()
                .filter(|(atom, element)| !self.atoms.contains(atom) && span.contains(element))
                .map(|(atom, _)| *atom)
                .collect();
            if more.is_empty() {
                return span;
            }
            self.atoms.extend(more);
        }
    }
}

/// A linear span, as rows in which each leading monomial is in no later row.
#[derive(Clone, Debug, Default)]
struct Span {
    known: BTreeSet<Atom>,
    rows: BTreeMap<Monomial, Row>,
}

/// A polynomial in the unknown atoms, with the coefficients that the known ones give.
type Row = BTreeMap<Monomial, u64>;

impl Span {
    fn of(elements: &BTreeMap<[u8; 32], Polynomial>, known: &BTreeSet<Atom>) -> Self {
        let mut span = Self {
            known: known.clone(),
            rows: BTreeMap::new(),
        };
        for element in elements.values() {
            let row = span.reduce(span.row(element));
            if let Some((lead, count)) = row.first_key_value() {
                let (lead, inverse) = (lead.clone(), power(*count, MODULUS - 2));
                let row = row
                    .into_iter()
                    .map(|(monomial, count)| (monomial, multiply(count, inverse)))
                    .collect();
                span.rows.insert(lead, row);
            }
        }
        span
    }

    fn contains(&self, element: &Polynomial) -> bool {
        self.reduce(self.row(element)).is_empty()
    }

    /// Puts numbers in the place of known atoms.
    fn row(&self, element: &Polynomial) -> Row {
        let mut row = Row::new();
        for (monomial, count) in element.terms() {
            let mut unknown = Monomial::default();
            let mut value = reduce(count);
            for (atom, exponent) in monomial.factors() {
                if self.known.contains(&atom) {
                    let factor = power(number(atom), u64::from(exponent.unsigned_abs()));
                    value = match exponent < 0 {
                        true => multiply(value, power(factor, MODULUS - 2)),
                        false => multiply(value, factor),
                    };
                } else {
                    let one = Monomial::atom(atom);
                    let base = if exponent < 0 { one.inverse() } else { one };
                    for _ in 0..exponent.unsigned_abs() {
                        unknown = unknown.times(&base);
                    }
                }
            }
            add(&mut row, unknown, value);
        }
        row
    }

    /// Takes rows of the span off until no leading monomial of theirs is left.
    fn reduce(&self, mut row: Row) -> Row {
        let mut done = Row::new();
        while let Some((lead, count)) = row.pop_first() {
            match self.rows.get(&lead) {
                None => {
                    done.insert(lead, count);
                }
                Some(other) => {
                    for (monomial, factor) in other.iter().filter(|(m, _)| **m != lead) {
                        let taken = multiply(count, *factor);
                        add(&mut row, monomial.clone(), MODULUS - taken);
                    }
                }
            }
        }
        done
    }
}

/// Adds to a coefficient; one that becomes 0 is not kept.
fn add(row: &mut Row, monomial: Monomial, value: u64) {
    let sum = row.get(&monomial).map_or(0, |old| *old) + value;
    match sum % MODULUS {
        0 => row.remove(&monomial),
        sum => row.insert(monomial, sum),
    };
}

/// The number in the place of a known atom: hard to hit by accident, and always the same.
fn number(atom: Atom) -> u64 {
    let mut hash = Sha256::new();
    let (tag, number) = match atom {
        Atom::Share(share) => (0_u8, share),
        Atom::Image(image) => (1, image),
    };
    hash.update([tag]);
    hash.update(number.to_be_bytes());
    let bytes: [u8; 32] = hash.finalize().into();
    let (first, _) = bytes.split_first_chunk().expect("32 bytes");
    u64::from_be_bytes(*first) % (MODULUS - 1) + 1
}

/// An integer modulo the prime.
fn reduce(value: i64) -> u64 {
    let magnitude = value.unsigned_abs() % MODULUS;
    match value < 0 && magnitude != 0 {
        true => MODULUS - magnitude,
        false => magnitude,
    }
}

fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b) % u128::from(MODULUS);
    u64::try_from(product).expect("reduced")
}

fn power(base: u64, mut exponent: u64) -> u64 {
    let (mut result, mut square) = (1, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Group,
        testing::{rng::seeded, symbolic::SymbolicGroup},
    };

    /// Two members and somebody who listens.
    #[test]
    fn a_listener_does_not_reach_what_two_members_agree_on() {
        let algebra = Algebra::new();
        let [a, b] = [0, 1].map(|owner| SymbolicGroup::new(algebra.clone(), owner));
        let mut rng = seeded(1);
        let (x, y) = (a.random_scalar(&mut rng), b.random_scalar(&mut rng));
        let (gx, gy) = (a.exponentiate_generator(&x), b.exponentiate_generator(&y));
        let key = a.agree(&gy, &x);
        let encoding = a.secret(&key).expose().to_vec();
        assert_eq!(b.secret(&b.agree(&gx, &y)).expose(), encoding);
        let listener = || {
            let mut listener = Knowledge::new(&algebra);
            listener.learn(&[&[7; 5][..], &a.encode(&gx), &[8], &b.encode(&gy)].concat());
            listener
        };
        assert!(!listener().reaches(&encoding));
        for owner in [0, 1] {
            let mut member = listener();
            member.learn_shares_of(owner);
            assert!(member.reaches(&encoding));
        }

        // A key made of an image is within reach of whoever reaches the element.
        let image = a.secret_to_scalar(&key).expect("not 0");
        let next = a.secret(&a.agree(&gx, &image)).expose().to_vec();
        assert!(!listener().reaches(&next));
        let mut member = listener();
        member.learn_shares_of(1);
        assert!(member.reaches(&next));
        let mut told = listener();
        told.learn(&encoding);
        assert!(told.reaches(&next));
        let of_both: Vec<_> = algebra.shares(&next).expect("a key").into_iter().collect();
        assert_eq!(of_both, [0, 1]);

        // The share as the key of a lone member.
        let lone = a.scalar_secret(&x).expose().to_vec();
        assert!(!listener().reaches(&lone));
        let mut member = listener();
        member.learn(&lone);
        assert!(member.reaches(&encoding));
    }

    /// Quotients and sums are seen through: g^(a+b) and g^(a-b) give g^a, but not g^(ab).
    #[test]
    fn sums_are_taken_apart() {
        let algebra = Algebra::new();
        let group = SymbolicGroup::new(algebra.clone(), 0);
        let mut rng = seeded(1);
        let [a, b, c] = [(); 3].map(|()| group.random_scalar(&mut rng));
        let [ga, gb] = [&a, &b].map(|share| group.exponentiate_generator(share));
        let seen = [
            group.divide_vartime(
                &ga,
                &group.divide_vartime(&group.divide_vartime(&ga, &ga), &gb),
            ),
            group.exponentiate(&group.divide_vartime(&ga, &gb), &c),
        ];
        let mut listener = Knowledge::new(&algebra);
        for element in &seen {
            listener.learn(&group.encode(element));
        }
        let (ga, gab) = (
            group.encode(&ga),
            group.encode(&group.exponentiate(&gb, &a)),
        );
        assert!(!listener.reaches(&ga));
        listener.learn_share(2);
        assert!(listener.reaches(&ga));
        assert!(!listener.reaches(&gab));
    }

    #[test]
    fn secrets_are_counted_while_they_live() {
        let algebra = Algebra::new();
        let group = SymbolicGroup::new(algebra.clone(), 3);
        let scalar = group.random_scalar(&mut seeded(1));
        let secret = group.agree_generator(&scalar);
        assert_eq!((algebra.alive(), algebra.alive_secrets()), (1, 1));
        drop((scalar, secret));
        assert_eq!((algebra.alive(), algebra.alive_secrets()), (0, 0));
        assert_eq!((algebra.drawn(), algebra.owner(0)), (1, 3));
    }
}
