//! What a daemon hands to its clients.
//!
//! | delivery | type | name in the header | names | body |
//! |---|---|---|---|---|
//! | data | as sent | sender's private group | destinations as sent | as sent |
//! | membership | REG_MEMB and one cause | group | all members, in the daemon's order | see [`MembershipBody`] |
//! | transitional signal | TRANSITION | group | none | 12 bytes: id of the view that is left |
//! | self-leave | CAUSED_BY_LEAVE | group | none | none |
//! | refused request | REJECT | requester's private group | as sent, then the requester | as sent; see [`Refusal`] |
//!
//! Source: Spread client protocol, section 4.5 of the protocol notes in `docs/`.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use crate::{
    codec::{
        data::DataMessage,
        encoded::{Encoded, Head},
        frame::Frame,
        hint::Hint,
        membership::{self, Layout, MembershipBody},
        reader::Reader,
        refusal::Refusal,
        word,
        writer::Writer,
    },
    error::DecodeError,
    gcs::{ByteOrder, ViewId},
    name::{GroupName, MemberName, Name},
};

/// What changed in a membership, with what the wire tells about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This member joined.
    Join(MemberName),
    /// This member left.
    Leave(MemberName),
    /// This member's session ended.
    Disconnect(MemberName),
    /// The network changed, or anything changed in a transitional period.
    Network {
        /// Members by the membership they come from.
        sets: Vec<Vec<MemberName>>,
        /// Position in `sets` of the receiver's own set.
        own: usize,
    },
}

/// A regular membership message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipMessage {
    /// The group.
    pub group: GroupName,
    /// Identifier of the new view.
    pub id: ViewId,
    /// All members, in the daemon's order.
    pub members: Vec<MemberName>,
    /// What changed.
    pub change: Change,
}

/// A message from a daemon to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A data message.
    Data {
        /// Who sent it.
        sender: MemberName,
        /// The message as sent.
        message: DataMessage,
    },
    /// A regular membership.
    Membership(MembershipMessage),
    /// The transitional signal.
    Transition {
        /// The group.
        group: GroupName,
        /// Identifier of the view that is being left.
        id: ViewId,
    },
    /// The receiver's own leave is done.
    SelfLeave {
        /// The group.
        group: GroupName,
    },
    /// A request that policy refused.
    Refused(Refusal),
}

impl Delivery {
    /// The delivery as bytes: little-endian, names padded with zeros, body layout
    /// [`Layout::Sets`].
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Data { sender, message } => message.head(sender).encode(&message.body),
            Self::Membership(message) => {
                let (head, body) = message.to_parts(ByteOrder::Little);
                head.encode(&body)
            }
            Self::Transition { .. } | Self::SelfLeave { .. } | Self::Refused(_) => {
                self.to_frame(ByteOrder::Little).encode()
            }
        }
    }

    /// Appends the bytes of [`encode`](Self::encode) to a buffer that many messages may share.
    pub fn encode_into(&self, out: &mut BytesMut) {
        match self {
            Self::Data { sender, message } => message.head(sender).append(&message.body, out),
            Self::Membership(message) => {
                let (head, body) = message.to_parts(ByteOrder::Little);
                head.append(&body, out);
            }
            Self::Transition { .. } | Self::SelfLeave { .. } | Self::Refused(_) => {
                self.to_frame(ByteOrder::Little).encode_into(out);
            }
        }
    }

    /// The bytes of [`encode`](Self::encode) for any number of receivers: the body of a long
    /// message is shared with this one instead of being copied.
    pub fn encode_parts(&self) -> Encoded {
        match self {
            Self::Data { sender, message } => message.head(sender).encode_parts(&message.body),
            Self::Membership(_) | Self::Transition { .. } | Self::SelfLeave { .. } => {
                self.encode().into()
            }
            Self::Refused(refusal) => refusal.to_frame().encode_parts(),
        }
    }

    /// The delivery as a frame whose header and membership body are in the order `hop`.
    pub fn to_frame(&self, hop: ByteOrder) -> Frame {
        let mut frame = match self {
            Self::Data { sender, message } => message.to_frame(sender),
            Self::Membership(message) => message.to_frame(hop),
            Self::Transition { group, id } => {
                let mut body = Writer::new(hop, 12);
                membership::write_id(&mut body, *id);
                about_group(word::TRANSITION, group, hop, Vec::new(), body.finish())
            }
            Self::SelfLeave { group } => {
                about_group(word::CAUSED_BY_LEAVE, group, hop, Vec::new(), Bytes::new())
            }
            Self::Refused(refusal) => refusal.to_frame(),
        };
        frame.hop = hop;
        frame
    }

    /// Understands a frame that came from a daemon whose membership bodies have this layout.
    ///
    /// A service bit makes a data message whatever else is set: daemons let clients set the bits
    /// of membership messages and of refusals, and this keeps them from forging any.
    ///
    /// # Errors
    /// [`DecodeError`]; the connection is to be closed.
    pub fn decode(frame: Frame, layout: Layout) -> Result<Self, DecodeError> {
        if let Some(refused) = frame.refused_word {
            return Refusal::from_frame(refused, frame).map(Self::Refused);
        }
        if frame.word & word::SERVICES != 0 {
            return Ok(Self::Data {
                sender: MemberName::try_from(frame.name)?,
                message: DataMessage::from_frame(frame.word, frame)?,
            });
        }
        match frame.word & (word::MEMBERSHIP & !word::CAUSES) {
            word::REGULAR_MEMBERSHIP => {
                MembershipMessage::from_frame(frame, layout).map(Self::Membership)
            }
            word::TRANSITION => {
                let mut reader = Reader::new("body of transitional signal", &frame.body);
                let id = membership::read_id(&mut reader, frame.hop)?;
                reader.finish()?;
                Ok(Self::Transition {
                    group: GroupName::try_from(frame.name)?,
                    id,
                })
            }
            0 if frame.word & word::CAUSED_BY_LEAVE != 0 => Ok(Self::SelfLeave {
                group: GroupName::try_from(frame.name)?,
            }),
            _neither => Err(DecodeError::Illegal {
                what: "type",
                value: frame.word,
            }),
        }
    }
}

