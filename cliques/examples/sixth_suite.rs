//! A suite of one's own, in one file: everything that the trait asks for, and the proof that it keeps
//! the contract of a suite.
//!
//! "Broadcast key transport": in every event all members show a fresh public share, z_i = g^(r_i), and
//! then the first one sends a fresh key K = g^s to each of the others under what the two have in
//! common, C_y = K^(e_y) with e_y = F(g^(r_1 r_y)). It is CKD without pairs that last: two rounds for
//! whatever happens, 3n - 1 exponentiations at the first member.
//!
//! ```text
//!   each i                          everybody
//!   |  z_i = g^(r_i), r_i fresh        |
//!   |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>|     to the group, AGREED
//!   first of the order               |
//!   |  C_y for each other y            |     K = g^s, s fresh
//!   |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>|     to the group, AGREED
//!                                      K = C_y^(1/e_y) at each y
//! ```
//!
//! As a value of type `Suite` it runs wherever a suite of the crate does: signed envelopes, robust
//! drivers, sessions.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an example shows what it does, and stops where it is wrong"
)]

use std::{collections::BTreeSet, fmt, mem};

use cliques::{
    Change, Cost, DecodeError, Error, Exponentiation, Group, GroupSecret, KeyAgreement, MemberName,
    NamedGroup, Outgoing, PeerFault, Protocol, Recipient, Rejected, Step, Suite, Survival,
    TokenKind, TokenService, constructor,
    group::{ElementError, GroupExt},
    testing::{bus::Schedule, contract},
};
use rand_core::CryptoRng;

/// All that others need to know of the suite. Numbers from 128 are free for all.
///
/// A suite of the crate has the same value in its folder, and a line in `suites.rs`.
static SUITE: Suite = Suite {
    name: "transport",
    number: 128,
    kinds: &[PUBLIC_SHARE, KEYS],
    survival: Survival::Nothing,
    member: constructor!(Transport::new),
};

/// The suite, wherever one is to be named.
const TRANSPORT: Protocol = Protocol::of(&SUITE);

/// A fresh public share, first round.
const PUBLIC_SHARE: TokenKind = TokenKind::new(0x8001, "public-share", TokenService::Agreed);
/// The key, encrypted for each member, second round.
const KEYS: TokenKind = TokenKind::new(0x8002, "keys", TokenService::Agreed);

/// One member.
struct Transport<G: Group> {
    group: G,
    me: MemberName,
    cost: Cost,
    /// Members of the last completed agreement: nothing else outlives one.
    completed: Option<Vec<MemberName>>,
    staged: Option<Run<G>>,
}

/// An agreement under way.
struct Run<G: Group> {
    order: Vec<MemberName>,
    share: G::Scalar,
    /// Own public share as sent.
    shown: Vec<u8>,
    /// Public shares that were delivered, by place in the order.
    public: Vec<Option<G::Element>>,
    /// First member: the key, and the token that brings it to the others, until it comes back.
    key: Option<(GroupSecret, Vec<u8>)>,
}

impl<G: Group> Transport<G> {
    fn new(group: G, me: MemberName) -> Self {
        Self {
            group,
            me,
            cost: Cost::default(),
            completed: None,
            staged: None,
        }
    }

    /// Round 1.
    fn start(&mut self, order: Vec<MemberName>, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let distinct: BTreeSet<_> = order.iter().collect();
        if distinct.len() != order.len() || !distinct.contains(&self.me) {
            return Err(Error::ApiMisuse(
                "members must be distinct, and this one of them",
            ));
        }
        if order.len() == 1 {
            let key = self.draw_key(rng);
            self.staged = None;
            self.completed = Some(order);
            return Ok(Step::complete(self.group.secret(&key)));
        }
        let share = self.group.random_scalar(rng);
        let element = self.group.exponentiate_generator(&share);
        self.cost.fixed_base_exponentiations += 1;
        let shown = self.group.encode(&element);
        self.staged = Some(Run {
            public: order.iter().map(|_| None).collect(),
            order,
            share,
            shown: shown.clone(),
            key: None,
        });
        Ok(Step::send(self.broadcast(PUBLIC_SHARE, shown)))
    }

    fn draw_key(&mut self, rng: &mut dyn CryptoRng) -> G::SecretElement {
        self.cost.fixed_base_exponentiations += 1;
        let session = self.group.random_scalar(rng);
        self.group.agree_generator(&session)
    }

