//! The BD machine: changes, dispatch.

use alloc::{vec, vec::Vec};
use core::fmt;

use gcs_view::MemberName;
use rand_core::CryptoRng;

use super::run::RingRun;
use crate::{
    agreement::{Change, KeyAgreement, Step},
    arithmetic::Arithmetic,
    cost::Cost,
    error::{Error, Rejected},
    group::Group,
    rules::{NO_GROUP, check_entry, check_members, remaining, unexpected},
    staged::{admit, staged_agreement},
    token::TokenKind,
};

/// A member's side of BD over the mathematical group `G`.
///
/// The [module documentation](crate::bd) explains the protocol.
pub struct Bd<G: Group> {
    me: MemberName,
    arithmetic: Arithmetic<G>,
    /// Ring order of the last completed agreement; nothing else is kept.
    completed: Option<Vec<MemberName>>,
    staged: Option<RingRun<G>>,
}

impl<G: Group> Bd<G> {
    /// A member without a group.
    pub fn new(group: G, me: MemberName) -> Self {
        Self {
            me,
            arithmetic: Arithmetic::new(group),
            completed: None,
            staged: None,
        }
    }

    /// Starts a full agreement among these members.
    fn start(&mut self, order: Vec<MemberName>, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        if order.len() == 1 {
            return self.alone(order, rng);
        }
        let (run, step) = RingRun::start(order, &self.me, &mut self.arithmetic, rng)?;
        self.staged = Some(run);
        Ok(step)
    }

    /// A group of this member alone, which is its own neighbour on both sides: K = z^r.
    fn alone(&mut self, order: Vec<MemberName>, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let share = self.arithmetic.draw(rng);
        let blinded = self.arithmetic.exponentiate_generator(&share);
        let secret = self
            .arithmetic
            .agree(&blinded, &share)
            .ok_or(Error::Internal("the key of a lone member is the identity"))?;
        self.staged = None;
        self.completed = Some(order);
        Ok(Step::complete(secret))
    }

    /// Installs the order of the agreement if it is complete.
    fn install(&mut self, step: Step) -> Step {
        if step.secret.is_some() {
            self.completed = self.staged.take().map(|run| run.order);
        }
        step
    }
}

impl<G: Group> KeyAgreement for Bd<G> {
    staged_agreement!();

    fn begin(&mut self, change: Change, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        match change {
            Change::Found => self.start(vec![self.me], rng),
            Change::Restart { joined } => {
                check_members([&self.me].into_iter().chain(&joined))?;
                let mut order = vec![self.me];
                order.extend(joined);
                self.start(order, rng)
            }
            Change::Enter { members } => {
                check_entry(&self.me, &members)?;
                self.start(members, rng)
            }
            Change::Update { left, joined } => {
                let completed = self.completed.as_ref().ok_or(NO_GROUP)?;
                let mut order = remaining(completed, &left, &self.me)?;
                check_members(order.iter().chain(&joined))?;
                order.extend(joined);
                self.start(order, rng)
            }
            Change::Resume { .. } => Err(Error::ApiMisuse("BD cannot resume an agreement")),
        }
    }

    fn process(
        &mut self,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
        _: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        if *sender == self.me {
            let repeated = || Rejected::Repeated(*sender);
            let run = self.staged.as_mut().ok_or_else(repeated)?;
            let step = run.process_own(kind, body, &mut self.arithmetic)?;
            return Ok(self.install(step));
        }
        let run = admit(self.staged.as_mut(), sender, kind)?;
        let step = match kind {
            super::BLINDED_SHARE => run.process_blinded(sender, body, &mut self.arithmetic)?,
            super::QUOTIENT => run.process_quotient(sender, body, &mut self.arithmetic)?,
            // Kinds of other suites.
            _ => return Err(unexpected(sender, kind)),
        };
        Ok(self.install(step))
    }

    fn is_awaited(&self) -> bool {
        self.staged.as_ref().is_none_or(RingRun::is_awaited)
    }

    /// None: all members do the same.
    fn controller(&self) -> Option<&MemberName> {
        None
    }
}

impl<G: Group> fmt::Debug for Bd<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = self.staged.as_ref().map(RingRun::progress);
        f.debug_struct("Bd")
            .field("group", &self.group_name())
            .field("me", &self.me)
            .field("order", &self.order())
            .field("completed", &self.completed.is_some())
            .field("rounds", &progress)
            .finish()
    }
}
