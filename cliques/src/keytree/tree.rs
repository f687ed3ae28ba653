//! The tree itself: shape, navigation, what is known of its nodes.

use alloc::{string::String, sync::Arc, vec, vec::Vec};
use core::fmt::Write;

use super::{blinded::Blinded, key::Key};
use crate::{group::Group, member::MemberId};

/// A node of one tree; of no use in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(usize);

/// What is below a node.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Nothing: the node is a member's.
    Leaf(MemberId),
    /// Two subtrees.
    Internal {
        /// Lower, or older.
        left: NodeId,
        /// Higher, or newer.
        right: NodeId,
    },
}

/// A node and what this member knows of it.
#[derive(Clone)]
struct Node<G: Group> {
    parent: Option<NodeId>,
    content: Content,
    /// Public: the blinded key, unless it is missing.
    blinded: Option<Blinded<G>>,
    /// Private: the key, on the own key path, once it was computed.
    key: Option<Arc<Key<G>>>,
    /// Whether the present event has inserted the node.
    inserted: bool,
}

/// A full binary tree with a member at each leaf.
///
/// Nodes live in one vector and name one another by place; nothing is ever removed from it, so a
/// [`NodeId`] that a tree has handed out stays good for that tree. [`prune`](Self::prune) makes a
/// new tree. Clones share the nodes until one of them changes. No operation recurses, because peers
/// decide how deep a tree is.
#[derive(Clone)]
pub(crate) struct Tree<G: Group> {
    nodes: Arc<Vec<Node<G>>>,
    root: NodeId,
}

/// A tree without the members who are gone.
pub(crate) struct Pruned<G: Group> {
    /// What is left, with all keys and blinded keys forgotten that those who are gone could know.
    pub(crate) tree: Tree<G>,
    /// Roots of the subtrees that took their parent's place, because its other side is gone.
    pub(crate) promoted: Vec<NodeId>,
    /// How many of those who stay are to the left of all who are gone; none if nobody is.
    pub(crate) left_of_leavers: Option<usize>,
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
    reason = "a tree's ids are places in its vector, from which nothing is removed"
)]
impl<G: Group> Tree<G> {
    fn node(&self, id: NodeId) -> &Node<G> {
        &self.nodes[id.0]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node<G> {
        &mut Arc::make_mut(&mut self.nodes)[id.0]
    }
}

impl<G: Group> Tree<G> {
    /// A tree of one member.
    pub(crate) fn leaf(member: MemberId) -> Self {
        let leaf = Node::new(Content::Leaf(member), None);
        Self {
            nodes: Arc::new(vec![leaf]),
            root: NodeId(0),
        }
    }

