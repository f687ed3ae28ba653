//! Suites over symbolic elements, one for each process of a simulation, that can be copied.
//!
//! A suite's machine has no `Clone`, because its secrets have none. But it is a function of what was
//! done with it, and its shares are numbered; so a [`Tape`] of all calls makes a second one that is
//! in the same state.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::hash::{Hash, Hasher};
use std::{
    collections::hash_map::DefaultHasher,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cliques::{
    Change, Cost, Error, KeyAgreement, MemberName, Protocol, Step, TokenKind,
    testing::symbolic::{Algebra, SymbolicGroup},
};
use rand_core::CryptoRng;

use super::{Dice, faults::Fault};

/// Something that was done with a suite.
#[derive(Clone, Debug)]
enum Call {
    /// Shares get numbers from this one on.
    Number(u32),
    Begin(Change),
    Join(MemberName),
    Process(MemberName, TokenKind, Vec<u8>),
    Refresh,
    Abandon,
}

/// Everything that was done with a suite since it was empty.
#[derive(Clone, Debug, Default)]
struct Calls {
    list: Vec<Call>,
    /// Stands for the state that the last completed agreement left, and what was done since.
    digest: u64,
}

impl Calls {
    fn push(&mut self, call: Call) {
        let mut hasher = DefaultHasher::new();
        self.digest.hash(&mut hasher);
        match &call {
            Call::Number(number) => (0, number).hash(&mut hasher),
            Call::Begin(change) => alloc::format!("{change:?}").hash(&mut hasher),
            Call::Join(joined) => (3, joined).hash(&mut hasher),
            Call::Process(sender, kind, body) => (sender, kind, body).hash(&mut hasher),
            Call::Refresh => 1.hash(&mut hasher),
            Call::Abandon => 2.hash(&mut hasher),
        }
        self.digest = hasher.finish();
        self.list.push(call);
    }

    /// An agreement is complete. What the suite keeps of it is what its completing token, its key and
    /// its order tell, and the shares, which are looked at apart.
    fn complete(&mut self, secret: &[u8], order: &[MemberName]) {
        let mut hasher = DefaultHasher::new();
        let token = match self.list.last() {
            Some(Call::Process(sender, kind, body)) => Some((sender, kind, body)),
            Some(
                Call::Number(_) | Call::Begin(_) | Call::Join(_) | Call::Refresh | Call::Abandon,
            )
            | None => None,
        };
        (secret, order, token).hash(&mut hasher);
        self.digest = hasher.finish();
    }
}

/// What was done with a suite: the suite writes it, and its process makes copies from it.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    protocol: Protocol,
    me: MemberName,
    life: usize,
    algebra: Arc<Algebra>,
    group: SymbolicGroup,
    calls: Arc<Mutex<Calls>>,
    fault: Option<Fault>,
}

impl Tape {
    /// An empty suite and its tape.
    pub(super) fn record(
        algebra: &Arc<Algebra>,
        protocol: Protocol,
        me: &MemberName,
        life: usize,
        fault: Option<Fault>,
    ) -> (Self, Box<dyn KeyAgreement>) {
        let group = SymbolicGroup::new(algebra.clone(), life);
        if fault == Some(Fault::RepeatShares) {
            group.repeat_shares();
        }
        let inner = protocol.member(group.clone(), *me);
        let calls = Arc::<Mutex<Calls>>::default();
        let suite = Recorded {
            inner,
            group: group.clone(),
            calls: calls.clone(),
            fault,
        };
        let tape = Self {
            protocol,
            me: *me,
            life,
            algebra: algebra.clone(),
            group,
            calls,
            fault,
        };
        (tape, Box::new(suite))
    }

