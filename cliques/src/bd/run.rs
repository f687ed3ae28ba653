//! A run: what is known of it, and its two rounds.

use alloc::vec::Vec;

use gcs_view::MemberName;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

use super::message::{Blinded, Quotient, hash_order};
use crate::{
    agreement::Step,
    arithmetic::Arithmetic,
    error::{Error, PeerFault, Rejected},
    group::Group,
    rules::peer,
    secret::GroupSecret,
    token::{Recipient, TokenKind},
};

/// A run under way, of two members at least.
pub(super) struct RingRun<G: Group> {
    /// Members in ring order.
    pub(super) order: Vec<MemberName>,
    order_hash: [u8; 32],
    /// Own place in the order.
    place: usize,
    /// Own share r.
    share: G::Scalar,
    /// First round.
    blinded: Round<G>,
    /// Second round. Tokens of others that are early wait here, one for each.
    quotients: Round<G>,
}

/// The tokens of one round.
struct Round<G: Group> {
    /// Own element and token, once it was sent.
    own: Option<(Delivered<G>, Vec<u8>)>,
    /// What was delivered, by place in the order, the own token included.
    delivered: Vec<Option<Delivered<G>>>,
}

/// What came of one member in one round.
struct Delivered<G: Group> {
    encoding: Vec<u8>,
    /// None where nothing is computed with it: then its encoding was checked, and that is all.
    element: Option<G::Element>,
}

impl<G: Group> Round<G> {
    fn new(size: usize) -> Self {
        Self {
            own: None,
            delivered: (0..size).map(|_| None).collect(),
        }
    }

    /// Whether something came of all members.
    fn is_complete(&self) -> bool {
        self.delivered.iter().all(Option::is_some)
    }

    /// The element of the member at this place.
    fn element(&self, place: usize) -> Result<&G::Element, Error> {
        let delivered = self.delivered.get(place).and_then(Option::as_ref);
        delivered
            .and_then(|delivered| delivered.element.as_ref())
            .ok_or(NO_PLACE)
    }

    /// Takes the own token back. It counts only if it is the one that is pending, byte for byte.
    fn take_own(&mut self, place: usize, body: &[u8], me: &MemberName) -> Result<(), Error> {
        match (&self.own, self.delivered.get_mut(place)) {
            (Some((own, sent)), Some(slot @ None)) if sent == body => {
                *slot = Some(own.clone());
                Ok(())
            }
            _ => Err(Rejected::Repeated(*me).into()),
        }
    }

    /// The empty slot of a sender.
    fn slot(
        &mut self,
        place: usize,
        encoding: &[u8],
        sender: &MemberName,
    ) -> Result<&mut Option<Delivered<G>>, Error> {
        match self.delivered.get_mut(place) {
            Some(Some(first)) if first.encoding == encoding => {
                Err(Rejected::Repeated(*sender).into())
            }
            Some(Some(_)) => Err(peer(sender, PeerFault::Duplicate)),
            Some(slot) => Ok(slot),
            None => Err(Error::Internal("a place outside of the order")),
        }
    }
}

impl<G: Group> Clone for Delivered<G> {
    fn clone(&self) -> Self {
        Self {
            encoding: self.encoding.clone(),
            element: self.element.clone(),
        }
    }
}

impl<G: Group> RingRun<G> {
    /// Round 1: draws the share and broadcasts z = g^r.
    pub(super) fn start(
        order: Vec<MemberName>,
        me: &MemberName,
        arithmetic: &mut Arithmetic<G>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Step), Error> {
        let place = order
            .iter()
            .position(|name| name == me)
            .ok_or(Error::Internal("a ring without this member"))?;
        let share = arithmetic.draw(rng);
        let element = arithmetic.exponentiate_generator(&share);
        let order_hash = hash_order(&order);
        let encoding = arithmetic.encode(&element);
        let body = Blinded::encode(&order_hash, &encoding);
        let token = arithmetic.outgoing(Recipient::Group, super::BLINDED_SHARE, body.clone());
        let mut blinded = Round::new(order.len());
        let own = Delivered {
            encoding,
            element: Some(element),
        };
        blinded.own = Some((own, body));
        let run = Self {
            order_hash,
            place,
            share,
            blinded,
            quotients: Round::new(order.len()),
            order,
        };
        Ok((run, Step::send(token)))
    }

