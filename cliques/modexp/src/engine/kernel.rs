//! What an engine implements.

use alloc::{boxed::Box, vec::Vec};

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};

use super::{bits::ExponentBits, comb::Comb};

/// An engine, as its folder describes it to the choice.
pub(super) struct Implementation {
    /// The name that users see.
    pub(super) name: &'static str,
    /// Whether the processor has the instructions.
    pub(super) is_available: fn() -> bool,
    /// The kernel for a modulus of so many bits. `None` if the processor lacks the instructions or
    /// the engine has no code for this length.
    pub(super) kernel: fn(&BoxedMontyParams, u32) -> Option<Box<dyn Kernel>>,
}

/// An engine with what it precomputes for one modulus.
///
/// The time of every method depends on the modulus, the number of operands and the widths of the
/// exponents only.
pub(crate) trait Kernel: Send + Sync {
    /// How many powers it computes at once.
    fn lanes(&self) -> usize;

    /// One power.
    fn pow(&self, power: Power<'_>) -> BoxedMontyForm;

    /// Independent powers, in the given order.
    fn pow_batch(&self, powers: &[Power<'_>]) -> Vec<BoxedMontyForm>;

    /// The product of powers; `None` if there are no powers.
    fn product(&self, powers: &[Power<'_>]) -> Option<BoxedMontyForm>;

    /// The table of a fixed base, which may be secret.
    fn comb_table(&self, base: &BoxedMontyForm, shape: Comb) -> Box<dyn CombTable>;
}

/// The table of a fixed base with the engine that made it. Exponents must not be wider than the
/// table.
pub(crate) trait CombTable: Send + Sync {
    /// One power.
    fn pow(&self, exponent: ExponentBits<'_>) -> BoxedMontyForm;

    /// Independent powers, in the given order.
    fn pow_batch(&self, exponents: &[ExponentBits<'_>]) -> Vec<BoxedMontyForm>;
}

/// A base with its secret exponent.
#[derive(Clone, Copy)]
pub(crate) struct Power<'a> {
    pub(crate) base: &'a BoxedMontyForm,
    pub(crate) exponent: ExponentBits<'a>,
}

impl Power<'_> {
    /// The width of the widest exponent, in bits.
    pub(super) fn widest(powers: &[Self]) -> u32 {
        let widths = powers.iter().map(|power| power.exponent.width());
        widths.max().unwrap_or(0)
    }
}

/// Whether a running product is still the 1 it starts as. That depends on the position in the
/// exponent alone, so branching on it reveals nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Still 1: its square is 1, its product with a factor is the factor.
    One,
    /// Multiplied by at least one entry.
    Begun,
}
