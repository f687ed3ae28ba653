//! Replay windows: the sequence numbers seen of a sender.
//!
//! A window and not a strict order, because messages of one sender may overtake each other: a SAFE
//! message may arrive after later FIFO ones. Gaps are normal, because one counter serves both classes
//! of service and each class has its own window.
//!
//! Source: secure layer notes, section 5.3.

use alloc::{boxed::Box, vec};

/// Highest sequence number: the most messages that are sealed under one key.
pub const SEQUENCE_MAX: u64 = 1 << 48;
/// Fewest sequence numbers that a window remembers.
pub const MINIMUM_WINDOW: usize = 1_024;
/// Most sequence numbers that a window remembers.
pub const MAXIMUM_WINDOW: usize = 1 << 20;

/// Why a sequence number is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Replay {
    /// 0, or above 2^48.
    #[error("sequence number {0} is out of range")]
    OutOfRange(u64),
    /// Seen before.
    #[error("sequence number {0} was seen before")]
    Repeated(u64),
    /// Below the window, so it is unknown whether it was seen.
    #[error("sequence number {0} is behind the window")]
    Old(u64),
}

/// The sequence numbers seen of one sender in one class, under one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayWindow {
    highest: u64,
    /// Bit `s % size` is set if `s` was seen, for the last `size` numbers up to `highest`.
    bits: Box<[u64]>,
}

impl ReplayWindow {
    /// An empty window of at least `size` numbers, within [`MINIMUM_WINDOW`] and
    /// [`MAXIMUM_WINDOW`].
    pub fn new(size: usize) -> Self {
        let words = size.clamp(MINIMUM_WINDOW, MAXIMUM_WINDOW).div_ceil(64);
        Self {
            highest: 0,
            bits: vec![0; words].into_boxed_slice(),
        }
    }

    /// Numbers remembered.
    pub const fn size(&self) -> u64 {
        self.bits.len() as u64 * 64
    }

    /// Whether `sequence` may be accepted; changes nothing.
    ///
    /// # Errors
    /// [`Replay`] with the number.
    pub fn check(&self, sequence: u64) -> Result<(), Replay> {
        if sequence == 0 || sequence > SEQUENCE_MAX {
            Err(Replay::OutOfRange(sequence))
        } else if sequence > self.highest {
            Ok(())
        } else if self.highest - sequence >= self.size() {
            Err(Replay::Old(sequence))
        } else if self.is_set(sequence) {
            Err(Replay::Repeated(sequence))
        } else {
            Ok(())
        }
    }

    /// Remembers `sequence`, which [`check`](Self::check) has allowed.
    pub fn accept(&mut self, sequence: u64) {
        let ahead = sequence.saturating_sub(self.highest);
        if ahead >= self.size() {
            self.bits.fill(0);
        } else {
            for passed in 1..=ahead {
                let (word, bit) = self.place(self.highest + passed);
                if let Some(word) = self.bits.get_mut(word) {
                    *word &= !bit;
                }
            }
        }
        self.highest = self.highest.max(sequence);
        let (word, bit) = self.place(sequence);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
    }

    fn is_set(&self, sequence: u64) -> bool {
        let (word, bit) = self.place(sequence);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Word and bit of a number; the word is always within the window.
    const fn place(&self, sequence: u64) -> (usize, u64) {
        let place = sequence % self.size();
        ((place / 64) as usize, 1 << (place % 64))
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn range_is_closed_at_both_ends() {
        let window = ReplayWindow::new(0);
        assert_eq!(window.size(), 1_024);
        assert_eq!(ReplayWindow::new(usize::MAX).size(), 1 << 20);
        assert_eq!(window.check(0), Err(Replay::OutOfRange(0)));
        assert_eq!(window.check(1), Ok(()));
        assert_eq!(window.check(1 << 48), Ok(()));
        assert_eq!(
            window.check((1 << 48) + 1),
            Err(Replay::OutOfRange((1 << 48) + 1))
        );
    }

    #[test]
    fn last_number_of_the_window_and_the_one_behind() {
        let mut window = ReplayWindow::new(1_024);
        window.accept(2_000);
        assert_eq!(window.check(2_000 - 1_023), Ok(()));
        assert_eq!(window.check(2_000 - 1_024), Err(Replay::Old(976)));
    }

    #[test]
    fn a_jump_forgets_what_it_passes() {
        let mut window = ReplayWindow::new(1_024);
        window.accept(5);
        window.accept(5 + 1_024);
        assert_eq!(window.check(6), Ok(()));
        assert_eq!(window.check(5), Err(Replay::Old(5)));
        window.accept(6 + 2_048);
        assert_eq!(window.check(7 + 1_024), Ok(()));
    }

    proptest! {
        #[test]
        fn nothing_is_accepted_twice(
            steps in proptest::collection::vec(prop_oneof![1..40u64, 1..3_000u64, 1..200_000u64], 1..400),
        ) {
            let mut window = ReplayWindow::new(1_024);
            let mut seen = BTreeSet::new();
            for sequence in steps {
                let highest = seen.last().copied().unwrap_or(0);
                let expected = if sequence > highest {
                    Ok(())
                } else if highest - sequence >= 1_024 {
                    Err(Replay::Old(sequence))
                } else if seen.contains(&sequence) {
                    Err(Replay::Repeated(sequence))
                } else {
                    Ok(())
                };
                prop_assert_eq!(window.check(sequence), expected);
                if expected.is_ok() {
                    window.accept(sequence);
                    seen.insert(sequence);
                }
            }
        }
    }
}
