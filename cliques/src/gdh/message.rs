//! Bodies of GDH tokens.
//!
//! | kind | body |
//! |---|---|
//! | partial, final | u16 base length, u16 count, names (u16 length, bytes) in order, element |
//! | factor-out | element |
//! | key list, join | u16 count, (name, element) in order |
//!
//! Source: key agreement notes, section 2.4. Decoding borrows from the body. Names are compared with
//! those of the expected members; no member is created from one.

use alloc::vec::Vec;

use gcs_view::MemberName;

use crate::{
    codec::{NAME, NAME_LEAST, Reader, Writer},
    error::DecodeError,
    rules::same_names,
};

/// A partial or final token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chain<'a> {
    /// Number of leading names that belong to the initiating component.
    pub(crate) base_len: usize,
    /// Names, oldest first.
    pub(crate) order: Vec<&'a [u8]>,
    /// The token's element.
    pub(crate) token: &'a [u8],
}

impl<'a> Chain<'a> {
    pub(crate) fn decode(body: &'a [u8], element_len: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let base_len = usize::from(reader.u16("base length")?);
        let order = reader.list(NAME_LEAST, "member list", |item| item.name(NAME))?;
        let token = reader.bytes(element_len, "token")?;
        reader.finish()?;
        Ok(Self {
            base_len,
            order,
            token,
        })
    }

    pub(crate) fn encode(base_len: usize, order: &[MemberName], token: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new(b"");
        writer.count(base_len).count(order.len());
        for name in order {
            writer.enc16(name.as_bytes());
        }
        writer.raw(token);
        writer.into_vec()
    }
}

/// A factor-out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FactorOut<'a> {
    /// The final token without the sender's share.
    pub(crate) value: &'a [u8],
}

impl<'a> FactorOut<'a> {
    pub(crate) fn decode(body: &'a [u8], element_len: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let value = reader.bytes(element_len, "factor-out")?;
        reader.finish()?;
        Ok(Self { value })
    }
}

/// A key list, or the list of a direct join.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyList<'a> {
    /// Names and elements, oldest member first.
    pub(crate) entries: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> KeyList<'a> {
    pub(crate) fn decode(body: &'a [u8], element_len: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let least = NAME_LEAST.saturating_add(element_len);
        let entries = reader.list(least, "key list", |item| {
            Ok((item.name(NAME)?, item.bytes(element_len, "partial key")?))
        })?;
        reader.finish()?;
        Ok(Self { entries })
    }

    pub(crate) fn encode<'e>(
        entries: impl ExactSizeIterator<Item = (&'e MemberName, Vec<u8>)>,
    ) -> Vec<u8> {
        let mut writer = Writer::new(b"");
        writer.count(entries.len());
        for (name, element) in entries {
            writer.enc16(name.as_bytes()).raw(&element);
        }
        writer.into_vec()
    }

    /// Whether the names are these, in this order.
    pub(crate) fn names_are(&self, order: &[MemberName]) -> bool {
        same_names(self.entries.iter().map(|(name, _)| *name), order)
    }
}
