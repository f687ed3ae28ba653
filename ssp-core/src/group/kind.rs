//! What a group is joined for.

use core::fmt;

/// Of what kind a group is at one connection. All members should join it as the same kind: a bare
/// member holds up the views of the others, and a flush-only member the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// Views whose members share a key; messages are sealed.
    Secure,
    /// Views without keys: view synchrony in the clear.
    Flush,
    /// Memberships and messages as the engine gives them, in the clear; open to senders who are not
    /// members.
    Bare,
}

impl GroupKind {
    /// Its name in texts.
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
