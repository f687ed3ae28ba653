//! Which member refreshes, which computes missing blinded keys, and where trees are inserted.

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
    token::TokenKind,
};

/// The tree of small height.
#[derive(Debug)]
pub(crate) struct Bushy;

impl Rules for Bushy {
    const TREE: TokenKind = super::TREE;
    const UPDATE: TokenKind = super::UPDATE;
    const POSITION_LEAST: usize = 1;
    const SPONSOR_PATH: SponsorPath = SponsorPath::ToRoot;

    /// The shallowest, then rightmost of: the rightmost leaves of the subtrees next to leavers; else of
    /// those below a blinded key that an interrupted run has left missing; else, in an additive event, the
    /// rightmost leaf of the tree; else, in a refresh, all leaves.
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

    /// Right above an inserted tree, the rightmost member of the subtree that it was inserted beside;
    /// elsewhere the rightmost member below.
    fn sponsor<G: Group>(tree: &Tree<G>, node: NodeId) -> NodeId {
        match tree.content(node) {
            Content::Internal { left, .. } if tree.is_inserted(node) => tree.rightmost_leaf(*left),
            Content::Internal { .. } | Content::Leaf(_) => tree.rightmost_leaf(node),
        }
    }

    /// Starts with the highest tree and inserts the others in the order of height; trees of equal height
    /// by the name of the leftmost member.
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

    fn positions<G: Group>(tree: &Tree<G>, nodes: &[NodeId]) -> Vec<Vec<u8>> {
        let Some(lowest) = nodes.first() else {
            return Vec::new();
        };
        let path = tree.path(*lowest);
        (0..nodes.len())
            .map(|above| message::path(path.get(..path.len() - above).unwrap_or(&[])))
            .collect()
    }

    fn read_position<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
        message::read_path(reader)
    }
}

fn height<G: Group>(tree: &Tree<G>) -> usize {
    tree.heights().of(tree.root())
}

/// The rightmost of the nodes of least depth.
fn shallowest_rightmost<G: Group>(tree: &Tree<G>, candidates: &[NodeId]) -> NodeId {
    candidates
        .iter()
        .map(|node| (tree.path(*node), *node))
        .min_by(|(path, _), (other, _)| {
            (path.len().cmp(&other.len())).then_with(|| other.cmp(path))
        })
        .map_or_else(|| tree.root(), |(_, node)| node)
}

/// Where a tree of the given height is inserted: beside the shallowest, then rightmost node at which it
/// does not increase the height of the whole; beside the root if there is none.
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

#[cfg(test)]
mod tests {
    use alloc::{format, string::String, vec};

    use proptest::prelude::*;

    use super::*;
    use crate::{MemberName, group::Ristretto255};

    type Shape = Tree<Ristretto255>;

    fn leaf(number: usize) -> Shape {
        Tree::leaf(MemberName::try_from(format!("m{number:02}").as_str()).expect("a name"))
    }

    fn combined(trees: Vec<Shape>) -> Shape {
        Bushy::combine(trees).unwrap_or_else(|TooHigh| unreachable!("low trees"))
    }

    fn pruned(tree: &Shape, gone: &[&str]) -> Pruned<Ristretto255> {
        let stays =
            |member: &MemberName| !gone.iter().any(|name| member.as_bytes() == name.as_bytes());
        tree.prune(stays).expect("somebody stays")
    }

    #[test]
    fn eight_members_and_a_loss() {
        let tree = combined((1..=8).map(leaf).collect());
        assert_eq!(tree.text(), "(((m01 m02) (m03 m04)) ((m05 m06) (m07 m08)))");
        let pruned = pruned(&tree, &["m05"]);
        assert_eq!(
            pruned.tree.text(),
            "(((m01 m02) (m03 m04)) (m06 (m07 m08)))"
        );
        let sponsor = Bushy::representative(&pruned, Event::Subtractive);
        assert_eq!(pruned.tree.text_of(sponsor), "m06");
    }

