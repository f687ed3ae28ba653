//! One number, its digits across the lanes of V vectors.
//!
//! Rows are processed in blocks of eight, and columns stay in their lanes within a block. The product
//! of digit j and row r belongs in the lane of column j + r, so each factor is kept in shifted copies,
//! copy r by r lanes, and no inner product needs a shuffle.
//!
//! ```text
//!             vector 0          vector 1          ...   vector V
//!   copy 0    a_0  .. a_7       a_8  .. a_15            0
//!   copy 1    0 a_0 .. a_6      a_7  .. a_14            a_8V-1 0 ..
//!   ...
//!   copy 7    0 .. 0 a_0        a_1  .. a_8             a_8V-7 .. a_8V-1 0
//!   copy 8    0 .. 0            a_0  .. a_7             a_8V-8 .. a_8V-1
//! ```
//!
//! The high half of a product belongs one column higher: row r takes its low halves from copy r and
//! its high halves from copy r + 1.
//!
//! Vector 0 vanishes in the reduction. Only its carry matters, and the digits q_0 .. q_7 that make
//! it vanish, each of which depends on those before. This chain runs in the scalar units, on a
//! triangle of 64-bit products, ahead of the vector unit, which takes longer for a row than the chain
//! does. It starts a block as soon as columns 8 to 15 of the block before are complete.
//!
//! A column gets at most 4 products of 52 bits from each of at most 80 rows and stays below 2^61.

use core::arch::asm;
use core::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_and_si512, _mm512_cmpeq_epu64_mask,
    _mm512_cmpgt_epu64_mask, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_sub_epi64,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64,
};
use zeroize::Zeroize;

use super::{
    radix::{DIGIT, DIGIT_BITS},
    vector::{self, LANES},
};

/// Bits of a word above a digit.
const SPARE_BITS: u32 = u64::BITS - DIGIT_BITS;

/// A number of 8V digits.
pub(super) type Number<const V: usize> = [__m512i; V];

/// A number whose digits are read one by one.
pub(super) type Digits<const V: usize> = [[u64; LANES]; V];

/// The shifted copies of a number.
#[derive(Clone, Copy)]
pub(super) struct Copies<const V: usize> {
    /// Vector 0 of each copy but copy 8, where it is 0.
    low: [__m512i; LANES],
    /// Vectors 1 to V of each copy.
    high: [Number<V>; LANES + 1],
}

/// A modulus.
pub(super) struct Modulus<const V: usize> {
    pub(super) copies: Copies<V>,
    pub(super) low: [u64; LANES],
    /// -1/m modulo 2^52, at the top of the word.
    pub(super) scaled_inverse: u64,
}

/// The columns from the next block on.
struct Sums<const V: usize> {
    /// Vector 0.
    lowest: [u64; LANES],
    /// The carry out of the columns below.
    carry: u128,
    /// The other vectors, as two sums, which halves the latency.
    of_rows: Number<V>,
    of_modulus: Number<V>,
}

static ZEROS: [u64; LANES] = [0; LANES];

macro_rules! for_each_row {
    ($run:ident) => {
        $run!(0);
        $run!(1);
        $run!(2);
        $run!(3);
        $run!(4);
        $run!(5);
        $run!(6);
        $run!(7);
    };
}

/// Calls a macro for every vector of a number, at most ten. With loops the sums would be in memory: the
/// compiler keeps an array in registers only if all indices are constants.
macro_rules! for_each_vector {
    ($count:ident, $run:ident) => {
        for_each_vector!($count, $run, 0 1 2 3 4 5 6 7 8 9);
    };
    ($count:ident, $run:ident, $($v:literal)*) => {$(
        if $v < $count {
            $run!($v);
        }
    )*};
}

/// Calls a macro for every row but the first, with the shift that makes its copy.
macro_rules! for_each_shift {
    ($run:ident) => {
        $run!(1, 7);
        $run!(2, 6);
        $run!(3, 5);
        $run!(4, 4);
        $run!(5, 3);
        $run!(6, 2);
        $run!(7, 1);
    };
}

