//! Leave, partition and refresh: the acting controller replaces its share in one broadcast.

use alloc::vec::Vec;

use gcs_view::MemberName;
use rand_core::CryptoRng;

use super::{
    context::{Partial, Share, Stage, Staged, Tested},
    machine::Gdh,
};
use crate::{
    agreement::Step,
    error::Error,
    group::Group,
    rules::{NO_GROUP, check_members, remaining},
};

impl<G: Group> Gdh<G> {
    /// The component of this member continues without `left` and with `joined`.
    pub(super) fn update(
        &mut self,
        left: &[MemberName],
        joined: &[MemberName],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let base = self.remaining(left)?;
        check_members(base.iter().chain(joined))?;
        if !joined.is_empty() {
            return self.merge(base, joined, rng);
        }
        if base.len() == 1 {
            let partial = self.own_partial()?.clone();
            return self.alone(partial, rng);
        }
        if base.last() == Some(&self.me) {
            return self.send_list(base, rng);
        }
        // The partial key of the list's author does not change, which serves as a check.
        let known = base
            .last()
            .zip(self.completed.as_ref())
            .and_then(|(author, context)| context.partial(author).cloned());
        self.staged = Some(Staged {
            order: base,
            share: Share::Kept,
            stage: Stage::KeyList { known },
        });
        Ok(Step::wait())
    }

    /// Acting controller: P_y^(r_c'/r_c) for everybody else, its own partial key unchanged.
    fn send_list(&mut self, base: Vec<MemberName>, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let context = self.completed.as_mut().ok_or(NO_GROUP)?;
        context.test(&base, &mut self.arithmetic)?;
        let share = self.arithmetic.draw(rng);
        let factor = self.arithmetic.divide(&share, &context.share);
        let (mine, others): (Vec<_>, Vec<_>) = context
            .order
            .iter()
            .zip(&context.partials)
            .filter(|(name, _)| base.contains(name))
            .partition(|(name, _)| **name == self.me);
        let others = others.iter().map(|(_, partial)| partial.element());
        let others = others.collect::<Result<Vec<_>, _>>()?;
        let changed = self.arithmetic.exponentiate_each(&others, &factor);
        // The acting controller is the last of the remaining members.
        let mut partials: Vec<_> = changed
            .into_iter()
            .map(|element| Partial::known(element, &self.me, Tested::Policy))
            .collect();
        partials.extend(mine.into_iter().map(|(_, partial)| partial.clone()));
        Ok(self.send_key_list(base, partials, share, None))
    }

    /// The members of the completed agreement without `left`, in their order.
    pub(super) fn remaining(&self, left: &[MemberName]) -> Result<Vec<MemberName>, Error> {
        let context = self.completed.as_ref().ok_or(NO_GROUP)?;
        remaining(&context.order, left, &self.me)
    }
}
