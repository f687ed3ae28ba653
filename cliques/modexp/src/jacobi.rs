//! The Jacobi symbol (a / b), in variable time, for public numbers.
//!
//! The binary algorithm keeps b odd and repeats: halve an even a, where (2 / b) = -1 for b = 3, 5
//! modulo 8; for odd a < b swap the two, where the sign turns if both are 3 modulo 4; subtract b
//! from a. That needs about 1.4 steps per bit, each over the whole length of the numbers.
//! It is done on two words per number at a time, see [`lehmer`](crate::lehmer).

use alloc::vec::Vec;
use core::mem;

use crate::lehmer::{self, Batch, Steps};

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

/// (a / b) for an odd b, limbs least significant first. Time depends on both.
pub(crate) fn symbol_vartime(mut a: Vec<u64>, mut b: Vec<u64>) -> Jacobi {
    let mut sign = Sign::Plus;
    let len = a.len().max(b.len());
    a.resize(len, 0);
    b.resize(len, 0);
    loop {
        lehmer::shrink(&mut a, &mut b);
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
            if lehmer::is_less(&a, &b) {
                sign.swapped(lehmer::low_word(&a), lehmer::low_word(&b));
                mem::swap(&mut a, &mut b);
            }
            lehmer::subtract(&mut a, &b);
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
}

impl Steps for Sign {
    fn halved(&mut self, b: u64, times: u32) {
        self.flip_if(times % 2 == 1 && matches!(b % 8, 3 | 5));
    }

    fn swapped(&mut self, a: u64, b: u64) {
        self.flip_if(a & b & 3 == 3);
    }
}

/// The same algorithm on single words.
fn word_symbol(mut a: u64, mut b: u64, mut sign: Sign) -> Jacobi {
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
