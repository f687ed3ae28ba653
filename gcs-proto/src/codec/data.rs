//! Data messages, the same in both directions.
//!
//! | offset | size | content |
//! |---|---|---|
//! | 0 | 4 | type word: one service, self-discard, bits of upper layers |
//! | 4 | 32 | sender's private group |
//! | 36 | 4 | number n of destinations, 0 to 100 |
//! | 40 | 4 | hint: message type and byte order of the author |
//! | 44 | 4 | length of the body |
//! | 48 | 32 n | destinations as sent, groups and private groups |
//! | 48 + 32 n | length | body, never touched |
//!
//! Source: Spread client protocol, sections 4.1 and 4.5 of the protocol notes in `docs/`.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::{
    codec::{encoded::Head, frame::Frame, hint::Hint, word::ServiceWord},
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

    /// What stands in front of the body: little-endian as all we write; `sender` goes into the
    /// header.
    pub(super) fn head<'a>(
        &'a self,
        sender: &'a MemberName,
    ) -> Head<'a, core::slice::Iter<'a, Name>> {
        Head {
            word: self.word.bits(),
            hop: ByteOrder::Little,
            name: sender.as_name(),
            hint: self.hint,
            refused_word: None,
            names: self.destinations.iter(),
        }
    }

    /// The same as a frame.
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
