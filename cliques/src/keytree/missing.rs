//! Which blinded keys are missing, and which keys can be computed.

use alloc::vec::Vec;

use super::tree::{Content, NodeId, Tree};
use crate::group::Group;

impl<G: Group> Tree<G> {
    /// Internal nodes other than the root without a blinded key, lower ones first. That of the root is not
    /// needed.
    pub(crate) fn dirty(&self) -> impl Iterator<Item = NodeId> {
        self.post_order().into_iter().filter(|id| {
            *id != self.root && self.member(*id).is_none() && self.blinded(*id).is_none()
        })
    }

    /// Dirty nodes whose key the members below can compute: both children have blinded keys, and neither is
    /// the `pending` leaf, whose blinded key is about to be replaced.
    pub(crate) fn lowest_dirty(&self, pending: Option<NodeId>) -> Vec<NodeId> {
        self.dirty()
            .filter(|id| match self.content(*id) {
                Content::Internal { left, right } => [left, right]
                    .into_iter()
                    .all(|child| self.is_usable(*child, pending)),
                Content::Leaf(_) => false,
            })
            .collect()
    }

    /// Whether the node has a blinded key to compute with.
    pub(crate) fn is_usable(&self, id: NodeId, pending: Option<NodeId>) -> bool {
        pending != Some(id) && self.blinded(id).is_some()
    }

    /// The nodes above `id` whose keys follow from its key, up to the first whose sibling has no blinded
    /// key. The root is last, if it is included.
    pub(crate) fn computable(&self, id: NodeId, pending: Option<NodeId>) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        let mut at = id;
        while let (Some(parent), Some(sibling)) = (self.parent(at), self.sibling(at)) {
            if !self.is_usable(sibling, pending) {
                break;
            }
            nodes.push(parent);
            at = parent;
        }
        nodes
    }
}