impl MembershipMessage {
    fn to_frame(&self, hop: ByteOrder) -> Frame {
        let names = self.members.iter().copied().map(Name::from).collect();
        let (head, body) = self.to_parts(hop);
        about_group(head.word, &self.group, hop, names, body)
    }

    /// What stands in front of the body, and the body.
    fn to_parts(&self, hop: ByteOrder) -> (Head<'_, impl ExactSizeIterator<Item = &Name>>, Bytes) {
        let (cause, body) = match &self.change {
            Change::Join(member) => (word::CAUSED_BY_JOIN, self.body_about(member, hop)),
            Change::Leave(member) => (word::CAUSED_BY_LEAVE, self.body_about(member, hop)),
            Change::Disconnect(member) => {
                (word::CAUSED_BY_DISCONNECT, self.body_about(member, hop))
            }
            Change::Network { sets, own } => (
                word::CAUSED_BY_NETWORK,
                membership::encode(self.id, sets, *own, hop),
            ),
        };
        let head = Head {
            word: word::REGULAR_MEMBERSHIP | cause,
            hop,
            name: self.group.as_name(),
            hint: Hint::written_in(hop, 0),
            refused_word: None,
            names: self.members.iter().map(MemberName::as_name),
        };
        (head, body)
    }

    fn body_about(&self, member: &MemberName, hop: ByteOrder) -> Bytes {
        membership::encode(self.id, &[[*member]], 0, hop)
    }

    fn from_frame(frame: Frame, layout: Layout) -> Result<Self, DecodeError> {
        let body = MembershipBody::decode(&frame.body, frame.hop, layout)?;
        let one = || match body.sets.as_slice() {
            [set] => match set.as_slice() {
                [member] => Ok(*member),
                [] | [..] => Err(not_one(set.len())),
            },
            [] | [..] => Err(not_one(body.sets.len())),
        };
        let change = match frame.word & word::CAUSES {
            word::CAUSED_BY_JOIN => Change::Join(one()?),
            word::CAUSED_BY_LEAVE => Change::Leave(one()?),
            word::CAUSED_BY_DISCONNECT => Change::Disconnect(one()?),
            word::CAUSED_BY_NETWORK => Change::Network {
                sets: body.sets,
                own: body.own,
            },
            _none_or_several => {
                return Err(DecodeError::Illegal {
                    what: "cause in type",
                    value: frame.word,
                });
            }
        };
        Ok(Self {
            group: GroupName::try_from(frame.name)?,
            id: body.id,
            members: MemberName::all(frame.names)?,
            change,
        })
    }
}

fn not_one(found: usize) -> DecodeError {
    DecodeError::Illegal {
        what: "number of changed members",
        value: u32::try_from(found).unwrap_or(u32::MAX),
    }
}

fn about_group(
    word: u32,
    group: &GroupName,
    hop: ByteOrder,
    names: Vec<Name>,
    body: Bytes,
) -> Frame {
    Frame {
        word,
        hop,
        name: (*group).into(),
        // The message type of membership messages is 0; its marker is the daemon's.
        hint: Hint::written_in(hop, 0),
        refused_word: None,
        names,
        body,
    }
}
