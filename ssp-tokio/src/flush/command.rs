//! Calls of the flush layer as data.

use bytes::Bytes;
use gcs_proto::{
    gcs::SelfDelivery,
    name::{GroupName, MemberName},
    service::Service,
};

/// A call of the flush layer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlushCommand {
    /// Join a group; its first view tells success.
    Join(GroupName),
    /// Leave a group; a self-leave tells success.
    Leave(GroupName),
    /// Permit the view change that a flush request asked for.
    FlushOk(GroupName),
    /// Send to the view of a group.
    Multicast {
        /// The group.
        group: GroupName,
        /// Service wanted.
        service: Service,
        /// Whether to get it back.
        self_delivery: SelfDelivery,
        /// 16-bit type for the receivers, at least -32765.
        message_type: i16,
        /// Content.
        body: Bytes,
    },
    /// Send to some members of the view.
    Subset {
        /// The group.
        group: GroupName,
        /// Who of its view.
        receivers: Vec<MemberName>,
        /// Service wanted.
        service: Service,
        /// 16-bit type for the receivers, at least -32765.
        message_type: i16,
        /// Content.
        body: Bytes,
    },
    /// Send to one session, outside of all views.
    Private {
        /// Receiver.
        to: MemberName,
        /// Service wanted.
        service: Service,
        /// 16-bit type for the receiver.
        message_type: i16,
        /// Content.
        body: Bytes,
    },
}

impl FlushCommand {
    /// The group that the call is about, if it is about one.
    pub const fn group(&self) -> Option<&GroupName> {
        match self {
            Self::Join(group)
            | Self::Leave(group)
            | Self::FlushOk(group)
            | Self::Multicast { group, .. }
            | Self::Subset { group, .. } => Some(group),
            Self::Private { .. } => None,
        }
    }

    /// Bytes of the body, if there is one.
    pub(super) const fn bytes(&self) -> usize {
        match self {
            Self::Multicast { body, .. }
            | Self::Subset { body, .. }
            | Self::Private { body, .. } => body.len(),
            Self::Join(_) | Self::Leave(_) | Self::FlushOk(_) => 0,
        }
    }
}
