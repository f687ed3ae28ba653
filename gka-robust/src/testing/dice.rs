//! Decisions of a simulation: random, or one after the other from a list.

use alloc::{vec, vec::Vec};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Decisions that are a function of a seed, or of a [`Script`].
#[derive(Clone, Debug)]
pub struct Dice {
    rng: ChaCha8Rng,
    script: Option<Script>,
}

/// Decisions taken in turn from a list, 0 behind its end. What was decided, out of how many, is
/// remembered, so that all lists can be gone through.
#[derive(Clone, Debug, Default)]
pub struct Script {
    decisions: Vec<usize>,
    taken: Vec<(usize, usize)>,
}

impl Script {
    /// The list after the one that was gone through, in the order of an odometer; none after the
    /// last.
    fn next(mut self) -> Option<Self> {
        while let Some((decision, of)) = self.taken.pop() {
            if decision + 1 < of {
                let mut decisions: Vec<usize> = self.taken.iter().map(|(d, _)| *d).collect();
                decisions.push(decision + 1);
                return Some(Self {
                    decisions,
                    taken: vec![],
                });
            }
        }
        None
    }

    fn decide(&mut self, of: usize) -> usize {
        let decision = self.decisions.get(self.taken.len()).copied().unwrap_or(0);
        self.taken.push((decision, of));
        decision
    }
}

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            script: None,
        }
    }

    /// Takes decisions from a list from now on.
    pub fn follow(&mut self, script: Script) {
        self.script = Some(script);
    }

    /// The list after the one that was followed, none if that was the last.
    pub fn next_script(&mut self) -> Option<Script> {
        self.script.take()?.next()
    }

    /// A number from 0 to `bound` - 1, 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        match (&mut self.script, u32::try_from(bound)) {
            (_, Ok(0 | 1) | Err(_)) => 0,
            (Some(script), Ok(_)) => script.decide(bound),
            // The bias is of no importance here.
            (None, Ok(bound)) => (self.rng.next_u32() % bound) as usize,
        }
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in one of `of` cases.
    pub fn one_in(&mut self, of: usize) -> bool {
        match self.script {
            // Both, whatever the odds.
            Some(_) => self.below(2) == 0,
            None => self.below(of) == 0,
        }
    }

    /// Brings a slice into random order; by a list, into one of its rotations.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        if self.script.is_some() {
            let by = self.below(items.len());
            return items.rotate_left(by);
        }
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// The generator for shares.
    pub const fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_go_through_all_decisions() {
        let mut seen = Vec::new();
        let mut script = Some(Script::default());
        while let Some(next) = script {
            let mut dice = Dice::new(0);
            dice.follow(next);
            let first = dice.below(3);
            // How many decisions there are may depend on those before.
            let second = if first == 1 { dice.below(2) } else { 9 };
            seen.push((first, second));
            script = dice.next_script();
        }
        assert_eq!(seen, [(0, 9), (1, 0), (1, 1), (2, 9)]);
    }
}
