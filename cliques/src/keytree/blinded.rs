//! Blinded keys, which are public, and are tested when they are first used.

use alloc::sync::Arc;

use gcs_view::MemberName;

use crate::{
    arithmetic::{Arithmetic, Received},
    error::Error,
    group::Group,
};

/// A blinded key g^E(v) in the public tree.
#[derive(Clone)]
pub(crate) enum Blinded<G: Group> {
    /// From another member, not used so far.
    Received(Received<G>),
    /// Computed here, or tested.
    Known {
        /// The encoding, for comparing and sending.
        encoding: Arc<[u8]>,
        /// The element, to compute with.
        element: Arc<G::Element>,
    },
}

impl<G: Group> Blinded<G> {
    /// One that this member has computed.
    pub(crate) fn computed(arithmetic: &Arithmetic<G>, element: G::Element) -> Self {
        Self::Known {
            encoding: arithmetic.encode(&element).into(),
            element: Arc::new(element),
        }
    }

    /// One that `sender` has sent: encoding and range are checked here, everything else by
    /// [`test`](Self::test).
    pub(crate) fn received(
        arithmetic: &Arithmetic<G>,
        bytes: &[u8],
        sender: &MemberName,
    ) -> Result<Self, Error> {
        Received::defer(bytes, sender, arithmetic).map(Self::Received)
    }

    /// The encoding, for comparing and sending.
    pub(crate) fn encoding(&self) -> &[u8] {
        match self {
            Self::Received(received) => received.encoding(),
            Self::Known { encoding, .. } => encoding,
        }
    }

    /// The element, to compute with, if it was tested.
    pub(crate) fn known(&self) -> Option<Arc<G::Element>> {
        match self {
            Self::Received(_) => None,
            Self::Known { element, .. } => Some(element.clone()),
        }
    }

    /// Decodes and tests the element, if that was not done yet. A failure is blamed on who sent it.
    pub(crate) fn test(
        &mut self,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Arc<G::Element>, Error> {
        match self {
            Self::Received(received) => {
                let element = Arc::new(received.validate(arithmetic)?);
                *self = Self::Known {
                    encoding: received.encoding().clone(),
                    element: element.clone(),
                };
                Ok(element)
            }
            Self::Known { element, .. } => Ok(element.clone()),
        }
    }
}