    /// A second suite in the same state, and its tape.
    pub(super) fn replay(&self) -> (Self, Box<dyn KeyAgreement>) {
        let (tape, mut suite) = Self::record(
            &self.algebra,
            self.protocol,
            &self.me,
            self.life,
            self.fault,
        );
        // Numbered shares are drawn without it.
        let mut dice = Dice::new(0);
        let calls = lock(&self.calls).clone();
        for call in &calls.list {
            // What failed then fails again, and changes nothing.
            match call {
                Call::Number(number) => tape.group.number_from(*number),
                Call::Begin(change) => drop(suite.begin(change.clone(), dice.rng())),
                Call::Join(joined) => drop(suite.begin_join(*joined, dice.rng())),
                Call::Process(sender, kind, body) => {
                    drop(suite.process(sender, *kind, body, dice.rng()));
                }
                Call::Refresh => drop(suite.refresh(dice.rng())),
                Call::Abandon => suite.abandon(),
            }
        }
        suite.take_cost();
        *lock(&tape.calls) = calls;
        (tape, suite)
    }

    /// Numbers the shares that are drawn from now on.
    pub(super) fn number_from(&self, number: u32) {
        self.group.number_from(number);
        lock(&self.calls).push(Call::Number(number));
    }

    /// The process's handle of the group.
    pub(super) const fn group(&self) -> &SymbolicGroup {
        &self.group
    }

    /// Hashes everything that the future behaviour of the suite depends on.
    pub(super) fn fingerprint(&self, hasher: &mut impl Hasher) {
        (lock(&self.calls).digest, self.group.number()).hash(hasher);
        self.group.alive().hash(hasher);
    }
}

/// A suite that is recorded.
#[derive(Debug)]
struct Recorded {
    inner: Box<dyn KeyAgreement>,
    group: SymbolicGroup,
    calls: Arc<Mutex<Calls>>,
    fault: Option<Fault>,
}

impl Recorded {
    fn note(&self, call: Call) {
        lock(&self.calls).push(call);
    }

    fn completed(&self, result: &Result<Step, Error>) {
        if let Ok(Step {
            secret: Some(secret),
            ..
        }) = result
        {
            lock(&self.calls).complete(secret.expose(), self.inner.order());
        }
    }
}

/// Nothing panics while it holds the lock.
fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

impl KeyAgreement for Recorded {
    fn group_name(&self) -> &str {
        self.inner.group_name()
    }

    fn me(&self) -> &MemberName {
        self.inner.me()
    }

    fn bind(&mut self, context: [u8; 32]) {
        self.inner.bind(context);
    }

    fn begin(&mut self, change: Change, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        self.note(Call::Begin(change.clone()));
        let result = self.inner.begin(change, rng);
        self.completed(&result);
        result
    }

    fn begin_join(&mut self, joined: MemberName, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        self.note(Call::Join(joined));
        let result = self.inner.begin_join(joined, rng);
        self.completed(&result);
        result
    }

    fn process(
        &mut self,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        self.note(Call::Process(*sender, kind, body.to_vec()));
        let result = self.inner.process(sender, kind, body, rng);
        self.completed(&result);
        result
    }

    fn refresh(&mut self, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        self.note(Call::Refresh);
        let result = self.inner.refresh(rng);
        self.completed(&result);
        result
    }

    fn is_awaited(&self) -> bool {
        self.inner.is_awaited()
    }

    fn abandon(&mut self) {
        self.note(Call::Abandon);
        self.inner.abandon();
    }

    fn reset(&mut self) {
        if self.fault == Some(Fault::KeepShares) {
            return;
        }
        let mut calls = lock(&self.calls);
        *calls = Calls::default();
        if let Some(number) = self.group.number() {
            calls.push(Call::Number(number));
        }
        drop(calls);
        self.inner.reset();
    }

    fn order(&self) -> &[MemberName] {
        self.inner.order()
    }

    fn controller(&self) -> Option<&MemberName> {
        self.inner.controller()
    }

    fn take_cost(&mut self) -> Cost {
        self.inner.take_cost()
    }
}
