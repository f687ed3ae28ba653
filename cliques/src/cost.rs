//! What an agreement costs a member.

use core::ops::AddAssign;

/// Kinds of exponentiation that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exponentiation {
    /// Arbitrary base, exponent about as long as the modulus.
    Full,
    /// Arbitrary base, short exponent.
    Short,
    /// The generator as base.
    FixedBase,
}

/// Work counted at one member, in operations; messages and bytes are those it sent.
///
/// Exponentiations are told apart because their prices differ by an order of magnitude: `full`
/// has an exponent as long as the group order where that order is as long as the modulus, `short`
/// one of at most 512 bits, `fixed_base` raises the generator.
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
    /// Inversions modulo the group order.
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

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.full_exponentiations += other.full_exponentiations;
        self.short_exponentiations += other.short_exponentiations;
        self.fixed_base_exponentiations += other.fixed_base_exponentiations;
        self.multiplications += other.multiplications;
        self.inversions += other.inversions;
        self.element_tests += other.element_tests;
        self.signatures += other.signatures;
        self.verifications += other.verifications;
        self.unicasts += other.unicasts;
        self.broadcasts += other.broadcasts;
        self.bytes += other.bytes;
    }
}
