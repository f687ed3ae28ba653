//! A cursor that never reads beyond its bytes.

use crate::{codec::endian, error::DecodeError, gcs::ByteOrder, limits, name::Name};

/// Reads a structure from the front of a slice.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    what: &'static str,
    length: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`, which hold the structure `what`.
    pub(crate) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            what,
            length: bytes.len(),
            rest: bytes,
        }
    }

    /// Bytes read so far.
    pub(crate) const fn position(&self) -> usize {
        self.length - self.rest.len()
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.truncated(N))?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next `count` bytes.
    pub(crate) fn slice(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| self.truncated(count))?;
        self.rest = rest;
        Ok(head)
    }

    /// The next word.
    pub(crate) fn word(&mut self, order: ByteOrder) -> Result<u32, DecodeError> {
        self.array().map(|bytes| endian::read(bytes, order))
    }

    /// The next word as a count that is at most `max`.
    pub(crate) fn count(
        &mut self,
        what: &'static str,
        max: usize,
        order: ByteOrder,
    ) -> Result<usize, DecodeError> {
        count(what, self.word(order)?, max)
    }

    /// The next `count` name slots, each made into a `T`; nothing is allocated unless they are
    /// all there.
    pub(crate) fn names<T, E>(&mut self, count: usize) -> Result<alloc::vec::Vec<T>, DecodeError>
    where
        T: TryFrom<Name, Error = E>,
        DecodeError: From<E>,
    {
        let (slots, _) = self
            .slice(count.saturating_mul(limits::NAME_SLOT))?
            .as_chunks::<{ limits::NAME_SLOT }>();
        let mut names = alloc::vec::Vec::with_capacity(slots.len());
        for slot in slots {
            match T::try_from(Name::from_slot(*slot)) {
                Ok(name) => names.push(name),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(names)
    }

    /// Demands that nothing is left.
    pub(crate) const fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing {
                what: self.what,
                extra: self.rest.len(),
            })
        }
    }

    const fn truncated(&self, wanted: usize) -> DecodeError {
        DecodeError::Truncated {
            what: self.what,
            got: self.length,
            need: self.position().saturating_add(wanted),
        }
    }
}

/// A count from a word that the protocol declares signed; it is at most `max`.
pub(crate) fn count(what: &'static str, word: u32, max: usize) -> Result<usize, DecodeError> {
    let signed = i64::from(word.cast_signed());
    usize::try_from(signed)
        .ok()
        .filter(|count| *count <= max)
        .ok_or(DecodeError::TooLarge {
            what,
            value: signed,
            max,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_noticed() {
        let mut reader = Reader::new("thing", &[1, 0, 0, 0, 9]);
        assert_eq!(reader.word(ByteOrder::Little), Ok(1));
        assert_eq!(
            reader.word(ByteOrder::Little),
            Err(DecodeError::Truncated {
                what: "thing",
                got: 5,
                need: 8
            })
        );
        assert_eq!(reader.position(), 4);
        assert_eq!(
            reader.finish(),
            Err(DecodeError::Trailing {
                what: "thing",
                extra: 1
            })
        );
    }

    #[test]
    fn counts_are_signed() {
        assert_eq!(count("n", 3, 3), Ok(3));
        assert_eq!(
            count("n", u32::MAX, 3),
            Err(DecodeError::TooLarge {
                what: "n",
                value: -1,
                max: 3
            })
        );
    }

    #[test]
    fn names_need_all_their_bytes() {
        let mut reader = Reader::new("names", &[0; 63]);
        assert!(reader.names::<Name, core::convert::Infallible>(2).is_err());
        assert!(
            reader
                .names::<Name, core::convert::Infallible>(usize::MAX)
                .is_err()
        );
        assert_eq!(
            reader
                .names::<Name, core::convert::Infallible>(1)
                .unwrap()
                .len(),
            1
        );
    }
}
