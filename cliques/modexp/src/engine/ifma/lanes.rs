//! Eight numbers at once, one per lane of a vector.
//!
//! Digit j of all eight numbers is one vector, so no carry ever crosses lanes. A product takes two
//! phases, multiplication and reduction, both in blocks of ten rows:
//!
//! ```text
//!                column:  0 ........ 9 10 ....... 19 20 ...
//!   rows 0 to 9           a_0 b_0   ...                        a window of eleven columns moves
//!   (digits b_0 .. b_9)        +----window----+  ->            up as j grows: one load of a_j
//!                                                              serves twenty products
//! ```
//!
//! The window is in registers, so twenty multiply-adds need one load of a digit, one load and one
//! store of a column, and the multiplier is the bottleneck. Squares take the products a_r a_j with
//! r < j once, double all columns and add the a_r^2, which is a quarter less work in all.
//!
//! The reduction works on the same columns. Row r needs q_r = column r times -1/m modulo 2^52, which
//! depends on the rows before. The first ten digits of m are therefore multiplied row by row, the
//! others as above.
//!
//! A column is the sum of at most 4K products of 52 bits, below 2^61 for K up to 160 digits.

use core::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64,
};

use super::radix::DIGIT;

/// Rows of a block; the number of digits is a multiple of it.
const ROWS: usize = 10;

/// The columns that a row of a block touches at one digit.
type Window = [__m512i; ROWS + 1];

/// Eight numbers of K digits.
pub(super) type Lanes<const K: usize> = [__m512i; K];

/// A modulus, the same in every lane.
pub(super) struct Modulus<const K: usize> {
    pub(super) digits: Lanes<K>,
    pub(super) inverse: __m512i,
}

/// The columns of a product.
pub(super) type Columns<const K: usize> = [Lanes<K>; 2];

/// a b / R modulo m, below 2m if a and b are.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn multiply<const K: usize>(
    a: &mut Lanes<K>,
    b: &Lanes<K>,
    m: &Modulus<K>,
    columns: &mut Columns<K>,
) {
    let flat = columns.as_flattened_mut();
    let mut base = 0;
    while base < K {
        multiply_rows(a, b, base, flat);
        base += ROWS;
    }
    reduce(flat, m, a);
}

/// a a / R modulo m.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn square<const K: usize>(a: &mut Lanes<K>, m: &Modulus<K>, columns: &mut Columns<K>) {
    let flat = columns.as_flattened_mut();
    let mut base = 0;
    while base < K {
        square_rows(a, base, flat);
        base += ROWS;
    }
    for (pair, digit) in flat.as_chunks_mut::<2>().0.iter_mut().zip(a.iter()) {
        let [low, high] = *pair;
        *pair = [
            _mm512_madd52lo_epu64(_mm512_add_epi64(low, low), *digit, *digit),
            _mm512_madd52hi_epu64(_mm512_add_epi64(high, high), *digit, *digit),
        ];
    }
    reduce(flat, m, a);
}

/// Calls a macro for every row. With loops the window would be in memory: the compiler keeps an array
/// in registers only if all indices are constants.
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
        $run!(8);
        $run!(9);
    };
}

/// Adds the products of ten rows and one digit.
macro_rules! add_products {
    ($window:ident, $rows:ident, $digit:expr) => {{
        let digit = $digit;
        macro_rules! add_low {
            ($row:literal) => {
                $window[$row] = _mm512_madd52lo_epu64($window[$row], $rows[$row], digit);
            };
        }
        macro_rules! add_high {
            ($row:literal) => {
                $window[$row + 1] = _mm512_madd52hi_epu64($window[$row + 1], $rows[$row], digit);
            };
        }
        for_each_row!(add_low);
        for_each_row!(add_high);
    }};
}

/// Adds the products of a and ten digits of b, those from `base` on.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_rows<const K: usize>(a: &Lanes<K>, b: &Lanes<K>, base: usize, columns: &mut [__m512i]) {
    let rows = ten(b, base);
    let mut window = enter(columns, base, base == 0);
    for j in 0..K {
        window[ROWS] = incoming::<K>(columns, base, j, base == 0);
        add_products!(window, rows, a[j]);
        columns[base + j] = window[0];
        window = shifted(&window);
    }
    leave(columns, base + K, &window);
}

