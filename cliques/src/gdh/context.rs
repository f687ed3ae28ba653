//! What a member knows between agreements, and during one.

use alloc::{sync::Arc, vec::Vec};

use gcs_view::{Listed, MemberName};

use crate::{arithmetic::Arithmetic, error::Error, group::Group};

/// A partial key, with what is known of it.
///
/// Members store the partial keys of all others, but only a controller computes with them: it decodes
/// and tests them then, and blames the author of the key list that brought them (key agreement notes,
/// section 1.4).
pub(super) struct Partial<G: Group> {
    value: Value<G>,
    /// Who sent it, or made it: this member.
    author: MemberName,
}

enum Value<G: Group> {
    /// As it came: encoding and range were checked.
    Received(Arc<[u8]>),
    /// To compute with.
    Element(G::Element, Tested),
}

/// How far an element has been tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tested {
    /// As the policy of the group asks of every element.
    Policy,
    /// Exactly, as every token must be.
    Exactly,
}

impl<G: Group> Partial<G> {
    pub(super) fn new(element: G::Element, author: &MemberName, tested: Tested) -> Self {
        Self {
            value: Value::Element(element, tested),
            author: *author,
        }
    }

    /// One that `sender` has sent and that is not needed now: encoding and range are checked.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub(super) fn received(
        bytes: &[u8],
        sender: &MemberName,
        arithmetic: &Arithmetic<G>,
    ) -> Result<Self, Error> {
        arithmetic.check_encoding(bytes, sender)?;
        Ok(Self {
            value: Value::Received(bytes.into()),
            author: *sender,
        })
    }

    /// The key, to compute with.
    ///
    /// # Errors
    /// [`Error::Internal`] if it was not tested before.
    pub(super) const fn element(&self) -> Result<&G::Element, Error> {
        match &self.value {
            Value::Element(element, _) => Ok(element),
            Value::Received(_) => Err(Error::Internal("partial key used before it was tested")),
        }
    }

    /// The key as it travels.
    pub(super) fn encoding(&self, arithmetic: &Arithmetic<G>) -> Vec<u8> {
        match &self.value {
            Value::Element(element, _) => arithmetic.encode(element),
            Value::Received(bytes) => bytes.to_vec(),
        }
    }

    /// The key, decoded, if it has not been tested.
    fn untested(&self, arithmetic: &Arithmetic<G>) -> Result<Option<G::Element>, Error> {
        match &self.value {
            Value::Element(..) => Ok(None),
            Value::Received(bytes) => arithmetic.parse(bytes, &self.author).map(Some),
        }
    }
}

impl<G: Group> Clone for Partial<G> {
    fn clone(&self) -> Self {
        let value = match &self.value {
            Value::Received(bytes) => Value::Received(bytes.clone()),
            Value::Element(element, tested) => Value::Element(element.clone(), *tested),
        };
        Self {
            value,
            author: self.author,
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
    /// [`Error::Peer`] with the author of the list that brought a bad one.
    pub(super) fn test(
        &mut self,
        members: &[MemberName],
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<(), Error> {
        let members = Listed::new(members);
        let mut untested = Vec::new();
        for (name, partial) in self.order.iter().zip(&mut self.partials) {
            if members.contains(name)
                && let Some(element) = partial.untested(arithmetic)?
            {
                untested.push((partial, element));
            }
        }
        let elements: Vec<_> = untested
            .iter()
            .map(|(partial, element)| (element, &partial.author))
            .collect();
        arithmetic.validate_all(&elements)?;
        for (partial, element) in untested {
            partial.value = Value::Element(element, Tested::Policy);
        }
        Ok(())
    }

    /// Tests the partial key of `me` exactly, before it becomes a token.
    ///
    /// # Errors
    /// [`Error::Peer`] with the author of the list that brought it.
    pub(super) fn test_own(
        &mut self,
        me: &MemberName,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<(), Error> {
        for (name, partial) in self.order.iter().zip(&mut self.partials) {
            if name == me
                && let Value::Element(element, tested @ Tested::Policy) = &mut partial.value
            {
                arithmetic.validate_token(element, &partial.author)?;
                *tested = Tested::Exactly;
            }
        }
        Ok(())
    }
}

/// An agreement under way.
pub(super) struct Staged<G: Group> {
    /// Members, oldest first; in the order of the membership until a token tells the real one.
    pub(super) order: Vec<MemberName>,
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
