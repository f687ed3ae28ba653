//! Nodes of trees in token bodies.
//!
//! Decoding borrows from the body; names are looked up among the expected members.
//!
//! Source: key agreement notes, section 2.4.

use gcs_view::MemberName;

use crate::{
    codec::{Reader, Writer},
    error::{DecodeError, Error, PeerFault},
    rules::peer,
};

/// A node of a received tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireNode<'a> {
    /// Name of the member, at a leaf.
    pub(crate) name: Option<&'a [u8]>,
    /// Blinded key, unless it is missing.
    pub(crate) blinded: Option<&'a [u8]>,
}

/// Why a body is refused.
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
    /// The error for this body from `sender`.
    pub(crate) fn of(self, sender: &MemberName) -> Error {
        match self {
            Self::Undecodable(error) => error.into(),
            Self::Fault(fault) => peer(sender, fault),
        }
    }
}

/// An element after a byte that says whether there is one.
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
