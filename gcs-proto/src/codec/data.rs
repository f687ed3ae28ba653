//! Data messages, the same in both directions.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::{
    codec::{frame::Frame, hint::Hint, word::ServiceWord},
    error::DecodeError,
    gcs::{ByteOrder, Message, Multicast},
    limits,
    name::{MemberName, Name},
};

/// A data message without its sender: what a client asks for and a daemon passes on unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataMessage {
    /// Service, self-discard and bits of upper layers.
    pub word: ServiceWord,
    /// Message type and byte order of the author, as sent.
    pub hint: Hint,
    /// Destinations as sent.
    pub destinations: Vec<Name>,
    /// Content.
    pub body: Bytes,
}

impl DataMessage {
    /// Bytes of body and destinations together: what the limits are about.
    pub const fn size(&self) -> usize {
        self.body
            .len()
            .saturating_add(self.destinations.len().saturating_mul(limits::NAME_SLOT))
    }

    /// The message as its receivers' engine reports it.
    pub fn into_message(self, sender: MemberName) -> Message {
        Message {
            sender,
            destinations: self.destinations,
            service: self.word.service(),
            self_delivery: self.word.self_delivery(),
            scope: self.word.scope(),
            message_type: self.hint.message_type(),
            order: self.hint.order(),
            body: self.body,
        }
    }

    /// The message as its sender's engine was asked to send it.
    pub fn into_multicast(self) -> Multicast {
        Multicast {
            destinations: self.destinations,
            service: self.word.service(),
            self_delivery: self.word.self_delivery(),
            scope: self.word.scope(),
            message_type: self.hint.message_type(),
            body: self.body,
        }
    }

    pub(super) fn from_frame(word: u32, frame: Frame) -> Result<Self, DecodeError> {
        Ok(Self {
            word: ServiceWord::from_bits(word)?,
            hint: frame.hint,
            destinations: frame.names,
            body: frame.body,
        })
    }

    /// Little-endian as all we write; `sender` goes into the header.
    pub(super) fn to_frame(&self, sender: &MemberName) -> Frame {
        Frame {
            word: self.word.bits(),
            hop: ByteOrder::Little,
            name: *sender.as_name(),
            hint: self.hint,
            refused_word: None,
            names: self.destinations.clone(),
            body: self.body.clone(),
        }
    }
}

impl From<Multicast> for DataMessage {
    fn from(multicast: Multicast) -> Self {
        Self {
            word: ServiceWord::new(multicast.service, multicast.self_delivery, multicast.scope),
            hint: Hint::new(multicast.message_type),
            destinations: multicast.destinations,
            body: multicast.body,
        }
    }
}
