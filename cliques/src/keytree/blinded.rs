//! Blinded keys, which are public, and are tested when they are first used.

use alloc::sync::Arc;

use crate::{arithmetic::Arithmetic, error::Error, group::Group, member::MemberId};

/// A blinded key g^E(v), as it stands in the public tree.
#[derive(Clone)]
pub(crate) struct Blinded<G: Group> {
    element: Arc<G::Element>,
    encoding: Arc<[u8]>,
    /// Who sent it, until it has been tested for being in the group.
    untested: Option<MemberId>,
}

impl<G: Group> Blinded<G> {
    /// One that this member has computed.
    pub(crate) fn computed(arithmetic: &Arithmetic<G>, element: G::Element) -> Self {
        Self {
            encoding: arithmetic.encode(&element).into(),
            element: Arc::new(element),
            untested: None,
        }
    }

    /// One that `sender` has sent: encoding and range are checked here, the order of the element
    /// when [`base`](Self::base) asks for it.
    pub(crate) fn received(
        arithmetic: &Arithmetic<G>,
        bytes: &[u8],
        sender: &MemberId,
    ) -> Result<Self, Error> {
        Ok(Self {
            element: Arc::new(arithmetic.parse(bytes, sender)?),
            encoding: bytes.into(),
            untested: Some(sender.clone()),
        })
    }

    /// The encoding, for comparing and sending.
    pub(crate) fn encoding(&self) -> &[u8] {
        &self.encoding
    }

    /// Tests the element if that was not done yet. A failure is blamed on who sent it.
    pub(crate) fn tested(&self, arithmetic: &mut Arithmetic<G>) -> Result<Self, Error> {
        if let Some(sender) = &self.untested {
            arithmetic.validate_all(&[(&self.element, sender)])?;
        }
        Ok(Self {
            untested: None,
            ..self.clone()
        })
    }

    /// Whether the element was tested, or is an own one.
    pub(crate) const fn is_tested(&self) -> bool {
        self.untested.is_none()
    }

    /// The element, to compute with once it is tested.
    pub(crate) fn element(&self) -> &G::Element {
        &self.element
    }
}
