//! Byte strings behind a 16-bit big-endian length.

use alloc::vec::Vec;

use bytes::Buf;

/// Appends a byte string of at most 65535 bytes; of a longer one nothing is written.
pub(crate) fn put16(out: &mut Vec<u8>, bytes: &[u8]) {
    if let Ok(length) = u16::try_from(bytes.len()) {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(bytes);
    }
}

/// Reads a byte string; `None` if it is cut off.
pub(crate) fn get16<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::from(bytes.try_get_u16().ok()?);
    let (field, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(field)
}
