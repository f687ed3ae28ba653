//! The state of a member between agreements, and during one.

use alloc::vec::Vec;

use gcs_view::{Listed, MemberName};

use crate::{
    arithmetic::{Arithmetic, Received},
    error::Error,
    group::Group,
    staged::Ordered,
};

/// A partial key, and how far it is tested.
///
/// Members store the partial keys of all others, but only a controller computes with them: it decodes
/// and tests them then, and blames the author of the key list that contained them (key agreement
/// notes, section 1.4).
#[derive(Clone)]
pub(super) enum Partial<G: Group> {
    /// From a key list, not used so far.
    Received(Received<G>),
    /// To compute with.
    Known {
        /// The key.
        element: G::Element,
        /// Which test it has passed.
        tested: Tested,
        /// Who sent it, or this member, which computed it.
        author: MemberName,
    },
}

/// How far an element has been tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tested {
    /// As the policy of the group requires of every element.
    Policy,
    /// Exactly, as every token must be.
    Exactly,
}

impl<G: Group> Partial<G> {
    pub(super) fn known(element: G::Element, author: &MemberName, tested: Tested) -> Self {
        Self::Known {
            element,
            tested,
            author: *author,
        }
    }

    /// The key, to compute with.
    ///
    /// # Errors
    /// [`Error::Internal`] if it was not tested before.
    pub(super) const fn element(&self) -> Result<&G::Element, Error> {
        match self {
            Self::Known { element, .. } => Ok(element),
            Self::Received(_) => Err(Error::Internal("partial key used before it was tested")),
        }
    }

    /// The encoded key.
    pub(super) fn encoding(&self, arithmetic: &Arithmetic<G>) -> Vec<u8> {
        match self {
            Self::Known { element, .. } => arithmetic.encode(element),
            Self::Received(received) => received.encoding().to_vec(),
        }
    }

    /// The key as it was received, if it has not been tested.
    const fn untested(&self) -> Option<&Received<G>> {
        match self {
            Self::Known { .. } => None,
            Self::Received(received) => Some(received),
        }
    }
}

/// A completed agreement: K = P_me^(share).
pub(super) struct Context<G: Group> {
    /// Members, oldest first.
    pub(super) order: Vec<MemberName>,
    /// Partial key of each member of `order`.
    pub(super) partials: Vec<Partial<G>>,
    /// Own share.
    pub(super) share: G::Scalar,
}

impl<G: Group> Ordered for Context<G> {
    fn order(&self) -> &[MemberName] {
        &self.order
    }
}

impl<G: Group> Context<G> {
    /// Partial key of a member.
    pub(super) fn partial(&self, member: &MemberName) -> Option<&Partial<G>> {
        self.order
            .iter()
            .zip(&self.partials)
            .find_map(|(name, partial)| (name == member).then_some(partial))
    }

    /// Tests the partial keys of `members` that have not been tested, together.
    ///
    /// # Errors
    /// [`Error::Peer`] with the author of the list that contained a bad one.
    pub(super) fn test(
        &mut self,
        members: &[MemberName],
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<(), Error> {
        let members = Listed::new(members);
        let (mut untested, mut received) = (Vec::new(), Vec::new());
        for (name, partial) in self.order.iter().zip(&mut self.partials) {
            if members.contains(name)
                && let Some(key) = partial.untested().cloned()
            {
                received.push(key);
                untested.push(partial);
            }
        }
        let received: Vec<_> = received.iter().collect();
        let elements = Received::validate_all(&received, arithmetic)?;
        for ((partial, received), element) in untested.into_iter().zip(received).zip(elements) {
            *partial = Partial::known(element, received.sender(), Tested::Policy);
        }
        Ok(())
    }

    /// Tests the partial key of `me` exactly, before it becomes a token.
    ///
    /// # Errors
    /// [`Error::Peer`] with the author of the list that contained it.
    pub(super) fn test_own(
        &mut self,
        me: &MemberName,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<(), Error> {
        for (name, partial) in self.order.iter().zip(&mut self.partials) {
            if name == me
                && let Partial::Known {
                    element,
                    tested: tested @ Tested::Policy,
                    author,
                } = partial
            {
                arithmetic.validate_token(element, author)?;
                *tested = Tested::Exactly;
            }
        }
        Ok(())
    }
}

/// An agreement under way.
pub(super) struct Staged<G: Group> {
    /// Members, oldest first; in the order of the membership until a token brings the real order.
    pub(super) order: Vec<MemberName>,
    /// Own share in the key that is being made.
    pub(super) share: Share<G>,
    /// The next token that this member waits for.
    pub(super) stage: Stage<G>,
}

impl<G: Group> Ordered for Staged<G> {
    fn order(&self) -> &[MemberName] {
        &self.order
    }
}

/// Own share in an agreement under way.
pub(super) enum Share<G: Group> {
    /// None drawn yet.
    Undrawn,
    /// That of the completed agreement.
    Kept,
    /// A new one, which takes its place on completion.
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
            (Self::Kept, None) => Err(Error::Internal(
                "no completed agreement to keep a share from",
            )),
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
        /// How many members of the order belong to the initiating component.
        base_len: usize,
    },
    /// Last new member: the factor-outs of everybody else.
    FactorOuts {
        /// The final token.
        token: G::Element,
        /// Factor-outs by place in the order; the own one stays empty.
        values: Vec<Option<Received<G>>>,
        /// Own final token until it is delivered.
        echo: Option<Vec<u8>>,
    },
    /// The key list of the last member of the order.
    KeyList {
        /// Its author's partial key, where that is known in advance.
        known: Option<Partial<G>>,
    },
    /// Own key list, which takes effect when it is delivered.
    OwnKeyList {
        /// The partial keys in it.
        partials: Vec<Partial<G>>,
        /// The list as sent.
        body: Vec<u8>,
        /// Own final token, if that has not been delivered either.
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