    #[test]
    fn whole_subtrees_can_be_lost() {
        let tree = combined((1..=8).map(leaf).collect());
        for (gone, left, representative) in [
            (
                vec!["m01", "m02", "m03", "m04"],
                "((m05 m06) (m07 m08))",
                "m08",
            ),
            (
                vec!["m01", "m02", "m05"],
                "((m03 m04) (m06 (m07 m08)))",
                "m06",
            ),
            (
                vec!["m02", "m03", "m04", "m07", "m08"],
                "(m01 (m05 m06))",
                "m01",
            ),
        ] {
            let pruned = pruned(&tree, &gone);
            assert_eq!(pruned.tree.text(), left);
            let leaf = Bushy::representative(&pruned, Event::Subtractive);
            assert_eq!(pruned.tree.text_of(leaf), representative, "{left}");
        }
        let everybody = |_: &MemberName| false;
        assert!(tree.prune(everybody).is_none());
    }

    #[test]
    fn members_who_only_join_make_a_tree_as_low_as_can_be() {
        let mut tree = leaf(0);
        for number in 1..200 {
            tree = combined(vec![tree, leaf(number)]);
            let members = number + 1;
            let lowest = members.next_power_of_two().ilog2();
            assert_eq!(u32::try_from(height(&tree)), Ok(lowest), "{members}");
        }
    }

    #[test]
    fn trees_that_add_up_to_one_too_high_are_refused() {
        // A tree of one member a level, as only a fold of crafted trees can come to be.
        let deep = |from: usize, levels: usize| {
            (from + 1..=from + levels).fold(leaf(from), |mut tree, number| {
                tree.insert(tree.root(), leaf(number));
                tree
            })
        };
        assert!(Bushy::combine(vec![deep(0, 256), leaf(900)]).is_ok());
        let trees = vec![deep(0, 256), deep(300, 256)];
        assert_eq!(Bushy::combine(trees).err(), Some(TooHigh));
    }

    /// Sizes of trees to be folded, and an order in which they come.
    fn sizes_and_order() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
        prop::collection::vec(1_usize..9, 1..7).prop_flat_map(|sizes| {
            let places: Vec<usize> = (0..sizes.len()).collect();
            (Just(sizes), Just(places).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn the_order_in_which_trees_come_makes_no_difference((sizes, order) in sizes_and_order()) {
            let trees: Vec<Shape> = sizes
                .iter()
                .enumerate()
                .map(|(place, size)| combined((0..*size).map(|n| leaf(10 * place + n)).collect()))
                .collect();
            let shuffled = order.iter().filter_map(|place| trees.get(*place).cloned()).collect();
            let highest = trees.iter().map(height).max().unwrap_or(0);
            let whole = combined(trees);
            prop_assert_eq!(whole.text(), combined(shuffled).text());
            prop_assert_eq!(whole.leaves().len(), sizes.iter().sum::<usize>());
            // Each insertion makes it one higher at most.
            prop_assert!(height(&whole) < highest + sizes.len());
        }

        #[test]
        fn losses_leave_the_others_in_their_order(gone in prop::collection::vec(any::<bool>(), 20)) {
            let tree = combined((0..20).map(leaf).collect());
            let order = tree.members();
            let gone: Vec<MemberName> = order
                .iter()
                .zip(&gone)
                .filter(|(_, gone)| **gone)
                .map(|(member, _)| *member)
                .collect();
            let left: Vec<MemberName> =
                order.into_iter().filter(|member| !gone.contains(member)).collect();
            let pruned = tree.prune(|member| left.contains(member));
            prop_assert_eq!(pruned.is_none(), left.is_empty());
            if let Some(pruned) = pruned {
                prop_assert_eq!(pruned.tree.members(), left);
                prop_assert!(height(&pruned.tree) <= height(&tree));
                let leaf = Bushy::representative(&pruned, Event::Subtractive);
                prop_assert!(pruned.tree.member(leaf).is_some());
            }
        }
    }

    impl Shape {
        fn text_of(&self, leaf: NodeId) -> String {
            self.leaf_alone(leaf).text()
        }
    }
}
