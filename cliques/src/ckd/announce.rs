//! Rounds 1 and 2: the controller sends its public share, the targets respond with theirs.

use alloc::{collections::BTreeMap, vec::Vec};

use gcs_view::MemberName;
use rand_core::CryptoRng;

use super::{
    context::{Announced, FreshShare, PairwiseKey, Stage, Staged},
    machine::Ckd,
    message::{Announcement, Mode, Response},
    wrap::WrapKey,
};
use crate::{
    agreement::Step,
    arithmetic::{Arithmetic, Received},
    error::{Error, PeerFault, Rejected},
    group::Group,
    rules::{
        NO_GROUP, check_entry, check_members, peer, permutation, remaining, same_names, unexpected,
    },
    staged::NOTHING_STAGED,
    token::{Recipient, TokenKind},
};

/// How many shares are drawn at most until the pairwise key is not 0, as it is with probability 1 / q.
const DRAWS_MAX: usize = 64;

/// An event as the members of the controller's component see it.
struct Plan {
    /// Members, controller first.
    order: Vec<MemberName>,
    /// Whether the controller was controller before.
    kept: bool,
    /// Members that share no key with the controller, in their order.
    targets: Vec<MemberName>,
}

impl<G: Group> Ckd<G> {
    /// Starts over as the controller of a group with `joined` as new members.
    pub(super) fn restart(
        &mut self,
        joined: &[MemberName],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        check_members([&self.me].into_iter().chain(joined))?;
        if joined.is_empty() {
            return self.found(rng);
        }
        let order = [core::slice::from_ref(&self.me), joined].concat();
        self.announce(order, super::OLD_CONTROLLER, joined, true, rng)
    }

    /// Enters a group as a new member.
    pub(super) fn enter(&mut self, members: Vec<MemberName>) -> Result<Step, Error> {
        check_entry(&self.me, &members)?;
        self.staged = Some(Staged {
            order: members,
            stage: Stage::Announcement { kept: None },
        });
        Ok(Step::wait())
    }

    /// The component of this member continues without `left` and with `joined`.
    pub(super) fn update(
        &mut self,
        left: &[MemberName],
        joined: &[MemberName],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let Plan {
            order,
            kept,
            targets,
        } = self.plan(left, joined)?;
        if order.first() == Some(&self.me) {
            let kind = match kept {
                true => super::OLD_CONTROLLER,
                false => super::NEW_CONTROLLER,
            };
            let renew = !kept || self.fresh_pairs;
            return match targets.is_empty() {
                true => self.send_key_at_once(order, renew, rng),
                false => self.announce(order, kind, &targets, renew, rng),
            };
        }
        let stage = if targets.contains(&self.me) {
            Stage::Announcement { kept: Some(kept) }
        } else {
            // The announcement to a single target is a unicast.
            let announcement = match targets.len() {
                0 | 1 => Announced::NotExpected,
                _ => Announced::Awaited { kept },
            };
            Stage::Key {
                fresh: None,
                announcement,
            }
        };
        self.staged = Some(Staged { order, stage });
        Ok(Step::wait())
    }

    fn plan(&self, left: &[MemberName], joined: &[MemberName]) -> Result<Plan, Error> {
        let completed = self.completed.as_ref().ok_or(NO_GROUP)?;
        let mut order = remaining(&completed.order, left, &self.me)?;
        check_members(order.iter().chain(joined))?;
        let kept = order.first() == completed.order.first();
        order.extend_from_slice(joined);
        let targets = match kept && !self.fresh_pairs {
            true => joined.to_vec(),
            false => order.iter().skip(1).cloned().collect(),
        };
        Ok(Plan {
            order,
            kept,
            targets,
        })
    }

