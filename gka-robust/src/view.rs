//! Views of the flush service and the secure views made of them.

use alloc::vec::Vec;
use core::fmt;

use cliques::MemberId;

/// Identifier of a view: 12 opaque bytes, compared for equality only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId(pub [u8; 12]);

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a view differs from the one before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// This member joined.
    Join(MemberId),
    /// This member left.
    Leave(MemberId),
    /// This member's connection ended.
    Disconnect(MemberId),
    /// The network changed, or several changes came together.
    Network,
}

/// A view as the flush service installs it (a VS view).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Identifier, the same at all members.
    pub id: ViewId,
    /// Members in the agreed order, the receiver among them.
    pub members: Vec<MemberId>,
    /// Members of the receiver's previous view that moved with it, the receiver among them.
    pub transitional_set: Vec<MemberId>,
    /// Why it changed, the same at all members.
    pub cause: Cause,
}

/// A view that its members share a key in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecureView {
    /// Identifier of the VS view in which the key was agreed.
    pub id: ViewId,
    /// Number of the key inside the view: 0 for the first, then one more for each refresh.
    pub epoch: u32,
    /// Members in the agreed order.
    pub members: Vec<MemberId>,
    /// Members of the receiver's previous secure view that came along without interruption.
    pub transitional_set: Vec<MemberId>,
    /// Cause of the VS view if that directly follows the previous secure view, else network.
    pub cause: Cause,
}
