//! Round 3: the group secret, enciphered for every member.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use gcs_view::MemberName;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    context::{Context, Pair, Reign, Role, Stage, Staged},
    machine::{Ckd, NOTHING_STAGED},
    message::{EncipheredKey, Mode},
    wrap::{IV_LEN, SECRET_LEN},
};
use crate::{
    agreement::Step,
    arithmetic::Arithmetic,
    error::{Error, PeerFault, Rejected},
    group::Group,
    rules::{NO_GROUP, peer, same_names, unexpected},
    secret::GroupSecret,
    token::{Recipient, TokenKind},
};

/// Somebody's pair is missing, or of the other mode.
const NO_PAIR: Error = Error::Internal("no pair with a member");

impl<G: Group> Ckd<G> {
    /// A new group of this member alone; nothing is sent.
    pub(super) fn found(&mut self, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let (share, public) = self.draw_share(rng);
        let (secret, _) = encipher(&mut self.arithmetic, self.mode, &self.context, &[], rng)?;
        self.staged = None;
        self.completed = Some(Context {
            order: vec![self.me],
            public,
            role: Role::Controller(Reign {
                share,
                pairs: BTreeMap::new(),
            }),
        });
        Ok(Step::complete(secret))
    }

    /// Controller: everybody has a pair already.
    pub(super) fn send_key_at_once(
        &mut self,
        order: Vec<MemberName>,
        renew: bool,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let fresh = renew.then(|| self.draw_share(rng));
        let stage = Stage::Responses {
            fresh,
            targets: BTreeMap::new(),
            echo: None,
        };
        self.staged = Some(Staged { order, stage });
        self.send_key(BTreeMap::new(), rng)
    }

    /// Controller: draws the group secret and broadcasts it, enciphered for each other member by its
    /// new or its old pair. It takes effect when it comes back.
    pub(super) fn send_key(
        &mut self,
        pairs: BTreeMap<MemberName, Pair<G>>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let Some(Staged {
            order,
            stage: Stage::Responses { fresh, .. },
        }) = &self.staged
        else {
            return Err(NOTHING_STAGED);
        };
        let kept = match (fresh, &self.completed) {
            (None, Some(context)) => Some(&context.reign()?.pairs),
            (Some(_), _) | (None, None) => None,
        };
        let mut receivers = Vec::with_capacity(order.len());
        for name in order.iter().skip(1) {
            let pair = pairs.get(name).or_else(|| kept?.get(name));
            receivers.push((name, pair.ok_or(NO_PAIR)?));
        }
        let (secret, ciphertexts) = encipher(
            &mut self.arithmetic,
            self.mode,
            &self.context,
            &receivers,
            rng,
        )?;
        let names = receivers.iter().map(|(name, _)| *name);
        let body = EncipheredKey::encode(self.mode, names.zip(ciphertexts));
        let token = self
            .arithmetic
            .outgoing(Recipient::Group, super::KEY, body.clone());

        let Some(Staged {
            order,
            stage: Stage::Responses { fresh, echo, .. },
        }) = self.staged.take()
        else {
            return Err(NOTHING_STAGED);
        };
        let stage = Stage::OwnKey {
            fresh,
            pairs,
            secret,
            body,
            echo,
        };
        self.staged = Some(Staged { order, stage });
        Ok(Step::send(token))
    }

    /// Everybody else: deciphers the own entry and installs.
    pub(super) fn process_key(&mut self, sender: &MemberName, body: &[u8]) -> Result<Step, Error> {
        let staged = self.staged.as_ref().ok_or(NOTHING_STAGED)?;
        let Stage::Key { fresh, .. } = &staged.stage else {
            return Err(unexpected(sender, super::KEY));
        };
        let key = EncipheredKey::decode(body, self.arithmetic.group().element_len())?;
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
        let pair = match (fresh, &self.completed) {
            (Some((_, pair)), _) => pair,
            (None, Some(context)) => context.pair()?,
            (None, None) => return Err(NO_GROUP),
        };
        let secret = match pair {
            Pair::Exponent(exponent) => {
                let blinded = self.arithmetic.receive(ciphertext, sender)?;
                let inverse = self.arithmetic.invert(exponent);
                self.arithmetic
                    .agree(&blinded, &inverse)
                    .ok_or_else(|| peer(sender, PeerFault::OneElement))?
            }
            Pair::Key(key) => key
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
            (Some((public, pair)), _) => Some(Context {
                order,
                public,
                role: Role::Member(pair),
            }),
            (None, Some(context)) => Some(Context { order, ..context }),
            // Ruled out above.
            (None, None) => None,
        };
        Ok(Step::complete(secret))
    }

    /// An own broadcast that came back. It counts only if it is the one that is pending, byte for
    /// byte: anything else is a replay.
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

    /// Installs the own key. Pairs with those who are gone are erased.
    fn install_own(&mut self) -> Result<Step, Error> {
        let Some(Staged {
            order,
            stage:
                Stage::OwnKey {
                    fresh,
                    mut pairs,
                    secret,
                    ..
                },
        }) = self.staged.take()
        else {
            return Err(NOTHING_STAGED);
        };
        let (share, public) = match (fresh, self.completed.take()) {
            (Some((share, public)), _) => (share, public),
            (None, Some(context)) => {
                let Role::Controller(reign) = context.role else {
                    return Err(NO_PAIR);
                };
                for (name, pair) in reign.pairs {
                    if order.contains(&name) {
                        pairs.entry(name).or_insert(pair);
                    }
                }
                (reign.share, context.public)
            }
            (None, None) => return Err(NO_GROUP),
        };
        self.completed = Some(Context {
            order,
            public,
            role: Role::Controller(Reign { share, pairs }),
        });
        Ok(Step::complete(secret))
    }
}

/// A fresh group secret, and its ciphertexts for the receivers.
fn encipher<G: Group>(
    arithmetic: &mut Arithmetic<G>,
    mode: Mode,
    context: &[u8; 32],
    receivers: &[(&MemberName, &Pair<G>)],
    rng: &mut dyn CryptoRng,
) -> Result<(GroupSecret, Vec<Vec<u8>>), Error> {
    match mode {
        Mode::Exponentiation => {
            // K = g^s, and C_y = K^(e_y).
            let session = arithmetic.draw(rng);
            let key = arithmetic.agree_generator(&session);
            let mut exponents = Vec::with_capacity(receivers.len());
            for (_, pair) in receivers {
                match pair {
                    Pair::Exponent(exponent) => exponents.push(exponent),
                    Pair::Key(_) => return Err(NO_PAIR),
                }
            }
            let blinded = arithmetic.exponentiate_secret_each(&key, &exponents);
            let secret = arithmetic
                .group_secret(&key)
                .ok_or(Error::Internal("a fresh key is the identity"))?;
            let blinded = blinded.iter().map(|element| arithmetic.encode(element));
            Ok((secret, blinded.collect()))
        }
        Mode::Wrapping => {
            let mut secret = Zeroizing::new([0; SECRET_LEN]);
            rng.fill_bytes(&mut *secret);
            let mut wrapped = Vec::with_capacity(receivers.len());
            for (name, pair) in receivers {
                let Pair::Key(key) = pair else {
                    return Err(NO_PAIR);
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
