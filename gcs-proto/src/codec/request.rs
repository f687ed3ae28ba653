//! What a client asks of its daemon.
//!
//! ```text
//!  JOIN    1 name: the group             no body
//!  LEAVE   1 name: the group             no body
//!  KILL    1 name: own private group     no body      (disconnect)
//!  data    0..100 names: destinations    payload
//! ```
//!
//! There are no acknowledgements and no request numbers; the header's name is the requester's own
//! private group.

use alloc::vec;

use bytes::Bytes;

use crate::{
    codec::{data::DataMessage, frame::Frame, header::Header, hint::Hint, word},
    error::DecodeError,
    gcs::ByteOrder,
    name::{GroupName, MemberName, Name},
};

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Become a member of a group.
    Join(GroupName),
    /// Leave a group.
    Leave(GroupName),
    /// End the session in good order.
    Disconnect,
    /// Send a message.
    Data(DataMessage),
}

impl Request {
    /// The request as bytes, sent by `session`: little-endian, names padded with zeros.
    pub fn encode(&self, session: &MemberName) -> Bytes {
        match self {
            Self::Join(group) => plain(word::JOIN, session, (*group).into()),
            Self::Leave(group) => plain(word::LEAVE, session, (*group).into()),
            Self::Disconnect => plain(word::DISCONNECT, session, (*session).into()),
            Self::Data(message) => message.to_frame(session).encode(),
        }
    }

    /// Checks what the header alone tells, for a daemon that is to close a session at once instead
    /// of waiting for the rest of an illegal request.
    ///
    /// # Errors
    /// [`DecodeError`] as [`decode`](Self::decode) will give it.
    pub fn check_header(header: &Header, session: &MemberName) -> Result<(), DecodeError> {
        legal_kind(header.word, header.name, header.hint, session).map(drop)
    }

    /// Understands a frame that came from `session`.
    ///
    /// Strict where the reference daemon can be led astray: no bit beside one service or request,
    /// self-discard and those of upper layers; exactly one legal group name in join and leave.
    ///
    /// # Errors
    /// [`DecodeError`]; the session is to be closed.
    pub fn decode(frame: Frame, session: &MemberName) -> Result<Self, DecodeError> {
        match legal_kind(frame.word, frame.name, frame.hint, session)? {
            word::JOIN => only_group(&frame.names).map(Self::Join),
            word::LEAVE => only_group(&frame.names).map(Self::Leave),
            word::DISCONNECT => Ok(Self::Disconnect),
            _service => DataMessage::from_frame(frame.word, frame).map(Self::Data),
        }
    }
}

/// The one service or request bit of a header that `session` may send.
fn legal_kind(
    word: u32,
    sender: Name,
    hint: Hint,
    session: &MemberName,
) -> Result<u32, DecodeError> {
    if sender != *session.as_name() {
        return Err(DecodeError::ForeignSender {
            found: sender,
            session: *session,
        });
    }
    hint.checked()?;
    let allowed = word::SERVICES | word::SELF_DISCARD | word::REQUESTS | word::UPPER;
    let kind = word & (word::SERVICES | word::REQUESTS);
    if word & !allowed == 0 && kind.is_power_of_two() {
        Ok(kind)
    } else {
        Err(DecodeError::Illegal {
            what: "type",
            value: word,
        })
    }
}

fn plain(word: u32, session: &MemberName, name: Name) -> Bytes {
    Frame {
        word,
        hop: ByteOrder::Little,
        name: (*session).into(),
        hint: Hint::new(0),
        refused_word: None,
        names: vec![name],
        body: Bytes::new(),
    }
    .encode()
}

fn only_group(names: &[Name]) -> Result<GroupName, DecodeError> {
    match names {
        [name] => Ok(GroupName::try_from(*name)?),
        [] => Err(DecodeError::Truncated {
            what: "names of join or leave",
            got: 0,
            need: 1,
        }),
        [..] => Err(DecodeError::TooLarge {
            what: "number of names of join or leave",
            value: i64::try_from(names.len()).unwrap_or(i64::MAX),
            max: 1,
        }),
    }
}
