//! Montgomery multiplication word by word.
//!
//! A product is computed in columns, twice as many as the modulus has words, and reduced in place.
//! Both steps take two rows at a time:
//!
//! ```text
//!   column      0    1    2   ..   n-1   n   n+1
//!             y_0  y_1  y_2  .. y_(n-1)            times x_0
//!                  y_0  y_1  ..         y_(n-1)    times x_1
//! ```
//!
//! This gives two independent carry chains, half the loads and stores of columns, and loops of a
//! single length, whose end the processor predicts. Summing column by column needs no stores, but has
//! loops of every length, and was slower. Squares take each product of two different words once,
//! double the columns and add the squares of the words.
//!
//! The product of two words plus two more words fits in two words:
//! (2^w - 1)^2 + 2 (2^w - 1) = 2^2w - 1, so no carry is ever lost. Numbers are below the modulus m
//! before and after: the reduced columns are below 2m, and m is subtracted or not, by masks.
//!
//! # Security
//!
//! The machine code that rustc 1.95 generates for x86-64 was read: every conditional jump follows a
//! comparison of lengths or counters, carries are `adc` and `setb`, and the final selection uses
//! masks. `crypto-bigint`, whose multiplication has one carry chain, takes a third longer.

use alloc::{vec, vec::Vec};

use crypto_bigint::{WideWord, Word, modular::BoxedMontyParams};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroize;

use crate::words;

/// A modulus with the memory for a product, which is erased.
pub(super) struct Montgomery<'m> {
    modulus: &'m [Word],
    /// -1 / modulus modulo 2^w.
    inverse: Word,
    columns: Vec<Word>,
}

impl<'m> Montgomery<'m> {
    pub(super) fn new(params: &'m BoxedMontyParams) -> Self {
        let modulus = params.modulus().as_ref().as_words();
        #[allow(
            clippy::unnecessary_cast,
            reason = "words have 32 bits on some processors"
        )]
        let low = modulus.first().copied().unwrap_or(1) as u64;
        Self {
            modulus,
            // Modulo 2^64, and thus modulo a smaller 2^w as well.
            inverse: words::negated_inverse(low) as Word,
            columns: vec![0; 2 * modulus.len()],
        }
    }

    /// a becomes a b / R modulo m; both have as many words as m and are below m.
    pub(super) fn multiply(&mut self, a: &mut [Word], b: &[Word]) {
        self.columns.fill(0);
        let mut columns = &mut self.columns[..];
        let (pairs, single) = b.as_chunks::<2>();
        for rows in pairs {
            let Some((window, above)) = columns.split_at_mut_checked(a.len()) else {
                break;
            };
            let carries = add_two_rows(window, *rows, a, 0);
            set(above, carries);
            columns = columns.get_mut(2..).unwrap_or_default();
        }
        if let ([row], Some((window, [above, ..]))) =
            (single, columns.split_at_mut_checked(a.len()))
        {
            *above = add_row(window, *row, a);
        }
        self.reduce(a);
    }

    /// a becomes a a / R modulo m.
    pub(super) fn square(&mut self, a: &mut [Word]) {
        self.columns.fill(0);
        // Starting with the column of the product of the two words of a pair.
        let mut columns = self.columns.get_mut(1..).unwrap_or_default();
        let mut rest = &*a;
        while let [x, y, above @ ..] = rest {
            let Some((first, others)) = columns.split_first_mut() else {
                break;
            };
            let carry;
            (*first, carry) = add_product(*x, *y, *first, 0);
            let Some((window, top)) = others.split_at_mut_checked(above.len()) else {
                break;
            };
            set(top, add_two_rows(window, [*x, *y], above, carry));
            columns = columns.get_mut(4..).unwrap_or_default();
            rest = above;
        }
        let (mut below, mut carry) = (0, 0);
        for ([low, high], x) in self.columns.as_chunks_mut::<2>().0.iter_mut().zip(&*a) {
            let doubled = (
                *low << 1 | below >> (Word::BITS - 1),
                *high << 1 | *low >> (Word::BITS - 1),
            );
            below = *high;
            let square_high;
            (*low, square_high) = add_product(*x, *x, doubled.0, carry);
            let sum = WideWord::from(doubled.1) + WideWord::from(square_high);
            *high = sum as Word;
            carry = (sum >> Word::BITS) as Word;
        }
        self.reduce(a);
    }

    /// The columns / R modulo m.
    fn reduce(&mut self, result: &mut [Word]) {
        let mut columns = &mut self.columns[..];
        // The carry out of the columns above the rows added so far.
        let mut carry = 0;
        let (pairs, single) = self.modulus.as_chunks::<2>();
        for _ in pairs {
            let Some((window, above)) = columns.split_at_mut_checked(self.modulus.len()) else {
                break;
            };
            let rows = factors(window, self.modulus, self.inverse);
            let sums = add_two_rows(window, rows, self.modulus, 0);
            carry = add(above, &[sums.0, sums.1], carry);
            columns = columns.get_mut(2..).unwrap_or_default();
        }
        if let ([_], Some((window, above))) =
            (single, columns.split_at_mut_checked(self.modulus.len()))
        {
            let low = window.first().copied().unwrap_or(0);
            let sum = add_row(window, low.wrapping_mul(self.inverse), self.modulus);
            carry = add(above, &[sum], carry);
        }
        let Some(reduced) = self.columns.get(self.modulus.len()..) else {
            return;
        };
        // Subtracts the modulus and, by masks, keeps the number that was below it already.
        let mut borrow = 0;
        for ((place, word), of_modulus) in result.iter_mut().zip(reduced).zip(self.modulus) {
            (*place, borrow) = subtract(*word, *of_modulus, borrow);
        }
        // A `Choice` hides from the compiler that this is 0 or 1, as it may turn a plain mask into a
        // branch.
        let below = Choice::from((borrow & !carry & 1) as u8);
        let keep = Word::conditional_select(&0, &Word::MAX, below);
        for (place, word) in result.iter_mut().zip(reduced) {
            *place ^= keep & (*place ^ *word);
        }
    }
}

