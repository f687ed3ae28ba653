//! Token bodies that both suites have in common.
//!
//! | kind | body |
//! |---|---|
//! | update | u8 has leaf, \[leaf element\], u16 count, (place, element) from the lowest node upward |
//! | tree | the suite's own; read as nodes in pre-order |
//!
//! What a place is, the suite says: a level (STR) or a path (TGDH). Bodies are read as slices of
//! what came in; names are looked up among the members that are expected.
//!
//! Source: key agreement notes, sections 2.4 and 7.5.

use alloc::vec::Vec;

use gcs_view::MemberName;

use super::rules::Rules;
use crate::{
    codec::{Reader, Writer},
    error::{DecodeError, Error, PeerFault},
    rules::peer,
};

/// What errors call the length of a name.
pub(crate) const NAME: &str = "length of a name";

/// A node of a received tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireNode<'a> {
    /// Name of the member, at a leaf.
    pub(crate) name: Option<&'a [u8]>,
    /// Blinded key, unless it is missing.
    pub(crate) blinded: Option<&'a [u8]>,
}

/// Why a body is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadBody {
    /// It cannot be read.
    Undecodable(DecodeError),
    /// It breaks a rule of the suite.
    Fault(PeerFault),
}

impl From<DecodeError> for BadBody {
    fn from(error: DecodeError) -> Self {
        Self::Undecodable(error)
    }
}

impl BadBody {
    /// The error of the suite, with who sent the body.
    pub(crate) fn of(self, sender: &MemberName) -> Error {
        match self {
            Self::Undecodable(error) => error.into(),
            Self::Fault(fault) => peer(sender, fault),
        }
    }
}

/// Blinded keys that are new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Update<'a> {
    /// Blinded key of the sender's leaf, if it refreshed its share.
    pub(crate) leaf: Option<&'a [u8]>,
    /// Encoded place and blinded key of nodes above it.
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
            R::PLACE_LEAST.saturating_add(element_len),
            "nodes",
            |item| {
                Ok((
                    R::read_place(item)?,
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
        for (place, element) in nodes {
            writer.raw(&place).raw(element);
        }
        writer.into_vec()
    }
}

/// An element behind a byte that tells whether there is one.
pub(crate) fn optional<'a>(
    reader: &mut Reader<'a>,
    element_len: usize,
) -> Result<Option<&'a [u8]>, DecodeError> {
    match reader.u8("presence of a blinded key")? {
        0 => Ok(None),
        1 => reader.bytes(element_len, "blinded key").map(Some),
        value => Err(DecodeError::Unknown {
            what: "presence of a blinded key",
            value: value.into(),
        }),
    }
}

/// Writes what [`optional`] reads.
pub(crate) fn write_optional<'w>(writer: &'w mut Writer, element: Option<&[u8]>) -> &'w mut Writer {
    match element {
        None => writer.u8(0),
        Some(element) => writer.u8(1).raw(element),
    }
}