    /// The tree whose nodes these are in pre-order: members at leaves, none at internal nodes, with
    /// blinded keys; nothing where they form no tree.
    pub(crate) fn from_pre_order(
        nodes: impl IntoIterator<Item = (Option<MemberId>, Option<Blinded<G>>)>,
    ) -> Option<Self> {
        let mut arena: Vec<Node<G>> = Vec::new();
        // Internal nodes whose subtrees are not complete, each with its left one if that is.
        let mut open: Vec<(NodeId, Option<NodeId>)> = Vec::new();
        let mut root = None;
        for (member, blinded) in nodes {
            if root.is_some() {
                return None;
            }
            let id = NodeId(arena.len());
            let is_leaf = member.is_some();
            // The children of an internal node are filled in when they are known.
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
    pub(crate) fn member(&self, id: NodeId) -> Option<&MemberId> {
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

    /// The way from the root: true is right.
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

    /// Every node behind its children, left before right.
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
    pub(crate) fn members(&self) -> Vec<MemberId> {
        self.pre_order()
            .into_iter()
            .filter_map(|id| self.member(id).cloned())
            .collect()
    }

    /// The leaf of a member.
    pub(crate) fn leaf_of(&self, member: &MemberId) -> Option<NodeId> {
        self.pre_order()
            .into_iter()
            .find(|id| self.member(*id) == Some(member))
    }

    /// Height of every node, by its place: 0 for leaves.
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

    /// Forgets key and blinded key of all proper ancestors of these nodes.
    pub(crate) fn forget_above(&mut self, below: &[NodeId]) {
        let mut stale = vec![false; self.nodes.len()];
        let mark = |stale: &mut Vec<bool>, id: NodeId| {
            if let Some(mark) = stale.get_mut(id.0) {
                *mark = true;
            }
        };
        below.iter().for_each(|id| mark(&mut stale, *id));
        for id in self.post_order() {
            let Content::Internal { left, right } = self.content(id) else {
                continue;
            };
            if [left, right]
                .into_iter()
                .any(|child| stale.get(child.0) == Some(&true))
            {
                mark(&mut stale, id);
                self.forget(id);
            }
        }
    }

    fn forget(&mut self, id: NodeId) {
        let node = self.node(id);
        if node.blinded.is_some() || node.key.is_some() {
            let node = self.node_mut(id);
            node.blinded = None;
            node.key = None;
        }
    }

    /// A copy without the leaves of those who do not stay; nothing if nobody does.
    ///
    /// A node with one child left is replaced by it, and everything above such a promoted subtree is
    /// forgotten, since members who are gone know it. Marks of insertions are cleared.
    pub(crate) fn prune(&self, stays: impl Fn(&MemberId) -> bool) -> Option<Pruned<G>> {
        let mut nodes: Vec<Node<G>> = Vec::with_capacity(self.nodes.len());
        let mut moved: Vec<Option<NodeId>> = vec![None; self.nodes.len()];
        let mut promoted = Vec::new();
        let mut leaves = 0;
        let mut left_of_leavers = None;
        let add = |nodes: &mut Vec<Node<G>>, node: &Node<G>, content: Content| {
            nodes.push(Node {
                parent: None,
                content,
                blinded: node.blinded.clone(),
                key: node.key.clone(),
                inserted: false,
            });
            NodeId(nodes.len() - 1)
        };
        for id in self.post_order() {
            let node = self.node(id);
            let place = match &node.content {
                Content::Leaf(member) if stays(member) => {
                    leaves += 1;
                    Some(add(&mut nodes, node, node.content.clone()))
                }
                Content::Leaf(_) => {
                    left_of_leavers.get_or_insert(leaves);
                    None
                }
                Content::Internal { left, right } => {
                    let of = |child: &NodeId| moved.get(child.0).copied().flatten();
                    match (of(left), of(right)) {
                        (Some(left), Some(right)) => {
                            let id = add(&mut nodes, node, Content::Internal { left, right });
                            for child in [left, right] {
                                nodes.get_mut(child.0)?.parent = Some(id);
                            }
                            Some(id)
                        }
                        (Some(only), None) | (None, Some(only)) => {
                            promoted.push(only);
                            Some(only)
                        }
                        (None, None) => None,
                    }
                }
            };
            *moved.get_mut(id.0)? = place;
        }
        let mut tree = Self {
            root: moved.get(self.root.0).copied().flatten()?,
            nodes: Arc::new(nodes),
        };
        tree.forget_above(&promoted);
        Some(Pruned {
            tree,
            promoted,
            left_of_leavers,
        })
    }

    /// Puts `other` beside the node `at`: a new node takes the place of `at`, which is its left
    /// child, with the root of `other` to the right. Everything above is forgotten.
    pub(crate) fn insert(&mut self, at: NodeId, other: Self) {
        let above = self.parent(at);
        let nodes = Arc::make_mut(&mut self.nodes);
        let offset = nodes.len();
        let shift = |id: NodeId| NodeId(id.0 + offset);
        for mut node in Arc::unwrap_or_clone(other.nodes) {
            node.parent = node.parent.map(shift);
            if let Content::Internal { left, right } = &mut node.content {
                (*left, *right) = (shift(*left), shift(*right));
            }
            nodes.push(node);
        }
        let (new, right) = (NodeId(nodes.len()), shift(other.root));
        nodes.push(Node {
            parent: above,
            content: Content::Internal { left: at, right },
            blinded: None,
            key: None,
            inserted: true,
        });
        self.node_mut(at).parent = Some(new);
        self.node_mut(right).parent = Some(new);
        match above {
            None => self.root = new,
            Some(above) => {
                if let Content::Internal { left, right } = &mut self.node_mut(above).content {
                    match *left == at {
                        true => *left = new,
                        false => *right = new,
                    }
                }
            }
        }
        let mut stale = above;
        while let Some(id) = stale {
            self.forget(id);
            stale = self.parent(id);
        }
    }

    /// The leaf as a tree of its own, with what is known of it.
    pub(crate) fn leaf_alone(&self, leaf: NodeId) -> Self {
        let mut node = self.node(leaf).clone();
        node.parent = None;
        Self {
            nodes: Arc::new(vec![node]),
            root: NodeId(0),
        }
    }

    /// Internal nodes other than the root without blinded key, lower ones first. The root's is never
    /// needed.
    pub(crate) fn dirty(&self) -> impl Iterator<Item = NodeId> {
        self.post_order().into_iter().filter(|id| {
            *id != self.root && self.member(*id).is_none() && self.blinded(*id).is_none()
        })
    }

    /// Dirty nodes whose key can be computed below: both children have blinded keys, and none is the
    /// `pending` leaf, whose blinded key is about to be replaced.
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

    /// The nodes above `id` whose keys can be computed from its own one: as long as the sibling has
    /// a blinded key. The root comes last, if at all.
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
