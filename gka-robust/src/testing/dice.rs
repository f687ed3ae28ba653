//! Random decisions of a simulation.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Decisions that are a function of a seed.
#[derive(Clone, Debug)]
pub struct Dice {
    rng: ChaCha8Rng,
}

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A number from 0 to `bound` - 1, 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        match u32::try_from(bound) {
            Ok(0) => 0,
            // The bias is of no importance here.
            Ok(bound) => (self.rng.next_u32() % bound) as usize,
            Err(_) => 0,
        }
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in one of `of` cases.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// Brings a slice into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// The generator for shares.
    pub const fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }
}
