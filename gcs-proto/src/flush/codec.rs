//! What the flush layer adds to message bodies.
//!
//! | message | type | offset in the body | size | content |
//! |---|---|---|---|---|
//! | FLUSH_OK | -32768 | 0 | 12 | id of the membership agreed to |
//! | FLUSH_RECV | -32767 | 0 | 12 | id of the view installed |
//! | plain | as given | 0 | n | data |
//! | tagged | -32766 | 0 | n | data |
//! | | | n | 2 | original type |
//! | | | n + 2 | 12 | id of the sender's view |
//! | subset | as given | 0 | n | data |
//! | | | n | 32 | reference group, zero-padded |
//! | tagged subset | -32766 | 0 | n | data |
//! | | | n | 2 | original type |
//! | | | n + 2 | 12 | id of the sender's view |
//! | | | n + 14 | 32 | reference group, zero-padded |
//!
//! A subset has bit `0x40000000` in its type word and its receivers as destinations, all others have
//! the group as their one destination. FLUSH_OK and FLUSH_RECV go out as FIFO.
//!
//! The original type and the three words of an id are in the byte order of the message's author,
//! which is little-endian for everything written here. Fields are taken off from the end:
//! reference group, id, type.
//!
//! Source: flush layer, sections 3.1 and 3.2 of the protocol notes.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::{
    gcs::{ByteOrder, Multicast, Scope, SelfDelivery, ViewId},
    limits,
    name::{GroupName, Name},
    service::Service,
};

/// Type of an acknowledgement of a membership (FLUSH_OK).
pub(super) const ACKNOWLEDGEMENT: i16 = i16::MIN;
/// Type of a confirmation that a view is installed (FLUSH_RECV).
pub(super) const CONFIRMATION: i16 = i16::MIN + 1;
/// Type of a user message that names the view it was sent in.
pub(super) const TAGGED: i16 = i16::MIN + 2;

/// Bytes of a view id.
const ID: usize = limits::VIEW_ID;
/// Bytes of a tag: original type and view id.
const TAG: usize = 2 + ID;

/// What a message type means to the flush layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// FLUSH_OK.
    Acknowledgement,
    /// FLUSH_RECV.
    Confirmation,
    /// A user message with a tag.
    Tagged,
    /// A user message with this type.
    Plain(i16),
}

impl Kind {
    pub(super) const fn of(message_type: i16) -> Self {
        match message_type {
            ACKNOWLEDGEMENT => Self::Acknowledgement,
            CONFIRMATION => Self::Confirmation,
            TAGGED => Self::Tagged,
            other => Self::Plain(other),
        }
    }
}

/// The view a user message was sent in, with the type its sender chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) message_type: i16,
    pub(super) view: ViewId,
}

/// Reads the body of an acknowledgement or confirmation; `None` unless it is exactly an id.
pub(super) fn read_id(body: &[u8], order: ByteOrder) -> Option<ViewId> {
    Some(ViewId(in_order(body.try_into().ok()?, order)))
}

/// Takes the tag off the end of `body`; `None` when it is too short or names a reserved type.
pub(super) fn split_tag(body: &Bytes, order: ByteOrder) -> Option<(Bytes, Tag)> {
    let (data, tag) = split(body, TAG)?;
    let (message_type, id) = tag.split_first_chunk::<2>()?;
    let message_type = match order {
        ByteOrder::Little => i16::from_le_bytes(*message_type),
        ByteOrder::Big => i16::from_be_bytes(*message_type),
    };
    let tag = Tag {
        message_type,
        view: read_id(id, order)?,
    };
    (message_type >= limits::LOWEST_FLUSH_USER_TYPE).then_some((data, tag))
}

/// Takes the reference group off the end of `body`; `None` when it is too short.
pub(super) fn split_reference(body: &Bytes) -> Option<(Bytes, Name)> {
    let (data, slot) = split(body, limits::NAME_SLOT)?;
    Some((data, Name::from_slot(slot.as_ref().try_into().ok()?)))
}

fn split(body: &Bytes, end: usize) -> Option<(Bytes, Bytes)> {
    let length = body.len().checked_sub(end)?;
    let mut data = body.clone();
    let end = data.split_off(length);
    Some((data, end))
}

