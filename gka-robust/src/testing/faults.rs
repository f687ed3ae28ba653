//! Wrong drivers, to test the tests.
//!
//! A property oracle is worth something only if it notices wrong drivers. A [`FaultyDriver`] deviates
//! from the protocol in one of the ways of [`Fault`]. Most faults are planted around a correct driver,
//! in its inputs and outputs; three replace a decision of the protocol (`src/rules.rs`), two are faults
//! of the suite, which the simulation plants there.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::{hash::Hash, ops::Deref};

use cliques::{KeyAgreement, MemberName, Recipient, TokenKind, TokenService};
use rand_core::CryptoRng;

use crate::{
    config::Config,
    driver::{Handled, RobustDriver},
    error::Error,
    input::{Input, Payload},
    output::{Output, Transmission},
    rules::{Before, DriverRules, Rules},
    view::{Cause, View, VsSignal},
};

/// A way of being wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Answer a flush request in the key-list state only after the key list or a signal: the
    /// published rule, which needs a signal for every change (robust agreement notes, 5.3).
    PublishedFlushRule,
    /// Take the new key when the key list is sent, not when it comes back in the common order.
    EarlyCommit,
    /// Choose the starter by local knowledge: the first of those who came along with me.
    LocalChoice,
    /// Send the key list in FIFO order.
    FifoKeyList,
    /// Find out who left by comparing member lists, not from the transitional set.
    PruneByList,
    /// Install a key list that was delivered after the transitional signal.
    InstallAfterSignal,
    /// Deliver user data of a VS view whose key was never installed.
    DeliverWithoutKey,
    /// Do not pass the transitional signal on to the application.
    SwallowSignal,
    /// Choose the starter by another rule before a first view and after an interruption than after
    /// a secure view.
    ChoiceByState,
    /// Continue, after an interruption, the agreement completed before it, as if the members that
    /// came in between had it too.
    KeepInterrupted,
    /// Stay in the agreement after the answer to a flush request, and send what it wants sent.
    KeepRunning,
    /// Start from scratch without erasing the old shares (a fault of the suite).
    KeepShares,
    /// Answer a flush request in a secure view without asking the application.
    FlushUnasked,
    /// Answer a flush request of an interrupted agreement twice.
    FlushTwice,
    /// Give the signal to the application as often as the flush service gives it.
    SignalAgain,
    /// Let those who left in between stay in the secure transitional set.
    KeepLeavers,
    /// Deliver data that is ahead of its key at once.
    DeliverEarly,
    /// Drop data that comes behind a flush request.
    DropBehindRequest,
    /// Do not forget the signal of the last view when a view is installed.
    KeepVsSignal,
    /// Ignore flush requests while the agreement has not completed.
    IgnoreFlushRequest,
    /// Draw one share and use it for ever (a fault of the suite).
    RepeatShares,
}

impl Fault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::PublishedFlushRule,
        Self::EarlyCommit,
        Self::LocalChoice,
        Self::FifoKeyList,
        Self::PruneByList,
        Self::InstallAfterSignal,
        Self::DeliverWithoutKey,
        Self::SwallowSignal,
        Self::ChoiceByState,
        Self::KeepInterrupted,
        Self::KeepRunning,
        Self::KeepShares,
        Self::FlushUnasked,
        Self::FlushTwice,
        Self::SignalAgain,
        Self::KeepLeavers,
        Self::DeliverEarly,
        Self::DropBehindRequest,
        Self::KeepVsSignal,
        Self::IgnoreFlushRequest,
        Self::RepeatShares,
    ];
}

/// [`Fault::LocalChoice`].
#[derive(Debug)]
struct LocalChoice;

impl Rules for LocalChoice {
    fn starter<'a>(&self, view: &'a View) -> Option<&'a MemberName> {
        let together = |member: &&MemberName| view.transitional_set.contains(member);
        view.members.iter().find(together)
    }
}

/// [`Fault::ChoiceByState`]: this member starts.
#[derive(Debug)]
struct Starts(Option<MemberName>);

