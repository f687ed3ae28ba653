//! Cutting a byte stream into messages.
//!
//! ```text
//!   stream --> | rest of a message | message | message | first bytes of a mess|   one buffer
//!                                    split off, not copied     kept until the rest is there
//! ```
//!
//! How long a message is follows from its header alone: 48 bytes, 32 for each name, and the body;
//! four more behind the header of a refusal.

use bytes::{Buf, BytesMut};

use crate::{
    codec::{
        endian,
        frame::Frame,
        header::{Direction, Header, check_limits},
        reader::Reader,
        resync::{self, REFUSED_WORD},
        word,
    },
    error::DecodeError,
    limits,
};

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

    /// The buffer with room behind what waits in it, to append bytes of the stream without a copy:
    /// at least [`limits::READ_ROOM`], and enough for the rest of the next message if its length is
    /// known, up to [`limits::READ_AHEAD`] or as much again as has come.
    ///
    /// Memory that messages taken before still share is left to them; what nobody shares any more
    /// is used again.
    pub fn read_buffer(&mut self) -> &mut BytesMut {
        let room = self.buffer.capacity() - self.buffer.len();
        // Above what has come, a length is only believed up to a bound.
        let believed = self
            .missing()
            .min(self.buffer.len().max(limits::READ_AHEAD));
        if room < believed.max(limits::READ_ROOM) {
            self.buffer.reserve(believed.max(limits::READ_BUFFER));
        }
        &mut self.buffer
    }

    /// Bytes that the next message lacks, as far as its header tells; 0 if none is incomplete.
    fn missing(&self) -> usize {
        let total = match self.header() {
            Ok(Some(header)) => limits::HEADER.saturating_add(header.content()),
            Ok(None) | Err(_) => 0,
        };
        total.saturating_sub(self.buffer.len())
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
