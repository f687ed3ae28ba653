//! Keys of the own key path.

use crate::{error::Error, group::Group, secret::GroupSecret};

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
    /// E(v): the key as an exponent.
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
