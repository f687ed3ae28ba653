//! A growing buffer of wire fields.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{codec::endian, gcs::ByteOrder, name::Name};

/// Writes a structure field by field, all words in one byte order.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: BytesMut,
    order: ByteOrder,
}

impl Writer {
    /// Starts with room for `capacity` bytes.
    pub(crate) fn new(order: ByteOrder, capacity: usize) -> Self {
        Self {
            bytes: BytesMut::with_capacity(capacity),
            order,
        }
    }

    /// Appends bytes.
    pub(crate) fn slice(&mut self, bytes: &[u8]) {
        self.bytes.put_slice(bytes);
    }

    /// Appends a byte.
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.put_u8(byte);
    }

    /// Appends a word.
    pub(crate) fn word(&mut self, word: u32) {
        self.slice(&endian::write(word, self.order));
    }

    /// Appends a count. Everything counted here is bounded far below four bytes.
    pub(crate) fn count(&mut self, count: usize) {
        self.word(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Appends a name slot, zero-padded.
    pub(crate) fn name(&mut self, name: &Name) {
        self.slice(name.slot());
    }

    /// All that was written.
    pub(crate) fn finish(self) -> Bytes {
        self.bytes.freeze()
    }
}
