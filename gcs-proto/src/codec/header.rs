//! The 48 bytes in front of every message.
//!
//! | offset | size | field | byte order |
//! |---|---|---|---|
//! | 0 | 4 | type word and marker | of the last hop |
//! | 4 | 32 | name, up to its first NUL | |
//! | 36 | 4 | number of names that follow, signed | of the last hop |
//! | 40 | 4 | hint | of the author |
//! | 44 | 4 | length of the body, signed | of the last hop |
//!
//! Source: Spread client protocol, sections 4.1 and 4.2 of the protocol notes in `docs/`.

use crate::{
    codec::{endian, hint::Hint, reader, word},
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
    #[inline]
    pub fn decode(bytes: [u8; limits::HEADER]) -> Result<Self, DecodeError> {
        let [words @ .., d0, d1, d2, d3] = bytes;
        let [words @ .., h0, h1, h2, h3] = words;
        let [t0, t1, t2, t3, name @ .., g0, g1, g2, g3] = words;
        let (hop, word) = endian::read_marked("type", [t0, t1, t2, t3])?;
        let count = |bytes| endian::read(bytes, hop);
        Ok(Self {
            groups: reader::count("number of names", count([g0, g1, g2, g3]), limits::MEMBERS)?,
            body_length: reader::count(
                "body length",
                count([d0, d1, d2, d3]),
                limits::MEMBERSHIP_BODY,
            )?,
            word,
            hop,
            name: Name::from_slot(name),
            hint: Hint::from_bytes([h0, h1, h2, h3]),
        })
    }

    /// Bytes of names and body together: what most limits are about.
    pub const fn content(&self) -> usize {
        self.body_length
            .saturating_add(self.groups.saturating_mul(limits::NAME_SLOT))
    }
}

/// Which way a message goes; what it may contain depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Requests of a client.
    ToDaemon,
    /// Deliveries of a daemon.
    ToClient,
}

/// The bounds of spec section 5, chosen by direction and kind.
pub(super) fn check_limits(header: &Header, direction: Direction) -> Result<(), DecodeError> {
    let kind = header.word & (word::SERVICES | word::REJECT | word::REGULAR_MEMBERSHIP);
    let (names, content) = match direction {
        Direction::ToClient if kind == word::REGULAR_MEMBERSHIP => {
            (limits::MEMBERS, limits::LONGEST_DELIVERY - limits::HEADER)
        }
        // The requester's own name is added to what was refused.
        Direction::ToClient if kind == word::REJECT => (
            limits::DESTINATIONS + 1,
            limits::MESSAGE + limits::NAME_SLOT,
        ),
        Direction::ToClient | Direction::ToDaemon => (limits::DESTINATIONS, limits::MESSAGE),
    };
    within("number of names", header.groups, names)?;
    within("message length", header.content(), content)
}

fn within(what: &'static str, value: usize, max: usize) -> Result<(), DecodeError> {
    if value <= max {
        Ok(())
    } else {
        Err(DecodeError::TooLarge {
            what,
            value: i64::try_from(value).unwrap_or(i64::MAX),
            max,
        })
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
