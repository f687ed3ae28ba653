//! The kind of a group: with or without keys and view synchrony.

use core::fmt;

/// The kind of a group. All members should join it as the same kind: a bare member holds up the views of
/// the others, and a flush-only member their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// Views whose members share a key; messages are sealed.
    Secure,
    /// Views without keys: view synchrony without encryption.
    Flush,
    /// Memberships and messages as the engine reports them, not encrypted; open to senders that are not
    /// members.
    Bare,
}

impl GroupKind {
    /// Name in messages for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Flush => "flush-only",
            Self::Bare => "bare",
        }
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
