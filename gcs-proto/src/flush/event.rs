//! What the flush layer hands up.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::{
    gcs::{ByteOrder, CloseReason, Message, Refused, View},
    name::{GroupName, MemberName, Name},
    service::Service,
};

/// A view that all its members have agreed to install (a VS view).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VsView {
    /// The group.
    pub group: GroupName,
    /// Who is in it. Identifier, members and cause are the same at all members; the transitional set,
    /// in the order of the view before, is equal at all members that are in it.
    pub view: View,
    /// Position of the receiver among the members.
    pub index: usize,
}

/// A message delivered in the view in which it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewMessage {
    /// The group whose view it belongs to.
    pub group: GroupName,
    /// Who sent it: a member of the view.
    pub sender: MemberName,
    /// Destinations as sent: the group, or the private groups of a subset of its members.
    pub destinations: Vec<Name>,
    /// Service it was sent with.
    pub service: Service,
    /// 16-bit type chosen by the sender, at least -32765.
    pub message_type: i16,
    /// Byte order of its author.
    pub order: ByteOrder,
    /// Content as the sender gave it.
    pub body: Bytes,
}

/// What the flush layer hands up, in delivery order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlushEvent {
    /// A view is installed; messages that follow were sent in it.
    View(VsView),
    /// The view is to be replaced: answer with
    /// [`flush_ok`](super::FlushLayer::flush_ok) when nothing more is to be sent in it.
    FlushRequest {
        /// The group.
        group: GroupName,
    },
    /// Somebody of the view is gone: guarantees hold among the survivors only from here on.
    TransitionalSignal {
        /// The group.
        group: GroupName,
    },
    /// A message of the present view.
    Message(ViewMessage),
    /// A message to the receiver's private group; outside of all views.
    Private(Message),
    /// The receiver's own leave is done.
    SelfLeave {
        /// The group.
        group: GroupName,
    },
    /// The engine refused a request.
    Refused(Refused),
    /// The connection is over; nothing follows.
    Closed(CloseReason),
}

impl FlushEvent {
    /// The group that the event belongs to, if it belongs to one.
    pub const fn group(&self) -> Option<&GroupName> {
        match self {
            Self::View(view) => Some(&view.group),
            Self::Message(message) => Some(&message.group),
            Self::FlushRequest { group }
            | Self::TransitionalSignal { group }
            | Self::SelfLeave { group }
            | Self::Refused(Refused::Join(group) | Refused::Leave(group)) => Some(group),
            Self::Private(_) | Self::Refused(Refused::Multicast(_)) | Self::Closed(_) => None,
        }
    }
}
