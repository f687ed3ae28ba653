//! Messages that wait for a view to be sent in.
//!
//! A script says `join`, then `send`, and does not wait for the view in between. What cannot be
//! sent yet is kept here, up to a bound, and goes out in order with the next view.

use std::collections::VecDeque;

use bytes::Bytes;
use ssp_tokio::SendFailure;

/// Messages that may wait.
const MESSAGES_MAX: usize = 256;

/// A message of the user.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Text or file.
    pub(super) message_type: i16,
    /// Content.
    pub(super) body: Bytes,
}

/// Messages that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending(VecDeque<Message>);

impl Pending {
    /// Keeps one more.
    pub(super) fn push(&mut self, message: Message) -> Result<(), String> {
        if self.0.len() >= MESSAGES_MAX {
            return Err(format!(
                "{MESSAGES_MAX} messages wait already, this one is dropped"
            ));
        }
        self.0.push_back(message);
        Ok(())
    }

    /// The oldest one, to be put back if it cannot be sent after all.
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.0.pop_front()
    }

    /// Puts the oldest one back.
    pub(super) fn put_back(&mut self, message: Message) {
        self.0.push_front(message);
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Whether the next key makes the message possible.
pub(super) fn waits_for_key(failure: &SendFailure) -> bool {
    match failure {
        SendFailure::ViewChanged { .. }
        | SendFailure::NoView(_)
        | SendFailure::Timeout(_)
        | SendFailure::Closed => true,
        SendFailure::Session(error) => matches!(
            error,
            ssp_core::SendError::GroupNotSecure(_)
                | ssp_core::SendError::NotAllowedToSend(_)
                | ssp_core::SendError::Refreshing(_)
                | ssp_core::SendError::Unconfirmed(_)
        ),
        // Nothing else is a matter of time.
        _ => false,
    }
}
