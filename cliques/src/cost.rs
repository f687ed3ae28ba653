//! What an agreement costs a member.

use core::ops::AddAssign;

/// Kinds of exponentiation, which are counted separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exponentiation {
    /// Arbitrary base, exponent about as long as the modulus.
    Full,
    /// Arbitrary base, short exponent.
    Short,
    /// The generator as base.
    FixedBase,
}

/// The operations of one member, and the messages and bytes that it sent.
///
/// Exponentiations are counted by kind because their times differ by an order of magnitude: `full` has
/// an exponent as long as the modulus, `short` one of at most 512 bits, `fixed_base` raises the
/// generator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// Exponentiations of an arbitrary base with a full-length exponent.
    pub full_exponentiations: u64,
    /// Exponentiations of an arbitrary base with a short exponent.
    pub short_exponentiations: u64,
    /// Exponentiations of the generator.
    pub fixed_base_exponentiations: u64,
    /// Multiplications of group elements.
    pub multiplications: u64,
    /// Inversions: of exponents modulo the group order, and of public elements.
    pub inversions: u64,
    /// Membership tests of received elements.
    pub element_tests: u64,
    /// Signatures made.
    pub signatures: u64,
    /// Signatures verified.
    pub verifications: u64,
    /// Messages sent to one member.
    pub unicasts: u64,
    /// Messages sent to the group.
    pub broadcasts: u64,
    /// Bytes sent, token bodies only.
    pub bytes: u64,
}

impl Cost {
    /// Exponentiations of every kind, as the papers count them.
    pub const fn exponentiations(&self) -> u64 {
        self.full_exponentiations + self.short_exponentiations + self.fixed_base_exponentiations
    }
}

impl Cost {
    /// The difference to `earlier`, a previous reading of the same counters.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        self.combine(earlier, u64::saturating_sub);
        self
    }

    /// The maximum of each counter.
    #[must_use]
    pub fn max(mut self, other: &Self) -> Self {
        self.combine(other, u64::max);
        self
    }

    /// Combines every counter with that of `other`. The pattern lists all fields, so that a missing counter
    /// does not compile.
    fn combine(&mut self, other: &Self, with: impl Fn(u64, u64) -> u64) {
        let Self {
            full_exponentiations,
            short_exponentiations,
            fixed_base_exponentiations,
            multiplications,
            inversions,
            element_tests,
            signatures,
            verifications,
            unicasts,
            broadcasts,
            bytes,
        } = *other;
        for (counter, other) in [
            (&mut self.full_exponentiations, full_exponentiations),
            (&mut self.short_exponentiations, short_exponentiations),
            (
                &mut self.fixed_base_exponentiations,
                fixed_base_exponentiations,
            ),
            (&mut self.multiplications, multiplications),
            (&mut self.inversions, inversions),
            (&mut self.element_tests, element_tests),
            (&mut self.signatures, signatures),
            (&mut self.verifications, verifications),
            (&mut self.unicasts, unicasts),
            (&mut self.broadcasts, broadcasts),
            (&mut self.bytes, bytes),
        ] {
            *counter = with(*counter, other);
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.combine(&other, u64::saturating_add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_what_was_counted_since() {
        let earlier = Cost {
            full_exponentiations: 1,
            bytes: 7,
            ..Cost::default()
        };
        let more = Cost {
            full_exponentiations: 2,
            verifications: 3,
            bytes: u64::MAX - 7,
            ..Cost::default()
        };
        let mut now = earlier;
        now += more;
        assert_eq!(now.since(&earlier), more);
        assert_eq!(earlier.since(&now), Cost::default());
    }
}
