//! Messages that the application sends.

use gcs_proto::{gcs::SelfDelivery, name::GroupName, service::Service};

use crate::{event::ViewNumber, record::Padding, schedule::KeyId};

/// Whether messages are signed by their senders.
///
/// Every member of a view can compute every sender's record keys, so without signatures a member that
/// colludes with the daemon can send in another's name. A signature costs sender and receivers about as
/// much as a token does, and proves to third parties who wrote what in the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Signing {
    /// Own messages are not signed; signatures of others are verified.
    #[default]
    Off,
    /// Own messages are signed; messages of others need not be.
    Sign,
    /// Own messages are signed; only signed messages are opened.
    Require,
}

/// How a message is protected besides its record suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Protection {
    /// Whether the message is signed.
    pub signing: Signing,
    /// How the length of the message is hidden.
    pub padding: Padding,
}

/// A message to be sealed and sent, with its own protection.
#[derive(Clone, Copy, Debug)]
pub struct MessageToSend<'a> {
    /// Service; messages in parts need FIFO or a stronger one.
    pub service: Service,
    /// Whether it is delivered to its sender as well.
    pub self_delivery: SelfDelivery,
    /// 16-bit type, above [`wire::HIGHEST_RESERVED`](crate::wire::HIGHEST_RESERVED).
    pub message_type: i16,
    /// Payload: the concatenation of these pieces.
    pub payload: &'a [&'a [u8]],
    /// How it is protected.
    pub protection: Protection,
}

/// Default for the parts of a message that may be in flight to the slowest member: at most about 3 MiB, a
/// tenth of what the daemons of this workspace queue for a member.
pub const PARTS_IN_FLIGHT: u32 = 32;

/// A message that is sent part by part, so that neither side needs memory for the whole.
///
/// It ends with its key: after a new view or a refresh, receivers discard the parts they have. Parts of
/// different messages may alternate.
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

    /// Number of the message, counted per sender and key.
    pub const fn message(&self) -> u32 {
        self.message
    }

    /// Parts that may be in flight to the slowest member; [`PARTS_IN_FLIGHT`] by default.
    pub const fn window(&self) -> u32 {
        self.window
    }

    /// Sets how many parts may be in flight to the slowest member; at least one.
    pub const fn set_window(&mut self, parts: u32) {
        self.window = if parts == 0 { 1 } else { parts };
    }

    /// Parts sent so far.
    pub const fn parts(&self) -> u32 {
        self.next
    }
}