/// Makes the shifted copies of a number.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
fn copy<const V: usize>(a: &Number<V>, copies: &mut Copies<V>) {
    let zero = _mm512_setzero_si512();
    macro_rules! copy {
        ($v:literal) => {
            let below = a[$v];
            let here = if $v + 1 < V { a[$v + 1] } else { zero };
            copies.high[0][$v] = here;
            copies.high[LANES][$v] = below;
            macro_rules! row {
                ($row:literal, $from:literal) => {
                    copies.high[$row][$v] = _mm512_alignr_epi64::<$from>(here, below);
                };
            }
            for_each_shift!(row);
        };
    }
    for_each_vector!(V, copy);
    copies.low[0] = a[0];
    macro_rules! row {
        ($row:literal, $from:literal) => {
            copies.low[$row] = _mm512_alignr_epi64::<$from>(a[0], zero);
        };
    }
    for_each_shift!(row);
}

impl<const V: usize> Modulus<V> {
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    pub(super) fn new(digits: &Digits<V>, inverse: u64) -> Self {
        let mut copies = Copies::new();
        copy(
            &core::array::from_fn(|v| vector::load(&digits[v])),
            &mut copies,
        );
        Self {
            copies,
            low: digits[0],
            scaled_inverse: inverse << SPARE_BITS,
        }
    }
}

impl<const V: usize> Copies<V> {
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    pub(super) fn new() -> Self {
        let zero = _mm512_setzero_si512();
        Self {
            low: [zero; LANES],
            high: [[zero; V]; LANES + 1],
        }
    }
}

impl<const V: usize> Zeroize for Copies<V> {
    fn zeroize(&mut self) {
        self.low.zeroize();
        self.high.zeroize();
    }
}

/// a b / R modulo m, below 2m if a and b are; R = 2^(52 (8 (V - 1) + LAST)). The last block has LAST
/// rows, and the digits above them are 0 in both numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
pub(super) fn multiply<const V: usize, const LAST: usize>(
    a: &mut Number<V>,
    b: &Digits<V>,
    m: &Modulus<V>,
    copies: &mut Copies<V>,
) {
    copy(a, copies);
    let zero = _mm512_setzero_si512();
    let mut sums = Sums {
        lowest: vector::store(low_product(&copies.low, &b[0])),
        carry: 0,
        of_rows: [zero; V],
        of_modulus: [zero; V],
    };
    let full = if LAST == LANES { V } else { V - 1 };
    for block in 0..full {
        let next_rows = if block + 1 < V { &b[block + 1] } else { &ZEROS };
        let next_low = sums.add_block::<LANES>(&b[block], Some(next_rows), m, copies);
        let lowest = _mm512_add_epi64(next_low, sums.column(0));
        sums.lowest = vector::store(lowest);
        sums.shift();
    }
    let mut columns = [zero; V];
    if LAST == LANES {
        sums.lowest[0] += sums.carry as u64;
        columns[0] = vector::load(&sums.lowest);
        macro_rules! collect {
            ($v:literal) => {
                if $v > 0 {
                    columns[$v] = sums.column($v - 1);
                }
            };
        }
        for_each_vector!(V, collect);
    } else {
        let low = sums.add_block::<LAST>(&b[full], None, m, copies);
        sums.lowest[LAST] += sums.carry as u64;
        let mut below = _mm512_add_epi64(vector::load(&sums.lowest), low);
        macro_rules! collect {
            ($v:literal) => {
                let column = sums.column($v);
                columns[$v] = match LAST {
                    2 => _mm512_alignr_epi64::<2>(column, below),
                    4 => _mm512_alignr_epi64::<4>(column, below),
                    _ => _mm512_alignr_epi64::<6>(column, below),
                };
                below = column;
            };
        }
        for_each_vector!(V, collect);
        let _ = below;
    }
    *a = normalized(&columns);
}

/// Columns 0 to 7 of the product of eight rows.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
fn low_product(copies: &[__m512i; LANES], rows: &[u64; LANES]) -> __m512i {
    let zero = _mm512_setzero_si512();
    let mut low = [zero; 2];
    let mut high = [zero; 2];
    let mut before = zero;
    macro_rules! row {
        ($row:literal) => {
            let digit = _mm512_set1_epi64(rows[$row] as i64);
            low[$row % 2] = _mm512_madd52lo_epu64(low[$row % 2], digit, copies[$row]);
            high[$row % 2] = _mm512_madd52hi_epu64(high[$row % 2], before, copies[$row]);
            before = digit;
        };
    }
    for_each_row!(row);
    let _ = before;
    _mm512_add_epi64(
        _mm512_add_epi64(low[0], low[1]),
        _mm512_add_epi64(high[0], high[1]),
    )
}

