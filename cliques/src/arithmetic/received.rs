//! Elements that came from other members, and the tests that they pass before they are used.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use gcs_view::MemberName;

use super::{Arithmetic, refused};
use crate::{
    error::{Error, PeerFault},
    group::{Group, GroupExt, Unverified},
    rules::peer,
};

/// An element as a member sent it. Its encoding and range are checked; membership in the group is not.
/// Only the tests below give the element itself, and they blame the sender if it fails them.
///
/// An element that every receiver uses is [decoded](Self::decode) when it arrives. One of a long list,
/// of which most are never used, [stays encoded](Self::defer) until it is tested (key agreement notes,
/// section 1.4).
#[derive(Clone)]
pub(crate) struct Received<G: Group> {
    sender: MemberName,
    encoding: Arc<[u8]>,
    decoded: Option<Box<Unverified<G::Element>>>,
}

impl<G: Group> Received<G> {
    /// Decodes an element that `sender` sent.
    pub(crate) fn decode(
        bytes: &[u8],
        sender: &MemberName,
        arithmetic: &Arithmetic<G>,
    ) -> Result<Self, Error> {
        let decoded = arithmetic.group.parse(bytes);
        let decoded = decoded.map_err(|error| refused(sender, error))?;
        Ok(Self {
            sender: *sender,
            encoding: bytes.into(),
            decoded: Some(Box::new(decoded)),
        })
    }

    /// Checks the encoding of an element that `sender` sent, and leaves decoding it to the test.
    pub(crate) fn defer(
        bytes: &[u8],
        sender: &MemberName,
        arithmetic: &Arithmetic<G>,
    ) -> Result<Self, Error> {
        let checked = arithmetic.group.check_encoding(bytes);
        checked.map_err(|error| refused(sender, error))?;
        Ok(Self {
            sender: *sender,
            encoding: bytes.into(),
            decoded: None,
        })
    }

    /// The element as it was sent.
    pub(crate) const fn encoding(&self) -> &Arc<[u8]> {
        &self.encoding
    }

    /// Who sent it.
    pub(crate) const fn sender(&self) -> &MemberName {
        &self.sender
    }

    /// Tests the element.
    pub(crate) fn validate(&self, arithmetic: &mut Arithmetic<G>) -> Result<G::Element, Error> {
        arithmetic.count_tests(1);
        let group = &arithmetic.group;
        let element = match &self.decoded {
            Some(decoded) => Unverified::clone(decoded).validate(group),
            None => group.decode(&self.encoding),
        };
        element.map_err(|error| refused(&self.sender, error))
    }

    /// Tests many elements together.
    pub(crate) fn validate_all(
        received: &[&Self],
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Vec<G::Element>, Error> {
        let mut elements = Vec::with_capacity(received.len());
        for one in received {
            elements.push(one.unverified(arithmetic)?.assume_valid().clone());
        }
        arithmetic.count_tests(received.len());
        let all: Vec<_> = elements.iter().collect();
        match arithmetic.group.validate(&all) {
            Ok(()) => Ok(elements),
            Err(index) => Err(received.get(index).map_or(
                Error::Internal("a test refused an element that it was not given"),
                |one| peer(&one.sender, PeerFault::NotInGroup),
            )),
        }
    }

    /// Tests an element that is passed on: the exact test, whatever the policy of the group.
    pub(crate) fn validate_token(
        &self,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<G::Element, Error> {
        let element = self.unverified(arithmetic)?.assume_valid().clone();
        arithmetic.validate_token(&element, &self.sender)?;
        Ok(element)
    }

    /// Tests an element that is passed on, and raises it to `exponent` in the same computation. Returns
    /// the element and the power.
    pub(crate) fn exponentiate_token(
        &self,
        exponent: &G::Scalar,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<(G::Element, G::Element), Error> {
        let element = self.unverified(arithmetic)?.assume_valid().clone();
        arithmetic.count_tests(1);
        let power = if element == arithmetic.generator {
            arithmetic.exponentiate_generator(exponent)
        } else {
            arithmetic.count_exponentiation();
            let power = arithmetic.group.exponentiate_token(&element, exponent);
            power.map_err(|error| refused(&self.sender, error))?
        };
        Ok((element, power))
    }

    fn unverified(&self, arithmetic: &Arithmetic<G>) -> Result<Unverified<G::Element>, Error> {
        match &self.decoded {
            Some(decoded) => Ok(Unverified::clone(decoded)),
            None => {
                let decoded = arithmetic.group.parse(&self.encoding);
                decoded.map_err(|error| refused(&self.sender, error))
            }
        }
    }
}
