//! Cutting a byte stream into messages.

use alloc::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    codec::{
        endian,
        header::Header,
        hint::Hint,
        reader::Reader,
        resync::{self, REFUSED_WORD},
        word,
        writer::Writer,
    },
    error::DecodeError,
    gcs::ByteOrder,
    limits,
    name::Name,
};

/// Which way a message goes; what it may contain depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Requests of a client.
    ToDaemon,
    /// Deliveries of a daemon.
    ToClient,
}

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
        let mut writer = Writer::new(
            self.hop,
            limits::HEADER + REFUSED_WORD + limits::NAME_SLOT * self.names.len() + self.body.len(),
        );
        writer.slice(&endian::write_marked(self.word, self.hop));
        writer.name(&self.name);
        writer.count(self.names.len());
        writer.slice(&self.hint.to_bytes());
        writer.count(self.body.len());
        if let Some(refused) = self.refused_word {
            writer.slice(&endian::write_marked(refused, self.hop));
        }
        for name in &self.names {
            writer.name(name);
        }
        writer.slice(&self.body);
        writer.finish()
    }
}

/// Takes a byte stream in pieces of any size and gives back its messages.
///
/// Call [`push`](Self::push) with what arrived, then [`next_frame`](Self::next_frame) until it
/// gives none. A header is checked as soon as it is there, so that of a drained stream never
/// more is kept than one message within the limits of its direction. After an error
/// the stream has no message boundaries any more; drop it.
#[derive(Debug)]
pub struct FrameDecoder {
    direction: Direction,
    buffer: BytesMut,
}

impl FrameDecoder {
    /// Starts at a message boundary.
    pub fn new(direction: Direction) -> Self {
        Self::with_buffer(direction, BytesMut::new())
    }

    /// Starts at a message boundary, with bytes that are already there.
    pub const fn with_buffer(direction: Direction, buffer: BytesMut) -> Self {
        Self { direction, buffer }
    }

    /// Appends bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their message or to be taken.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Forgets all that waits.
    pub fn clear(&mut self) {
        self.buffer = BytesMut::new();
    }

    /// The header of the next message, if that much has come.
    ///
    /// # Errors
    /// [`DecodeError`] when it is illegal.
    pub fn header(&self) -> Result<Option<Header>, DecodeError> {
        let head = self.buffer.first_chunk();
        head.map(|head| Header::decode(*head)).transpose()
    }

    /// The next message, if it is complete. Its body shares the memory it arrived in.
    ///
    /// A data message that its sender made to look like a refusal has no certain length of its own;
    /// it is given out when the header behind it has come.
    ///
    /// # Errors
    /// [`DecodeError`] when the header is illegal or beyond a limit.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, DecodeError> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        check_limits(&header, self.direction)?;
        let Some(refused) = self.refused_word_length(&header)? else {
            return Ok(None);
        };
        let total = limits::HEADER + refused + header.content();
        if self.buffer.len() < total {
            return Ok(None);
        }
        let mut bytes = self.buffer.split_to(total).freeze();
        bytes.advance(limits::HEADER);
        let mut reader = Reader::new("message", &bytes);
        let word = reader.slice(refused)?.first_chunk();
        let refused_word = word
            .filter(|_| header.word & word::SERVICES == 0)
            .map(|word| endian::read(*word, header.hop) & !endian::MARKER);
        let names = reader.names(header.groups)?;
        let start = reader.position();
        bytes.advance(start);
        Ok(Some(Frame {
            word: header.word,
            hop: header.hop,
            name: header.name,
            hint: header.hint,
            refused_word,
            names,
            body: bytes,
        }))
    }

    /// Bytes between header and names, once that is certain.
    fn refused_word_length(&self, header: &Header) -> Result<Option<usize>, DecodeError> {
        match self.direction {
            Direction::ToDaemon => Ok(Some(0)),
            Direction::ToClient if header.word & word::REJECT == 0 => Ok(Some(0)),
            Direction::ToClient if header.word & word::SERVICES == 0 => Ok(Some(REFUSED_WORD)),
            Direction::ToClient => {
                let rest = self.buffer.get(limits::HEADER..).unwrap_or_default();
                resync::refused_word_length(header, rest)
            }
        }
    }
}

/// The bounds of spec section 5, chosen by direction and kind.
pub(super) fn check_limits(header: &Header, direction: Direction) -> Result<(), DecodeError> {
    let kind = header.word & (word::SERVICES | word::REJECT | word::REGULAR_MEMBERSHIP);
    let (names, content) = match direction {
        Direction::ToClient if kind == word::REGULAR_MEMBERSHIP => {
            (limits::MEMBERS, limits::LONGEST_DELIVERY - limits::HEADER)
        }
        // The requester's own name is added to what was refused.
        Direction::ToClient if kind == word::REJECT => (
            limits::DESTINATIONS + 1,
            limits::MESSAGE + limits::NAME_SLOT,
        ),
        Direction::ToClient | Direction::ToDaemon => (limits::DESTINATIONS, limits::MESSAGE),
    };
    within("number of names", header.groups, names)?;
    within("message length", header.content(), content)
}

fn within(what: &'static str, value: usize, max: usize) -> Result<(), DecodeError> {
    if value <= max {
        Ok(())
    } else {
        Err(DecodeError::TooLarge {
            what,
            value: i64::try_from(value).unwrap_or(i64::MAX),
            max,
        })
    }
}
