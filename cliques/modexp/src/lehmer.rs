//! The binary algorithm for common divisors on two words per number, in variable time.
//!
//! For two numbers, b odd, it repeats: halve a while it is even; if a < b, swap the two; subtract b from
//! a. That takes about 1.4 steps per bit, each over the whole length of the numbers.
//!
//! Lehmer's method does up to 60 halvings on two words of each number (Knuth, The Art of Computer
//! Programming, volume 2, section 4.5.2, algorithm L; in binary form Pornin, "Optimized Binary GCD for
//! Modular Inversion", 2020):
//!
//! ```text
//!           top 64 bits, both at one scale             low 64 bits, exact
//!           +---------------------+      .....      +---------------------+
//!            decide which is larger                  decide what is even, and the sign
//!
//!     the steps form a matrix:  2^k a' = f0 a + g0 b,   2^k b' = f1 a + g1 b
//! ```
//!
//! The top words have an error that grows with the steps. A batch ends when they are too close to tell
//! which number is larger, so every step is the right one and no number becomes negative. The next step
//! is then done on the whole numbers.

use alloc::{vec, vec::Vec};
use core::{cmp::Ordering, mem};

use crate::words;

/// Halvings of a batch. Three of the 64 exact low bits of b must remain at the end.
const BATCH: u32 = 60;

/// If the top words are closer than this, they do not tell which number is larger. Truncating the lower
/// bits makes an error below 1; a subtraction adds the errors of both words, and the halving that
/// follows halves the sum and adds an error below 1 again. So the error grows by at most 1 with each
/// halving, to at most 61 in each word.
const TOO_CLOSE: u64 = 128;

/// An observer of the steps, for the sign of a Jacobi symbol. Words are the low ones of the two numbers.
pub(crate) trait Steps {
    /// a was halved `times` times.
    fn halved(&mut self, b: u64, times: u32);

    /// a and b, both odd, are swapped if `swap` is 1, and not if it is 0.
    fn swapped_if(&mut self, swap: u64, a: u64, b: u64);
}

/// Up to [`BATCH`] halvings, as the matrix they form.
pub(crate) struct Batch {
    pub(crate) halvings: u32,
    a: Row,
    b: Row,
}

/// A row of the matrix: 2^halvings new = f a + g b.
#[derive(Clone, Copy)]
struct Row {
    f: i64,
    g: i64,
}

/// Swaps two words under a mask of ones.
const fn swap_if(mask: u64, a: &mut u64, b: &mut u64) {
    let difference = (*a ^ *b) & mask;
    *a ^= difference;
    *b ^= difference;
}

/// Swaps two numbers under a mask of ones.
const fn swap_signed_if(mask: u64, a: &mut i64, b: &mut i64) {
    let difference = (*a ^ *b) & mask.cast_signed();
    *a ^= difference;
    *b ^= difference;
}

impl Batch {
    pub(crate) fn run(a: &[u64], b: &[u64], steps: &mut impl Steps) -> Self {
        let (mut a_top, mut b_top) = top_words(a, b);
        let (mut a_low, mut b_low) = (low_word(a), low_word(b));
        let mut batch = Self {
            halvings: 0,
            a: Row { f: 1, g: 0 },
            b: Row { f: 0, g: 1 },
        };
        loop {
            // More low bits of a are exact than there are halvings left.
            let zeros = a_low.trailing_zeros().min(BATCH - batch.halvings);
            a_low >>= zeros;
            a_top >>= zeros;
            batch.b.f <<= zeros;
            batch.b.g <<= zeros;
            batch.halvings += zeros;
            steps.halved(b_low, zeros);
            if batch.halvings == BATCH || a_top.abs_diff(b_top) < TOO_CLOSE {
                return batch;
            }
            // Which one is larger is random: a branch would be mispredicted half of the time.
            let swap = u64::from(a_top < b_top);
            let mask = swap.wrapping_neg();
            steps.swapped_if(swap, a_low, b_low);
            swap_if(mask, &mut a_low, &mut b_low);
            swap_if(mask, &mut a_top, &mut b_top);
            swap_signed_if(mask, &mut batch.a.f, &mut batch.b.f);
            swap_signed_if(mask, &mut batch.a.g, &mut batch.b.g);
            a_low = a_low.wrapping_sub(b_low);
            a_top -= b_top;
            batch.a.f -= batch.b.f;
            batch.a.g -= batch.b.g;
        }
    }

