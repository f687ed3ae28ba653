//! What an outsider can compute.
//!
//! The outsider has seen every element that was ever sent, knows some exponents, and may multiply
//! and divide elements, raise them to what it knows, or to the inverse of that, and take F of an
//! element that it has. Whatever it can get so is a combination of the elements seen, with
//! coefficients made of what it knows: a vector space over the functions of the known atoms, whose
//! coordinates are the products of unknown ones. The known atoms are set to random values modulo a
//! prime; an element is within reach if it lies in the span. (Random values make a wrong verdict
//! possible, with a probability of about 2^-50, and then the verdict is "within reach".)
//!
//! F of an element that comes into reach is known from then on, so the search goes on until nothing
//! is added.

use alloc::vec::Vec;
use std::collections::{BTreeMap, BTreeSet};

use super::symbolic::{Algebra, Atom, Formula, Monomial, Share};

/// 2^61 - 1.
const PRIME: u64 = (1 << 61) - 1;

fn multiply(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
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

fn inverse(value: u64) -> u64 {
    power(value, PRIME - 2)
}

/// The value that an atom stands for: any function of it that looks random.
fn value(atom: &Atom) -> u64 {
    let mut state = match atom {
        Atom::Share(share) => (share.owner as u64) << 32 | u64::from(share.number),
        Atom::Image(encoding) => encoding
            .iter()
            .take(8)
            .fold(1 << 63, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    // Two rounds of a 64-bit mixer (Steele, Lea, Flood: SplitMix, OOPSLA 2014).
    for _ in 0..2 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state % (PRIME - 1) + 1
}

/// Coordinates by product of unknown atoms.
type Vector = BTreeMap<Monomial, u64>;

/// What somebody can compute.
#[derive(Debug)]
pub struct Knowledge<'a> {
    algebra: &'a Algebra,
    /// Whose shares are known.
    owner: usize,
    images: BTreeSet<[u8; 32]>,
    /// Rows in echelon form, by their last coordinate, which is 1.
    rows: BTreeMap<Monomial, Vector>,
}

impl<'a> Knowledge<'a> {
    /// What the process `owner` can compute, with all its shares, from the elements seen.
    pub fn of(algebra: &'a Algebra, owner: usize, seen: &[Formula]) -> Self {
        let mut knowledge = Self {
            algebra,
            owner,
            images: BTreeSet::new(),
            rows: BTreeMap::new(),
        };
        let mut open: BTreeSet<[u8; 32]> = seen
            .iter()
            .flat_map(Formula::terms)
            .flat_map(|(monomial, _)| monomial.atoms())
            .filter_map(|(atom, _)| match atom {
                Atom::Image(encoding) => Some(*encoding),
                Atom::Share(_) => None,
            })
            .collect();
        loop {
            knowledge.span(seen);
            let found: BTreeSet<[u8; 32]> = open
                .iter()
                .copied()
                .filter(|encoding| knowledge.reaches(encoding))
                .collect();
            if found.is_empty() {
                return knowledge;
            }
            open.retain(|encoding| !found.contains(encoding));
            knowledge.images.extend(found);
        }
    }

    /// Whether the element with this encoding is within reach.
    pub fn reaches(&self, encoding: &[u8]) -> bool {
        self.algebra
            .formula(encoding)
            .is_some_and(|formula| self.reduce(self.vector(&formula)).is_empty())
    }

    fn knows(&self, atom: &Atom) -> bool {
        match atom {
            Atom::Share(Share { owner, .. }) => *owner == self.owner,
            Atom::Image(encoding) => self.images.contains(encoding),
        }
    }

    fn vector(&self, formula: &Formula) -> Vector {
        let mut vector = Vector::new();
        for (monomial, count) in formula.terms() {
            let magnitude = u64::from(count.unsigned_abs());
            let mut coefficient = if *count < 0 {
                PRIME - magnitude
            } else {
                magnitude
            };
            let mut unknown = Vec::new();
            for (atom, times) in monomial.atoms() {
                if self.knows(atom) {
                    let factor = power(value(atom), u64::from(times.unsigned_abs()));
                    let factor = if *times < 0 { inverse(factor) } else { factor };
                    coefficient = multiply(coefficient, factor);
                } else {
                    unknown.push((*atom, *times));
                }
            }
            let sum = vector.entry(Monomial::of(unknown)).or_insert(0);
            *sum = (*sum + coefficient) % PRIME;
        }
        vector.retain(|_, coefficient| *coefficient != 0);
        vector
    }

    fn span(&mut self, seen: &[Formula]) {
        self.rows.clear();
        // The generator is seen by everybody.
        self.add([(Monomial::default(), 1)].into());
        for formula in seen {
            self.add(self.vector(formula));
        }
    }

    fn add(&mut self, vector: Vector) {
        let mut rest = self.reduce(vector);
        if let Some((last, coefficient)) = rest.last_key_value() {
            let (last, scale) = (last.clone(), inverse(*coefficient));
            rest.values_mut()
                .for_each(|value| *value = multiply(*value, scale));
            self.rows.insert(last, rest);
        }
    }

    /// The vector without what the rows make up for: empty if it is in their span.
    fn reduce(&self, mut vector: Vector) -> Vector {
        let mut done = Vector::new();
        while let Some((last, coefficient)) = vector.pop_last() {
            let Some(row) = self.rows.get(&last) else {
                done.insert(last, coefficient);
                continue;
            };
            for (coordinate, value) in row.range(..last.clone()) {
                let sum = vector.entry(coordinate.clone()).or_insert(0);
                *sum = (*sum + PRIME - multiply(coefficient, *value)) % PRIME;
                if *sum == 0 {
                    vector.remove(coordinate);
                }
            }
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use cliques::Group;

    use super::*;
    use crate::testing::{Dice, symbolic::SymbolicGroup};

    /// The group as a member, an ex-member and the element g^ab are concerned.
    #[test]
    fn a_product_of_unknown_shares_is_out_of_reach_until_one_is_known() {
        let algebra = Algebra::new();
        let mut dice = Dice::new(1);
        let [a, b] = [0, 1].map(|owner| SymbolicGroup::new(algebra.clone(), owner));
        let (x, y) = (a.random_scalar(dice.rng()), b.random_scalar(dice.rng()));
        let (gx, gy) = (a.exponentiate_generator(&x), b.exponentiate_generator(&y));
        let seen = [gx.clone(), gy.clone()];
        let key = a.secret(&a.agree(&gy, &x));
        assert!(Knowledge::of(&algebra, 0, &seen).reaches(key.expose()));
        assert!(Knowledge::of(&algebra, 1, &seen).reaches(key.expose()));
        assert!(!Knowledge::of(&algebra, 2, &seen).reaches(key.expose()));
        // Divided by what is known, it gives away the rest.
        let quotient = a.exponentiate(&gy, &a.invert_scalar(&x));
        assert!(!Knowledge::of(&algebra, 1, &[quotient]).reaches(&a.encode(&gx)));
    }

    #[test]
    fn sums_and_images_are_followed() {
        let algebra = Algebra::new();
        let mut dice = Dice::new(1);
        let group = SymbolicGroup::new(algebra.clone(), 0);
        let [x, y, z] = core::array::from_fn(|_| group.random_scalar(dice.rng()));
        let [gx, gy, gz] = [&x, &y, &z].map(|share| group.exponentiate_generator(share));
        let sum = group.multiply(&gx, &gy);
        let secret = group.agree(&gx, &y);
        let image = group.secret_to_scalar(&secret).unwrap();
        let locked = group.exponentiate(&gz, &image);
        // gy = sum / gx; but gxy, and what its image locks, is out of reach ...
        let seen = [gx, sum, locked.clone()];
        let outsider = Knowledge::of(&algebra, 9, &seen);
        assert!(outsider.reaches(&group.encode(&gy)));
        assert!(!outsider.reaches(group.secret(&secret).expose()));
        assert!(!outsider.reaches(&group.encode(&gz)));
        // ... until somebody sends it.
        let [seen_x, seen_sum, seen_locked] = seen;
        let gxy = group.exponentiate(&seen_x, &y);
        let seen = [seen_x, seen_sum, seen_locked, gxy];
        assert!(Knowledge::of(&algebra, 9, &seen).reaches(&group.encode(&gz)));
    }
}
