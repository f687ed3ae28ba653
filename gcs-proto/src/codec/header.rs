//! The 48 bytes in front of every message.

use crate::{
    codec::{
        endian,
        hint::Hint,
        reader::{self, Reader},
    },
    error::DecodeError,
    gcs::ByteOrder,
    limits,
    name::Name,
};

/// Header of a message.
///
/// `word`, `groups` and `body_length` are in the byte order of the *last hop*, which the marker
/// in the type word tells; `hint` keeps the order of the author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type word without marker, see [`word`](super::word).
    pub word: u32,
    /// Byte order of the last hop.
    pub hop: ByteOrder,
    /// Private group of the sender, or the group of a membership message.
    pub name: Name,
    /// Number of names that follow.
    pub groups: usize,
    /// Message type and byte order of the author.
    pub hint: Hint,
    /// Bytes of the body.
    pub body_length: usize,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`DecodeError::Illegal`] for half a marker, [`DecodeError::TooLarge`] for counts that no
    /// message may have in either direction.
    pub fn decode(bytes: [u8; limits::HEADER]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("header", &bytes);
        let (hop, word) = endian::read_marked("type", reader.array()?)?;
        let name = reader.name()?;
        let groups = reader.array()?;
        let hint = Hint::from_bytes(reader.array()?);
        let body_length = reader.array()?;
        Ok(Self {
            word,
            hop,
            name,
            groups: reader::count(
                "number of names",
                endian::read(groups, hop),
                limits::MEMBERS,
            )?,
            hint,
            body_length: reader::count(
                "body length",
                endian::read(body_length, hop),
                limits::MEMBERSHIP_BODY,
            )?,
        })
    }

    /// Bytes of names and body together: what most limits are about.
    pub const fn content(&self) -> usize {
        self.body_length
            .saturating_add(self.groups.saturating_mul(limits::NAME_SLOT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(word: [u8; 4], groups: [u8; 4], body: [u8; 4]) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[..4].copy_from_slice(&word);
        bytes[4..9].copy_from_slice(b"#a#n1");
        bytes[36..40].copy_from_slice(&groups);
        bytes[40..44].copy_from_slice(&[0x80, 7, 0, 0x80]);
        bytes[44..].copy_from_slice(&body);
        bytes
    }

    #[test]
    fn counts_follow_the_hop_and_the_hint_does_not() {
        let little = Header::decode(bytes([0x90, 0, 0, 0x80], [1, 0, 0, 0], [2, 0, 0, 0])).unwrap();
        let big = Header::decode(bytes([0, 0, 0, 0x10], [0, 0, 0, 1], [0, 0, 0, 2])).unwrap();
        assert_eq!(
            big,
            Header {
                hop: ByteOrder::Big,
                ..little
            }
        );
        assert_eq!((little.groups, little.body_length), (1, 2));
        assert_eq!(little.content(), 34);
        assert_eq!(little.hint, Hint::new(7));
        assert_eq!(little.name.as_bytes(), b"#a#n1");
    }

    #[test]
    fn negative_and_excessive_counts_are_refused() {
        let type_word = [0x90, 0, 0, 0x80];
        for (groups, body) in [
            ([0xff; 4], [0; 4]),
            ([0; 4], [0xff; 4]),
            ([1, 0, 1, 0], [0; 4]),
            ([0; 4], [1, 0, 0x40, 0]),
        ] {
            assert!(matches!(
                Header::decode(bytes(type_word, groups, body)),
                Err(DecodeError::TooLarge { .. })
            ));
        }
        assert!(Header::decode(bytes(type_word, [0, 0, 1, 0], [0, 0, 0x40, 0])).is_ok());
    }
}
