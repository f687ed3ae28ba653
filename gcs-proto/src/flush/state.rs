//! States of a group's record.
//!
//! ```text
//!            membership                flush_ok                all acknowledgements
//!   Steady ------------> Authorize ----------------> Agree ------------------------> Verify
//!     ^                  ^  ^                        ^   |                           |  |
//!     |                  |  |                 joining    | further change pending    |  |
//!     |                  |  +----------------------------+                           |  |
//!     |                  +-----------------------------------------------------------+  |
//!     +---------------------------------------------------------------------------------+
//!                  all confirmations
//! ```

use alloc::{collections::BTreeSet, vec::Vec};

use bytes::Bytes;

use super::ViewMessage;
use crate::{gcs::ViewId, limits, name::MemberName};

/// Progress of a group between two views.
#[derive(Debug)]
pub(super) enum ViewState {
    /// The view is installed and confirmed by all its members.
    Steady,
    /// A change is pending and the application was asked.
    Authorize,
    /// Permission is given; acknowledgements of the first pending change are missing.
    Agree(Agreement),
    /// The view is installed; these members have not confirmed it.
    Verify {
        /// Who has not confirmed.
        unconfirmed: BTreeSet<MemberName>,
    },
}

impl ViewState {
    /// An agreement of which nothing is known yet.
    pub(super) fn agree() -> Self {
        Self::Agree(Agreement::default())
    }
}

/// What faster members have already done in the view about to be installed.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    /// Who has confirmed it.
    pub(super) confirmed: BTreeSet<MemberName>,
    /// What they sent in it, in order.
    pub(super) postponed: Vec<ViewMessage>,
    bytes: usize,
}

/// A bound of this layer was reached; the text names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overflow(pub(super) &'static str);

impl Agreement {
    /// Keeps a message for the next view.
    pub(super) fn postpone(&mut self, mut message: ViewMessage) -> Result<(), Overflow> {
        // Destinations count too: they are as much under the sender's control as the body.
        let size = message
            .destinations
            .len()
            .saturating_mul(limits::NAME_SLOT)
            .saturating_add(message.body.len());
        let bytes = self.bytes.saturating_add(size);
        if bytes > limits::POSTPONED_BYTES {
            return Err(Overflow("bytes postponed for the next view"));
        }
        if self.postponed.len() >= limits::POSTPONED_MESSAGES {
            return Err(Overflow("messages postponed for the next view"));
        }
        self.bytes = bytes;
        // A short body must not hold on to the buffer that it arrived in, which counts for nothing
        // here.
        if message.body.len() <= limits::COPIED_BODY {
            message.body = Bytes::copy_from_slice(&message.body);
        }
        self.postponed.push(message);
        Ok(())
    }
}

/// Whether the transitional signal was given in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Everybody is still there, as far as known.
    Due,
    /// It was given; there is at most one in a view.
    Given,
}

/// The view that is installed.
#[derive(Debug)]
pub(super) struct Installed {
    pub(super) id: ViewId,
    /// All members, in the engine's order.
    pub(super) members: Vec<MemberName>,
    /// Members that have not left since.
    pub(super) surviving: BTreeSet<MemberName>,
    pub(super) signal: Signal,
}

/// Whether the receiver wants to stay in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// It takes part in agreements.
    Stay,
    /// It has asked to leave: nothing is sent any more.
    Leave,
}
