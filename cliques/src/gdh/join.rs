//! Direct join: one new member in two rounds, without factoring out.
//!
//! ```text
//!   c                       N                        everybody
//!   |  JOIN: P_y^(r_c'/r_c), P_c, P_c^(r_c')           |
//!   |---------------------->|  KEY-LIST, AGREED        |
//!   |                       |~~~~~~~~~~~~~~~~~~~~~~~~>|   P_y = value_y^(r_N), P_N = value_N
//! ```
//!
//! The merge of one member takes four rounds and a message from every member; this takes two
//! messages. Old members start it with [`begin_join`](crate::KeyAgreement::begin_join). The new member
//! enters as for a merge, and learns the protocol from the first token.

use alloc::vec::Vec;

use gcs_view::MemberName;
use rand_core::CryptoRng;

use super::{
    context::{Partial, Share, Stage, Staged, Tested},
    machine::Gdh,
    message::KeyList,
};
use crate::{
    agreement::Step,
    arithmetic::Received,
    error::{Error, PeerFault},
    group::Group,
    rules::{NO_GROUP, check_members, peer, unexpected},
    staged::NOTHING_STAGED,
    token::Recipient,
};

impl<G: Group> Gdh<G> {
    /// Old member: `joined` joins the completed group directly.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] when there is no completed agreement or `joined` is part of it.
    pub fn begin_direct_join(
        &mut self,
        joined: MemberName,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let context = self.completed.as_mut().ok_or(NO_GROUP)?;
        check_members(context.order.iter().chain([&joined]))?;
        let mut order = context.order.clone();
        order.push(joined);
        if context.order.last() != Some(&self.me) {
            let stage = Stage::KeyList { known: None };
            self.staged = Some(Staged {
                order,
                share: Share::Kept,
                stage,
            });
            return Ok(Step::wait());
        }

        let members = context.order.clone();
        context.test(&members, &mut self.arithmetic)?;
        let share = self.arithmetic.draw(rng);
        let factor = self.arithmetic.divide(&share, &context.share);
        // The controller is the last of the old members.
        let (mine, others) = context
            .partials
            .split_last()
            .ok_or(Error::Internal("no own partial key"))?;
        let others = others.iter().map(Partial::element);
        let others = others.collect::<Result<Vec<_>, _>>()?;
        let mut values = self.arithmetic.exponentiate_each(&others, &factor);
        let mine = mine.element()?;
        let last = self.arithmetic.exponentiate(mine, &share);
        values.extend([mine.clone(), last.clone()]);
        let known = Partial::known(last, &self.me, Tested::Policy);
        let values: Vec<_> = values
            .iter()
            .map(|value| self.arithmetic.encode(value))
            .collect();
        let body = KeyList::encode(order.iter().zip(values));
        let outgoing = self
            .arithmetic
            .outgoing(Recipient::Member(joined), super::JOIN_TOKEN, body);
        let stage = Stage::KeyList { known: Some(known) };
        self.staged = Some(Staged {
            order,
            share: Share::Fresh(share),
            stage,
        });
        Ok(Step::send(outgoing))
    }

    /// New member: enters a group of `members`, itself included, directly.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] when this member cannot enter a group of `members`.
    pub fn enter_directly(&mut self, members: Vec<MemberName>) -> Result<Step, Error> {
        self.enter(members, Stage::Join)
    }

    /// New member: adds its share to the controller's list and broadcasts it.
    pub(super) fn process_join(
        &mut self,
        sender: &MemberName,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let staged = self.staged.as_ref().ok_or(NOTHING_STAGED)?;
        // A new member does not know which protocol the others use.
        let (Stage::Join | Stage::Partial) = staged.stage else {
            return Err(unexpected(sender, super::JOIN_TOKEN));
        };
        let list = KeyList::decode(body, self.arithmetic.group().element_len())?;
        let names: Vec<&[u8]> = list.entries.iter().map(|(name, _)| *name).collect();
        let (order, _) = self.order_from(sender, &staged.order, &names)?;
        if order.last() != Some(&self.me) {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let mut values = Vec::with_capacity(order.len());
        for (_, bytes) in &list.entries {
            values.push(Received::decode(bytes, sender, &self.arithmetic)?);
        }
        let received: Vec<_> = values.iter().collect();
        let mut values = Received::validate_all(&received, &mut self.arithmetic)?;

        let share = self.arithmetic.draw(rng);
        // The new member is the last: its own value stays as it is, all others are raised to its share.
        let Some(mine) = values.pop() else {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        };
        let others: Vec<_> = values.iter().collect();
        let mut elements = self.arithmetic.exponentiate_each(&others, &share);
        elements.push(mine);
        let partials = elements
            .into_iter()
            .map(|element| Partial::known(element, &self.me, Tested::Policy))
            .collect();
        Ok(self.send_key_list(order, partials, share, None))
    }
}