    /// Round 1, controller: z_c to the targets.
    fn announce(
        &mut self,
        order: Vec<MemberName>,
        kind: TokenKind,
        targets: &[MemberName],
        renew: bool,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let fresh = renew.then(|| self.draw_share(rng));
        let public = match (&fresh, &self.completed) {
            (Some((_, public)), _) => public,
            (None, Some(context)) => &context.public,
            (None, None) => return Err(NO_GROUP),
        };
        let body = Announcement::encode(&order, &self.arithmetic.encode(public));
        let (to, echo) = match targets {
            [target] => (Recipient::Member(*target), None),
            _ => (Recipient::Group, Some(body.clone())),
        };
        let token = self.arithmetic.outgoing(to, kind, body);
        let targets = targets.iter().map(|name| (*name, None)).collect();
        self.staged = Some(Staged {
            order,
            stage: Stage::Responses {
                fresh,
                targets,
                echo,
            },
        });
        Ok(Step::send(token))
    }

    /// A fresh share of the controller, and its public share.
    pub(super) fn draw_share(&mut self, rng: &mut dyn CryptoRng) -> FreshShare<G> {
        let share = self.arithmetic.draw(rng);
        let public = self.arithmetic.exponentiate_generator(&share);
        (share, public)
    }

    /// The controller's announcement, to a target or to everybody.
    pub(super) fn process_announcement(
        &mut self,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let staged = self.staged.as_ref().ok_or(NOTHING_STAGED)?;
        let fits = |kept| match kept {
            Some(true) => kind == super::OLD_CONTROLLER,
            Some(false) => kind == super::NEW_CONTROLLER,
            None => true,
        };
        match &staged.stage {
            Stage::Announcement { kept } if fits(*kept) => {
                let known = kept.is_some();
                self.respond(sender, body, known, rng)
            }
            Stage::Key {
                announcement: Announced::Awaited { kept },
                ..
            } if fits(Some(*kept)) => self.observe(sender, body),
            Stage::Key {
                announcement: Announced::Seen(seen),
                ..
            } => match staged.order.first() == Some(sender) {
                true if seen == body => Err(Rejected::Repeated(*sender).into()),
                true => Err(peer(sender, PeerFault::Duplicate)),
                false => Err(peer(sender, PeerFault::NotController)),
            },
            Stage::Announcement { .. }
            | Stage::Responses { .. }
            | Stage::Key { .. }
            | Stage::OwnKey { .. } => Err(unexpected(sender, kind)),
        }
    }

    /// Round 2, target: draws its share, computes the pairwise key, and responds with z_y. `known` says
    /// whether the order is known already.
    fn respond(
        &mut self,
        sender: &MemberName,
        body: &[u8],
        known: bool,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let staged = self.staged.as_ref().ok_or(NOTHING_STAGED)?;
        let announced = Announcement::decode(body, self.arithmetic.group().element_len())?;
        let controller = match known {
            true => staged.order.first().map(MemberName::as_bytes),
            false => announced.order.first().copied(),
        };
        if controller != Some(sender.as_bytes()) {
            return Err(peer(sender, PeerFault::NotController));
        }
        let mismatch = || peer(sender, PeerFault::MemberListMismatch);
        let order = match known {
            true => same_names(announced.order.iter().copied(), &staged.order)
                .then(|| staged.order.clone()),
            false => permutation(&staged.order, &announced.order),
        };
        let order = order.ok_or_else(mismatch)?;
        let public = self.arithmetic.receive(announced.element, sender)?;

        for _ in 0..DRAWS_MAX {
            let share = self.arithmetic.draw(rng);
            let mine = self.arithmetic.exponentiate_generator(&share);
            let key = pairwise_key(&mut self.arithmetic, self.mode, &public, &share);
            let Some(key) = key else {
                continue;
            };
            let response = self.arithmetic.encode(&mine);
            let to = Recipient::Member(*sender);
            let token = self.arithmetic.outgoing(to, super::RESPONSE, response);
            self.staged = Some(Staged {
                order,
                stage: Stage::Key {
                    fresh: Some((public, key)),
                    announcement: Announced::Seen(body.to_vec()),
                },
            });
            return Ok(Step::send(token));
        }
        Err(Error::Internal("no share with a pairwise key other than 0"))
    }

