//! The Jacobi symbol (a / b), in variable time, for public numbers.
//!
//! The binary algorithm keeps b odd and repeats: halve an even a, where (2 / b) = -1 for b = 3, 5
//! modulo 8; for odd a < b swap the two, where the sign turns if both are 3 modulo 4; subtract b
//! from a. That needs about 1.4 steps per bit, each over the whole length of the numbers.
//!
//! Here up to 60 halvings are done on two words per number at a time, Lehmer's way (Knuth, The Art
//! of Computer Programming, volume 2, section 4.5.2, algorithm L; in binary form Pornin, "Optimized
//! Binary GCD for Modular Inversion", 2020):
//!
//! ```text
//!           top 64 bits, both at one scale             low 64 bits, exact
//!           +---------------------+      .....      +---------------------+
//!            decide which is larger                  decide what is even, and the sign
//!
//!     the steps make a matrix:  2^k a' = f0 a + g0 b,   2^k b' = f1 a + g1 b
//! ```
//!
//! The top words carry an error that grows with the steps. A batch ends where they are too close
//! to tell which number is larger, so no step is ever taken on a guess, and neither number
//! becomes negative; one step on the whole numbers then decides.

use alloc::vec::Vec;
use core::{cmp::Ordering, mem};

/// The value of a Jacobi symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Jacobi {
    /// -1: not a square.
    MinusOne,
    /// 0: not coprime to the modulus.
    Zero,
    /// 1: a square, if the modulus is a prime.
    One,
}

/// Halvings in one batch. Of the 64 exact low bits of b, three must be left at the end.
const BATCH: u32 = 60;

/// Top words closer than this do not tell which number is larger. Cutting off the lower bits errs
/// by less than 1; a subtraction adds the errors of both, the halving that follows it halves the
/// sum and errs by less than 1 again. So the error grows by at most 1 a halving, to at most 61 in
/// each of the two.
const DOUBT: u64 = 128;

/// (a / b) for an odd b, limbs least significant first. Time depends on both.
pub(crate) fn symbol_vartime(mut a: Vec<u64>, mut b: Vec<u64>) -> Jacobi {
    let mut sign = Sign::Plus;
    let len = a.len().max(b.len());
    a.resize(len, 0);
    b.resize(len, 0);
    loop {
        shrink(&mut a, &mut b);
        if a.len() <= 1 {
            let (a, b) = (a.first().copied(), b.first().copied());
            return word_symbol(a.unwrap_or(0), b.unwrap_or(0), sign);
        }
        if a.iter().all(|limb| *limb == 0) {
            // b takes more than one limb, so it is a common factor above 1.
            return Jacobi::Zero;
        }
        let batch = Batch::run(&a, &b, &mut sign);
        if batch.halvings > 0 {
            batch.apply(&mut a, &mut b);
        } else {
            // Nothing was halved: a is odd, and too close to b.
            whole_step(&mut a, &mut b, &mut sign);
        }
    }
}

/// The sign collected so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

impl Sign {
    const fn flip_if(&mut self, condition: bool) {
        if condition {
            *self = match *self {
                Self::Plus => Self::Minus,
                Self::Minus => Self::Plus,
            };
        }
    }

    /// a was halved `times` times.
    const fn halved(&mut self, b: u64, times: u32) {
        self.flip_if(times % 2 == 1 && matches!(b % 8, 3 | 5));
    }

    /// a and b, both odd, change places.
    const fn swapped(&mut self, a: u64, b: u64) {
        self.flip_if(a & b & 3 == 3);
    }
}

/// Up to [`BATCH`] halvings, as the matrix they make.
struct Batch {
    halvings: u32,
    a: Row,
    b: Row,
}

/// How a new number is made of the old ones: 2^halvings new = f a + g b.
#[derive(Clone, Copy)]
struct Row {
    f: i64,
    g: i64,
}

impl Batch {
    fn run(a: &[u64], b: &[u64], sign: &mut Sign) -> Self {
        let (mut a_top, mut b_top) = top_words(a, b);
        let (mut a_low, mut b_low) = (low_word(a), low_word(b));
        let mut batch = Self {
            halvings: 0,
            a: Row { f: 1, g: 0 },
            b: Row { f: 0, g: 1 },
        };
        loop {
            // Of a, as many low bits are exact as there are halvings left, and more.
            let zeros = a_low.trailing_zeros().min(BATCH - batch.halvings);
            a_low >>= zeros;
            a_top >>= zeros;
            batch.b.f <<= zeros;
            batch.b.g <<= zeros;
            batch.halvings += zeros;
            sign.halved(b_low, zeros);
            if batch.halvings == BATCH || a_top.abs_diff(b_top) < DOUBT {
                return batch;
            }
            if a_top < b_top {
                sign.swapped(a_low, b_low);
                mem::swap(&mut a_low, &mut b_low);
                mem::swap(&mut a_top, &mut b_top);
                mem::swap(&mut batch.a, &mut batch.b);
            }
            a_low = a_low.wrapping_sub(b_low);
            a_top -= b_top;
            batch.a.f -= batch.b.f;
            batch.a.g -= batch.b.g;
        }
    }

    fn apply(&self, a: &mut [u64], b: &mut [u64]) {
        let mut a_sum = Sum::new(self.halvings);
        let mut b_sum = Sum::new(self.halvings);
        // The divided sum comes out one limb late.
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

/// f a + g b, limb by limb from the lowest, divided by 2^halvings.
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

    /// Adds the next limbs and returns the quotient's limb before.
    fn next(&mut self, row: Row, x: u64, y: u64) -> u64 {
        // |f| and |g| are at most 2^61, so each product is below 2^125.
        let sum =
            self.carry + i128::from(row.f) * i128::from(x) + i128::from(row.g) * i128::from(y);
        self.carry = sum >> 64;
        let limb = sum as u64;
        let both = u128::from(limb) << 64 | u128::from(self.below);
        self.below = limb;
        (both >> self.halvings) as u64
    }
}

/// One step on the whole numbers, exact; both are odd.
fn whole_step(a: &mut Vec<u64>, b: &mut Vec<u64>, sign: &mut Sign) {
    if a.iter().rev().cmp(b.iter().rev()) == Ordering::Less {
        sign.swapped(low_word(a), low_word(b));
        mem::swap(a, b);
    }
    let mut borrow = false;
    for (x, y) in a.iter_mut().zip(b.iter()) {
        let (difference, under) = x.overflowing_sub(*y);
        let (difference, under_again) = difference.overflowing_sub(u64::from(borrow));
        *x = difference;
        borrow = under | under_again;
    }
}

/// The same algorithm on single words.
const fn word_symbol(mut a: u64, mut b: u64, mut sign: Sign) -> Jacobi {
    while a != 0 {
        let zeros = a.trailing_zeros();
        a >>= zeros;
        sign.halved(b, zeros);
        if a < b {
            sign.swapped(a, b);
            mem::swap(&mut a, &mut b);
        }
        a -= b;
    }
    if b != 1 {
        return Jacobi::Zero;
    }
    match sign {
        Sign::Plus => Jacobi::One,
        Sign::Minus => Jacobi::MinusOne,
    }
}

/// Drops limbs that are zero in both.
fn shrink(a: &mut Vec<u64>, b: &mut Vec<u64>) {
    while let (Some(0), Some(0)) = (a.last(), b.last()) {
        a.pop();
        b.pop();
    }
}

/// The 64 bits below and including the topmost bit that is set in either.
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

fn low_word(limbs: &[u64]) -> u64 {
    limbs.first().copied().unwrap_or(0)
}