/// The scalar part of a block.
struct Chain {
    q: [u64; LANES],
    carry: u128,
}

impl Chain {
    /// The next q, which makes the column vanish together with the carry from the columns below.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn next<const ROW: usize, const ROWS: usize, const V: usize>(
        &mut self,
        column: u64,
        m: &Modulus<V>,
    ) -> u64 {
        // Columns above the block belong to the vector unit, and so do the high halves of the last row.
        let last = ROW + 1 == ROWS;
        let product = |x: u64, y: u64| {
            if last {
                u128::from(x.wrapping_mul(y) & DIGIT)
            } else {
                u128::from(x) * u128::from(y)
            }
        };
        // The term that depends on the row before is added last.
        let mut column = u128::from(column);
        for j in 2..=ROW {
            column += product(m.low[j], self.q[ROW - j]);
        }
        column += self.carry;
        if ROW > 0 {
            column += product(m.low[1], self.q[ROW - 1]);
        }
        // The latency from one q to the next is a multiplication by m_0, an addition and a
        // multiplication by -1/m only: q is at the top of its word, so the upper half of the product
        // is the carry of m_0 q; and the sum of the lower parts, which is 0 or 2^52, is not computed.
        let scaled = (column as u64).wrapping_mul(m.scaled_inverse);
        let q = scaled >> SPARE_BITS;
        self.q[ROW] = q;
        self.carry = (column >> DIGIT_BITS) + u128::from(column as u64 & DIGIT != 0);
        if !last {
            self.carry += (u128::from(scaled) * u128::from(m.low[0])) >> u64::BITS;
        }
        q
    }
}

/// The same reference; the compiler moves no read through it above this point.
///
/// The scalar chain and the vector unit overlap only if their instructions alternate: the processor
/// looks a few hundred instructions ahead, and a block has more. Without this, the compiler puts the
/// whole chain first and copies the shifted numbers to the stack.
#[inline]
fn in_order<T>(reference: &T) -> &T {
    let mut pointer: *const T = reference;
    // SAFETY: there is no instruction, so the pointer is unchanged.
    unsafe {
        asm!("/* {0} */", inout(reg) pointer, options(nostack, preserves_flags));
    }
    // SAFETY: the pointer comes from the reference, and the result has the same lifetime.
    unsafe { &*pointer }
}