/// Turns between the big-endian words of a [`ViewId`] and words in `order`.
fn in_order(mut bytes: [u8; ID], order: ByteOrder) -> [u8; ID] {
    match order {
        ByteOrder::Big => {}
        ByteOrder::Little => bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse),
    }
    bytes
}

/// An acknowledgement of the membership `id`.
pub(super) fn acknowledgement(group: GroupName, id: ViewId) -> Multicast {
    internal(group, ACKNOWLEDGEMENT, id)
}

/// A confirmation that the view `id` is installed.
pub(super) fn confirmation(group: GroupName, id: ViewId) -> Multicast {
    internal(group, CONFIRMATION, id)
}

fn internal(group: GroupName, message_type: i16, id: ViewId) -> Multicast {
    let body = Bytes::copy_from_slice(&in_order(id.0, ByteOrder::Little));
    Multicast::to_group(group, Service::Fifo, message_type, body)
}

/// A user message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) group: GroupName,
    /// The group itself for a multicast, else the receivers.
    pub(super) destinations: Vec<Name>,
    pub(super) scope: Scope,
    pub(super) service: Service,
    pub(super) self_delivery: SelfDelivery,
    pub(super) message_type: i16,
    /// The view to be named, if the message needs it.
    pub(super) tag: Option<ViewId>,
    pub(super) body: Bytes,
}

impl Outgoing {
    /// Bytes of the finished body and the destinations.
    pub(super) fn size(&self) -> usize {
        let tag = self.tag.map_or(0, |_| TAG);
        let reference = match self.scope {
            Scope::Named => 0,
            Scope::Subset => limits::NAME_SLOT,
        };
        self.destinations
            .len()
            .saturating_mul(limits::NAME_SLOT)
            .saturating_add(self.body.len())
            .saturating_add(tag + reference)
    }

    /// The message with all that the wire needs behind its data.
    pub(super) fn encode(self) -> Multicast {
        let mut message_type = self.message_type;
        let mut body = self.body;
        if self.tag.is_some() || self.scope == Scope::Subset {
            let mut bytes = Vec::with_capacity(body.len().saturating_add(limits::FLUSH_OVERHEAD));
            bytes.extend_from_slice(&body);
            if let Some(view) = self.tag {
                bytes.extend_from_slice(&message_type.to_le_bytes());
                bytes.extend_from_slice(&in_order(view.0, ByteOrder::Little));
                message_type = TAGGED;
            }
            match self.scope {
                Scope::Named => {}
                Scope::Subset => bytes.extend_from_slice(self.group.as_name().slot()),
            }
            body = bytes.into();
        }
        Multicast {
            destinations: self.destinations,
            service: self.service,
            self_delivery: self.self_delivery,
            scope: self.scope,
            message_type,
            body,
        }
    }
}

