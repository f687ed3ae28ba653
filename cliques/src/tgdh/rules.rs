//! Who refreshes, who fills in, and where trees are inserted.

use alloc::{collections::VecDeque, vec::Vec};
use core::cmp::Reverse;

use super::message::{self, DEPTH_MAX};
use crate::{
    codec::Reader,
    error::DecodeError,
    group::Group,
    keytree::{
        BadBody, Content, Event, NodeId, Pruned, Rules, SponsorPath, TooHigh, Tree, WireNode,
    },
    protocol::Protocol,
    token::TokenKind,
};

/// The tree that is kept low.
#[derive(Debug)]
pub(crate) struct Bushy;

impl Rules for Bushy {
    const PROTOCOL: Protocol = Protocol::Tgdh;
    const TREE: TokenKind = TokenKind::TgdhTree;
    const UPDATE: TokenKind = TokenKind::TgdhUpdate;
    const PLACE_LEAST: usize = 1;
    const SPONSOR_PATH: SponsorPath = SponsorPath::ToRoot;

    /// The shallowest, then rightmost of: the rightmost leaves of the subtrees that leavers were
    /// beside; else of those that an interrupted run has left a hole above; else, where trees come,
    /// the rightmost leaf of all; else, to refresh, all leaves.
    fn representative<G: Group>(pruned: &Pruned<G>, event: Event) -> NodeId {
        let Pruned { tree, promoted, .. } = pruned;
        let rightmost = |nodes: &[NodeId]| -> Vec<NodeId> {
            nodes
                .iter()
                .map(|node| tree.rightmost_leaf(*node))
                .collect()
        };
        let dirty = tree.lowest_dirty(None);
        let candidates = if !promoted.is_empty() {
            rightmost(promoted)
        } else if !dirty.is_empty() {
            rightmost(&dirty)
        } else if event == Event::Additive {
            rightmost(&[tree.root()])
        } else {
            tree.leaves()
        };
        shallowest_rightmost(tree, &candidates)
    }

    fn refresher<G: Group>(tree: &Tree<G>) -> NodeId {
        shallowest_rightmost(tree, &tree.leaves())
    }

    /// Above a tree that was inserted, the rightmost member of the place where it was; elsewhere the
    /// rightmost member below.
    fn sponsor<G: Group>(tree: &Tree<G>, node: NodeId) -> NodeId {
        match tree.content(node) {
            Content::Internal { left, .. } if tree.is_inserted(node) => tree.rightmost_leaf(*left),
            Content::Internal { .. } | Content::Leaf(_) => tree.rightmost_leaf(node),
        }
    }

    /// The highest tree first, of equally high ones that whose leftmost member comes first; each of
    /// the others is inserted into what there is.
    fn combine<G: Group>(trees: Vec<Tree<G>>) -> Result<Tree<G>, TooHigh> {
        let mut trees: Vec<_> = trees
            .into_iter()
            .map(|tree| {
                let leftmost = tree.leaves().first().copied();
                let leftmost = leftmost.and_then(|leaf| tree.member(leaf).cloned());
                (Reverse(height(&tree)), leftmost, tree)
            })
            .collect();
        trees.sort_by(|(height, leftmost, _), (other_height, other_leftmost, _)| {
            (height, leftmost).cmp(&(other_height, other_leftmost))
        });
        let mut trees = trees.into_iter();
        let (_, _, mut whole) = trees.next().ok_or(TooHigh)?;
        for (Reverse(height), _, tree) in trees {
            let at = joining_location(&whole, height);
            whole.insert(at, tree);
        }
        match height(&whole) <= DEPTH_MAX {
            true => Ok(whole),
            false => Err(TooHigh),
        }
    }

    fn names_leaf<G: Group>(_: &Tree<G>, _: NodeId) -> bool {
        false
    }

    fn encode_tree<G: Group>(tree: &Tree<G>) -> Vec<u8> {
        message::encode_tree(tree)
    }

    fn decode_tree(body: &[u8], element_len: usize) -> Result<Vec<WireNode<'_>>, BadBody> {
        Ok(message::decode_tree(body, element_len)?)
    }

    fn places<G: Group>(tree: &Tree<G>, nodes: &[NodeId]) -> Vec<Vec<u8>> {
        let Some(lowest) = nodes.first() else {
            return Vec::new();
        };
        let path = tree.path(*lowest);
        (0..nodes.len())
            .map(|above| message::path(path.get(..path.len() - above).unwrap_or(&[])))
            .collect()
    }

    fn read_place<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
        message::read_path(reader)
    }
}

fn height<G: Group>(tree: &Tree<G>) -> usize {
    tree.heights().of(tree.root())
}

/// The node of least depth, of these the rightmost.
fn shallowest_rightmost<G: Group>(tree: &Tree<G>, candidates: &[NodeId]) -> NodeId {
    candidates
        .iter()
        .map(|node| (tree.path(*node), *node))
        .min_by(|(path, _), (other, _)| {
            (path.len().cmp(&other.len())).then_with(|| other.cmp(path))
        })
        .map_or_else(|| tree.root(), |(_, node)| node)
}

/// Where a tree of the given height goes: beside the shallowest, then rightmost node at which it
/// does not make the whole higher; beside the root if there is none.
fn joining_location<G: Group>(tree: &Tree<G>, inserted: usize) -> NodeId {
    let heights = tree.heights();
    let allowed = heights.of(tree.root());
    // Level by level, each from right to left.
    let mut level = VecDeque::from([(tree.root(), 0_usize)]);
    while let Some((node, depth)) = level.pop_front() {
        if depth + 1 + heights.of(node).max(inserted) <= allowed {
            return node;
        }
        if let Content::Internal { left, right } = tree.content(node) {
            level.extend([(*right, depth + 1), (*left, depth + 1)]);
        }
    }
    tree.root()
}