    /// Replaces the numbers by the new ones, which are not negative.
    pub(crate) fn apply(&self, a: &mut [u64], b: &mut [u64]) {
        let mut a_sum = Sum::new(self.halvings);
        let mut b_sum = Sum::new(self.halvings);
        // The quotient is one limb behind the sum.
        for index in 0..=a.len() {
            let x = a.get(index).copied().unwrap_or(0);
            let y = b.get(index).copied().unwrap_or(0);
            let a_limb = a_sum.next(self.a, x, y);
            let b_limb = b_sum.next(self.b, x, y);
            if let Some(before) = index.checked_sub(1) {
                if let Some(place) = a.get_mut(before) {
                    *place = a_limb;
                }
                if let Some(place) = b.get_mut(before) {
                    *place = b_limb;
                }
            }
        }
    }
}

/// The multipliers of a sequence of batches: numbers u and v with a = u x, b = v x modulo m.
///
/// A batch replaces them by (f u + g v + q m) / 2^halvings, with the q that makes the division exact.
/// |f| + |g| is at most 2^halvings, so each batch adds at most m to the larger of the two. They are
/// signed, have one limb more than m, and are reduced only at the end.
pub(crate) struct Cofactors<'m> {
    u: Vec<u64>,
    v: Vec<u64>,
    m: &'m [u64],
    /// -1/m modulo 2^64.
    inverse: u64,
}

impl<'m> Cofactors<'m> {
    /// For a = x and b = m.
    pub(crate) fn new(m: &'m [u64]) -> Self {
        let mut u = vec![0; m.len() + 1];
        let v = u.clone();
        if let Some(low) = u.first_mut() {
            *low = 1;
        }
        let inverse = words::negated_inverse(low_word(m));
        Self { u, v, m, inverse }
    }

    pub(crate) fn apply(&mut self, batch: &Batch) {
        let (x, y) = (low_word(&self.u), low_word(&self.v));
        let mask = (1 << batch.halvings) - 1;
        let q = |row: Row| {
            let low = (row.f as u64)
                .wrapping_mul(x)
                .wrapping_add((row.g as u64).wrapping_mul(y));
            low.wrapping_mul(self.inverse) & mask
        };
        let (a_q, b_q) = (q(batch.a), q(batch.b));
        let mut a_sum = Sum::new(batch.halvings);
        let mut b_sum = Sum::new(batch.halvings);
        let top = self.m.len();
        for index in 0..=top {
            let (Some(x), Some(y)) = (self.u.get(index), self.v.get(index)) else {
                break;
            };
            let of_m = i128::from(self.m.get(index).copied().unwrap_or(0));
            // The top limb is signed.
            let (x, y) = if index == top {
                (i128::from(*x as i64), i128::from(*y as i64))
            } else {
                (i128::from(*x), i128::from(*y))
            };
            let a_limb = a_sum.add(batch.a, x, y, i128::from(a_q) * of_m);
            let b_limb = b_sum.add(batch.b, x, y, i128::from(b_q) * of_m);
            if let Some(before) = index.checked_sub(1) {
                self.set(before, a_limb, b_limb);
            }
        }
        let a_limb = a_sum.add(batch.a, 0, 0, 0);
        let b_limb = b_sum.add(batch.b, 0, 0, 0);
        self.set(top, a_limb, b_limb);
    }

    fn set(&mut self, index: usize, u: u64, v: u64) {
        if let (Some(u_place), Some(v_place)) = (self.u.get_mut(index), self.v.get_mut(index)) {
            *u_place = u;
            *v_place = v;
        }
    }

