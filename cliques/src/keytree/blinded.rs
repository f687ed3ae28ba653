//! Blinded keys, which are public, and are tested when they are first used.

use alloc::sync::Arc;

use gcs_view::MemberName;

use crate::{arithmetic::Arithmetic, error::Error, group::Group};

/// A blinded key g^E(v), as it stands in the public tree.
#[derive(Clone)]
pub(crate) struct Blinded<G: Group> {
    encoding: Arc<[u8]>,
    element: Element<G>,
}

/// What is known of the element.
#[derive(Clone)]
enum Element<G: Group> {
    /// To be decoded and tested; who sent it.
    Untested(MemberName),
    /// Computed here, or tested.
    Known(Arc<G::Element>),
}

impl<G: Group> Blinded<G> {
    /// One that this member has computed.
    pub(crate) fn computed(arithmetic: &Arithmetic<G>, element: G::Element) -> Self {
        Self {
            encoding: arithmetic.encode(&element).into(),
            element: Element::Known(Arc::new(element)),
        }
    }

    /// One that `sender` has sent: encoding and range are checked here, everything else when
    /// [`test`](Self::test) is asked for.
    pub(crate) fn received(
        arithmetic: &Arithmetic<G>,
        bytes: &[u8],
        sender: &MemberName,
    ) -> Result<Self, Error> {
        arithmetic.check_encoding(bytes, sender)?;
        Ok(Self {
            encoding: bytes.into(),
            element: Element::Untested(*sender),
        })
    }

    /// The encoding, for comparing and sending.
    pub(crate) fn encoding(&self) -> &[u8] {
        &self.encoding
    }

    /// The element, to compute with, if it was tested.
    pub(crate) fn known(&self) -> Option<Arc<G::Element>> {
        match &self.element {
            Element::Untested(_) => None,
            Element::Known(element) => Some(element.clone()),
        }
    }

    /// Decodes and tests the element, if that was not done yet. A failure is blamed on who sent it.
    pub(crate) fn test(
        &mut self,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Arc<G::Element>, Error> {
        match &self.element {
            Element::Untested(sender) => {
                let element = Arc::new(arithmetic.receive(&self.encoding, sender)?);
                self.element = Element::Known(element.clone());
                Ok(element)
            }
            Element::Known(element) => Ok(element.clone()),
        }
    }
}
