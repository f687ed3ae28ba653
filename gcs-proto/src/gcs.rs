//! The neutral seam between a group communication engine and everything above it.
//!
//! An engine turns its own wire into [`GcsEvent`]s and [`GcsCommand`]s into its own wire.
//! [`Connection`](crate::connection::Connection) is the first source; the flush layer and all that
//! stands on it name no detail of any engine.
//!
//! ```text
//!   engine (Spread connection)  -- GcsEvent -->   flush layer, secure session, application
//!                               <-- GcsCommand --
//! ```

use alloc::vec::Vec;

use bytes::Bytes;
pub use gcs_view::{Cause, View, ViewId};

use crate::{
    name::{GroupName, MemberName, Name},
    service::Service,
};

/// Byte order in which a message was written by its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first; what this crate always writes.
    Little,
    /// Most significant byte first.
    Big,
}

/// A new membership of a group, as the engine announces it (extended virtual synchrony).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: GroupName,
    /// Who is in it now. The transitional set is those who moved together with the receiver from its
    /// previous membership of the group.
    pub view: View,
}

/// Whether the sender wants its own message back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SelfDelivery {
    /// Delivered to the sender like to anybody else.
    #[default]
    Deliver,
    /// Not delivered to the sending session.
    Discard,
}

/// To whom of its group a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// To the destinations as named.
    #[default]
    Named,
    /// To listed members of a group whose name the body carries (Spread: bit 0x40000000).
    Subset,
}

/// A message as delivered by the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who sent it, as the engine vouches.
    pub sender: MemberName,
    /// Destinations exactly as sent; other senders may have put anything there.
    pub destinations: Vec<Name>,
    /// Service it was sent with.
    pub service: Service,
    /// Whether its sender asked not to get it back.
    pub self_delivery: SelfDelivery,
    /// Whether it went to listed members of a group.
    pub scope: Scope,
    /// 16-bit type chosen by the sender.
    pub message_type: i16,
    /// Byte order of its author, for those who read integers in the body.
    pub order: ByteOrder,
    /// Content. It shares the memory it arrived in, with what came before and after it: copy it to
    /// keep a short one for long.
    pub body: Bytes,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multicast {
    /// Groups and private groups to send to; empty goes nowhere.
    pub destinations: Vec<Name>,
    /// Service wanted.
    pub service: Service,
    /// Whether to get it back.
    pub self_delivery: SelfDelivery,
    /// Whether it goes to listed members of a group.
    pub scope: Scope,
    /// 16-bit type for the receivers.
    pub message_type: i16,
    /// Content.
    pub body: Bytes,
}

impl Multicast {
    /// A plain message to one group.
    pub fn to_group(group: GroupName, service: Service, message_type: i16, body: Bytes) -> Self {
        Self {
            destinations: alloc::vec![group.into()],
            service,
            self_delivery: SelfDelivery::Deliver,
            scope: Scope::Named,
            message_type,
            body,
        }
    }
}

/// What came back of a request that the engine refused by policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A join.
    Join(GroupName),
    /// A leave.
    Leave(GroupName),
    /// A message, with its destinations, type and body as sent.
    Multicast(Multicast),
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Closed by our own [`GcsCommand::Disconnect`].
    Disconnected,
    /// The engine ended the stream.
    EndOfStream,
    /// The engine sent what cannot be read.
    Decode(crate::decode_error::DecodeError),
    /// A local bound was reached; the text names it.
    Limit(&'static str),
}

/// What an engine reports, in delivery order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GcsEvent {
    /// A group has a new membership that includes the receiver.
    Membership(Membership),
    /// From here to the next membership of the group, delivery guarantees hold only among those
    /// who will move together with the receiver.
    TransitionalSignal {
        /// The group.
        group: GroupName,
    },
    /// The receiver's own leave is done; nothing more comes for the group.
    SelfLeave {
        /// The group.
        group: GroupName,
    },
    /// A message.
    Message(Message),
    /// A request was refused.
    Refused(Refused),
    /// The connection is over; nothing follows.
    Closed(CloseReason),
}

/// What an engine is asked to do. Commands are carried out in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GcsCommand {
    /// Join a group; its first membership tells success.
    Join(GroupName),
    /// Leave a group; a self-leave tells success.
    Leave(GroupName),
    /// Send to groups.
    Multicast(Multicast),
    /// Send to one member, by its private group.
    Unicast {
        /// Receiver.
        to: MemberName,
        /// Service wanted.
        service: Service,
        /// 16-bit type for the receiver.
        message_type: i16,
        /// Content.
        body: Bytes,
    },
    /// End the connection in good order.
    Disconnect,
}

/// When an engine gives its transitional signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalTiming {
    /// At the first place where a message of a lost sender may be missing.
    Prompt,
    /// Only when the loss is reported, still at a place common to all who stay together.
    Late,
}

/// What an engine offers beyond the common ground; asked once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Strongest service.
    pub strongest_service: Service,
    /// When the transitional signal comes.
    pub signal: SignalTiming,
    /// Most destinations of one message.
    pub destinations: usize,
    /// Most bytes of body plus 32 for each destination.
    pub message: usize,
}
