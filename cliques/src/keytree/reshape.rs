//! Removing members from a tree, and inserting trees.

use alloc::{sync::Arc, vec, vec::Vec};

use gcs_view::MemberName;

use super::tree::{Content, Node, NodeId, Tree};
use crate::group::Group;

/// A tree without the members that left.
pub(crate) struct Pruned<G: Group> {
    /// The remaining tree, without the keys and blinded keys that members that left could know.
    pub(crate) tree: Tree<G>,
    /// Roots of the subtrees that replaced their parent, because its other subtree was removed.
    pub(crate) promoted: Vec<NodeId>,
    /// How many remaining members are to the left of all that left; `None` if no member left.
    pub(crate) left_of_leavers: Option<usize>,
}

impl<G: Group> Tree<G> {
    /// A copy without the leaves of members that do not stay; `None` if no member stays.
    ///
    /// A node with one remaining child is replaced by it, and all keys above such a promoted subtree are
    /// discarded, since members that left know them. Marks of insertions are cleared.
    pub(crate) fn prune(&self, stays: impl Fn(&MemberName) -> bool) -> Option<Pruned<G>> {
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
    /// child, with the root of `other` to the right. All keys above are discarded.
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

    /// The leaf as a tree of its own, with its keys.
    pub(crate) fn leaf_alone(&self, leaf: NodeId) -> Self {
        let mut node = self.node(leaf).clone();
        node.parent = None;
        Self {
            nodes: Arc::new(vec![node]),
            root: NodeId(0),
        }
    }

    /// Discards key and blinded key of all proper ancestors of these nodes.
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
}