/// Adds the products of ten digits of a, those from `base` on, and all digits above each of them.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn square_rows<const K: usize>(a: &Lanes<K>, base: usize, columns: &mut [__m512i]) {
    let rows = ten(a, base);
    let mut window = enter(columns, 2 * base, base == 0);
    macro_rules! add_triangle {
        ($($above:literal: $($row:literal)*;)*) => {$(
            window[ROWS] = incoming::<K>(columns, base, base + $above, base == 0);
            $(window[$row] = _mm512_madd52lo_epu64(window[$row], rows[$row], rows[$above]);)*
            $(window[$row + 1] = _mm512_madd52hi_epu64(window[$row + 1], rows[$row], rows[$above]);)*
            columns[2 * base + $above] = window[0];
            window = shifted(&window);
        )*};
    }
    add_triangle! {
        0: ;
        1: 0;
        2: 0 1;
        3: 0 1 2;
        4: 0 1 2 3;
        5: 0 1 2 3 4;
        6: 0 1 2 3 4 5;
        7: 0 1 2 3 4 5 6;
        8: 0 1 2 3 4 5 6 7;
        9: 0 1 2 3 4 5 6 7 8;
    }
    for j in base + ROWS..K {
        window[ROWS] = incoming::<K>(columns, base, j, base == 0);
        add_products!(window, rows, a[j]);
        columns[base + j] = window[0];
        window = shifted(&window);
    }
    leave(columns, base + K, &window);
}

/// Adds multiples of m until the lower K columns vanish, and normalizes the upper ones to digits.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce<const K: usize>(columns: &mut [__m512i], m: &Modulus<K>, result: &mut Lanes<K>) {
    let mut base = 0;
    while base < K {
        reduce_rows(columns, m, base);
        base += ROWS;
    }
    let mask = _mm512_set1_epi64(DIGIT as i64);
    let mut carry = _mm512_setzero_si512();
    for (digit, column) in result.iter_mut().zip(&columns[K..]) {
        let sum = _mm512_add_epi64(*column, carry);
        *digit = _mm512_and_si512(sum, mask);
        carry = _mm512_srli_epi64::<52>(sum);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce_rows<const K: usize>(columns: &mut [__m512i], m: &Modulus<K>, base: usize) {
    let zero = _mm512_setzero_si512();
    let mut rows = [zero; ROWS];
    let mut window = enter(columns, base, false);
    let first = ten(&m.digits, 0);
    macro_rules! eliminate {
        ($row:literal) => {
            window[ROWS] = columns[base + $row + ROWS];
            let q = _mm512_madd52lo_epu64(zero, window[0], m.inverse);
            rows[$row] = q;
            macro_rules! add_low {
                ($digit:literal) => {
                    window[$digit] = _mm512_madd52lo_epu64(window[$digit], q, first[$digit]);
                };
            }
            macro_rules! add_high {
                ($digit:literal) => {
                    window[$digit + 1] =
                        _mm512_madd52hi_epu64(window[$digit + 1], q, first[$digit]);
                };
            }
            for_each_row!(add_low);
            for_each_row!(add_high);
            // The low 52 bits are 0 now.
            let carry = _mm512_srli_epi64::<52>(window[0]);
            window = shifted(&window);
            window[0] = _mm512_add_epi64(window[0], carry);
        };
    }
    for_each_row!(eliminate);
    for j in ROWS..K {
        window[ROWS] = columns[base + j + ROWS];
        add_products!(window, rows, m.digits[j]);
        columns[base + j] = window[0];
        window = shifted(&window);
    }
    leave(columns, base + K, &window);
}

/// Ten digits.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn ten<const K: usize>(digits: &Lanes<K>, from: usize) -> [__m512i; ROWS] {
    let digits = &digits[from..from + ROWS];
    [
        digits[0], digits[1], digits[2], digits[3], digits[4], digits[5], digits[6], digits[7],
        digits[8], digits[9],
    ]
}

/// The first ten columns of a window; they are 0 if the product is fresh.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn enter(columns: &[__m512i], from: usize, fresh: bool) -> Window {
    let zero = _mm512_setzero_si512();
    if fresh {
        return [zero; ROWS + 1];
    }
    let columns = &columns[from..from + ROWS];
    [
        columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6],
        columns[7], columns[8], columns[9], zero,
    ]
}

/// The column that enters the window at digit j; 0 above the columns of earlier blocks, which have
/// nothing of this product yet.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn incoming<const K: usize>(columns: &[__m512i], base: usize, j: usize, fresh: bool) -> __m512i {
    if fresh || j + ROWS >= K {
        _mm512_setzero_si512()
    } else {
        columns[base + j + ROWS]
    }
}

/// The window, moved up by one column.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn shifted(window: &Window) -> Window {
    [
        window[1],
        window[2],
        window[3],
        window[4],
        window[5],
        window[6],
        window[7],
        window[8],
        window[9],
        window[10],
        _mm512_setzero_si512(),
    ]
}

/// Stores the columns of a window at the end of a block.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn leave(columns: &mut [__m512i], at: usize, window: &Window) {
    let columns = &mut columns[at..at + ROWS];
    macro_rules! store {
        ($row:literal) => {
            columns[$row] = window[$row];
        };
    }
    for_each_row!(store);
}
