//! Messages on their way out: a head, and a body that need not be copied.
//!
//! ```text
//!   short body    | header | names | body |              one part
//!   long body     | header | names |   | body |          two parts, the second one shared
//! ```
//!
//! A body up to [`limits::COPIED_BODY`] bytes is copied behind its names, because one part is
//! cheaper to hand out and to write than two. A longer one stays where it is: however many
//! receivers a message has, its body is there once.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    codec::{endian, hint::Hint},
    gcs::ByteOrder,
    limits,
    name::Name,
};

/// A message as bytes, in one part or two; cloning shares both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    head: Bytes,
    body: Bytes,
}

impl Encoded {
    /// Bytes of both parts.
    pub const fn len(&self) -> usize {
        self.head.len().saturating_add(self.body.len())
    }

    /// Whether there is nothing to write, which no message comes to.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Both parts in the order in which they are to be written, for a vectored write; the second
    /// one may be empty.
    pub fn slices(&self) -> [&[u8]; 2] {
        [&self.head, &self.body]
    }

    /// Both parts in the order in which they are to be written; the second one may be empty.
    pub fn into_parts(self) -> [Bytes; 2] {
        [self.head, self.body]
    }
}

impl From<Bytes> for Encoded {
    /// A message whose bytes are together.
    fn from(head: Bytes) -> Self {
        Self {
            head,
            body: Bytes::new(),
        }
    }
}

/// Everything of a message in front of its body, borrowed from where it is.
#[derive(Clone, Debug)]
pub(super) struct Head<'a, N> {
    /// Type word without marker.
    pub(super) word: u32,
    /// Byte order of the header.
    pub(super) hop: ByteOrder,
    /// Name in the header.
    pub(super) name: &'a Name,
    /// Message type and byte order of the author.
    pub(super) hint: Hint,
    /// Type word of the refused request, without marker.
    pub(super) refused_word: Option<u32>,
    /// Names behind the header.
    pub(super) names: N,
}

impl<'a, N: ExactSizeIterator<Item = &'a Name>> Head<'a, N> {
    /// Bytes of the head.
    fn length(&self) -> usize {
        let refused = self.refused_word.map_or(0, |_| size_of::<u32>());
        limits::HEADER + refused + limits::NAME_SLOT * self.names.len()
    }

    /// Appends the head of a message with a body of `body_length` bytes.
    fn write(self, body_length: usize, out: &mut BytesMut) {
        // Counts are bounded far below four bytes by whoever made the message.
        let count =
            |count: usize| endian::write(u32::try_from(count).unwrap_or(u32::MAX), self.hop);
        out.put_slice(&endian::write_marked(self.word, self.hop));
        out.put_slice(self.name.slot());
        out.put_slice(&count(self.names.len()));
        out.put_slice(&self.hint.to_bytes());
        out.put_slice(&count(body_length));
        if let Some(refused) = self.refused_word {
            out.put_slice(&endian::write_marked(refused, self.hop));
        }
        for name in self.names {
            out.put_slice(name.slot());
        }
    }

    /// Appends the whole message.
    pub(super) fn append(self, body: &[u8], out: &mut BytesMut) {
        out.reserve(self.length().saturating_add(body.len()));
        self.write(body.len(), out);
        out.put_slice(body);
    }

    /// Appends the message as far as it is to be copied, and gives back what is to follow.
    pub(super) fn append_shared(self, body: &Bytes, out: &mut BytesMut) -> Bytes {
        if body.len() <= limits::COPIED_BODY {
            self.append(body, out);
            return Bytes::new();
        }
        out.reserve(self.length());
        self.write(body.len(), out);
        body.clone()
    }

    /// The message in one part.
    pub(super) fn encode(self, body: &[u8]) -> Bytes {
        let mut out = BytesMut::new();
        self.append(body, &mut out);
        out.freeze()
    }

    /// The message in one part or two.
    pub(super) fn encode_parts(self, body: &Bytes) -> Encoded {
        let mut head = BytesMut::new();
        let body = self.append_shared(body, &mut head);
        Encoded {
            head: head.freeze(),
            body,
        }
    }
}
