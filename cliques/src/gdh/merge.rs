//! Merge: a token collects the shares of the new members, then every other member factors out its own.

use alloc::{vec, vec::Vec};
use core::mem;

use gcs_view::MemberName;
use rand_core::CryptoRng;

use super::{
    context::{Partial, Share, Stage, Staged, Tested},
    machine::Gdh,
    message::{Chain, FactorOut},
};
use crate::{
    agreement::Step,
    arithmetic::Received,
    error::{Error, PeerFault, Rejected},
    group::Group,
    rules::{NO_GROUP, check_entry, check_members, peer, permutation, same_names, unexpected},
    staged::NOTHING_STAGED,
    token::Recipient,
};

impl<G: Group> Gdh<G> {
    /// Starts over as the only old member of a group with `joined` as new ones.
    pub(super) fn restart(
        &mut self,
        joined: &[MemberName],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        check_members([&self.me].into_iter().chain(joined))?;
        if joined.is_empty() {
            return self.found(rng);
        }
        // The partial key of a group of one is the generator; its key is never used, so no share
        // is drawn for it.
        let generator = self.arithmetic.generator().clone();
        self.send_first_partial(vec![self.me], joined, &generator, rng)
    }

    /// Enters a group as a new member; `stage` says by which protocol.
    pub(super) fn enter(
        &mut self,
        members: Vec<MemberName>,
        stage: Stage<G>,
    ) -> Result<Step, Error> {
        check_entry(&self.me, &members)?;
        self.staged = Some(Staged {
            order: members,
            share: Share::Undrawn,
            stage,
        });
        Ok(Step::wait())
    }

    /// The initiating component of a merge, from which members that left are removed already.
    pub(super) fn merge(
        &mut self,
        base: Vec<MemberName>,
        joined: &[MemberName],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        if base.last() == Some(&self.me) {
            let context = self.completed.as_mut().ok_or(NO_GROUP)?;
            context.test_own(&self.me, &mut self.arithmetic)?;
            let partial = self.own_partial()?.element()?.clone();
            return self.send_first_partial(base, joined, &partial, rng);
        }
        let base_len = base.len();
        let mut order = base;
        order.extend_from_slice(joined);
        self.staged = Some(Staged {
            order,
            share: Share::Kept,
            stage: Stage::Final { base_len },
        });
        Ok(Step::wait())
    }

    /// Round 1, acting controller: T_0 = P_c^(r_c') to the first new member.
    fn send_first_partial(
        &mut self,
        base: Vec<MemberName>,
        joined: &[MemberName],
        partial: &G::Element,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let first = joined
            .first()
            .ok_or(Error::Internal("merge without new members"))?;
        let base_len = base.len();
        let mut order = base;
        order.extend_from_slice(joined);

        let share = self.arithmetic.draw(rng);
        let token = self.arithmetic.exponentiate(partial, &share);
        let body = Chain::encode(base_len, &order, &self.arithmetic.encode(&token));
        let outgoing =
            self.arithmetic
                .outgoing(Recipient::Member(*first), super::PARTIAL_TOKEN, body);
        self.staged = Some(Staged {
            order,
            share: Share::Fresh(share),
            stage: Stage::Final { base_len },
        });
        Ok(Step::send(outgoing))
    }