    fn process_public(
        &mut self,
        sender: &MemberName,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let own = *sender == self.me;
        let run = self.staged.as_mut().ok_or(NOTHING)?;
        let place = place(&run.order, sender)?;
        match &run.public[place] {
            Some(first) if self.group.encode(first) != body => {
                return Err(match own {
                    true => Rejected::Repeated(*sender).into(),
                    false => fault(sender, PeerFault::Duplicate),
                });
            }
            Some(_) => return Err(Rejected::Repeated(*sender).into()),
            None if own && run.shown != body => {
                return Err(Rejected::Repeated(*sender).into());
            }
            None => {}
        }
        self.cost.element_tests += 1;
        let element = receive(&self.group, body, sender)?;
        run.public[place] = Some(element);
        if run.order[0] != self.me || run.public.iter().any(Option::is_none) {
            return Ok(Step::wait());
        }

        // Round 2, first member.
        let Some(mut run) = self.staged.take() else {
            return Err(NOTHING);
        };
        let mut exponents = Vec::new();
        for (name, public) in run.order.iter().zip(&run.public).skip(1) {
            let public = public.as_ref().ok_or(NOTHING)?;
            let common = self.agree(public, &run.share);
            let Some(exponent) = self.group.secret_to_scalar(&common) else {
                // A refused token never came.
                let culprit = *name;
                run.public[place] = None;
                self.staged = Some(run);
                return Err(fault(&culprit, PeerFault::Inconsistent));
            };
            exponents.push(exponent);
        }
        let key = self.draw_key(rng);
        let borrowed: Vec<_> = exponents.iter().collect();
        borrowed.iter().for_each(|_| self.count());
        let ciphertexts = self.group.exponentiate_secret_each(&key, &borrowed);
        let body: Vec<u8> = ciphertexts
            .iter()
            .flat_map(|element| self.group.encode(element))
            .collect();
        self.staged = Some(Run {
            key: Some((self.group.secret(&key), body.clone())),
            ..run
        });
        Ok(Step::send(self.broadcast(KEYS, body)))
    }

    fn process_key(&mut self, sender: &MemberName, body: &[u8]) -> Result<Step, Error> {
        let run = self.staged.as_ref().ok_or(NOTHING)?;
        if *sender == self.me {
            return match &run.key {
                Some((_, sent)) if sent == body => Ok(self.install(None)),
                _ => Err(Rejected::Repeated(*sender).into()),
            };
        }
        let len = self.group.element_len();
        let others = run.order.len() - 1;
        match body.len().checked_sub(others * len) {
            None => return Err(DecodeError::Truncated("keys").into()),
            Some(0) => {}
            Some(more) => return Err(DecodeError::Trailing(more).into()),
        }
        if run.order[0] != *sender {
            return Err(fault(sender, PeerFault::NotController));
        }
        let mine = place(&run.order, &self.me)? - 1;
        let Some(public) = &run.public[0] else {
            return Err(Error::Unexpected {
                sender: *sender,
                kind: KEYS,
            });
        };
        self.cost.element_tests += 1;
        let blinded = receive(&self.group, &body[mine * len..(mine + 1) * len], sender)?;
        let common = self.group.agree(public, &run.share);
        let exponent = self
            .group
            .secret_to_scalar(&common)
            .ok_or_else(|| fault(sender, PeerFault::Inconsistent))?;
        let inverse = self.group.invert_scalar(&exponent);
        self.cost.inversions += 1;
        let key = self.agree(&blinded, &inverse);
        self.count();
        Ok(self.install(Some(self.group.secret(&key))))
    }

    /// Installs a key that was received, or else the own one.
    fn install(&mut self, received: Option<GroupSecret>) -> Step {
        let Some(run) = self.staged.take() else {
            return Step::wait();
        };
        self.completed = Some(run.order);
        match received.or_else(|| run.key.map(|(key, _)| key)) {
            Some(key) => Step::complete(key),
            None => Step::wait(),
        }
    }

    fn agree(&mut self, base: &G::Element, exponent: &G::Scalar) -> G::SecretElement {
        self.count();
        self.group.agree(base, exponent)
    }

    fn count(&mut self) {
        match self.group.exponentiation() {
            Exponentiation::Short => self.cost.short_exponentiations += 1,
            Exponentiation::Full | Exponentiation::FixedBase => {
                self.cost.full_exponentiations += 1;
            }
        }
    }

    fn broadcast(&mut self, kind: TokenKind, body: Vec<u8>) -> Outgoing {
        self.cost.broadcasts += 1;
        self.cost.bytes += u64::try_from(body.len()).unwrap_or(u64::MAX);
        Outgoing {
            to: Recipient::Group,
            service: kind.service(),
            kind,
            body,
        }
    }
}

