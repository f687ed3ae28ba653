//! How the keys of the own key path are computed.

use alloc::{sync::Arc, vec::Vec};

use super::{
    key::Key,
    tree::{NodeId, Tree},
};
use crate::{arithmetic::Arithmetic, error::Error, group::Group};

/// A node of the own key path and its key.
pub(crate) type PathKey<G> = (NodeId, Arc<Key<G>>);

/// Computes keys upward from a node whose key is known: k_v = bk_sibling^(E(child)). Stops when the key
/// of `until` is computed, or where a blinded key is missing. Elements are tested before they are used,
/// and `tree` keeps the tested ones.
pub(crate) fn climb<G: Group>(
    tree: &mut Tree<G>,
    arithmetic: &mut Arithmetic<G>,
    from: PathKey<G>,
    pending: Option<NodeId>,
    until: Option<NodeId>,
) -> Result<Vec<PathKey<G>>, Error> {
    let mut keys = Vec::new();
    let (mut at, mut key) = from;
    while Some(at) != until {
        let (Some(parent), Some(sibling)) = (tree.parent(at), tree.sibling(at)) else {
            break;
        };
        let Some(blinded) = tree
            .blinded(sibling)
            .filter(|_| tree.is_usable(sibling, pending))
        else {
            break;
        };
        let base = match blinded.known() {
            Some(base) => base,
            None => {
                let mut tested = blinded.clone();
                let base = tested.test(arithmetic)?;
                tree.set_blinded(sibling, tested);
                base
            }
        };
        let element = arithmetic.agree_element(&base, key.exponent()?);
        if arithmetic.group().is_identity(&element) {
            return Err(Error::Internal("a key is the identity"));
        }
        let exponent = arithmetic.group().secret_to_scalar(&element);
        key = Arc::new(Key::Agreed { element, exponent });
        keys.push((parent, key.clone()));
        at = parent;
    }
    Ok(keys)
}

/// The highest node of the own key path up to which all keys are known, and its key.
pub(crate) fn highest<G: Group>(tree: &Tree<G>, leaf: NodeId) -> Option<PathKey<G>> {
    let mut highest = (leaf, tree.key(leaf)?.clone());
    for above in tree.ancestors(leaf) {
        match tree.key(above) {
            Some(key) => highest = (above, key.clone()),
            None => break,
        }
    }
    Some(highest)
}
