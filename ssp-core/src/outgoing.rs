//! Messages on their way out.

use gcs_proto::{gcs::SelfDelivery, name::GroupName, service::Service};

use crate::{event::ViewNumber, record::Padding, schedule::KeyId};

/// Whether messages are signed by their senders.
///
/// Every member of a view can compute every sender's record keys, so without signatures a member in
/// league with the daemon can send in another's name. A signature costs its maker and each receiver
/// about as much as a token does, and shows third parties who was in the group and wrote what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Signing {
    /// Own messages are not signed; signatures of others are verified.
    #[default]
    Off,
    /// Own messages are signed; others' need not be.
    Sign,
    /// Own messages are signed, and only signed ones are opened.
    Require,
}

/// How a message is protected besides its record suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Protection {
    /// Whether it is signed.
    pub signing: Signing,
    /// How its length is hidden.
    pub padding: Padding,
}

/// A message to be sealed and sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Service; split messages need FIFO or a stronger one.
    pub service: Service,
    /// Whether it comes back to its sender.
    pub self_delivery: SelfDelivery,
    /// 16-bit type, above [`wire::HIGHEST_RESERVED`](crate::wire::HIGHEST_RESERVED).
    pub message_type: i16,
    /// Payload, one piece after the other.
    pub payload: &'a [&'a [u8]],
    /// How it is protected.
    pub protection: Protection,
}

/// Parts of a message that may be under way to the slowest member, unless a
/// [`PartStream`] says otherwise: at most about 3 MiB, a tenth of what the daemons of this workspace
/// keep for a member.
pub const PARTS_IN_FLIGHT: u32 = 32;

/// A message that is sent in parts as they come, so that neither end needs memory for the whole.
///
/// It lives as long as its key: a new view or a refresh ends it, and receivers discard what they have
/// of it. Parts of different messages may alternate.
#[derive(Debug, PartialEq, Eq)]
pub struct PartStream {
    pub(crate) group: GroupName,
    pub(crate) view: ViewNumber,
    pub(crate) key: KeyId,
    pub(crate) message: u32,
    pub(crate) next: u32,
    pub(crate) service: Service,
    pub(crate) message_type: i16,
    pub(crate) protection: Protection,
    pub(crate) window: u32,
}

impl PartStream {
    /// The group it is sent in.
    pub const fn group(&self) -> &GroupName {
        &self.group
    }

    /// Number of the message among this member's under the present key.
    pub const fn message(&self) -> u32 {
        self.message
    }

    /// Parts that may be under way to the slowest member, [`PARTS_IN_FLIGHT`] unless set.
    pub const fn window(&self) -> u32 {
        self.window
    }

    /// Sets how many parts may be under way to the slowest member; at least one.
    pub const fn set_window(&mut self, parts: u32) {
        self.window = if parts == 0 { 1 } else { parts };
    }

    /// Parts sent.
    pub const fn parts(&self) -> u32 {
        self.next
    }
}
