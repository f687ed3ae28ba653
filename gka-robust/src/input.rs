//! Inputs of a driver.

use bytes::Bytes;
use cliques::{MemberName, TokenKind};

use crate::{output::Failure, view::View};

/// User data, which the driver queues, passes on or drops without looking into it.
pub trait Payload {
    /// Size in bytes, for the bound of the queue and [`RefreshPolicy::volume`](crate::RefreshPolicy::volume).
    fn size(&self) -> usize;
}

impl Payload for Bytes {
    fn size(&self) -> usize {
        self.len()
    }
}

/// An event from the flush service or the application, in delivery order.
#[derive(Clone, Debug)]
pub enum Input<D> {
    /// A VS view was installed.
    Membership(View),
    /// The flush service asks to close the view.
    FlushRequest,
    /// The flush service signals that members of the view are gone.
    TransitionalSignal,
    /// A key agreement message was delivered in the present VS view.
    Token {
        /// Sender, as reported by the flush service.
        sender: MemberName,
        /// Kind that the message type of the transport stands for, if it says so.
        kind: Option<TokenKind>,
        /// The signed envelope.
        bytes: Bytes,
    },
    /// A sealed user message was delivered in the present VS view.
    Data(D),
    /// A sealed user message was delivered whose key identifier the layer above does not know: its
    /// sender is ahead. While [`keeps_early_data`](crate::RobustDriver::keeps_early_data) holds, the key
    /// may be about to be installed here too.
    ///
    /// A FIFO message can overtake the key list, which is AGREED. Such a message is kept (within
    /// [`Config::queue_bytes`](crate::Config::queue_bytes)) and delivered right after the
    /// installation, or dropped if there is none. If it cannot be opened even then, its sender is
    /// ahead by another refresh: give it as early data once more.
    EarlyData(D),
    /// The application permits the view change that it was asked about.
    SecureFlushOk,
    /// The application, or a policy, wants a new key among the same members.
    RequestRefresh,
    /// The layer above knows that no key can be agreed on in the present VS view, for instance
    /// because a member has no known identity.
    Fail(Failure),
}