impl Rules for Starts {
    fn starter<'a>(&self, view: &'a View) -> Option<&'a MemberName> {
        view.members.iter().find(|one| Some(**one) == self.0)
    }
}

/// [`Fault::InstallAfterSignal`].
#[derive(Debug)]
struct InstallAfterSignal;

impl Rules for InstallAfterSignal {
    fn key_counts(&self, _: VsSignal) -> bool {
        true
    }
}

/// [`Fault::KeepInterrupted`].
#[derive(Debug)]
struct KeepInterrupted;

impl Rules for KeepInterrupted {
    fn before_cascade(&self) -> Before {
        Before::Completed
    }
}

/// What faults have to remember.
#[derive(Clone, Debug, Default, Hash)]
struct Memory {
    /// A flush request was kept from the driver.
    open_request: bool,
    /// The application was asked to permit a view change of the present secure view.
    asked: bool,
    /// The signal was given.
    signalled: bool,
    /// Members of the last secure view.
    secure_members: Vec<MemberName>,
    /// Own tokens that were taken when they were sent.
    committed: Vec<Vec<u8>>,
}

/// A driver with a fault, or with none.
#[derive(Debug)]
pub struct FaultyDriver<D: Payload> {
    me: MemberName,
    driver: RobustDriver<D>,
    fault: Option<Fault>,
    memory: Memory,
    outputs: VecDeque<Output<D>>,
}

impl<D: Payload> Deref for FaultyDriver<D> {
    type Target = RobustDriver<D>;

    fn deref(&self) -> &RobustDriver<D> {
        &self.driver
    }
}

impl<D: Payload + Clone> FaultyDriver<D> {
    /// A driver with a suite that the caller made.
    ///
    /// # Errors
    /// Those of [`RobustDriver::new`].
    pub fn new(
        config: Config,
        suite: Box<dyn KeyAgreement>,
        fault: Option<Fault>,
    ) -> Result<Self, Error> {
        let me = config.me;
        Ok(Self::around(
            me,
            RobustDriver::with_suite(config, suite)?,
            fault,
        ))
    }

    /// Plants a fault around a driver of `me`.
    pub fn around(me: MemberName, mut driver: RobustDriver<D>, fault: Option<Fault>) -> Self {
        match fault {
            Some(Fault::LocalChoice) => driver.set_rules(DriverRules::wrong(LocalChoice)),
            Some(Fault::InstallAfterSignal) => {
                driver.set_rules(DriverRules::wrong(InstallAfterSignal))
            }
            Some(Fault::KeepInterrupted) => driver.set_rules(DriverRules::wrong(KeepInterrupted)),
            // The others are around the driver, or in the suite.
            Some(_) | None => {}
        }
        Self {
            me,
            driver,
            fault,
            memory: Memory::default(),
            outputs: VecDeque::new(),
        }
    }