impl<const V: usize> Sums<V> {
    /// Adds eight rows, or fewer in the last block: the columns of vectors 1 to V, and the carry of
    /// the first ROWS columns of vector 0, which vanish. Returns sums of vector 0: those of the next
    /// block's rows if there is a next block, otherwise those of the modulus.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn add_block<const ROWS: usize>(
        &mut self,
        rows: &[u64; LANES],
        next_rows: Option<&[u64; LANES]>,
        m: &Modulus<V>,
        copies: &Copies<V>,
    ) -> __m512i {
        let zero = _mm512_setzero_si512();
        let mut chain = Chain {
            q: [0; LANES],
            carry: self.carry,
        };
        // The digits of the row before, whose high halves take the same copy.
        let mut before = (zero, zero, zero);
        let mut low = zero;
        macro_rules! row {
            ($row:literal) => {
                if $row < ROWS {
                    let (copies, m) = (in_order(copies), in_order(m));
                    let q = chain.next::<$row, ROWS, V>(self.lowest[$row], m);
                    let q = _mm512_set1_epi64(q as i64);
                    let (low_digit, low_copy) = match next_rows {
                        Some(rows) => (_mm512_set1_epi64(rows[$row] as i64), copies.low[$row]),
                        None => (q, m.copies.low[$row]),
                    };
                    let digits = (_mm512_set1_epi64(rows[$row] as i64), q, low_digit);
                    macro_rules! add_products {
                        ($v:literal) => {
                            let copy = copies.high[$row][$v];
                            let sum = &mut self.of_rows[$v];
                            *sum = _mm512_madd52lo_epu64(*sum, digits.0, copy);
                            if $row > 0 {
                                *sum = _mm512_madd52hi_epu64(*sum, before.0, copy);
                            }
                            let copy = m.copies.high[$row][$v];
                            let sum = &mut self.of_modulus[$v];
                            *sum = _mm512_madd52lo_epu64(*sum, digits.1, copy);
                            if $row > 0 {
                                *sum = _mm512_madd52hi_epu64(*sum, before.1, copy);
                            }
                        };
                    }
                    for_each_vector!(V, add_products);
                    low = _mm512_madd52lo_epu64(low, digits.2, low_copy);
                    if $row > 0 {
                        low = _mm512_madd52hi_epu64(low, before.2, low_copy);
                    }
                    self.pin();
                    before = digits;
                }
            };
        }
        for_each_row!(row);
        macro_rules! add_high {
            ($v:literal) => {
                let sum = &mut self.of_rows[$v];
                *sum = _mm512_madd52hi_epu64(*sum, before.0, copies.high[ROWS][$v]);
                let sum = &mut self.of_modulus[$v];
                *sum = _mm512_madd52hi_epu64(*sum, before.1, m.copies.high[ROWS][$v]);
            };
        }
        for_each_vector!(V, add_high);
        self.carry = chain.carry;
        if ROWS < LANES {
            low = _mm512_madd52hi_epu64(low, before.2, m.copies.low[ROWS]);
        }
        low
    }

    /// The columns of vector v + 1.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn column(&self, v: usize) -> __m512i {
        _mm512_add_epi64(self.of_rows[v], self.of_modulus[v])
    }

    /// Makes the compiler complete all sums before this point, see [`in_order`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn pin(&mut self) {
        macro_rules! pin {
            ($v:literal) => {
                // SAFETY: there is no instruction, so the vectors are unchanged.
                unsafe {
                    asm!(
                        "/* {0} {1} */",
                        inout(zmm_reg) self.of_rows[$v],
                        inout(zmm_reg) self.of_modulus[$v],
                        options(nostack, preserves_flags),
                    );
                }
            };
        }
        for_each_vector!(V, pin);
    }

    /// Moves on to the columns of the next block.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,bmi2")]
    fn shift(&mut self) {
        let zero = _mm512_setzero_si512();
        macro_rules! shift {
            ($v:literal) => {
                let above = $v + 1 < V;
                self.of_rows[$v] = if above { self.of_rows[$v + 1] } else { zero };
                self.of_modulus[$v] = if above { self.of_modulus[$v + 1] } else { zero };
            };
        }
        for_each_vector!(V, shift);
    }
}

/// Normalizes columns to digits.
///
/// After one round of carries, columns are at most 2^52 + 2^9 and carry 0 or 1: lanes above 2^52 - 1
/// generate a carry, lanes equal to it propagate one. An addition of the two masks as integers
/// resolves the carries of all lanes at once.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
fn normalized<const V: usize>(columns: &Number<V>) -> Number<V> {
    let mask = _mm512_set1_epi64(DIGIT as i64);
    let mut digits = [_mm512_setzero_si512(); V];
    let mut below = digits[0];
    let (mut made, mut passed) = (0_u128, 0_u128);
    macro_rules! carry {
        ($v:literal) => {
            let column = columns[$v];
            let carries = _mm512_srli_epi64::<52>(column);
            let digit = _mm512_add_epi64(
                _mm512_and_si512(column, mask),
                _mm512_alignr_epi64::<7>(carries, below),
            );
            below = carries;
            made |= u128::from(_mm512_cmpgt_epu64_mask(digit, mask)) << (LANES * $v);
            passed |= u128::from(_mm512_cmpeq_epu64_mask(digit, mask)) << (LANES * $v);
            digits[$v] = digit;
        };
    }
    for_each_vector!(V, carry);
    let _ = below;
    let carried = passed.wrapping_add(made << 1) ^ passed;
    let minus_one = _mm512_set1_epi64(-1);
    macro_rules! carry_over {
        ($v:literal) => {
            let lanes = (carried >> (LANES * $v)) as u8;
            let digit = _mm512_mask_sub_epi64(digits[$v], lanes, digits[$v], minus_one);
            digits[$v] = _mm512_and_si512(digit, mask);
        };
    }
    for_each_vector!(V, carry_over);
    digits
}
