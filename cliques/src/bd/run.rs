//! An agreement under way and its two rounds.

use alloc::vec::Vec;

use gcs_view::MemberName;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

use super::message::{Blinded, Quotient, hash_order};
use crate::{
    agreement::Step,
    arithmetic::{Arithmetic, Received},
    error::{Error, PeerFault, Rejected},
    group::Group,
    rules::peer,
    secret::GroupSecret,
    staged::Ordered,
    token::{Recipient, TokenKind},
};

/// An agreement under way among two members or more.
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
    /// z of the member before this one, once it is tested and the own X is sent.
    previous: Option<G::Element>,
    /// Second round. A token of it can arrive before the first round is complete, one from each member.
    quotients: Round<G>,
}

impl<G: Group> Ordered for RingRun<G> {
    fn order(&self) -> &[MemberName] {
        &self.order
    }
}

/// The tokens of one round.
struct Round<G: Group> {
    /// Own element and token, once it is sent.
    own: Option<(Delivered<G>, Vec<u8>)>,
    /// Delivered elements by place in the order, the own one included.
    delivered: Vec<Option<Delivered<G>>>,
}

/// The element of one member in one round.
#[derive(Clone)]
enum Delivered<G: Group> {
    /// Computed here.
    Known {
        encoding: Vec<u8>,
        element: G::Element,
    },
    /// From another member; tested when it is used.
    Received(Received<G>),
}

/// z of the member before this one, tested, and the own X.
type SecondRound<G> = (<G as Group>::Element, <G as Group>::Element);

/// A round together with the token that is being processed: what the round becomes if nothing fails.
struct Completed<'a, G: Group> {
    round: &'a Round<G>,
    place: usize,
    token: &'a Delivered<G>,
}

impl<G: Group> Round<G> {
    fn new(size: usize) -> Self {
        Self {
            own: None,
            delivered: (0..size).map(|_| None).collect(),
        }
    }

    const fn with<'a>(&'a self, place: usize, token: &'a Delivered<G>) -> Completed<'a, G> {
        Completed {
            round: self,
            place,
            token,
        }
    }

    fn put(&mut self, place: usize, token: Delivered<G>) {
        if let Some(slot) = self.delivered.get_mut(place) {
            *slot = Some(token);
        }
    }

    /// The own element, if this is the own token and is delivered for the first time. It must equal the
    /// pending one byte for byte: anything else is a replay.
    fn pending_own(
        &self,
        place: usize,
        body: &[u8],
        me: &MemberName,
    ) -> Result<Delivered<G>, Error> {
        match (&self.own, self.delivered.get(place)) {
            (Some((own, sent)), Some(None)) if sent == body => Ok(own.clone()),
            (Some(_) | None, _) => Err(Rejected::Repeated(*me).into()),
        }
    }

    /// Checks that nothing was delivered from `sender`.
    fn check_first(&self, place: usize, encoding: &[u8], sender: &MemberName) -> Result<(), Error> {
        match self.delivered.get(place) {
            Some(Some(first)) if first.encoding() == encoding => {
                Err(Rejected::Repeated(*sender).into())
            }
            Some(Some(_)) => Err(peer(sender, PeerFault::Duplicate)),
            Some(None) => Ok(()),
            None => Err(NO_PLACE),
        }
    }
}

impl<G: Group> Delivered<G> {
    fn encoding(&self) -> &[u8] {
        match self {
            Self::Known { encoding, .. } => encoding,
            Self::Received(received) => received.encoding(),
        }
    }
}

impl<'a, G: Group> Completed<'a, G> {
    fn is_complete(&self) -> bool {
        let mut delivered = self.round.delivered.iter().enumerate();
        delivered.all(|(place, slot)| place == self.place || slot.is_some())
    }