    /// As [`RobustDriver::handle`], but wrong.
    ///
    /// # Errors
    /// Those of [`RobustDriver::handle`].
    pub fn handle(
        &mut self,
        input: Input<D>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Handled, Error> {
        let Some(fault) = self.fault else {
            return self.driver.handle(input, now, rng);
        };
        let handled = match input {
            Input::Membership(view) => self.membership(view, fault, now, rng),
            Input::FlushRequest => self.flush_request(fault, now, rng),
            Input::TransitionalSignal => self.signal(fault, now, rng),
            Input::Token { bytes, .. } if self.memory.committed.iter().any(|own| *own == bytes) => {
                Ok(Handled::Ignored)
            }
            Input::Data(data) if self.delivers(fault, EarlyOrNot::InTime) => self.deliver(data),
            Input::Data(_) if self.drops(fault) => Ok(Handled::Taken),
            Input::EarlyData(data) if self.delivers(fault, EarlyOrNot::Early) => self.deliver(data),
            Input::Data(ref data) | Input::EarlyData(ref data) => {
                let copy = data.clone();
                let dropped = self.driver.stats().data_drops.no_key;
                let handled = self.pass(input, now, rng)?;
                let dropped = self.driver.stats().data_drops.no_key > dropped;
                match fault {
                    Fault::DeliverWithoutKey if dropped => self.deliver(copy),
                    // The others are elsewhere.
                    _ => Ok(handled),
                }
            }
            Input::Token { .. } | Input::SecureFlushOk | Input::RequestRefresh | Input::Fail(_) => {
                self.pass(input, now, rng)
            }
        }?;
        self.answer_open_request(now, rng)?;
        Ok(handled)
    }

    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output<D>> {
        self.outputs
            .pop_front()
            .or_else(|| self.driver.poll_output())
    }

    /// A copy around a copy of the suite; no outputs may be left.
    #[must_use]
    pub fn fork(&self, suite: Box<dyn KeyAgreement>) -> Self {
        Self {
            me: self.me,
            driver: self.driver.fork(suite),
            fault: self.fault,
            memory: self.memory.clone(),
            outputs: VecDeque::new(),
        }
    }

    /// As [`RobustDriver::fingerprint`].
    pub fn fingerprint(&self, hasher: &mut impl core::hash::Hasher)
    where
        D: Hash,
    {
        self.driver.fingerprint(hasher);
        self.memory.hash(hasher);
    }

    /// Gives an input to the driver, and takes its outputs.
    fn pass(
        &mut self,
        input: Input<D>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Handled, Error> {
        let handled = self.driver.handle(input, now, rng)?;
        while let Some(output) = self.driver.poll_output() {
            self.take(output, now, rng)?;
        }
        Ok(handled)
    }

    /// What becomes of an output of the driver.
    fn take(&mut self, output: Output<D>, now: u64, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        let output = match (self.fault, output) {
            (Some(Fault::SwallowSignal), Output::SecureTransitionalSignal) => return Ok(()),
            (Some(Fault::FlushUnasked), Output::SecureFlushRequest) => {
                self.driver.handle(Input::SecureFlushOk, now, rng)?;
                return Ok(());
            }
            (Some(Fault::FifoKeyList), Output::Send(token)) if is_of_suite(&token) => {
                let service = TokenService::Fifo;
                Output::Send(Transmission { service, ..token })
            }
            (Some(Fault::EarlyCommit), Output::Send(token))
                if is_of_suite(&token)
                    && token.to == Recipient::Group
                    && token.service == TokenService::Agreed =>
            {
                let own = Input::Token {
                    sender: self.me,
                    kind: Some(token.kind),
                    bytes: token.bytes.clone().into(),
                };
                self.memory.committed.push(token.bytes.clone());
                self.outputs.push_back(Output::Send(token));
                self.driver.handle(own, now, rng)?;
                return Ok(());
            }
            (fault, Output::Install { mut view, secret }) => {
                self.memory.asked = false;
                let members = view.view.members.clone();
                let before = core::mem::replace(&mut self.memory.secure_members, members);
                if fault == Some(Fault::KeepLeavers) && view.epoch == 0 {
                    view.view.transitional_set = match before.is_empty() {
                        true => [self.me].into(),
                        false => before,
                    };
                }
                Output::Install { view, secret }
            }
            (_, Output::SecureFlushRequest) => {
                self.memory.asked = true;
                Output::SecureFlushRequest
            }
            (_, output) => output,
        };
        self.outputs.push_back(output);
        Ok(())
    }

    fn membership(
        &mut self,
        mut view: View,
        fault: Fault,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Handled, Error> {
        match fault {
            Fault::PruneByList => view.transitional_set.clone_from(&view.members),
            Fault::ChoiceByState => {
                let starter = self.starter_by_state(&view);
                self.driver.set_rules(DriverRules::wrong(Starts(starter)));
            }
            // The others are elsewhere.
            _ => {}
        }
        let handled = self.pass(Input::Membership(view), now, rng)?;
        match fault {
            Fault::KeepVsSignal if self.memory.signalled => {
                self.driver.handle(Input::TransitionalSignal, now, rng)?;
                // The application had it in the last view.
                while self.driver.poll_output().is_some() {}
            }
            // The others are elsewhere.
            _ => self.memory.signalled = false,
        }
        Ok(handled)
    }

    /// The last member, but for who has just come or was interrupted.
    fn starter_by_state(&self, view: &View) -> Option<MemberName> {
        let has_just_come = matches!(view.cause, Cause::Join(joiner) if joiner == self.me);
        let last = has_just_come || self.driver.state_name() == "WAIT_FOR_MEMBERSHIP";
        match last {
            true => view.members.last().copied(),
            false => view.members.first().copied(),
        }
    }

    fn flush_request(
        &mut self,
        fault: Fault,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Handled, Error> {
        let agreeing = self.is_in_agreement();
        match fault {
            Fault::IgnoreFlushRequest if agreeing => Ok(Handled::Taken),
            Fault::KeepRunning if agreeing => {
                self.outputs.push_back(Output::FlushOk);
                Ok(Handled::Taken)
            }
            Fault::FlushTwice if agreeing => {
                let handled = self.pass(Input::FlushRequest, now, rng)?;
                self.outputs.push_back(Output::FlushOk);
                Ok(handled)
            }
            Fault::PublishedFlushRule if self.may_wait_for_key_list() => {
                self.memory.open_request = true;
                Ok(Handled::Taken)
            }
            // The others are elsewhere.
            _ => self.pass(Input::FlushRequest, now, rng),
        }
    }

    /// [`Fault::PublishedFlushRule`]: gives the driver the flush request that was kept from it.
    fn answer_open_request(&mut self, now: u64, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        if self.memory.open_request && !self.may_wait_for_key_list() {
            self.memory.open_request = false;
            self.pass(Input::FlushRequest, now, rng)?;
        }
        Ok(())
    }

    fn signal(
        &mut self,
        fault: Fault,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Handled, Error> {
        self.memory.signalled = true;
        let given = self.outputs.len();
        let handled = self.pass(Input::TransitionalSignal, now, rng)?;
        let again = self.outputs.len() == given && self.driver.secure_view().is_some();
        if fault == Fault::SignalAgain && again {
            self.outputs.push_back(Output::SecureTransitionalSignal);
        }
        Ok(handled)
    }

    fn deliver(&mut self, data: D) -> Result<Handled, Error> {
        self.outputs.push_back(Output::Deliver(data));
        Ok(Handled::Taken)
    }

    /// [`Fault::DeliverEarly`]: whether the driver would keep data.
    fn delivers(&self, fault: Fault, data: EarlyOrNot) -> bool {
        let kept = match data {
            EarlyOrNot::Early => true,
            EarlyOrNot::InTime => self.is_in_agreement(),
        };
        fault == Fault::DeliverEarly && kept && self.driver.keeps_early_data()
    }

    /// [`Fault::DropBehindRequest`].
    fn drops(&self, fault: Fault) -> bool {
        fault == Fault::DropBehindRequest
            && self.memory.asked
            && self.driver.state_name() == "SECURE"
    }

    fn is_in_agreement(&self) -> bool {
        matches!(
            self.driver.state_name(),
            "WAIT_FOR_PARTIAL_TOKEN"
                | "WAIT_FOR_FINAL_TOKEN"
                | "COLLECT_FACT_OUTS"
                | "WAIT_FOR_KEY_LIST"
                | "RUNNING"
        )
    }

    fn may_wait_for_key_list(&self) -> bool {
        self.driver.state_name() == "WAIT_FOR_KEY_LIST" && !self.memory.signalled
    }
}

/// How data arrived.
#[derive(Clone, Copy)]
enum EarlyOrNot {
    Early,
    InTime,
}

fn is_of_suite(token: &Transmission) -> bool {
    token.kind != TokenKind::REFRESH_REQUEST
}
