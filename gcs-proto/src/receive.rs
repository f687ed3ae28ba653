//! Receiving into buffers of the caller, by the rules of the C library.
//!
//! Whoever takes [`GcsEvent`](crate::gcs::GcsEvent)s needs none of this: they own what they carry. A
//! binding for programs written against the C library, which bring an array for names and one for
//! the body, needs its rules for what does not fit:
//!
//! | does not fit | [`Overlong::Keep`] | [`Overlong::Drop`] |
//! |---|---|---|
//! | names | kept, [`Code::GroupsTooShort`] | taken: the names that fit, the whole body |
//! | body | kept, [`Code::BufferTooShort`] | taken: all names, the first bytes; [`Code::BufferTooShort`] |
//! | both | kept, [`Code::GroupsTooShort`] | taken: what fits of both; [`Code::BufferTooShort`] |
//!
//! A message that is kept has lost nothing: the next call finds it again, and may bring more room.
//!
//! What a message shows:
//!
//! | message | service type | sender | names | message type | body |
//! |---|---|---|---|---|---|
//! | data | as sent | sender's private group | destinations | as sent | as sent |
//! | membership | as sent | group | members | index of the receiver, -1 if the list was cut short | id and sets, little-endian |
//! | transitional signal | as sent | group | none | -1 | id |
//! | self-leave | as sent | group | none | -1 | none |
//! | refused request | that of the request, and REJECT | own private group | destinations, receiver | as sent | as sent |
//!
//! Of a message that is kept, membership messages show 0 as their type.
//!
//! The Flush library has bodies of its own for the views it installs; [`view_body`] makes them:
//!
//! | offset | size | content |
//! |---|---|---|
//! | 0 | 12 | id of the view, three words |
//! | 12 | 4 | number k of names |
//! | 16 | 32 k | the member that joined, left or disconnected; for a network change the transitional set |
//!
//! Source: Spread client protocol, sections 8 and 9, and flush layer, section 6, of the protocol
//! notes in `docs/`.

use bytes::Bytes;

use crate::{
    code::Code,
    codec::{Delivery, Frame, Writer, word, write_id},
    connection::Connection,
    gcs::ByteOrder,
    gcs::View,
    limits,
    name::Name,
};

/// What becomes of a message that does not fit (the receive option DROP_RECV).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Overlong {
    /// It waits for a call with more room.
    #[default]
    Keep,
    /// What does not fit is lost.
    Drop,
}

/// How much of something a message has and how much of it was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// What the message has.
    pub length: usize,
    /// What there was room for.
    pub room: usize,
}

impl Extent {
    /// Whether all of it fits.
    pub const fn fits(self) -> bool {
        self.length <= self.room
    }
}

/// A message as a receive call shows it, beside what it copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Type word without marker.
    pub service_type: u32,
    /// Sender of a message, group of a membership.
    pub sender: Name,
    /// Type chosen by the sender; see above for other messages.
    pub message_type: i16,
    /// Byte order of the author of the body.
    pub order: ByteOrder,
    /// Names.
    pub names: Extent,
    /// Bytes of the body.
    pub body: Extent,
}

/// What a receive call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The message was taken; what fits was copied.
    Taken(Received),
    /// The message waits; nothing was copied.
    Kept(Received),
}

impl Receipt {
    /// The code of the C library, or the number of bytes of the body.
    ///
    /// # Errors
    /// [`Code::GroupsTooShort`] and [`Code::BufferTooShort`].
    pub const fn result(&self) -> Result<usize, Code> {
        match self {
            Self::Kept(message) if !message.names.fits() => Err(Code::GroupsTooShort),
            Self::Kept(message) | Self::Taken(message) if !message.body.fits() => {
                Err(Code::BufferTooShort)
            }
            Self::Kept(message) | Self::Taken(message) => Ok(message.body.length),
        }
    }
}

#[derive(Clone, Debug)]
struct Waiting {
    frame: Frame,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Data and refusals: the type is in the hint.
    Typed,
    /// A membership: the type is the receiver's index.
    Membership,
    /// Signal and self-leave: there is no type.
    Untyped,
}

