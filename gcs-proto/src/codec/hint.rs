//! The hint: message type and byte order as the author wrote them.
//!
//! | author | byte 0 | byte 1 | byte 2 | byte 3 |
//! |---|---|---|---|---|
//! | little-endian | `80` | low byte of the type | high byte | `80` |
//! | big-endian | `00` | high byte of the type | low byte | `00` |
//!
//! Source: Spread client protocol, section 4.3 of the protocol notes in `docs/`.

use crate::{codec::endian, error::DecodeError, gcs::ByteOrder};

/// Bits of a hint, in either order, that a daemon accepts.
const LEGAL: u32 = endian::MARKER | 0x00ff_ff00;

/// The four bytes of a header that daemons pass on untouched.
///
/// The 16-bit message type stands in the middle two bytes of the word, the marker in the outer
/// two; both are in the byte order of the *author*, which need not be that of the header.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hint([u8; 4]);

impl Hint {
    /// The hint of whoever writes little-endian, as this crate does.
    pub const fn new(message_type: i16) -> Self {
        Self::written_in(ByteOrder::Little, message_type)
    }

    /// The hint of an author with this byte order.
    pub const fn written_in(order: ByteOrder, message_type: i16) -> Self {
        let [low, high] = message_type.to_le_bytes();
        match order {
            ByteOrder::Little => Self([0x80, low, high, 0x80]),
            ByteOrder::Big => Self([0, high, low, 0]),
        }
    }

    /// A hint as it came.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The bytes as they came.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// Byte order of the author. Half a marker counts as none: daemons let it pass.
    pub const fn order(self) -> ByteOrder {
        if u32::from_le_bytes(self.0) & endian::MARKER == endian::MARKER {
            ByteOrder::Little
        } else {
            ByteOrder::Big
        }
    }

    /// Message type.
    pub const fn message_type(self) -> i16 {
        let [_, first, second, _] = self.0;
        match self.order() {
            ByteOrder::Little => i16::from_le_bytes([first, second]),
            ByteOrder::Big => i16::from_be_bytes([first, second]),
        }
    }

    /// What a daemon demands of a client: no bit beside marker and message type.
    ///
    /// # Errors
    /// [`DecodeError::Illegal`] with the word as written.
    pub const fn checked(self) -> Result<Self, DecodeError> {
        let value = u32::from_le_bytes(self.0);
        if value & !LEGAL == 0 {
            Ok(self)
        } else {
            Err(DecodeError::Illegal {
                what: "hint",
                value,
            })
        }
    }
}

impl core::fmt::Debug for Hint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}:{:?}", self.message_type(), self.order())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_protocol_notes() {
        for (hint, bytes) in [
            (Hint::new(0), [0x80, 0, 0, 0x80]),
            (Hint::new(1), [0x80, 1, 0, 0x80]),
            (Hint::new(-5), [0x80, 0xfb, 0xff, 0x80]),
            (Hint::new(0x1234), [0x80, 0x34, 0x12, 0x80]),
            (Hint::written_in(ByteOrder::Big, 0x1234), [0, 0x12, 0x34, 0]),
        ] {
            assert_eq!(hint.to_bytes(), bytes);
            assert_eq!(Hint::from_bytes(bytes), hint);
            assert!(hint.checked().is_ok());
        }
    }

    #[test]
    fn every_type_in_either_order() {
        for message_type in i16::MIN..=i16::MAX {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                let hint = Hint::written_in(order, message_type);
                assert_eq!((hint.order(), hint.message_type()), (order, message_type));
            }
        }
    }

    #[test]
    fn stray_bits_are_illegal_half_a_marker_is_not() {
        for bytes in [[0x81, 0, 0, 0x80], [0, 0, 0, 1], [0x40, 0, 0, 0]] {
            assert!(Hint::from_bytes(bytes).checked().is_err(), "{bytes:?}");
        }
        let half = Hint::from_bytes([0x80, 0, 7, 0]);
        assert_eq!((half.order(), half.message_type()), (ByteOrder::Big, 7));
        assert!(half.checked().is_ok());
    }
}
