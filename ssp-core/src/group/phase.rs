//! The phase of a group.

use core::fmt;

/// Where a secure group stands, as the application sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The first view is not installed yet.
    Joining,
    /// A key is being agreed on.
    Agreeing,
    /// There is a key, and not all members have confirmed it: receive only.
    Confirming,
    /// There is a key: send and receive.
    Secure,
    /// The key is being replaced among the same members: receive only.
    Refreshing,
    /// The view is being replaced: receive only.
    Flushing,
    /// A member prevents a key in this view.
    Failed,
    /// The group is being left.
    Leaving,
}

impl Phase {
    /// Lower-case name in logs and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Agreeing => "agreeing",
            Self::Confirming => "confirming",
            Self::Secure => "secure",
            Self::Refreshing => "refreshing",
            Self::Flushing => "flushing",
            Self::Failed => "failed",
            Self::Leaving => "leaving",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether the application wants to be in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Stay,
    Leave,
}
