//! Where STR and TGDH differ.

use alloc::vec::Vec;

use super::{
    reshape::Pruned,
    tree::{NodeId, Tree},
    wire::{BadBody, WireNode},
};
use crate::{codec::Reader, error::DecodeError, group::Group, token::TokenKind};

/// What kind of event the members of a tree meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Others join, or other trees merge; some members may be gone as well.
    Additive,
    /// Members are gone, or nobody is (a refresh).
    Subtractive,
}

/// Trees that add up to one that is too high to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooHigh;

/// Whether a sponsor computes the group secret before it sends, where the suite's cost is counted
/// as the notes write its steps down ([`KeyTiming::Sequential`](super::KeyTiming::Sequential)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SponsorPath {
    /// As far as it can, up to the root.
    ToRoot,
    /// Up to the last node whose blinded key it announces.
    BelowRoot,
}

/// The rules of one suite.
pub(crate) trait Rules: Sized + Send + Sync + 'static {
    /// Kind of the token that brings a whole tree.
    const TREE: TokenKind;
    /// Kind of the token that brings new blinded keys.
    const UPDATE: TokenKind;
    /// Bytes of the shortest encoded place of a node.
    const PLACE_LEAST: usize;
    /// See there.
    const SPONSOR_PATH: SponsorPath;

    /// The leaf whose member refreshes its share. Depends on the public tree alone.
    fn representative<G: Group>(pruned: &Pruned<G>, event: Event) -> NodeId;

    /// The leaf whose member refreshes its share if nothing happens but a refresh.
    fn refresher<G: Group>(tree: &Tree<G>) -> NodeId;

    /// The leaf whose member computes a missing blinded key.
    fn sponsor<G: Group>(tree: &Tree<G>, node: NodeId) -> NodeId;

    /// One tree of all, whatever order they come in.
    fn combine<G: Group>(trees: Vec<Tree<G>>) -> Result<Tree<G>, TooHigh>;

    /// Whether an update names the refreshed leaf among the nodes as well.
    fn names_leaf<G: Group>(tree: &Tree<G>, leaf: NodeId) -> bool;

    /// Encodes a whole tree.
    fn encode_tree<G: Group>(tree: &Tree<G>) -> Vec<u8>;

    /// Reads a whole tree, as its nodes in pre-order.
    fn decode_tree(body: &[u8], element_len: usize) -> Result<Vec<WireNode<'_>>, BadBody>;

    /// Encoded places of `nodes`, each of which is the parent of the one before it.
    fn places<G: Group>(tree: &Tree<G>, nodes: &[NodeId]) -> Vec<Vec<u8>>;

    /// Reads the encoded place of a node.
    fn read_place<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError>;
}
