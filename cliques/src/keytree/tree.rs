//! The tree: its nodes, traversal, and the keys at its nodes.

use alloc::{string::String, sync::Arc, vec, vec::Vec};
use core::fmt::Write;

use gcs_view::MemberName;

use super::{blinded::Blinded, key::Key};
use crate::group::Group;

/// A node of one tree; meaningless in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(super) usize);

/// Whether a node is a leaf.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A leaf, with its member.
    Leaf(MemberName),
    /// Two subtrees.
    Internal {
        /// Lower, or older.
        left: NodeId,
        /// Higher, or newer.
        right: NodeId,
    },
}

/// A node and its keys, as far as this member knows them.
#[derive(Clone)]
pub(super) struct Node<G: Group> {
    pub(super) parent: Option<NodeId>,
    pub(super) content: Content,
    /// Public: the blinded key, unless it is missing.
    pub(super) blinded: Option<Blinded<G>>,
    /// Private: the key, on the own key path, once it was computed.
    pub(super) key: Option<Arc<Key<G>>>,
    /// Whether the current event has inserted the node.
    pub(super) inserted: bool,
}

/// A full binary tree with a member at each leaf.
///
/// Nodes are stored in one vector and refer to one another by index. Nothing is ever removed, so a
/// [`NodeId`] of a tree stays valid for that tree; [`prune`](Self::prune) makes a new tree. Clones share
/// the nodes until one of them changes. No operation recurses, because peers determine how deep a tree
/// is.
#[derive(Clone)]
pub(crate) struct Tree<G: Group> {
    pub(super) nodes: Arc<Vec<Node<G>>>,
    pub(super) root: NodeId,
}

impl<G: Group> Node<G> {
    const fn new(content: Content, blinded: Option<Blinded<G>>) -> Self {
        Self {
            parent: None,
            content,
            blinded,
            key: None,
            inserted: false,
        }
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "the ids of a tree are indices of its vector, from which nothing is removed"
)]
impl<G: Group> Tree<G> {
    pub(super) fn node(&self, id: NodeId) -> &Node<G> {
        &self.nodes[id.0]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node<G> {
        &mut Arc::make_mut(&mut self.nodes)[id.0]
    }
}

impl<G: Group> Tree<G> {
    /// A tree of one member.
    pub(crate) fn leaf(member: MemberName) -> Self {
        let leaf = Node::new(Content::Leaf(member), None);
        Self {
            nodes: Arc::new(vec![leaf]),
            root: NodeId(0),
        }
    }

    /// The tree with these nodes in pre-order: members at leaves, `None` at internal nodes, and blinded
    /// keys. `None` if they form no tree.
    pub(crate) fn from_pre_order(
        nodes: impl IntoIterator<Item = (Option<MemberName>, Option<Blinded<G>>)>,
    ) -> Option<Self> {
        let mut arena: Vec<Node<G>> = Vec::new();
        // Internal nodes with an incomplete subtree, each with its left child if that is complete.
        let mut open: Vec<(NodeId, Option<NodeId>)> = Vec::new();
        let mut root = None;
        for (member, blinded) in nodes {
            if root.is_some() {
                return None;
            }
            let id = NodeId(arena.len());
            let is_leaf = member.is_some();
            // The children of an internal node are set when they are complete.
            let (left, right) = (id, id);
            let internal = Content::Internal { left, right };
            arena.push(Node::new(member.map_or(internal, Content::Leaf), blinded));
            if !is_leaf {
                open.push((id, None));
                continue;
            }
            let mut complete = id;
            root = loop {
                match open.pop() {
                    None => break Some(complete),
                    Some((parent, None)) => {
                        open.push((parent, Some(complete)));
                        break None;
                    }
                    Some((parent, Some(left))) => {
                        let right = complete;
                        for child in [left, right] {
                            arena.get_mut(child.0)?.parent = Some(parent);
                        }
                        arena.get_mut(parent.0)?.content = Content::Internal { left, right };
                        complete = parent;
                    }
                }
            };
        }
        Some(Self {
            nodes: Arc::new(arena),
            root: root?,
        })
    }

    pub(crate) const fn root(&self) -> NodeId {
        self.root
    }

    pub(crate) fn content(&self, id: NodeId) -> &Content {
        &self.node(id).content
    }

    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
    }

    /// The member of a leaf.
    pub(crate) fn member(&self, id: NodeId) -> Option<&MemberName> {
        match self.content(id) {
            Content::Leaf(member) => Some(member),
            Content::Internal { .. } => None,
        }
    }

