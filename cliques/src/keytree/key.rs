//! Keys of the own key path, and how they are computed.

use alloc::{sync::Arc, vec::Vec};

use super::tree::{NodeId, Tree};
use crate::{arithmetic::Arithmetic, error::Error, group::Group, secret::GroupSecret};

/// The key of a node on the own key path. Its parts erase themselves.
pub(crate) enum Key<G: Group> {
    /// Of the own leaf: the share r.
    Share(G::Scalar),
    /// Of an internal node.
    Agreed {
        /// The key k_v.
        element: G::SecretElement,
        /// F(k_v), unless that is 0.
        exponent: Option<G::Scalar>,
    },
}

impl<G: Group> Key<G> {
    /// E(v): what the key is as an exponent.
    pub(crate) const fn exponent(&self) -> Result<&G::Scalar, Error> {
        match self {
            Self::Share(share) => Ok(share),
            Self::Agreed {
                exponent: Some(exponent),
                ..
            } => Ok(exponent),
            Self::Agreed { exponent: None, .. } => Err(Error::DegenerateKey),
        }
    }

    /// The key of the root as group secret.
    pub(crate) fn secret(&self, group: &G) -> GroupSecret {
        match self {
            Self::Share(share) => group.scalar_secret(share),
            Self::Agreed { element, .. } => group.secret(element),
        }
    }
}

/// A node of the own key path and its key.
pub(crate) type PathKey<G> = (NodeId, Arc<Key<G>>);

/// Computes keys upward from a node whose key is known: k_v = bk_sibling^(E(child)). Goes on until
/// the key of `until` is computed, or as far as blinded keys are known. Elements are tested before
/// they are used, and are marked in `tree`.
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
