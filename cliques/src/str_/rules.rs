//! Which member refreshes, which computes missing blinded keys, and how trees are stacked.

use alloc::vec::Vec;

use super::message;
use crate::{
    codec::Reader,
    error::DecodeError,
    group::Group,
    keytree::{
        BadBody, Content, Event, NodeId, Pruned, Rules, SponsorPath, TooHigh, Tree, WireNode,
    },
    token::TokenKind,
};

/// The skinny tree: every right child is a leaf.
#[derive(Debug)]
pub(crate) struct Skinny;

impl Rules for Skinny {
    const TREE: TokenKind = super::TREE;
    const UPDATE: TokenKind = super::UPDATE;
    const POSITION_LEAST: usize = message::LEVEL_LEN;
    const SPONSOR_PATH: SponsorPath = SponsorPath::BelowRoot;

    /// The member right below the lowest leaver, or the lowest remaining one if the bottom member left; the
    /// top member if no member left. If an interrupted run has left a blinded key missing further down, the
    /// member right below that. So no blinded key is missing below the refreshed level, and the
    /// representative alone can compute all of them.
    fn representative<G: Group>(pruned: &Pruned<G>, _: Event) -> NodeId {
        let tree = &pruned.tree;
        let leaves = tree.leaves();
        let below_leavers = pruned.left_of_leavers.unwrap_or(leaves.len());
        // Level 1 is the bottom leaf; the first node above it has level 2.
        let holes = leaves.first().and_then(|bottom| {
            tree.ancestors(*bottom)
                .position(|id| id != tree.root() && tree.blinded(id).is_none())
        });
        let below_holes = holes.map_or(leaves.len(), |above| above + 1);
        let level = below_leavers.min(below_holes).max(1);
        leaves
            .get(level - 1)
            .copied()
            .unwrap_or_else(|| tree.root())
    }

    fn refresher<G: Group>(tree: &Tree<G>) -> NodeId {
        tree.rightmost_leaf(tree.root())
    }

    /// The member of the level below.
    fn sponsor<G: Group>(tree: &Tree<G>, node: NodeId) -> NodeId {
        match tree.content(node) {
            Content::Internal { left, .. } => tree.rightmost_leaf(*left),
            Content::Leaf(_) => node,
        }
    }

    /// Larger trees below; trees of equal size by the name of the bottom member.
    fn combine<G: Group>(trees: Vec<Tree<G>>) -> Result<Tree<G>, TooHigh> {
        let mut stack: Vec<_> = trees
            .into_iter()
            .map(|tree| (tree.leaves(), tree))
            .collect();
        stack.sort_by(|(leaves, tree), (other_leaves, other)| {
            let bottom = leaves.first().and_then(|leaf| tree.member(*leaf));
            let other_bottom = other_leaves.first().and_then(|leaf| other.member(*leaf));
            (other_leaves.len().cmp(&leaves.len())).then_with(|| bottom.cmp(&other_bottom))
        });
        let mut stack = stack.into_iter();
        let (_, mut whole) = stack.next().ok_or(TooHigh)?;
        for (leaves, tree) in stack {
            for leaf in leaves {
                whole.insert(whole.root(), tree.leaf_alone(leaf));
            }
        }
        Ok(whole)
    }

    /// bk_1 = br_1: the bottom leaf is level 1 as well.
    fn names_leaf<G: Group>(tree: &Tree<G>, leaf: NodeId) -> bool {
        tree.leaves().first() == Some(&leaf)
    }

    fn encode_tree<G: Group>(tree: &Tree<G>) -> Vec<u8> {
        message::encode_tree(tree)
    }

    fn decode_tree(body: &[u8], element_len: usize) -> Result<Vec<WireNode<'_>>, BadBody> {
        message::decode_tree(body, element_len)
    }

    fn positions<G: Group>(tree: &Tree<G>, nodes: &[NodeId]) -> Vec<Vec<u8>> {
        let Some(lowest) = nodes.first() else {
            return Vec::new();
        };
        let levels = tree.leaves().len();
        let first = levels.saturating_sub(tree.depth(*lowest));
        (first..)
            .zip(nodes)
            .map(|(level, _)| message::level(level))
            .collect()
    }

    fn read_position<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
        message::read_level(reader)
    }
}
