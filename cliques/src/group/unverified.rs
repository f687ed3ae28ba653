//! Elements that are decoded but not known to be in the group.

use super::{ElementError, Group};

/// An element that [`Group::parse`] has decoded: it may be outside the group, where computing with it
/// can disclose part of an exponent. [`validate`](Self::validate) gives the element itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified<E>(E);

impl<E> Unverified<E> {
    /// Wraps what a group has decoded.
    pub const fn new(element: E) -> Self {
        Self(element)
    }

    /// Tests whether the element is in the group.
    ///
    /// # Errors
    /// [`ElementError::NotInGroup`].
    pub fn validate<G: Group<Element = E>>(self, group: &G) -> Result<E, ElementError> {
        match group.validate(&[&self.0]) {
            Ok(()) => Ok(self.0),
            Err(_) => Err(ElementError::NotInGroup),
        }
    }

    /// The element without the test, to be handed to one of the tests of [`Group`].
    pub const fn assume_valid(&self) -> &E {
        &self.0
    }
}

/// What every [`Group`] can do by its other operations.
pub trait GroupExt: Group {
    /// Decodes and tests a received element: reduced, not the identity, of order q.
    ///
    /// # Errors
    /// [`ElementError`] with the first test that failed.
    fn decode(&self, bytes: &[u8]) -> Result<Self::Element, ElementError> {
        self.parse(bytes)?.validate(self)
    }
}

impl<G: Group> GroupExt for G {}