impl Drop for Montgomery<'_> {
    fn drop(&mut self) {
        self.columns.zeroize();
    }
}

/// x y + a + b, low word and high word.
#[inline]
fn add_product(x: Word, y: Word, a: Word, b: Word) -> (Word, Word) {
    let sum = WideWord::from(x) * WideWord::from(y) + WideWord::from(a) + WideWord::from(b);
    (sum as Word, (sum >> Word::BITS) as Word)
}

/// Adds a number times a word to as many columns as the number has words; returns the carry.
#[inline]
fn add_row(columns: &mut [Word], row: Word, number: &[Word]) -> Word {
    let mut carry = 0;
    for (column, word) in columns.iter_mut().zip(number) {
        (*column, carry) = add_product(*word, row, *column, carry);
    }
    carry
}

/// Adds a number times two words and a carry; returns what belongs to the two columns above.
#[inline]
fn add_two_rows(
    columns: &mut [Word],
    rows: [Word; 2],
    number: &[Word],
    carry: Word,
) -> (Word, Word) {
    let (mut below, mut carries) = (0, [carry, 0]);
    for (column, word) in columns.iter_mut().zip(number) {
        let sum;
        (sum, carries[0]) = add_product(*word, rows[0], *column, carries[0]);
        (*column, carries[1]) = add_product(below, rows[1], sum, carries[1]);
        below = *word;
    }
    add_product(below, rows[1], carries[0], carries[1])
}

/// The multiples of the modulus that make the two lowest columns vanish.
#[inline]
fn factors(columns: &[Word], modulus: &[Word], inverse: Word) -> [Word; 2] {
    let ([first, second, ..], [low, next, ..]) = (columns, modulus) else {
        return [0; 2];
    };
    let factor = first.wrapping_mul(inverse);
    let (_, carry) = add_product(*low, factor, *first, 0);
    let (column, _) = add_product(*next, factor, *second, carry);
    [factor, column.wrapping_mul(inverse)]
}

/// Sets the two lowest columns, which nothing was added to before.
#[inline]
fn set(columns: &mut [Word], sums: (Word, Word)) {
    if let [low, high, ..] = columns {
        (*low, *high) = sums;
    }
}

/// Adds to the lowest columns; returns the carry.
#[inline]
fn add(columns: &mut [Word], sums: &[Word], carry: Word) -> Word {
    columns
        .iter_mut()
        .zip(sums)
        .fold(carry, |carry, (column, sum)| {
            let sum = WideWord::from(*column) + WideWord::from(*sum) + WideWord::from(carry);
            *column = sum as Word;
            (sum >> Word::BITS) as Word
        })
}

#[inline]
fn subtract(a: Word, b: Word, borrow: Word) -> (Word, Word) {
    let (difference, under) = a.overflowing_sub(b);
    let (difference, under_again) = difference.overflowing_sub(borrow);
    (difference, Word::from(under | under_again))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto_bigint::{BoxedUint, modular::BoxedMontyForm};

    /// Words, many of which are 0 or all ones, where carries go far.
    fn words(count: usize, seed: Word) -> Vec<Word> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(0x9e37_79b1).wrapping_add(0x7f4a_7c15);
            match state >> (Word::BITS - 2) {
                0 => 0,
                1 => Word::MAX,
                _ => state,
            }
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn products_and_squares_equal_those_of_the_library() {
        for (len, seed) in (1..=9).flat_map(|len| (1..60).map(move |seed| (len, seed))) {
            let mut modulus = words(len, seed);
            modulus[0] |= 1;
            modulus[len - 1] |= 1 << (seed % Word::BITS as Word);
            let modulus = BoxedUint::from_words(modulus).to_odd().into_option();
            let params = BoxedMontyParams::new_vartime(modulus.unwrap());
            let number = |seed| {
                let number = BoxedUint::from_words(words(len, seed));
                let reduced = number.rem_vartime(params.modulus().as_nz_ref());
                BoxedMontyForm::from_montgomery(reduced, &params)
            };
            let largest = BoxedMontyForm::one(&params).neg();
            for (a, b) in [
                (number(seed + 100), number(seed + 200)),
                (largest.clone(), largest),
            ] {
                let mut montgomery = Montgomery::new(&params);
                let mut product = a.as_montgomery().as_words().to_vec();
                montgomery.multiply(&mut product, b.as_montgomery().as_words());
                assert_eq!(product, a.mul(&b).as_montgomery().as_words());
                let mut square = a.as_montgomery().as_words().to_vec();
                montgomery.square(&mut square);
                assert_eq!(square, a.square().as_montgomery().as_words());
            }
        }
    }
}