    /// Rounds 2 to m + 1, new member: adds its share and passes the token on; the last one makes
    /// it the final token as it is.
    pub(super) fn process_partial(
        &mut self,
        sender: &MemberName,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let staged = self.staged.as_ref().ok_or(NOTHING_STAGED)?;
        let Stage::Partial = staged.stage else {
            return Err(unexpected(sender, super::PARTIAL_TOKEN));
        };
        let chain = Chain::decode(body, self.arithmetic.group().element_len())?;
        let (order, place) = self.order_from(sender, &staged.order, &chain.order)?;
        if chain.base_len == 0 || chain.base_len > place {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let received = Received::decode(chain.token, sender, &self.arithmetic)?;

        let Some(next) = order.get(place.saturating_add(1)).cloned() else {
            let token = received.validate_token(&mut self.arithmetic)?;
            let body = Chain::encode(chain.base_len, &order, chain.token);
            let values = order.iter().map(|_| None).collect();
            let echo = Some(body.clone());
            let outgoing = self
                .arithmetic
                .outgoing(Recipient::Group, super::FINAL_TOKEN, body);
            self.staged = Some(Staged {
                order,
                share: Share::Undrawn,
                stage: Stage::FactorOuts {
                    token,
                    values,
                    echo,
                },
            });
            return Ok(Step::send(outgoing));
        };
        // A share drawn for a token that was then refused can be used again: nothing computed with it
        // was sent.
        let staged = self.staged.as_mut().ok_or(NOTHING_STAGED)?;
        if let Share::Undrawn = staged.share {
            staged.share = Share::Fresh(self.arithmetic.draw(rng));
        }
        let share = staged.share.value(None)?;
        let (_, token) = received.exponentiate_token(share, &mut self.arithmetic)?;
        let body = Chain::encode(chain.base_len, &order, &self.arithmetic.encode(&token));
        let outgoing =
            self.arithmetic
                .outgoing(Recipient::Member(next), super::PARTIAL_TOKEN, body);
        staged.order = order;
        staged.stage = Stage::Final {
            base_len: chain.base_len,
        };
        Ok(Step::send(outgoing))
    }

    /// Round m + 2, everybody but the last new member: F = T^(1/r) to that one.
    pub(super) fn process_final(
        &mut self,
        sender: &MemberName,
        body: &[u8],
    ) -> Result<Step, Error> {
        let staged = self.staged.as_mut().ok_or(NOTHING_STAGED)?;
        let Stage::Final { base_len } = staged.stage else {
            return Err(unexpected(sender, super::FINAL_TOKEN));
        };
        let chain = Chain::decode(body, self.arithmetic.group().element_len())?;
        if staged.order.last() != Some(sender) {
            return Err(peer(sender, PeerFault::NotController));
        }
        if chain.base_len != base_len || !same_names(chain.order.iter().copied(), &staged.order) {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let received = Received::decode(chain.token, sender, &self.arithmetic)?;
        let inverse = self
            .arithmetic
            .invert(staged.share.value(self.completed.as_ref())?);
        let (token, value) = received.exponentiate_token(&inverse, &mut self.arithmetic)?;

        let known = Partial::known(token, sender, Tested::Exactly);
        staged.stage = Stage::KeyList { known: Some(known) };
        let body = self.arithmetic.encode(&value);
        let to = Recipient::Member(*sender);
        Ok(Step::send(self.arithmetic.outgoing(
            to,
            super::FACTOR_OUT,
            body,
        )))
    }

    /// Round m + 3, last new member: with the last factor-out it draws its share and makes the
    /// key list.
    pub(super) fn process_factor_out(
        &mut self,
        sender: &MemberName,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let staged = self.staged.as_mut().ok_or(NOTHING_STAGED)?;
        let Stage::FactorOuts {
            token,
            values,
            echo,
        } = &mut staged.stage
        else {
            return Err(unexpected(sender, super::FACTOR_OUT));
        };
        let received = FactorOut::decode(body, self.arithmetic.group().element_len())?.value;
        let place = staged.order.iter().position(|name| name == sender);
        let (place, slot) = place
            .and_then(|place| Some((place, values.get_mut(place)?)))
            .ok_or(Rejected::NotInView(*sender))?;
        match slot {
            Some(first) if **first.encoding() == *received => {
                return Err(Rejected::Repeated(*sender).into());
            }
            Some(_) => return Err(peer(sender, PeerFault::Duplicate)),
            None => {}
        }
        let received = Received::decode(received, sender, &self.arithmetic)?;
        // The own place, the last, stays empty.
        let missing = values.iter().filter(|value| value.is_none()).count();
        if missing > 2 {
            if let Some(slot) = values.get_mut(place) {
                *slot = Some(received);
            }
            return Ok(Step::wait());
        }

        // All are here. They are tested and raised together.
        let all: Vec<&Received<G>> = values
            .iter()
            .enumerate()
            .filter_map(|(index, value)| match index == place {
                true => Some(&received),
                false => value.as_ref(),
            })
            .collect();
        let elements = Received::validate_all(&all, &mut self.arithmetic)?;
        let share = self.arithmetic.draw(rng);
        let elements: Vec<&G::Element> = elements.iter().collect();
        let powers = self.arithmetic.exponentiate_each(&elements, &share);
        let mut partials: Vec<_> = powers
            .into_iter()
            .map(|element| Partial::known(element, &self.me, Tested::Policy))
            .collect();
        // T contains all shares but the own one.
        partials.push(Partial::known(token.clone(), &self.me, Tested::Exactly));
        let echo = echo.take();
        let order = mem::take(&mut staged.order);
        Ok(self.send_key_list(order, partials, share, echo))
    }

    /// New member: the order of the members according to `names`, and the own place in it. The names
    /// must be those of `members`, with `sender` right before this member.
    pub(super) fn order_from(
        &self,
        sender: &MemberName,
        members: &[MemberName],
        names: &[&[u8]],
    ) -> Result<(Vec<MemberName>, usize), Error> {
        let mismatch = || peer(sender, PeerFault::MemberListMismatch);
        let place = names
            .iter()
            .position(|name| *name == self.me.as_bytes())
            .ok_or_else(mismatch)?;
        let predecessor = place.checked_sub(1).and_then(|before| names.get(before));
        if predecessor.copied() != Some(sender.as_bytes()) {
            return Err(peer(sender, PeerFault::NotController));
        }
        let order = permutation(members, names).ok_or_else(mismatch)?;
        Ok((order, place))
    }

    /// The own partial key of the last completed agreement.
    pub(super) fn own_partial(&self) -> Result<&Partial<G>, Error> {
        self.completed
            .as_ref()
            .and_then(|context| context.partial(&self.me))
            .ok_or(Error::Internal("no own partial key"))
    }
}
