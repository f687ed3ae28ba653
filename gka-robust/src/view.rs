//! Views of the flush service and the secure views made of them.

pub use gcs_view::{Cause, View, ViewId};

/// A view whose members share a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecureView {
    /// The VS view in which the key was agreed, with two differences: the transitional set is the members
    /// of the receiver's previous secure view that came along without interruption, and the cause is
    /// network unless the VS view directly follows the previous secure view.
    pub view: View,
    /// Number of the key inside the view: 0 for the first, then one more for each refresh.
    pub epoch: u32,
}

/// Whether the flush service gave its transitional signal in the present VS view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum VsSignal {
    /// Deliveries so far are common to all who go on together.
    NotGiven,
    /// Members are gone; others may see another end of this view.
    Given,
}