/// The receiving end of a connection, with the message that found no room.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Option<Waiting>,
}

impl Inbox {
    /// An inbox without a message.
    pub const fn new() -> Self {
        Self { waiting: None }
    }

    /// Takes the next message of `connection` into `names` and `body`, or shows why not; nothing
    /// while none is complete, and when the connection is over.
    pub fn receive(
        &mut self,
        connection: &mut Connection,
        names: &mut [Name],
        body: &mut [u8],
        overlong: Overlong,
    ) -> Option<Receipt> {
        let waiting = match self.waiting.take() {
            Some(waiting) => waiting,
            None => Waiting::new(&connection.poll_delivery()?),
        };
        let mut shown = waiting.shown(names.len(), body.len());
        if overlong == Overlong::Keep && !(shown.names.fits() && shown.body.fits()) {
            self.waiting = Some(waiting);
            return Some(Receipt::Kept(shown));
        }
        for (slot, name) in names.iter_mut().zip(&waiting.frame.names) {
            *slot = *name;
        }
        for (slot, byte) in body.iter_mut().zip(&waiting.frame.body) {
            *slot = *byte;
        }
        if let Kind::Membership = waiting.kind {
            shown.message_type = if shown.names.fits() {
                waiting.index_of(connection.private_group().as_name())
            } else {
                -1
            };
        }
        Some(Receipt::Taken(shown))
    }

    /// Bytes that a receive would not have to wait for, as the poll call of the C library counts
    /// them: the header of a message that waits for more room is not among them.
    pub fn buffered(&self, connection: &Connection) -> usize {
        let waiting = self.waiting.as_ref().map_or(0, Waiting::length);
        waiting.saturating_add(connection.buffered())
    }
}

impl Waiting {
    fn new(delivery: &Delivery) -> Self {
        let kind = match delivery {
            Delivery::Data { .. } | Delivery::Refused(_) => Kind::Typed,
            Delivery::Membership(_) => Kind::Membership,
            Delivery::Transition { .. } | Delivery::SelfLeave { .. } => Kind::Untyped,
        };
        Self {
            frame: delivery.to_frame(ByteOrder::Little),
            kind,
        }
    }

    fn shown(&self, names: usize, body: usize) -> Received {
        let frame = &self.frame;
        let refused = frame.refused_word.map(|word| word | word::REJECT);
        let (message_type, order) = match self.kind {
            Kind::Typed => (frame.hint.message_type(), frame.hint.order()),
            Kind::Membership => (0, ByteOrder::Little),
            Kind::Untyped => (-1, ByteOrder::Little),
        };
        Received {
            service_type: refused.unwrap_or(frame.word),
            sender: frame.name,
            message_type,
            order,
            names: Extent {
                length: frame.names.len(),
                room: names,
            },
            body: Extent {
                length: frame.body.len(),
                room: body,
            },
        }
    }

    fn index_of(&self, me: &Name) -> i16 {
        let index = self.frame.names.iter().position(|name| name == me);
        index.and_then(|index| index.try_into().ok()).unwrap_or(-1)
    }

    /// Bytes behind the header.
    fn length(&self) -> usize {
        let refused = self.frame.refused_word.map_or(0, |_| size_of::<u32>());
        refused + limits::NAME_SLOT * self.frame.names.len() + self.frame.body.len()
    }
}

/// Body of a view as the Flush library hands it out, little-endian.
pub fn view_body(view: &View) -> Bytes {
    let names = match view.cause.member() {
        Some(changed) => core::slice::from_ref(changed),
        None => &view.transitional_set,
    };
    let length = limits::VIEW_ID + size_of::<u32>() + limits::NAME_SLOT * names.len();
    let mut writer = Writer::new(ByteOrder::Little, length);
    write_id(&mut writer, view.id);
    writer.count(names.len());
    for name in names {
        writer.name(name.as_name());
    }
    writer.finish()
}