    /// An own broadcast that came back.
    pub(super) fn process_own(
        &mut self,
        kind: TokenKind,
        body: &[u8],
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Step, Error> {
        let me = *self.name(self.place)?;
        match kind {
            super::BLINDED_SHARE => {
                self.blinded.take_own(self.place, body, &me)?;
                let result = self.send_quotient(arithmetic);
                self.unless_failed(result, |run| &mut run.blinded, self.place)
            }
            super::QUOTIENT => {
                self.quotients.take_own(self.place, body, &me)?;
                let result = self.complete(arithmetic);
                self.unless_failed(result, |run| &mut run.quotients, self.place)
            }
            _ => Err(Rejected::Repeated(me).into()),
        }
    }

    /// A member's z.
    pub(super) fn process_blinded(
        &mut self,
        sender: &MemberName,
        body: &[u8],
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Step, Error> {
        let blinded = Blinded::decode(body, arithmetic.group().element_len())?;
        let place = self.place_of(sender)?;
        let is_used = self.neighbours().contains(&place);
        let slot = self.blinded.slot(place, blinded.element, sender)?;
        if blinded.order_hash != self.order_hash {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let element = match is_used {
            true => Some(arithmetic.parse(blinded.element, sender)?),
            false => {
                arithmetic.check_encoding(blinded.element, sender)?;
                None
            }
        };
        *slot = Some(Delivered {
            encoding: blinded.element.to_vec(),
            element,
        });
        let result = self.send_quotient(arithmetic);
        self.unless_failed(result, |run| &mut run.blinded, place)
    }

    /// A member's X.
    pub(super) fn process_quotient(
        &mut self,
        sender: &MemberName,
        body: &[u8],
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Step, Error> {
        let quotient = Quotient::decode(body, arithmetic.group().element_len())?;
        let place = self.place_of(sender)?;
        let pair = self.is_pair();
        let slot = self.quotients.slot(place, quotient.element, sender)?;
        let element = if pair {
            // Both neighbours of either member are the other one: both quotients are 1.
            let one = arithmetic.identity();
            if arithmetic.encode(&one) != quotient.element {
                arithmetic.receive(quotient.element, sender)?;
                return Err(peer(sender, PeerFault::Inconsistent));
            }
            one
        } else {
            arithmetic.parse(quotient.element, sender)?
        };
        *slot = Some(Delivered {
            encoding: quotient.element.to_vec(),
            element: Some(element),
        });
        let result = self.complete(arithmetic);
        self.unless_failed(result, |run| &mut run.quotients, place)
    }

    /// Whether the own part is still to be sent.
    pub(super) const fn is_awaited(&self) -> bool {
        self.quotients.own.is_none()
    }

    /// Round 2, after all z: X = (z_next / z_previous)^r. Only these two are ever used, so only they
    /// are tested.
    fn send_quotient(&mut self, arithmetic: &mut Arithmetic<G>) -> Result<Step, Error> {
        if self.quotients.own.is_some() || !self.blinded.is_complete() {
            return Ok(Step::wait());
        }
        let [previous, next] = self.neighbours();
        let at = |place: usize| self.blinded.element(place);
        let mut tested = Vec::with_capacity(2);
        for place in [previous, next] {
            tested.push((at(place)?, self.name(place)?));
        }
        if self.is_pair() {
            tested.truncate(1);
        }
        arithmetic.validate_all(&tested)?;

        let base = arithmetic.quotient(at(next)?, at(previous)?);
        let element = arithmetic.exponentiate(&base, &self.share);
        let encoding = arithmetic.encode(&element);
        let body = encoding.clone();
        let token = arithmetic.outgoing(Recipient::Group, super::QUOTIENT, body.clone());
        let element = Some(element);
        self.quotients.own = Some((Delivered { encoding, element }, body));
        Ok(Step::send(token))
    }

    /// The key, after all X. In the efficient form: A_0 = z_previous^r, A_j = A_(j-1) X_(i+j-1), and K
    /// is the product of A_0 .. A_(n-1). One multiplication more makes A_n, which is A_0 again if
    /// the product of all X is 1, as it must be.
    fn complete(&mut self, arithmetic: &mut Arithmetic<G>) -> Result<Step, Error> {
        if !self.quotients.is_complete() {
            return Ok(Step::wait());
        }
        let size = self.order.len();
        let mut from_mine = Vec::with_capacity(size);
        for place in (self.place..size).chain(0..self.place) {
            from_mine.push((self.quotients.element(place)?, self.name(place)?));
        }
        // The own X, and that of a pair, is known to be in the group.
        if let Some(others) = from_mine.get(1..).filter(|_| !self.is_pair()) {
            arithmetic.validate_all(others)?;
        }

        let [previous, _] = self.neighbours();
        let first = arithmetic.agree_element(self.blinded.element(previous)?, &self.share);
        let mut quotients: Vec<_> = from_mine.iter().map(|(element, _)| *element).collect();
        let closing = quotients.pop().ok_or(NO_PLACE)?;
        let (last, product) = arithmetic.multiply_running(&first, &quotients);
        let around = arithmetic.multiply_secret(&last, closing);
        let around = arithmetic.group_secret(&around);
        let start = arithmetic.group_secret(&first);
        let closed = around
            .zip(start)
            .is_some_and(|(a, b): (GroupSecret, GroupSecret)| a.ct_eq(&b).into());
        match arithmetic.group_secret(&product).filter(|_| closed) {
            Some(secret) => Ok(Step::complete(secret)),
            None => Err(Error::Contradiction {
                suspects: self.others(),
            }),
        }
    }

    /// Passes the result of a step on; where it failed, the token that led to it never came.
    fn unless_failed(
        &mut self,
        result: Result<Step, Error>,
        round: impl FnOnce(&mut Self) -> &mut Round<G>,
        place: usize,
    ) -> Result<Step, Error> {
        if result.is_err()
            && let Some(slot) = round(self).delivered.get_mut(place)
        {
            *slot = None;
        }
        result
    }

    fn is_pair(&self) -> bool {
        self.order.len() == 2
    }

    /// Places before and after the own one in the ring.
    fn neighbours(&self) -> [usize; 2] {
        let size = self.order.len();
        [self.place + size - 1, self.place + 1].map(|place| place % size)
    }

    fn others(&self) -> Vec<MemberName> {
        let others = self.order.iter().enumerate();
        others
            .filter(|(place, _)| *place != self.place)
            .map(|(_, name)| *name)
            .collect()
    }

    fn place_of(&self, sender: &MemberName) -> Result<usize, Error> {
        self.order
            .iter()
            .position(|name| name == sender)
            .ok_or_else(|| Rejected::NotInView(*sender).into())
    }

    fn name(&self, place: usize) -> Result<&MemberName, Error> {
        self.order.get(place).ok_or(NO_PLACE)
    }

    /// How far the run is, for debugging: tokens delivered in each round, and own ones sent.
    pub(super) fn progress(&self) -> [(usize, bool); 2] {
        [&self.blinded, &self.quotients].map(|round| {
            let delivered = round.delivered.iter().flatten().count();
            (delivered, round.own.is_some())
        })
    }
}

/// A place outside of the order.
const NO_PLACE: Error = Error::Internal("no such place in the ring");
