//! Round 3: the group secret, encrypted for every member.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use gcs_view::MemberName;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    context::{Context, Controller, FreshShare, PairwiseKey, Role, Stage, Staged},
    machine::Ckd,
    message::{EncryptedKey, Mode},
    wrap::{IV_LEN, SECRET_LEN},
};
use crate::{
    agreement::Step,
    arithmetic::Arithmetic,
    error::{Error, PeerFault, Rejected},
    group::Group,
    rules::{NO_GROUP, peer, same_names, unexpected},
    secret::GroupSecret,
    staged::NOTHING_STAGED,
    token::{Recipient, TokenKind},
};

/// A pairwise key is missing, or of the other mode.
const NO_PAIRWISE_KEY: Error = Error::Internal("no pairwise key for a member");

impl<G: Group> Ckd<G> {
    /// A new group of this member alone; nothing is sent.
    pub(super) fn found(&mut self, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let (share, public) = self.draw_share(rng);
        let (secret, _) = encrypt(&mut self.arithmetic, self.mode, &self.context, &[], rng)?;
        self.staged = None;
        self.completed = Some(Context {
            order: vec![self.me],
            public,
            role: Role::Controller(Controller {
                share,
                keys: BTreeMap::new(),
            }),
        });
        Ok(Step::complete(secret))
    }

    /// Controller: every member shares a key with it already.
    pub(super) fn send_key_at_once(
        &mut self,
        order: Vec<MemberName>,
        renew: bool,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let fresh = renew.then(|| self.draw_share(rng));
        let keys = BTreeMap::new();
        let receivers = receivers(&order, fresh.as_ref(), &keys, self.completed.as_ref())?;
        let encrypted = encrypt(
            &mut self.arithmetic,
            self.mode,
            &self.context,
            &receivers,
            rng,
        )?;
        Ok(self.stage_key(order, fresh, keys, encrypted, None))
    }

    /// Controller: draws the group secret and broadcasts it, encrypted for each other member with its new
    /// or its old pairwise key. It takes effect when it is delivered.
    pub(super) fn send_key(
        &mut self,
        keys: BTreeMap<MemberName, PairwiseKey<G>>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let Some(Staged {
            order,
            stage: Stage::Responses { fresh, .. },
        }) = &self.staged
        else {
            return Err(NOTHING_STAGED);
        };
        let receivers = receivers(order, fresh.as_ref(), &keys, self.completed.as_ref())?;
        let encrypted = encrypt(
            &mut self.arithmetic,
            self.mode,
            &self.context,
            &receivers,
            rng,
        )?;

        let Some(Staged {
            order,
            stage: Stage::Responses { fresh, echo, .. },
        }) = self.staged.take()
        else {
            return Err(NOTHING_STAGED);
        };
        Ok(self.stage_key(order, fresh, keys, encrypted, echo))
    }

    fn stage_key(
        &mut self,
        order: Vec<MemberName>,
        fresh: Option<FreshShare<G>>,
        keys: BTreeMap<MemberName, PairwiseKey<G>>,
        (secret, ciphertexts): (GroupSecret, Vec<Vec<u8>>),
        echo: Option<Vec<u8>>,
    ) -> Step {
        let body = EncryptedKey::encode(self.mode, order.iter().skip(1).zip(ciphertexts));
        let token = self
            .arithmetic
            .outgoing(Recipient::Group, super::KEY, body.clone());
        let stage = Stage::OwnKey {
            fresh,
            keys,
            secret,
            body,
            echo,
        };
        self.staged = Some(Staged { order, stage });
        Step::send(token)
    }

    /// Every other member: decrypts the own entry and installs the key.
    pub(super) fn process_key(&mut self, sender: &MemberName, body: &[u8]) -> Result<Step, Error> {
        let staged = self.staged.as_ref().ok_or(NOTHING_STAGED)?;
        let Stage::Key { fresh, .. } = &staged.stage else {
            return Err(unexpected(sender, super::KEY));
        };
        let key = EncryptedKey::decode(body, self.arithmetic.group().element_len())?;
        if key.mode != self.mode {
            return Err(Rejected::SuiteMismatch { field: "mode" }.into());
        }
        let Some((controller, others)) = staged.order.split_first() else {
            return Err(NOTHING_STAGED);
        };
        if controller != sender {
            return Err(peer(sender, PeerFault::NotController));
        }
        if !same_names(key.entries.iter().map(|(name, _)| *name), others) {
            return Err(peer(sender, PeerFault::MemberListMismatch));
        }
        let mine = key.entries.iter().zip(others);
        let ciphertext = mine
            .filter(|(_, name)| **name == self.me)
            .map(|((_, ciphertext), _)| *ciphertext)
            .next()
            .ok_or(Error::Internal("no entry of this member"))?;
        let pairwise_key = match (fresh, &self.completed) {
            (Some((_, key)), _) => key,
            (None, Some(context)) => context.pairwise_key()?,
            (None, None) => return Err(NO_GROUP),
        };
        let secret = match pairwise_key {
            PairwiseKey::Exponent(exponent) => {
                let blinded = self.arithmetic.receive(ciphertext, sender)?;
                let inverse = self.arithmetic.invert(exponent);
                self.arithmetic
                    .agree(&blinded, &inverse)
                    .ok_or_else(|| peer(sender, PeerFault::OneElement))?
            }
            PairwiseKey::Wrap(key) => key
                .unwrap(ciphertext, &self.context, &self.me)
                .ok_or_else(|| peer(sender, PeerFault::Inconsistent))?,
        };

        let Some(Staged {
            order,
            stage: Stage::Key { fresh, .. },
        }) = self.staged.take()
        else {
            return Err(NOTHING_STAGED);
        };
        self.completed = match (fresh, self.completed.take()) {
            (Some((public, key)), _) => Some(Context {
                order,
                public,
                role: Role::Member(key),
            }),
            (None, Some(context)) => Some(Context { order, ..context }),
            // Ruled out above.
            (None, None) => None,
        };
        Ok(Step::complete(secret))
    }

