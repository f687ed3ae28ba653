//! What a member knows between agreements, and during one.

use alloc::vec::Vec;

use crate::{arithmetic::Arithmetic, error::Error, group::Group, member::MemberId};

/// A partial key, with what is known of it.
///
/// Members store the partial keys of all others, but only a controller computes with them: it tests
/// them then, and blames the author of the key list that brought them (key agreement notes, section
/// 1.4).
pub(super) struct Partial<G: Group> {
    /// The key.
    pub(super) element: G::Element,
    /// Who sent it, or made it: this member.
    pub(super) author: MemberId,
    /// How far it has been tested.
    pub(super) tested: Tested,
}

/// How far an element has been tested.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tested {
    /// Encoding and range only.
    Encoding,
    /// As the policy of the group asks of every element.
    Policy,
    /// Exactly, as every token must be.
    Exactly,
}

impl<G: Group> Partial<G> {
    pub(super) fn new(element: G::Element, author: &MemberId, tested: Tested) -> Self {
        Self {
            element,
            author: author.clone(),
            tested,
        }
    }
}

impl<G: Group> Clone for Partial<G> {
    fn clone(&self) -> Self {
        Self::new(self.element.clone(), &self.author, self.tested)
    }
}

/// A completed agreement: K = P_me^(share).
pub(super) struct Context<G: Group> {
    /// Members, oldest first.
    pub(super) order: Vec<MemberId>,
    /// Partial key of each member of `order`.
    pub(super) partials: Vec<Partial<G>>,
    /// Own share.
    pub(super) share: G::Scalar,
}

impl<G: Group> Context<G> {
    /// Partial key of a member.
    pub(super) fn partial(&self, member: &MemberId) -> Option<&Partial<G>> {
        self.order
            .iter()
            .zip(&self.partials)
            .find_map(|(name, partial)| (name == member).then_some(partial))
    }

    /// Tests the partial keys of `members` that have not been tested, together.
    ///
    /// # Errors
    /// [`Error::Peer`] with the author of the list that brought a bad one.
    pub(super) fn test(
        &mut self,
        members: &[MemberId],
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<(), Error> {
        let mut untested: Vec<&mut Partial<G>> = self
            .order
            .iter()
            .zip(&mut self.partials)
            .filter(|(name, partial)| partial.tested < Tested::Policy && members.contains(name))
            .map(|(_, partial)| partial)
            .collect();
        let elements: Vec<_> = untested
            .iter()
            .map(|partial| (&partial.element, &partial.author))
            .collect();
        arithmetic.validate_all(&elements)?;
        for partial in &mut untested {
            partial.tested = Tested::Policy;
        }
        Ok(())
    }

    /// Tests the partial key of `me` exactly, before it becomes a token.
    ///
    /// # Errors
    /// [`Error::Peer`] with the author of the list that brought it.
    pub(super) fn test_own(
        &mut self,
        me: &MemberId,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<(), Error> {
        for (name, partial) in self.order.iter().zip(&mut self.partials) {
            if name == me && partial.tested < Tested::Exactly {
                arithmetic.validate_token(&partial.element, &partial.author)?;
                partial.tested = Tested::Exactly;
            }
        }
        Ok(())
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
        known: Option<Partial<G>>,
    },
    /// Own key list, which takes effect when it comes back.
    OwnKeyList {
        /// What it says.
        partials: Vec<Partial<G>>,
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
