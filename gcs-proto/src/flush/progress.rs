//! Where the application stands in a group, by what it has taken and called.
//!
//! The layer may be ahead of the application by any number of events. A call is judged by what
//! its caller can know: no message is accepted between its flush and the moment it takes the
//! next view, even when that view has been installed long ago (rule 6 of section 7.1).

use super::{VsView, state::Intent};

/// Whether the application was asked to let the view go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Not asked in this view.
    No,
    /// Asked; may send until it answers.
    Waiting,
    /// Answered; may not send until the next view.
    Answered,
}

/// One group as the application knows it; there is none before `join` and after the self-leave.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) intent: Intent,
    /// The last view taken; `None` while joining.
    pub(super) view: Option<VsView>,
    pub(super) asked: Asked,
}

impl Progress {
    /// After `join`, before the first view.
    pub(super) const fn joining() -> Self {
        Self {
            intent: Intent::Stay,
            view: None,
            asked: Asked::No,
        }
    }

    /// The view in which the application is a member that wants to stay.
    pub(super) fn member(&self) -> Option<&VsView> {
        match self.intent {
            Intent::Stay => self.view.as_ref(),
            Intent::Leave => None,
        }
    }
}
