//! What a client asks of its daemon.
//!
//! | request | type | names | body |
//! |---|---|---|---|
//! | join | JOIN | 1: the group | none |
//! | leave | LEAVE | 1: the group | none |
//! | disconnect | KILL | 1: own private group | none |
//! | data | one service | 0 to 100 destinations | payload |
//!
//! There are no acknowledgements and no request numbers; the header's name is the requester's own
//! private group. Source: Spread client protocol, section 4.5 of the protocol notes in `docs/`.

use bytes::{Bytes, BytesMut};

use crate::{
    codec::{data::DataMessage, encoded::Head, frame::Frame, header::Header, hint::Hint, word},
    error::DecodeError,
    gcs::ByteOrder,
    limits,
    name::{GroupName, MemberName, Name},
};

/// The body of requests that have none.
static NO_BODY: Bytes = Bytes::new();

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
        let (head, body) = self.parts(session);
        head.encode(body)
    }

    /// Appends the bytes of [`encode`](Self::encode) to a buffer that many messages may share.
    pub fn encode_into(&self, session: &MemberName, out: &mut BytesMut) {
        let (head, body) = self.parts(session);
        head.append(body, out);
    }

    /// Appends the request as far as it is to be copied; the rest of its body, shared with this
    /// request, is to be sent behind that.
    pub(crate) fn encode_shared(&self, session: &MemberName, out: &mut BytesMut) -> Bytes {
        let (head, body) = self.parts(session);
        head.append_shared(body, out)
    }

    /// Bytes of the encoded request.
    pub(crate) const fn encoded_length(&self) -> usize {
        limits::HEADER
            + match self {
                Self::Join(_) | Self::Leave(_) | Self::Disconnect => limits::NAME_SLOT,
                Self::Data(message) => message.size(),
            }
    }

    /// What stands in front of the body, and the body.
    fn parts<'a>(
        &'a self,
        session: &'a MemberName,
    ) -> (Head<'a, core::slice::Iter<'a, Name>>, &'a Bytes) {
        let (word, name) = match self {
            Self::Join(group) => (word::JOIN, group.as_name()),
            Self::Leave(group) => (word::LEAVE, group.as_name()),
            Self::Disconnect => (word::DISCONNECT, session.as_name()),
            Self::Data(message) => return (message.head(session), &message.body),
        };
        let head = Head {
            word,
            hop: ByteOrder::Little,
            name: session.as_name(),
            hint: Hint::new(0),
            refused_word: None,
            names: core::slice::from_ref(name).iter(),
        };
        (head, &NO_BODY)
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