    fn get(&self, place: usize) -> Result<&'a Delivered<G>, Error> {
        if place == self.place {
            return Ok(self.token);
        }
        let delivered = self.round.delivered.get(place).and_then(Option::as_ref);
        delivered.ok_or(NO_PLACE)
    }

    /// The elements at these places; those from other members are tested together.
    fn validated(
        &self,
        places: impl IntoIterator<Item = usize>,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Vec<G::Element>, Error> {
        let mut elements = Vec::new();
        let mut received = Vec::new();
        for place in places {
            match self.get(place)? {
                Delivered::Known { element, .. } => elements.push(element.clone()),
                Delivered::Received(one) => received.push(one),
            }
        }
        if !received.is_empty() {
            elements.extend(Received::validate_all(&received, arithmetic)?);
        }
        Ok(elements)
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
        blinded.own = Some((Delivered::Known { encoding, element }, body));
        let run = Self {
            order_hash,
            place,
            share,
            blinded,
            previous: None,
            quotients: Round::new(order.len()),
            order,
        };
        Ok((run, Step::send(token)))
    }

    /// An own broadcast that was delivered.
    pub(super) fn process_own(
        &mut self,
        kind: TokenKind,
        body: &[u8],
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Step, Error> {
        let me = self.name(self.place)?;
        match kind {
            super::BLINDED_SHARE => {
                let own = self.blinded.pending_own(self.place, body, me)?;
                self.deliver_blinded(self.place, own, arithmetic)
            }
            super::QUOTIENT => {
                let own = self.quotients.pending_own(self.place, body, me)?;
                self.deliver_quotient(self.place, own, arithmetic)
            }
            // This member never sends the kinds of other suites.
            _ => Err(Rejected::Repeated(*me).into()),
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
        self.blinded.check_first(place, blinded.element, sender)?;
        if blinded.order_hash != self.order_hash {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let received = match self.neighbours().contains(&place) {
            true => Received::decode(blinded.element, sender, arithmetic)?,
            false => Received::defer(blinded.element, sender, arithmetic)?,
        };
        self.deliver_blinded(place, Delivered::Received(received), arithmetic)
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
        self.quotients
            .check_first(place, quotient.element, sender)?;
        let token = if self.is_pair() {
            // Both neighbours of either member are the other one: both quotients are 1.
            let element = arithmetic.identity();
            let encoding = arithmetic.encode(&element);
            if encoding != quotient.element {
                arithmetic.receive(quotient.element, sender)?;
                return Err(peer(sender, PeerFault::Inconsistent));
            }
            Delivered::Known { encoding, element }
        } else {
            Delivered::Received(Received::decode(quotient.element, sender, arithmetic)?)
        };
        self.deliver_quotient(place, token, arithmetic)
    }

    /// Whether the own part is still to be sent.
    pub(super) const fn is_awaited(&self) -> bool {
        self.quotients.own.is_none()
    }

    fn deliver_blinded(
        &mut self,
        place: usize,
        token: Delivered<G>,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Step, Error> {
        let next = self.second_round(&self.blinded.with(place, &token), arithmetic)?;
        self.blinded.put(place, token);
        let Some((previous, element)) = next else {
            return Ok(Step::wait());
        };
        let encoding = arithmetic.encode(&element);
        let body = encoding.clone();
        let token = arithmetic.outgoing(Recipient::Group, super::QUOTIENT, body.clone());
        self.previous = Some(previous);
        self.quotients.own = Some((Delivered::Known { encoding, element }, body));
        Ok(Step::send(token))
    }

    fn deliver_quotient(
        &mut self,
        place: usize,
        token: Delivered<G>,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Step, Error> {
        let secret = self.secret(&self.quotients.with(place, &token), arithmetic)?;
        self.quotients.put(place, token);
        Ok(secret.map_or_else(Step::wait, Step::complete))
    }

    /// Round 2, after all z: z_previous and X = (z_next / z_previous)^r. Only these two z are ever used, so
    /// only they are tested.
    fn second_round(
        &self,
        blinded: &Completed<'_, G>,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Option<SecondRound<G>>, Error> {
        if !self.is_awaited() || !blinded.is_complete() {
            return Ok(None);
        }
        // In a pair both neighbours are the other member.
        let mut places = self.neighbours().to_vec();
        places.dedup();
        let tested = blinded.validated(places, arithmetic)?;
        let (previous, next) = tested.first().zip(tested.last()).ok_or(NO_PLACE)?;
        let base = arithmetic.quotient(next, previous);
        let quotient = arithmetic.exponentiate(&base, &self.share);
        Ok(Some((previous.clone(), quotient)))
    }

    /// The key, after all X. In the efficient form: A_0 = z_previous^r, A_j = A_(j-1) X_(i+j-1), and K
    /// is the product of A_0 .. A_(n-1). One more multiplication gives A_n, which equals A_0 if the
    /// product of all X is 1, as it must be.
    fn secret(
        &self,
        quotients: &Completed<'_, G>,
        arithmetic: &mut Arithmetic<G>,
    ) -> Result<Option<GroupSecret>, Error> {
        if !quotients.is_complete() {
            return Ok(None);
        }
        // The own X comes first, and needs no test.
        let from_mine = (self.place..self.order.len()).chain(0..self.place);
        let elements = quotients.validated(from_mine, arithmetic)?;

        let previous = self.previous.as_ref().ok_or(NO_PLACE)?;
        let first = arithmetic.agree_element(previous, &self.share);
        let mut factors: Vec<_> = elements.iter().collect();
        let closing = factors.pop().ok_or(NO_PLACE)?;
        let (last, product) = arithmetic.multiply_running(&first, &factors);
        let around = arithmetic.multiply_secret(&last, closing);
        let around = arithmetic.group_secret(&around);
        let start = arithmetic.group_secret(&first);
        let closed = around
            .zip(start)
            .is_some_and(|(a, b): (GroupSecret, GroupSecret)| a.ct_eq(&b).into());
        match arithmetic.group_secret(&product).filter(|_| closed) {
            Some(secret) => Ok(Some(secret)),
            None => Err(Error::Contradiction {
                suspects: self.others(),
            }),
        }
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

    /// Progress for debugging: how many tokens of each round are delivered, and whether the own one is sent.
    pub(super) fn progress(&self) -> [(usize, bool); 2] {
        [&self.blinded, &self.quotients].map(|round| {
            let delivered = round.delivered.iter().flatten().count();
            (delivered, round.own.is_some())
        })
    }
}

/// A place outside of the order.
const NO_PLACE: Error = Error::Internal("no such place in the ring");
