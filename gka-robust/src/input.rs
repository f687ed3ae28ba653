//! What a driver is told.

use bytes::Bytes;
use cliques::{MemberName, TokenKind};

use crate::{output::Failure, view::View};

/// User data as the driver sees it: something with a size that it queues, passes on or drops.
pub trait Payload {
    /// Bytes it occupies, for the bound of the queue.
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
        /// Sender as the flush service vouches.
        sender: MemberName,
        /// Kind that the message type of the transport stands for, if it tells one.
        kind: Option<TokenKind>,
        /// The signed envelope.
        bytes: Bytes,
    },
    /// A sealed user message was delivered in the present VS view.
    Data(D),
    /// The same, where the layer above sees by the key identifier that the message was not sealed
    /// under a key it has: its sender is ahead, and while
    /// [`keeps_early_data`](crate::RobustDriver::keeps_early_data) holds, the key may be about to be
    /// installed here too.
    ///
    /// A FIFO message can overtake the key list, which is AGREED. Such a message is kept (within
    /// [`Config::queue_bytes`](crate::Config::queue_bytes)) and delivered right after the
    /// installation, or dropped when there is none. If it cannot be opened even then, its sender is
    /// ahead by another refresh: it is to be given as early data once more.
    EarlyData(D),
    /// The application permits the view change that it was asked about.
    SecureFlushOk,
    /// The application, or a policy, wants a new key among the same members.
    RequestRefresh,
    /// The layer above knows that no key can be agreed on in the present VS view, for instance
    /// because a member has no known identity.
    Fail(Failure),
}
