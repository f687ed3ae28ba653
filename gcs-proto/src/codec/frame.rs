//! A message whose parts are told apart.
//!
//! The layout of its bytes is in the documentation of the module above.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use crate::{
    codec::{
        encoded::{Encoded, Head},
        hint::Hint,
    },
    gcs::ByteOrder,
    name::Name,
};

/// A message whose parts are told apart but not yet understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Type word without marker.
    pub word: u32,
    /// Byte order of the last hop.
    pub hop: ByteOrder,
    /// Name in the header.
    pub name: Name,
    /// Message type and byte order of the author.
    pub hint: Hint,
    /// Type word of the refused request, without marker; REJECT has one unless it is set on data.
    pub refused_word: Option<u32>,
    /// Names behind the header.
    pub names: Vec<Name>,
    /// Body.
    pub body: Bytes,
}

impl Frame {
    /// The message as bytes, its header in the byte order of `hop`.
    pub fn encode(&self) -> Bytes {
        self.head().encode(&self.body)
    }

    /// Appends the message to a buffer that many messages may share.
    pub fn encode_into(&self, out: &mut BytesMut) {
        self.head().append(&self.body, out);
    }

    /// The message as bytes, a long body shared with this frame.
    pub fn encode_parts(&self) -> Encoded {
        self.head().encode_parts(&self.body)
    }

    fn head(&self) -> Head<'_, core::slice::Iter<'_, Name>> {
        Head {
            word: self.word,
            hop: self.hop,
            name: &self.name,
            hint: self.hint,
            refused_word: self.refused_word,
            names: self.names.iter(),
        }
    }
}
