//! Views: who is in a group, and how that came about.

use alloc::vec::Vec;
use core::fmt;

use crate::name::MemberName;

/// Bytes of a view identifier.
pub const VIEW_ID: usize = 12;

/// Identifier of a view: 12 opaque bytes, compared for equality only.
///
/// Identifiers do not grow and may come back after a group was empty, so whoever needs an order
/// numbers the views locally. Spread: the three words of its group id, big-endian.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId(pub [u8; VIEW_ID]);

impl fmt::Debug for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a membership changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// This member joined.
    Join(MemberName),
    /// This member left of its own will.
    Leave(MemberName),
    /// This member's connection ended.
    Disconnect(MemberName),
    /// The network changed: partition, merge, a daemon lost or found, or several changes at once.
    Network,
}

impl Cause {
    /// The one member that the change is about, if it is about one.
    pub const fn member(&self) -> Option<&MemberName> {
        match self {
            Self::Join(member) | Self::Leave(member) | Self::Disconnect(member) => Some(member),
            Self::Network => None,
        }
    }

    /// Lower-case name of the cause, as logs and JSON events spell it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Join(_) => "join",
            Self::Leave(_) => "leave",
            Self::Disconnect(_) => "disconnect",
            Self::Network => "network",
        }
    }
}

/// Who is in a group, as a layer reports it to one member.
///
/// The same struct serves every layer; what it promises is the layer's: an engine's membership
/// (extended virtual synchrony), the flush layer's view (view synchrony), or a view that has a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Identifier, the same at all members.
    pub id: ViewId,
    /// Members in the engine's order, the same at all members, the receiver among them.
    pub members: Vec<MemberName>,
    /// Why it differs from the view before.
    pub cause: Cause,
    /// Members of the receiver's previous view of the same layer that came along with the receiver
    /// without interruption, the receiver among them; a first view has the receiver alone.
    pub transitional_set: Vec<MemberName>,
}

impl View {
    /// Position of a member in the list, which every member can compute alike.
    pub fn index(&self, member: &MemberName) -> Option<usize> {
        self.members.iter().position(|one| one == member)
    }
}