const NOTHING: Error = Error::Internal("no agreement under way");

fn fault(culprit: &MemberName, fault: PeerFault) -> Error {
    Error::Peer {
        culprit: *culprit,
        fault,
    }
}

fn place(order: &[MemberName], member: &MemberName) -> Result<usize, Error> {
    let place = order.iter().position(|name| name == member);
    place.ok_or_else(|| Rejected::NotInView(*member).into())
}

fn receive<G: Group>(group: &G, bytes: &[u8], sender: &MemberName) -> Result<G::Element, Error> {
    if bytes.len() != group.element_len() {
        return Err(DecodeError::Truncated("element").into());
    }
    group.decode(bytes).map_err(|error| {
        let rule = match error {
            ElementError::Zero => PeerFault::ZeroElement,
            ElementError::One => PeerFault::OneElement,
            ElementError::Encoding | ElementError::NotInGroup => PeerFault::NotInGroup,
        };
        fault(sender, rule)
    })
}

impl<G: Group> KeyAgreement for Transport<G> {
    fn group_name(&self) -> &str {
        self.group.name()
    }

    fn me(&self) -> &MemberName {
        &self.me
    }

    fn begin(&mut self, change: Change, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let order = match change {
            Change::Found => vec![self.me],
            Change::Restart { joined } => {
                let mut order = vec![self.me];
                order.extend(joined);
                order
            }
            Change::Enter { members } if members.len() > 1 => members,
            Change::Enter { .. } => return Err(Error::ApiMisuse("nobody to enter to")),
            Change::Update { left, joined } => {
                let members = self.completed.as_ref();
                let members = members.ok_or(Error::ApiMisuse("no group to update"))?;
                if !left.iter().all(|name| members.contains(name)) {
                    return Err(Error::ApiMisuse("somebody left who was no member"));
                }
                let stay = members.iter().filter(|name| !left.contains(name));
                stay.cloned().chain(joined).collect()
            }
            Change::Resume { .. } => return Err(Error::ApiMisuse("cannot resume")),
        };
        self.start(order, rng)
    }

    fn process(
        &mut self,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let unexpected = Error::Unexpected {
            sender: *sender,
            kind,
        };
        let run = self.staged.as_ref().ok_or_else(|| unexpected.clone())?;
        place(&run.order, sender)?;
        match kind {
            PUBLIC_SHARE => self.process_public(sender, body, rng),
            KEYS => self.process_key(sender, body),
            _ => Err(unexpected),
        }
    }

    fn abandon(&mut self) {
        self.staged = None;
    }

    fn reset(&mut self) {
        self.staged = None;
        self.completed = None;
    }

    fn order(&self) -> &[MemberName] {
        match (&self.staged, &self.completed) {
            (Some(run), _) => &run.order,
            (None, Some(order)) => order,
            (None, None) => &[],
        }
    }

    fn controller(&self) -> Option<&MemberName> {
        self.order().first()
    }

    fn take_cost(&mut self) -> Cost {
        mem::take(&mut self.cost)
    }
}

impl<G: Group> fmt::Debug for Transport<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("me", &self.me)
            .field("order", &self.order())
            .field("agreeing", &self.staged.is_some())
            .finish_non_exhaustive()
    }
}

/// What every suite must do, and who must not know its keys.
fn keep_the_contract() -> Result<(), Box<dyn std::error::Error>> {
    for name in ["ristretto255", "rfc5114-1024-160"] {
        let group: NamedGroup = name.parse()?;
        contract::every_event(TRANSPORT, &group, Schedule::Rounds);
        contract::every_event(TRANSPORT, &group, Schedule::Shuffled(1));
        contract::order_of_delivery(TRANSPORT, &group, 0..8);
        contract::abandoned_agreements(TRANSPORT, &group);
        contract::restarts_after_a_cut(TRANSPORT, &group);
        contract::superseded_agreements(TRANSPORT, &group);
        contract::misuse(TRANSPORT, &group);
        contract::random_events(TRANSPORT, &group, 1, 40);
        println!("{TRANSPORT} over {group}: every event, any order, interruptions, misuse");
    }
    contract::exclusion(TRANSPORT);
    println!("{TRANSPORT}: who is not in a view cannot know its key");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    keep_the_contract()
}

#[test]
fn the_sixth_suite_keeps_the_contract() -> Result<(), Box<dyn std::error::Error>> {
    keep_the_contract()
}
