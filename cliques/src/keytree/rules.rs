//! The differences between STR and TGDH.

use alloc::vec::Vec;

use super::{
    reshape::Pruned,
    tree::{NodeId, Tree},
    wire::{BadBody, WireNode},
};
use crate::{codec::Reader, error::DecodeError, group::Group, token::TokenKind};

/// The kind of an event, for the members of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Others join, or other trees merge; some members may have left as well.
    Additive,
    /// Members left, or none did (a refresh).
    Subtractive,
}

/// Trees whose combination is too high to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooHigh;

/// Whether a sponsor computes the group secret before it sends, if it follows the steps of the notes
/// ([`KeyTiming::Sequential`](super::KeyTiming::Sequential)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SponsorPath {
    /// As far as possible, up to the root.
    ToRoot,
    /// Up to the last node whose blinded key it announces.
    BelowRoot,
}

/// The rules of one suite.
pub(crate) trait Rules: Sized + Send + Sync + 'static {
    /// Kind of the token that contains a whole tree.
    const TREE: TokenKind;
    /// Kind of the token that contains new blinded keys.
    const UPDATE: TokenKind;
    /// Bytes of the shortest encoded position of a node.
    const POSITION_LEAST: usize;
    /// How far a sponsor computes before it sends.
    const SPONSOR_PATH: SponsorPath;

    /// The leaf whose member refreshes its share. Depends on the public tree alone.
    fn representative<G: Group>(pruned: &Pruned<G>, event: Event) -> NodeId;

    /// The leaf whose member refreshes its share in a refresh.
    fn refresher<G: Group>(tree: &Tree<G>) -> NodeId;

    /// The leaf whose member computes a missing blinded key.
    fn sponsor<G: Group>(tree: &Tree<G>, node: NodeId) -> NodeId;

    /// Combines trees. The result does not depend on their order.
    fn combine<G: Group>(trees: Vec<Tree<G>>) -> Result<Tree<G>, TooHigh>;

    /// Whether an update lists the refreshed leaf among the nodes as well.
    fn names_leaf<G: Group>(tree: &Tree<G>, leaf: NodeId) -> bool;

    /// Encodes a whole tree.
    fn encode_tree<G: Group>(tree: &Tree<G>) -> Vec<u8>;

    /// Decodes a whole tree to its nodes in pre-order.
    fn decode_tree(body: &[u8], element_len: usize) -> Result<Vec<WireNode<'_>>, BadBody>;

    /// Encoded positions of `nodes`, each of which is the parent of the one before it.
    fn positions<G: Group>(tree: &Tree<G>, nodes: &[NodeId]) -> Vec<Vec<u8>>;

    /// Reads the encoded position of a node.
    fn read_position<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError>;
}
