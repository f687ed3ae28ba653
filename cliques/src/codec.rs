//! Bounded reading and writing of envelopes and token bodies.
//!
//! Encodings of the key agreement notes, section 2.4: integers are big-endian, a name is a 16-bit
//! length and its bytes, a list a 16-bit count and its items. A reader borrows what it reads and
//! refuses a count that the remaining bytes cannot hold.

use alloc::vec::Vec;

use gcs_view::MEMBER_NAME_MAX;

use crate::error::DecodeError;

/// Bytes of the shortest name, with its length.
pub(crate) const NAME_LEAST: usize = 3;

/// The name of the length of a name, in errors.
pub(crate) const NAME: &str = "length of a name";

/// Reads a structure field by field; every read names its field, for errors.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    whole: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            whole: bytes.len(),
        }
    }

    /// Bytes read so far.
    pub(crate) const fn position(&self) -> usize {
        self.whole - self.rest.len()
    }

    /// The next `len` bytes.
    pub(crate) fn bytes(
        &mut self,
        len: usize,
        what: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(DecodeError::Truncated(what))?;
        self.rest = rest;
        Ok(head)
    }

    /// An array of fixed length.
    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::Truncated(what))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array(what).map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// Bytes behind a 16-bit length.
    pub(crate) fn enc16(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.u16(what)?;
        self.bytes(usize::from(len), what)
    }

    /// A member's name: 1 to [`MEMBER_NAME_MAX`] bytes behind a 16-bit length. `what` is its length.
    pub(crate) fn name(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let name = self.enc16(what)?;
        match name.len() {
            1..=MEMBER_NAME_MAX => Ok(name),
            length => Err(illegal_name(length, what)),
        }
    }

    /// Bytes behind a 32-bit length.
    pub(crate) fn enc32(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.u32(what)?;
        self.bytes(
            usize::try_from(len).map_err(|_| DecodeError::Truncated(what))?,
            what,
        )
    }

    /// A list of items that take at least `least` bytes each.
    pub(crate) fn list<T>(
        &mut self,
        least: usize,
        what: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = usize::from(self.u16(what)?);
        if count.saturating_mul(least) > self.rest.len() {
            return Err(DecodeError::Truncated(what));
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Checks that nothing is left over.
    pub(crate) const fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing(left)),
        }
    }
}

/// The error for a name that no member can have.
pub(crate) fn illegal_name(length: usize, what: &'static str) -> DecodeError {
    match length {
        0 => DecodeError::Unknown { what, value: 0 },
        _ => DecodeError::TooLarge {
            what,
            value: u64::try_from(length).unwrap_or(u64::MAX),
            max: u64::try_from(MEMBER_NAME_MAX).unwrap_or(u64::MAX),
        },
    }
}

/// Writes a structure.
///
/// Bytes that are too long for their length field are truncated to its maximum; every receiver refuses
/// such a value. The constructors of what is written prevent this, except for names and signatures that a
/// caller of this crate supplies.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// Starts with these bytes.
    pub(crate) fn new(start: &[u8]) -> Self {
        Self(start.into())
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// A count of list items.
    pub(crate) fn count(&mut self, count: usize) -> &mut Self {
        self.u16(u16::try_from(count).unwrap_or(u16::MAX))
    }

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Bytes behind a 16-bit length.
    pub(crate) fn enc16(&mut self, bytes: &[u8]) -> &mut Self {
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.u16(len)
            .raw(bytes.get(..usize::from(len)).unwrap_or(bytes))
    }

    /// Bytes behind a 32-bit length.
    pub(crate) fn enc32(&mut self, bytes: &[u8]) -> &mut Self {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let kept = usize::try_from(len).unwrap_or(usize::MAX);
        self.u32(len).raw(bytes.get(..kept).unwrap_or(bytes))
    }

    /// The bytes written so far.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes written.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_cannot_be_is_refused_before_anything_is_allocated() {
        let bytes = [0xff, 0xff, 1, 2, 3];
        let read = Reader::new(&bytes).list(1, "list", |r| r.u8("item"));
        assert_eq!(read, Err(DecodeError::Truncated("list")));
    }

    #[test]
    fn what_does_not_fit_its_length_field_is_cut() {
        let mut writer = Writer::new(b"");
        writer.enc16(&[7; 70_000]);
        assert_eq!(writer.as_slice().len(), 2 + 65_535);
        assert_eq!(writer.as_slice().get(..2), Some(&[0xff, 0xff][..]));
    }

    #[test]
    fn left_over_bytes_are_counted() {
        let mut reader = Reader::new(&[0, 1, 9, 8, 7]);
        assert_eq!(reader.enc16("name"), Ok(&[9][..]));
        assert_eq!(reader.finish(), Err(DecodeError::Trailing(2)));
    }
}
