//! Byte order of words, and the marker that tells it.
//!
//! | word `0x12345678` with marker | bytes |
//! |---|---|
//! | little-endian | `f8 56 34 92` |
//! | big-endian | `12 34 56 78` |
//!
//! The marker takes the place of the highest bit of the outer bytes, so a marked word has 30 bits
//! of its own. Two bits of it say how it was written: both set for little-endian, both clear for
//! big-endian. The pattern reads the same with its bytes reversed, so it can be tested before the
//! order is known. Source: Spread client protocol, section 4.2 of the protocol notes in `docs/`.

use crate::{error::DecodeError, gcs::ByteOrder};

/// The marker bits of a word.
pub const MARKER: u32 = 0x8000_0080;

/// The marker of words written in `order`.
pub const fn marker(order: ByteOrder) -> u32 {
    match order {
        ByteOrder::Little => MARKER,
        ByteOrder::Big => 0,
    }
}

/// Reads a word that was written in `order`.
pub const fn read(bytes: [u8; 4], order: ByteOrder) -> u32 {
    match order {
        ByteOrder::Little => u32::from_le_bytes(bytes),
        ByteOrder::Big => u32::from_be_bytes(bytes),
    }
}

/// Writes a word in `order`.
pub const fn write(word: u32, order: ByteOrder) -> [u8; 4] {
    match order {
        ByteOrder::Little => word.to_le_bytes(),
        ByteOrder::Big => word.to_be_bytes(),
    }
}

/// Order and value, without marker, of a marked word.
///
/// # Errors
/// [`DecodeError::Illegal`] if one marker bit is set and the other is not.
pub const fn read_marked(
    what: &'static str,
    bytes: [u8; 4],
) -> Result<(ByteOrder, u32), DecodeError> {
    let word = u32::from_le_bytes(bytes);
    match word & MARKER {
        MARKER => Ok((ByteOrder::Little, word & !MARKER)),
        0 => Ok((ByteOrder::Big, word.swap_bytes())),
        _ => Err(DecodeError::Illegal { what, value: word }),
    }
}

/// Writes a word in `order`, with marker.
pub const fn write_marked(word: u32, order: ByteOrder) -> [u8; 4] {
    write((word & !MARKER) | marker(order), order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marker_tells_the_order() {
        assert_eq!(
            read_marked("type", [0x80, 0, 1, 0x80]),
            Ok((ByteOrder::Little, 0x0001_0000))
        );
        assert_eq!(
            read_marked("type", [0, 1, 0, 0]),
            Ok((ByteOrder::Big, 0x0001_0000))
        );
        for half in [[0x80, 0, 0, 0], [0, 0, 0, 0x80]] {
            assert!(read_marked("type", half).is_err());
        }
        assert_eq!(write_marked(0x10, ByteOrder::Big), [0, 0, 0, 0x10]);
        assert_eq!(write_marked(0x10, ByteOrder::Little), [0x90, 0, 0, 0x80]);
    }
}
