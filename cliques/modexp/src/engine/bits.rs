//! Secret exponents as the engines read them.

use crypto_bigint::Word;

/// The bits of a secret exponent. Its width is public.
#[derive(Clone, Copy)]
pub(crate) struct ExponentBits<'a> {
    words: &'a [Word],
    width: u32,
}

impl<'a> ExponentBits<'a> {
    pub(crate) const fn new(words: &'a [Word], width: u32) -> Self {
        Self { words, width }
    }

    /// The declared width, in bits.
    pub(crate) const fn width(self) -> u32 {
        self.width
    }

    /// The `count` bits from bit `from` on. Which bits are read is public, their value is secret.
    /// Bits beyond the words are 0.
    pub(super) fn digit(self, from: u32, count: u32) -> Word {
        let (index, shift) = ((from / Word::BITS) as usize, from % Word::BITS);
        let word = |index: usize| self.words.get(index).copied().unwrap_or(0);
        let low = word(index) >> shift;
        let high = word(index + 1).checked_shl(Word::BITS - shift).unwrap_or(0);
        (low | high) & ((1 << count) - 1)
    }
}

/// From this width on, in bits, an exponent repays the larger table of a wider window.
const LONG_EXPONENT: u32 = 640;

/// Bits of a window, for one base and one exponent of `width` bits.
pub(super) const fn window(width: u32) -> u32 {
    if width < LONG_EXPONENT { 4 } else { 5 }
}
