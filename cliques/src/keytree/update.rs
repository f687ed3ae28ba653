//! The update, a token that both suites have.
//!
//! | kind | body |
//! |---|---|
//! | update | u8 has leaf, \[leaf element\], u16 count, (position, element) from the lowest node upward |
//!
//! The suite defines what a position is: a level (STR) or a path (TGDH).
//!
//! Source: key agreement notes, sections 2.4 and 7.5.

use alloc::vec::Vec;

use super::{
    rules::Rules,
    wire::{optional, write_optional},
};
use crate::{
    codec::{Reader, Writer},
    error::DecodeError,
};

/// New blinded keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Update<'a> {
    /// Blinded key of the sender's leaf, if it refreshed its share.
    pub(crate) leaf: Option<&'a [u8]>,
    /// Encoded position and blinded key of nodes above it.
    pub(crate) nodes: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Update<'a> {
    pub(crate) fn decode<R: Rules>(
        body: &'a [u8],
        element_len: usize,
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let leaf = optional(&mut reader, element_len)?;
        let nodes = reader.list(
            R::POSITION_LEAST.saturating_add(element_len),
            "nodes",
            |item| {
                Ok((
                    R::read_position(item)?,
                    item.bytes(element_len, "blinded key")?,
                ))
            },
        )?;
        reader.finish()?;
        Ok(Self { leaf, nodes })
    }

    pub(crate) fn encode<'e>(
        leaf: Option<&[u8]>,
        nodes: impl ExactSizeIterator<Item = (Vec<u8>, &'e [u8])>,
    ) -> Vec<u8> {
        let mut writer = Writer::new(b"");
        write_optional(&mut writer, leaf).count(nodes.len());
        for (position, element) in nodes {
            writer.raw(&position).raw(element);
        }
        writer.into_vec()
    }
}
