//! What a member knows between agreements, and during one.

use alloc::vec::Vec;

use crate::{error::Error, group::Group, member::MemberId};

/// A completed agreement: K = P_me^(share).
pub(super) struct Context<G: Group> {
    /// Members, oldest first.
    pub(super) order: Vec<MemberId>,
    /// Partial key of each member of `order`.
    pub(super) partials: Vec<G::Element>,
    /// Own share.
    pub(super) share: G::Scalar,
}

impl<G: Group> Context<G> {
    /// Partial key of a member.
    pub(super) fn partial(&self, member: &MemberId) -> Option<&G::Element> {
        self.order
            .iter()
            .zip(&self.partials)
            .find_map(|(name, partial)| (name == member).then_some(partial))
    }
}

/// An agreement under way.
pub(super) struct Staged<G: Group> {
    /// Members, oldest first; in the order of the membership until a token tells the real one.
    pub(super) order: Vec<MemberId>,
    /// Own share in the key that is being made.
    pub(super) share: Share<G>,
    /// What is awaited.
    pub(super) stage: Stage<G>,
}

/// Own share in an agreement under way.
pub(super) enum Share<G: Group> {
    /// None drawn yet.
    Undrawn,
    /// The one of the completed context.
    Kept,
    /// A new one, which replaces that one at the end.
    Fresh(G::Scalar),
}

impl<G: Group> Share<G> {
    /// The share itself.
    pub(super) fn value<'a>(
        &'a self,
        completed: Option<&'a Context<G>>,
    ) -> Result<&'a G::Scalar, Error> {
        match (self, completed) {
            (Self::Fresh(share), _) => Ok(share),
            (Self::Kept, Some(context)) => Ok(&context.share),
            (Self::Kept, None) => Err(Error::Internal("share kept of no completed agreement")),
            (Self::Undrawn, _) => Err(Error::Internal("share used before it was drawn")),
        }
    }
}

/// What a member waits for.
pub(super) enum Stage<G: Group> {
    /// New member: the partial token of its predecessor.
    Partial,
    /// New member in a direct join: the controller's list.
    Join,
    /// The final token of the last new member.
    Final {
        /// How many members of the order belong to the initiating side.
        base_len: usize,
    },
    /// Last new member: the factor-outs of everybody else.
    FactorOuts {
        /// The final token.
        token: G::Element,
        /// Factor-outs by place in the order; the own one stays empty.
        values: Vec<Option<G::Element>>,
        /// Own final token until it comes back.
        echo: Option<Vec<u8>>,
    },
    /// The key list of the last member of the order.
    KeyList {
        /// Its author's partial key, where it is known beforehand.
        known: Option<G::Element>,
    },
    /// Own key list, which takes effect when it comes back.
    OwnKeyList {
        /// What it says.
        partials: Vec<G::Element>,
        /// The list as sent.
        body: Vec<u8>,
        /// Own final token, if that has not come back yet either.
        echo: Option<Vec<u8>>,
    },
}

impl<G: Group> Stage<G> {
    /// Name for debugging.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Partial => "partial token awaited",
            Self::Join => "join token awaited",
            Self::Final { .. } => "final token awaited",
            Self::FactorOuts { .. } => "factor-outs awaited",
            Self::KeyList { .. } => "key list awaited",
            Self::OwnKeyList { .. } => "own key list awaited",
        }
    }
}