    /// An announcement to others: its list must be the expected one, and its public share the one that the
    /// own pairwise key was computed with.
    fn observe(&mut self, sender: &MemberName, body: &[u8]) -> Result<Step, Error> {
        let staged = self.staged.as_mut().ok_or(NOTHING_STAGED)?;
        let announced = Announcement::decode(body, self.arithmetic.group().element_len())?;
        if staged.order.first() != Some(sender) {
            return Err(peer(sender, PeerFault::NotController));
        }
        if !same_names(announced.order.iter().copied(), &staged.order) {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let known = self.completed.as_ref().ok_or(NO_GROUP)?;
        if self.arithmetic.encode(&known.public) != announced.element {
            self.arithmetic.receive(announced.element, sender)?;
            return Err(peer(sender, PeerFault::Inconsistent));
        }
        if let Stage::Key { announcement, .. } = &mut staged.stage {
            *announcement = Announced::Seen(body.to_vec());
        }
        Ok(Step::wait())
    }

    /// Controller: a target's z_y. With the last one it computes the pairwise keys and sends the key.
    pub(super) fn process_response(
        &mut self,
        sender: &MemberName,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let staged = self.staged.as_mut().ok_or(NOTHING_STAGED)?;
        let Stage::Responses { targets, .. } = &mut staged.stage else {
            return Err(unexpected(sender, super::RESPONSE));
        };
        let element = Response::decode(body, self.arithmetic.group().element_len())?.element;
        let missing = targets.values().filter(|response| response.is_none());
        let is_last = missing.count() == 1;
        let slot = match targets.get_mut(sender) {
            None => return Err(peer(sender, PeerFault::NotController)),
            Some(Some(first)) if **first.encoding() == *element => {
                return Err(Rejected::Repeated(*sender).into());
            }
            Some(Some(_)) => return Err(peer(sender, PeerFault::Duplicate)),
            Some(slot) => slot,
        };
        let response = Received::decode(element, sender, &self.arithmetic)?;
        if is_last {
            let keys = self.pairwise_keys(&response)?;
            return self.send_key(keys, rng);
        }
        *slot = Some(response);
        Ok(Step::wait())
    }

    /// Controller: tests the public shares of all targets together, of which `last` is not stored, and
    /// computes the keys shared with them.
    fn pairwise_keys(
        &mut self,
        last: &Received<G>,
    ) -> Result<BTreeMap<MemberName, PairwiseKey<G>>, Error> {
        let Some(Staged {
            stage: Stage::Responses { fresh, targets, .. },
            ..
        }) = &self.staged
        else {
            return Err(NOTHING_STAGED);
        };
        let share = match (fresh, &self.completed) {
            (Some((share, _)), _) => share,
            (None, Some(context)) => &context.controller()?.share,
            (None, None) => return Err(NO_GROUP),
        };
        let responses: Vec<_> = targets
            .values()
            .map(|response| response.as_ref().unwrap_or(last))
            .collect();
        let elements = Received::validate_all(&responses, &mut self.arithmetic)?;
        let mut keys = BTreeMap::new();
        for (response, element) in responses.iter().zip(&elements) {
            let name = response.sender();
            let key = pairwise_key(&mut self.arithmetic, self.mode, element, share)
                .ok_or_else(|| peer(name, PeerFault::Inconsistent))?;
            keys.insert(*name, key);
        }
        Ok(keys)
    }
}

/// The key that two members share, or `None` if it is 0.
fn pairwise_key<G: Group>(
    arithmetic: &mut Arithmetic<G>,
    mode: Mode,
    public: &G::Element,
    share: &G::Scalar,
) -> Option<PairwiseKey<G>> {
    let common = arithmetic.agree_element(public, share);
    match mode {
        Mode::Exponentiation => {
            let image = arithmetic.group().secret_to_scalar(&common);
            image.map(PairwiseKey::Exponent)
        }
        Mode::Wrapping => {
            let encoded = arithmetic.group_secret(&common)?;
            Some(PairwiseKey::Wrap(WrapKey::new(&encoded)))
        }
    }
}
