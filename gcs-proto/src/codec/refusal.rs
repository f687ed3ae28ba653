//! Requests that a daemon's policy refused and sent back.
//!
//! | offset | size | content |
//! |---|---|---|
//! | 0 | 48 | header: REJECT, requester's private group, n names, hint and body length as requested |
//! | 48 | 4 | type word of the request; join and leave show as their membership cause |
//! | 52 | 32 n | destinations as requested, then the requester's private group |
//! | 52 + 32 n | length | body as requested |
//!
//! The four bytes at 48 are counted in no length. Of 100 destinations the last gives its place to
//! the requester. Source: Spread client protocol, section 8 of the protocol notes in `docs/`.

use alloc::vec;

use bytes::Bytes;

use crate::{
    codec::{data::DataMessage, frame::Frame, hint::Hint, word},
    error::DecodeError,
    gcs::{ByteOrder, Refused},
    limits,
    name::{GroupName, MemberName},
};

/// What was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedRequest {
    /// A join.
    Join(GroupName),
    /// A leave.
    Leave(GroupName),
    /// A message; of 100 destinations the last is lost on the way.
    Data(DataMessage),
}

/// A refused request on its way back to the requester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who asked.
    pub requester: MemberName,
    /// What for.
    pub request: RefusedRequest,
}

impl Refusal {
    /// What the requester's application is told.
    pub fn into_refused(self) -> Refused {
        match self.request {
            RefusedRequest::Join(group) => Refused::Join(group),
            RefusedRequest::Leave(group) => Refused::Leave(group),
            RefusedRequest::Data(message) => Refused::Multicast(message.into_multicast()),
        }
    }

    pub(super) fn to_frame(&self) -> Frame {
        let mut frame = match &self.request {
            RefusedRequest::Join(group) => self.plain(word::CAUSED_BY_JOIN, group),
            RefusedRequest::Leave(group) => self.plain(word::CAUSED_BY_LEAVE, group),
            RefusedRequest::Data(message) => {
                let mut frame = message.to_frame(&self.requester);
                frame.refused_word = Some(frame.word);
                frame.word = word::REJECT | (frame.word & word::SELF_DISCARD);
                frame
            }
        };
        frame.names.truncate(limits::DESTINATIONS - 1);
        frame.names.push(self.requester.into());
        frame
    }

    pub(super) fn from_frame(refused_word: u32, mut frame: Frame) -> Result<Self, DecodeError> {
        let requester = MemberName::try_from(frame.name)?;
        // The requester's own name was added behind the destinations.
        frame.names.pop();
        let request = match refused_word & (word::SERVICES | word::CAUSES) {
            word::CAUSED_BY_JOIN => RefusedRequest::Join(first_group(&frame)?),
            word::CAUSED_BY_LEAVE => RefusedRequest::Leave(first_group(&frame)?),
            _service => RefusedRequest::Data(DataMessage::from_frame(refused_word, frame)?),
        };
        Ok(Self { requester, request })
    }

    fn plain(&self, refused: u32, group: &GroupName) -> Frame {
        Frame {
            word: word::REJECT,
            hop: ByteOrder::Little,
            name: self.requester.into(),
            hint: Hint::new(0),
            refused_word: Some(refused),
            names: vec![(*group).into()],
            body: Bytes::new(),
        }
    }
}

fn first_group(frame: &Frame) -> Result<GroupName, DecodeError> {
    let name = frame.names.first().ok_or(DecodeError::Truncated {
        what: "names of refused join or leave",
        got: 0,
        need: 1,
    })?;
    Ok(GroupName::try_from(*name)?)
}