    /// An own broadcast that was delivered. It must equal the pending one byte for byte: anything else is
    /// a replay.
    pub(super) fn process_own(&mut self, kind: TokenKind, body: &[u8]) -> Result<Step, Error> {
        let replay = || Err(Rejected::Repeated(self.me).into());
        let Some(staged) = self.staged.as_mut() else {
            return replay();
        };
        match (&mut staged.stage, kind) {
            (
                Stage::Responses { echo, .. } | Stage::OwnKey { echo, .. },
                super::OLD_CONTROLLER | super::NEW_CONTROLLER,
            ) if echo.as_deref() == Some(body) => {
                *echo = None;
                Ok(Step::wait())
            }
            (Stage::OwnKey { body: pending, .. }, super::KEY) if pending == body => {
                self.install_own()
            }
            (
                Stage::Announcement { .. }
                | Stage::Responses { .. }
                | Stage::Key { .. }
                | Stage::OwnKey { .. },
                _,
            ) => replay(),
        }
    }

    /// Installs the own key. Pairwise keys of members that left are erased.
    fn install_own(&mut self) -> Result<Step, Error> {
        let Some(Staged {
            stage: Stage::OwnKey { fresh, .. },
            ..
        }) = &self.staged
        else {
            return Err(NOTHING_STAGED);
        };
        if fresh.is_none() {
            self.completed.as_ref().ok_or(NO_GROUP)?.controller()?;
        }

        let Some(Staged {
            order,
            stage:
                Stage::OwnKey {
                    fresh,
                    mut keys,
                    secret,
                    ..
                },
        }) = self.staged.take()
        else {
            return Err(NOTHING_STAGED);
        };
        let (share, public) = match (fresh, self.completed.take()) {
            (Some((share, public)), _) => (share, public),
            (
                None,
                Some(Context {
                    public,
                    role: Role::Controller(controller),
                    ..
                }),
            ) => {
                for (name, key) in controller.keys {
                    if order.contains(&name) {
                        keys.entry(name).or_insert(key);
                    }
                }
                (controller.share, public)
            }
            // Ruled out above.
            (None, _) => return Err(NO_GROUP),
        };
        self.completed = Some(Context {
            order,
            public,
            role: Role::Controller(Controller { share, keys }),
        });
        Ok(Step::complete(secret))
    }
}

/// All members but the controller, each with its new pairwise key, or the old one if the controller keeps
/// its share.
fn receivers<'a, G: Group>(
    order: &'a [MemberName],
    fresh: Option<&FreshShare<G>>,
    keys: &'a BTreeMap<MemberName, PairwiseKey<G>>,
    completed: Option<&'a Context<G>>,
) -> Result<Vec<(&'a MemberName, &'a PairwiseKey<G>)>, Error> {
    let kept = match (fresh, completed) {
        (None, Some(context)) => Some(&context.controller()?.keys),
        (Some(_), _) | (None, None) => None,
    };
    let receivers = order.iter().skip(1).map(|name| {
        let key = keys.get(name).or_else(|| kept?.get(name));
        Ok((name, key.ok_or(NO_PAIRWISE_KEY)?))
    });
    receivers.collect()
}

/// A fresh group secret, and its ciphertexts for the receivers.
fn encrypt<G: Group>(
    arithmetic: &mut Arithmetic<G>,
    mode: Mode,
    context: &[u8; 32],
    receivers: &[(&MemberName, &PairwiseKey<G>)],
    rng: &mut dyn CryptoRng,
) -> Result<(GroupSecret, Vec<Vec<u8>>), Error> {
    match mode {
        Mode::Exponentiation => {
            // K = g^s, and C_y = K^(e_y).
            let session = arithmetic.draw(rng);
            let secret = arithmetic.agree_generator(&session);
            let mut exponents = Vec::with_capacity(receivers.len());
            for (_, key) in receivers {
                match key {
                    PairwiseKey::Exponent(exponent) => exponents.push(exponent),
                    PairwiseKey::Wrap(_) => return Err(NO_PAIRWISE_KEY),
                }
            }
            let blinded = arithmetic.exponentiate_secret_each(&secret, &exponents);
            let secret = arithmetic
                .group_secret(&secret)
                .ok_or(Error::Internal("a fresh key is the identity"))?;
            let blinded = blinded.iter().map(|element| arithmetic.encode(element));
            Ok((secret, blinded.collect()))
        }
        Mode::Wrapping => {
            let mut secret = Zeroizing::new([0; SECRET_LEN]);
            rng.fill_bytes(&mut *secret);
            let mut wrapped = Vec::with_capacity(receivers.len());
            for (name, key) in receivers {
                let PairwiseKey::Wrap(key) = key else {
                    return Err(NO_PAIRWISE_KEY);
                };
                let mut iv = [0; IV_LEN];
                rng.fill_bytes(&mut iv);
                let one = key.wrap(&secret, context, name, &iv);
                wrapped.push(one.ok_or(Error::Internal("a cipher refused its key"))?);
            }
            Ok((GroupSecret::new(secret.as_slice().into()), wrapped))
        }
    }
}
