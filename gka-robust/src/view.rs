//! Views of the flush service and the secure views made of them.

use alloc::vec::Vec;

use cliques::MemberName;
pub use gcs_view::{Cause, View, ViewId};

/// A view that its members share a key in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecureView {
    /// Identifier of the VS view in which the key was agreed.
    pub id: ViewId,
    /// Number of the key inside the view: 0 for the first, then one more for each refresh.
    pub epoch: u32,
    /// Members in the agreed order.
    pub members: Vec<MemberName>,
    /// Members of the receiver's previous secure view that came along without interruption.
    pub transitional_set: Vec<MemberName>,
    /// Cause of the VS view if that directly follows the previous secure view, else network.
    pub cause: Cause,
}