/// A message as its sender had given it to its flush layer, from what that layer asked its engine
/// to send: without the view and the reference group, and with its own type. For those who look on
/// from outside; `order` is that of the sender.
///
/// Acknowledgements and confirmations, and what no flush layer sends, stay as they are.
pub fn original(mut sent: Multicast, order: ByteOrder) -> Multicast {
    let mut body = sent.body.clone();
    if sent.scope == Scope::Subset {
        let Some((data, _)) = split_reference(&body) else {
            return sent;
        };
        body = data;
    }
    match Kind::of(sent.message_type) {
        Kind::Acknowledgement | Kind::Confirmation => return sent,
        Kind::Plain(_) => {}
        Kind::Tagged => {
            let Some((data, tag)) = split_tag(&body, order) else {
                return sent;
            };
            body = data;
            sent.message_type = tag.message_type;
        }
    }
    sent.body = body;
    sent
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const ID_WORDS: ViewId = ViewId([0x7f, 0, 0, 0x0b, 0x6b, 2, 0xac, 0x3c, 0, 0, 0, 1]);
    const LITTLE: [u8; 12] = [0x0b, 0, 0, 0x7f, 0x3c, 0xac, 2, 0x6b, 1, 0, 0, 0];

    fn outgoing(scope: Scope, tag: Option<ViewId>) -> Outgoing {
        Outgoing {
            group: "g".parse().unwrap(),
            destinations: vec![Name::new(b"g").unwrap()],
            scope,
            service: Service::Fifo,
            self_delivery: SelfDelivery::Deliver,
            message_type: 0x0102,
            tag,
            body: Bytes::from_static(b"data"),
        }
    }

    #[test]
    fn ids_are_written_little_endian_and_read_in_both_orders() {
        let sent = acknowledgement("g".parse().unwrap(), ID_WORDS);
        assert_eq!(sent.body.as_ref(), LITTLE);
        assert_eq!(sent.message_type, -32768);
        assert_eq!(sent.service, Service::Fifo);
        assert_eq!(sent.self_delivery, SelfDelivery::Deliver);
        assert_eq!(
            confirmation("g".parse().unwrap(), ID_WORDS).message_type,
            -32767
        );
        assert_eq!(read_id(&LITTLE, ByteOrder::Little), Some(ID_WORDS));
        assert_eq!(read_id(&ID_WORDS.0, ByteOrder::Big), Some(ID_WORDS));
        for length in [0, 11, 13] {
            assert_eq!(read_id(&vec![0; length], ByteOrder::Big), None);
        }
    }

    #[test]
    fn tagged_body_has_type_then_id_behind_the_data() {
        let sent = outgoing(Scope::Named, Some(ID_WORDS));
        assert_eq!(sent.size(), 32 + 4 + 14);
        let sent = sent.encode();
        assert_eq!(sent.message_type, -32766);
        assert_eq!(
            sent.body.as_ref(),
            [&b"data\x02\x01"[..], &LITTLE].concat().as_slice()
        );
        let (data, tag) = split_tag(&sent.body, ByteOrder::Little).unwrap();
        assert_eq!(data.as_ref(), b"data");
        assert_eq!((tag.message_type, tag.view), (0x0102, ID_WORDS));
    }

    #[test]
    fn big_endian_tag_is_turned_round() {
        let body = Bytes::from([&b"xy\x01\x02"[..], &ID_WORDS.0].concat());
        let (data, tag) = split_tag(&body, ByteOrder::Big).unwrap();
        assert_eq!(data.as_ref(), b"xy");
        assert_eq!((tag.message_type, tag.view), (0x0102, ID_WORDS));
    }

    #[test]
    fn short_or_reserved_tags_are_refused() {
        assert_eq!(
            split_tag(&Bytes::from_static(&[0; 13]), ByteOrder::Little),
            None
        );
        for (reserved, legal) in [(-32768, false), (-32766, false), (-32765, true)] {
            let body = Bytes::from([&i16::to_le_bytes(reserved)[..], &LITTLE].concat());
            assert_eq!(split_tag(&body, ByteOrder::Little).is_some(), legal);
        }
    }

    #[test]
    fn subset_has_the_reference_group_last() {
        let sent = outgoing(Scope::Subset, Some(ID_WORDS));
        assert_eq!(sent.size(), 32 + 4 + 14 + 32);
        let sent = sent.encode();
        assert_eq!(sent.body.len(), 4 + 14 + 32);
        let (rest, group) = split_reference(&sent.body).unwrap();
        assert_eq!(group.as_bytes(), b"g");
        assert_eq!(
            split_tag(&rest, ByteOrder::Little).unwrap().0.as_ref(),
            b"data"
        );
        assert_eq!(split_reference(&Bytes::from_static(&[0; 31])), None);
    }

    #[test]
    fn refused_messages_come_back_as_given() {
        for scope in [Scope::Named, Scope::Subset] {
            for tag in [None, Some(ID_WORDS)] {
                let back = original(outgoing(scope, tag).encode(), ByteOrder::Little);
                assert_eq!(back.body.as_ref(), b"data");
                assert_eq!(back.message_type, 0x0102);
            }
        }
        let internal = acknowledgement("g".parse().unwrap(), ID_WORDS);
        assert_eq!(original(internal.clone(), ByteOrder::Little), internal);
    }
}