    /// The other child of the parent.
    pub(crate) fn sibling(&self, id: NodeId) -> Option<NodeId> {
        match self.content(self.parent(id)?) {
            Content::Internal { left, right } if *left == id => Some(*right),
            Content::Internal { left, .. } => Some(*left),
            Content::Leaf(_) => None,
        }
    }

    /// The nodes above, up to the root.
    pub(crate) fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        core::iter::successors(self.parent(id), |above| self.parent(*above))
    }

    pub(crate) fn depth(&self, id: NodeId) -> usize {
        self.ancestors(id).count()
    }

    /// The path from the root: true is right.
    pub(crate) fn path(&self, id: NodeId) -> Vec<bool> {
        let mut path = Vec::new();
        let mut at = id;
        while let Some(parent) = self.parent(at) {
            path.push(match self.content(parent) {
                Content::Internal { right, .. } => *right == at,
                Content::Leaf(_) => false,
            });
            at = parent;
        }
        path.reverse();
        path
    }

    /// The leaf reached by going right.
    pub(crate) fn rightmost_leaf(&self, mut id: NodeId) -> NodeId {
        while let Content::Internal { right, .. } = self.content(id) {
            id = *right;
        }
        id
    }

    /// Every node before its children, left before right.
    pub(crate) fn pre_order(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut stack = vec![self.root];
        while let Some(id) = stack.pop() {
            order.push(id);
            if let Content::Internal { left, right } = self.content(id) {
                stack.extend([*right, *left]);
            }
        }
        order
    }

    /// Every node after its children, left before right.
    pub(crate) fn post_order(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut stack = vec![self.root];
        while let Some(id) = stack.pop() {
            order.push(id);
            if let Content::Internal { left, right } = self.content(id) {
                stack.extend([*left, *right]);
            }
        }
        order.reverse();
        order
    }

    /// Leaves from left to right.
    pub(crate) fn leaves(&self) -> Vec<NodeId> {
        let mut leaves = self.pre_order();
        leaves.retain(|id| self.member(*id).is_some());
        leaves
    }

    /// Members from left to right.
    pub(crate) fn members(&self) -> Vec<MemberName> {
        self.pre_order()
            .into_iter()
            .filter_map(|id| self.member(id).cloned())
            .collect()
    }

    /// The leaf of a member.
    pub(crate) fn leaf_of(&self, member: &MemberName) -> Option<NodeId> {
        self.pre_order()
            .into_iter()
            .find(|id| self.member(*id) == Some(member))
    }

    /// Height of every node: 0 for leaves.
    pub(crate) fn heights(&self) -> Heights {
        let mut heights = Heights(vec![0; self.nodes.len()]);
        for id in self.post_order() {
            if let Content::Internal { left, right } = self.content(id) {
                let above = heights.of(*left).max(heights.of(*right)) + 1;
                if let Some(height) = heights.0.get_mut(id.0) {
                    *height = above;
                }
            }
        }
        heights
    }

    pub(crate) fn blinded(&self, id: NodeId) -> Option<&Blinded<G>> {
        self.node(id).blinded.as_ref()
    }

    pub(crate) fn set_blinded(&mut self, id: NodeId, blinded: Blinded<G>) {
        self.node_mut(id).blinded = Some(blinded);
    }

    pub(crate) fn key(&self, id: NodeId) -> Option<&Arc<Key<G>>> {
        self.node(id).key.as_ref()
    }

    pub(crate) fn set_key(&mut self, id: NodeId, key: Arc<Key<G>>) {
        self.node_mut(id).key = Some(key);
    }

    pub(crate) fn is_inserted(&self, id: NodeId) -> bool {
        self.node(id).inserted
    }

    /// The tree in one line: `((m01 m02) m03)`.
    pub(crate) fn text(&self) -> String {
        enum Item {
            Node(NodeId),
            Text(&'static str),
        }
        let mut text = String::new();
        let mut stack = vec![Item::Node(self.root)];
        while let Some(item) = stack.pop() {
            match item {
                Item::Text(piece) => text.push_str(piece),
                Item::Node(id) => match self.content(id) {
                    // Writing to a string does not fail.
                    Content::Leaf(member) => drop(write!(text, "{member}")),
                    Content::Internal { left, right } => stack.extend([
                        Item::Text(")"),
                        Item::Node(*right),
                        Item::Text(" "),
                        Item::Node(*left),
                        Item::Text("("),
                    ]),
                },
            }
        }
        text
    }
}

/// Heights of a tree's nodes.
pub(crate) struct Heights(Vec<usize>);

impl Heights {
    /// Height of a node: 0 for leaves.
    pub(crate) fn of(&self, id: NodeId) -> usize {
        self.0.get(id.0).copied().unwrap_or(0)
    }
}
