//! The Jacobi symbol (a / b) of public numbers, in variable time.
//!
//! The binary algorithm keeps b odd and repeats: halve a while it is even, where (2 / b) = -1 for b = 3
//! or 5 modulo 8; if a < b, swap the two, which changes the sign if both are 3 modulo 4; subtract b from
//! a. Most of it is done on two words of each number, see [`lehmer`](crate::lehmer).

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
    /// 1: a square, if the modulus is prime.
    One,
}

/// (a / b) for an odd b, limbs least significant first. Time depends on both.
pub(crate) fn symbol_vartime(mut a: Vec<u64>, mut b: Vec<u64>) -> Jacobi {
    let mut sign = Sign::default();
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
            // b has more than one limb, so it is a common factor above 1.
            return Jacobi::Zero;
        }
        let batch = Batch::run(&a, &b, &mut sign);
        if batch.halvings > 0 {
            batch.apply(&mut a, &mut b);
        } else {
            // No halving: a is odd, and its top word too close to that of b.
            if lehmer::is_less(&a, &b) {
                sign.swapped_if(1, lehmer::low_word(&a), lehmer::low_word(&b));
                mem::swap(&mut a, &mut b);
            }
            lehmer::subtract(&mut a, &b);
        }
    }
}

/// The number of sign changes so far, modulo 2. Computed without branches, which would be mispredicted.
#[derive(Clone, Copy, Default)]
struct Sign(u64);

impl Steps for Sign {
    fn halved(&mut self, b: u64, times: u32) {
        // Bits 1 and 2 of an odd b differ for b = 3, 5 modulo 8.
        self.0 ^= u64::from(times) & ((b >> 1) ^ (b >> 2));
    }

    fn swapped_if(&mut self, swap: u64, a: u64, b: u64) {
        self.0 ^= swap & (a >> 1) & (b >> 1);
    }
}

/// The same algorithm on single words.
fn word_symbol(mut a: u64, mut b: u64, mut sign: Sign) -> Jacobi {
    while a != 0 {
        let zeros = a.trailing_zeros();
        a >>= zeros;
        sign.halved(b, zeros);
        if a < b {
            sign.swapped_if(1, a, b);
            mem::swap(&mut a, &mut b);
        }
        a -= b;
    }
    if b != 1 {
        return Jacobi::Zero;
    }
    match sign.0 & 1 {
        0 => Jacobi::One,
        _ => Jacobi::MinusOne,
    }
}