    /// a and b were swapped.
    pub(crate) const fn swap(&mut self) {
        mem::swap(&mut self.u, &mut self.v);
    }

    /// b was subtracted from a.
    pub(crate) fn subtract(&mut self) {
        subtract(&mut self.u, &self.v);
        reduce(&mut self.u, self.m);
    }

    /// v, reduced, with as many limbs as m.
    pub(crate) fn into_v(mut self) -> Vec<u64> {
        reduce(&mut self.v, self.m);
        self.v.pop();
        self.v
    }
}

/// Reduces a signed number with one limb more than m.
fn reduce(number: &mut [u64], m: &[u64]) {
    let is_negative = |number: &[u64]| number.last().is_some_and(|top| (*top as i64) < 0);
    let mut wide = m.to_vec();
    wide.push(0);
    while !is_negative(number) {
        subtract(number, &wide);
    }
    while is_negative(number) {
        let mut carry = 0;
        for (x, y) in number.iter_mut().zip(&wide) {
            let sum = u128::from(*x) + u128::from(*y) + carry;
            *x = sum as u64;
            carry = sum >> 64;
        }
    }
}

/// Computes (f a + g b) / 2^halvings, from the lowest limb on.
struct Sum {
    carry: i128,
    below: u64,
    halvings: u32,
}

impl Sum {
    const fn new(halvings: u32) -> Self {
        Self {
            carry: 0,
            below: 0,
            halvings,
        }
    }

    /// Adds the next limbs and returns the limb of the quotient before.
    fn next(&mut self, row: Row, x: u64, y: u64) -> u64 {
        self.add(row, i128::from(x), i128::from(y), 0)
    }

    /// The same, with one more summand.
    fn add(&mut self, row: Row, x: i128, y: i128, more: i128) -> u64 {
        // |f| and |g| are at most 2^61, so each product is below 2^125.
        let sum = self.carry + i128::from(row.f) * x + i128::from(row.g) * y + more;
        self.carry = sum >> 64;
        let limb = sum as u64;
        let both = u128::from(limb) << 64 | u128::from(self.below);
        self.below = limb;
        (both >> self.halvings) as u64
    }
}

/// Whether a < b, both of the same length.
pub(crate) fn is_less(a: &[u64], b: &[u64]) -> bool {
    a.iter().rev().cmp(b.iter().rev()) == Ordering::Less
}

/// Subtracts b from a, modulo the power of two of their length.
pub(crate) fn subtract(a: &mut [u64], b: &[u64]) {
    let mut borrow = false;
    for (x, y) in a.iter_mut().zip(b) {
        let (difference, under) = x.overflowing_sub(*y);
        let (difference, under_again) = difference.overflowing_sub(u64::from(borrow));
        *x = difference;
        borrow = under | under_again;
    }
}

/// Drops the top limbs that are 0 in both.
pub(crate) fn shrink(a: &mut Vec<u64>, b: &mut Vec<u64>) {
    while let (Some(0), Some(0)) = (a.last(), b.last()) {
        a.pop();
        b.pop();
    }
}

/// The 64 bits from the topmost bit that is set in either number down.
fn top_words(a: &[u64], b: &[u64]) -> (u64, u64) {
    let mut tops = a.iter().zip(b).rev();
    let (a_first, b_first) = tops.next().map_or((0, 0), |(a, b)| (*a, *b));
    let (a_second, b_second) = tops.next().map_or((0, 0), |(a, b)| (*a, *b));
    let shift = (a_first | b_first).leading_zeros();
    let word = |first, second| {
        let both = u128::from(first) << 64 | u128::from(second);
        (both.checked_shl(shift).unwrap_or(0) >> 64) as u64
    };
    (word(a_first, a_second), word(b_first, b_second))
}

pub(crate) fn low_word(limbs: &[u64]) -> u64 {
    limbs.first().copied().unwrap_or(0)
}
