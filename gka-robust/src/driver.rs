//! The driver: from inputs to outputs, through the state machine of the configured algorithm.

use alloc::boxed::Box;

use cliques::{Cost, KeyAgreement, MemberName};
use rand_core::CryptoRng;

use crate::{
    config::Config,
    environment::Environment,
    error::Error,
    input::{Input, Payload},
    log::{AgreementEvent, Happening},
    machine::{self, Event, Outcome, State, TokenUse},
    output::Output,
    stats::Stats,
    view::{SecureView, View},
};

/// One member's driver in one group.
///
/// Give events to [`handle`](Self::handle) in the order of delivery. After each, act on what
/// [`poll_output`](Self::poll_output) returns until it returns nothing: an output left over may be a
/// token that must be sent before the answer to the next event.
#[derive(Debug)]
pub struct RobustDriver<D: Payload> {
    env: Environment<D>,
    state: State,
}

/// What became of an input: the outcome codes of the published tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handled {
    /// The state has a use for it.
    Taken,
    /// Legal, but of no use; dropped and counted.
    Ignored,
    /// Cannot happen with a correct flush service and honest members; dropped and counted.
    Impossible,
}

impl<D: Payload> RobustDriver<D> {
    /// A member that has not joined yet; its first input is the first membership.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] if there is no such algorithm for the suite.
    pub fn new(config: Config) -> Result<Self, Error> {
        let agreement = config
            .protocol
            .member(config.mathematical_group.clone(), config.me);
        Self::with_agreement(config, agreement)
    }

    /// Like [`new`](Self::new), with a suite that the caller made.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    #[cfg(feature = "test-util")]
    pub fn with_suite(config: Config, agreement: Box<dyn KeyAgreement>) -> Result<Self, Error> {
        Self::with_agreement(config, agreement)
    }

    fn with_agreement(config: Config, agreement: Box<dyn KeyAgreement>) -> Result<Self, Error> {
        let Config {
            protocol,
            algorithm,
            ..
        } = config;
        let design = algorithm
            .design(protocol)
            .ok_or(Error::UnsupportedAlgorithm {
                protocol,
                algorithm,
            })?;
        Ok(Self {
            env: Environment::new(config, design, agreement),
            state: State::initial(design),
        })
    }

    /// Handles the next event. `now` is in milliseconds since the Unix epoch and goes into tokens;
    /// it need not be exact, nor the same at all members, unless
    /// [`Config::timestamp_window`] is set.
    ///
    /// # Errors
    /// If the application may not do what it asks ([`Input::SecureFlushOk`],
    /// [`Input::RequestRefresh`]); nothing has changed then. [`Error::Internal`] reports a bug. Input
    /// from the network never fails: what does not fit is dropped and counted, see
    /// [`stats`](Self::stats).
    pub fn handle(
        &mut self,
        input: Input<D>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Handled, Error> {
        self.env.set_time(now);
        let event = match input {
            Input::Membership(view) => Event::Membership(view),
            Input::FlushRequest => {
                self.env.note(Happening::FlushRequest);
                Event::FlushRequest
            }
            Input::TransitionalSignal => Event::TransitionalSignal,
            Input::Token {
                sender,
                kind,
                bytes,
            } => match self.state.token_use(self.env.design()) {
                TokenUse::Open => match self.env.open(&sender, kind, &bytes, now) {
                    Some(token) => Event::Token(token),
                    None => return Ok(Handled::Ignored),
                },
                TokenUse::Ignore => {
                    self.env.stats_mut().ignored += 1;
                    return Ok(Handled::Ignored);
                }
                TokenUse::Impossible => {
                    self.env.stats_mut().impossible += 1;
                    return Ok(Handled::Impossible);
                }
            },
            Input::Data(data) => Event::Data(data),
            Input::EarlyData(data) => Event::EarlyData(data),
            Input::SecureFlushOk => Event::SecureFlushOk,
            Input::RequestRefresh => Event::RequestRefresh,
            Input::Fail(failure) => Event::Fail(failure),
        };
        let handled = self.dispatch(event, now, rng)?;
        self.refresh_by_policy(now, rng)?;
        Ok(handled)
    }

    fn dispatch(
        &mut self,
        event: Event<D>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Handled, Error> {
        let before = self.state_name();
        match machine::handle(&mut self.state, event, &mut self.env, rng) {
            Outcome::Stay => Ok(Handled::Taken),
            Outcome::Next(next) => {
                self.state = next;
                let after = self.state_name();
                tracing::debug!(from = before, to = after, now, "state");
                self.env.note_state(before, after);
                Ok(Handled::Taken)
            }
            Outcome::Imp => {
                tracing::warn!(state = before, "impossible event dropped");
                self.env.stats_mut().impossible += 1;
                Ok(Handled::Impossible)
            }
            Outcome::Ign => {
                self.env.stats_mut().ignored += 1;
                Ok(Handled::Ignored)
            }
            Outcome::Err(error) => Err(error),
        }
    }

    /// Asks for a refresh if the policy wants one and this member is the one to ask.
    fn refresh_by_policy(&mut self, now: u64, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        if self.env.refresh_is_due() && self.state.may_request_refresh(&self.env) {
            self.dispatch(Event::RequestRefresh, now, rng)?;
        }
        Ok(())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), in the unit of
    /// [`handle`](Self::handle)'s `now`: when the key reaches
    /// [`RefreshPolicy::age`](crate::RefreshPolicy::age), if this member is the one to ask for another.
    /// None if there is nothing to wait for.
    pub fn next_timeout(&self) -> Option<u64> {
        self.env
            .refresh_timeout()
            .filter(|_| self.state.may_request_refresh(&self.env))
    }

    /// The time of [`next_timeout`](Self::next_timeout) has come. A call that is too early does nothing.
    ///
    /// # Errors
    /// [`Error::Internal`] reports a bug.
    pub fn handle_timeout(&mut self, now: u64, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        self.env.set_time(now);
        self.refresh_by_policy(now, rng)
    }

    /// The next event of the agreement log, oldest first.
    pub fn poll_event(&mut self) -> Option<AgreementEvent> {
        self.env.poll_event()
    }

    /// The next instruction, in order; none when everything is done.
    pub fn poll_output(&mut self) -> Option<Output<D>> {
        self.env.poll_output()
    }

    /// Whether user data may be sent now, under the key installed last.
    ///
    /// # Errors
    /// [`Error::GroupNotSecure`] before there is a key, [`Error::Refreshing`] during a refresh,
    /// [`Error::NotAllowedToSend`] after the application permitted a view change.
    pub fn send_permission(&self) -> Result<(), Error> {
        self.state.send_permission(&self.env)
    }

    /// Whether the last message of an agreement or refresh may be all that is missing. Data with an
    /// unknown key identifier is then [`Input::EarlyData`], and not suspicious.
    pub fn awaiting_key(&self) -> bool {
        self.state.awaits_key()
    }

    /// Whether [`Input::EarlyData`] would be kept: while [`awaiting_key`](Self::awaiting_key), before
    /// the signal; and in a secure view that is not about to change, where FIFO data of a member that
    /// has finished a refresh can overtake even the request for it. Data with an unknown key identifier
    /// is then early data, though it may also be reported as suspicious.
    ///
    /// Otherwise early data is dropped, and in a secure view the application gets the signal, because
    /// deliveries have a gap.
    pub fn keeps_early_data(&self) -> bool {
        self.state.keeps_early_data(&self.env)
    }

    /// Whether others may be waiting for this member in the agreement that is under way or about to
    /// begin, see [`KeyAgreement::is_awaited`]; none if there is no agreement.
    pub fn is_awaited(&self) -> Option<bool> {
        (self.state.is_agreeing()).then(|| self.env.agreement().is_awaited())
    }

    /// Whether the present VS view has no key and gets none, because a member broke the protocol
    /// or the layer above said so. The next membership starts afresh.
    pub const fn has_failed(&self) -> bool {
        self.state.has_failed()
    }

    /// Name of the machine's state in the papers.
    pub const fn state_name(&self) -> &'static str {
        self.state.name()
    }

    /// The VS view.
    pub const fn view(&self) -> Option<&View> {
        self.env.continuity().view()
    }

    /// The secure view installed last, which may be of an earlier VS view.
    pub const fn secure_view(&self) -> Option<&SecureView> {
        self.env.continuity().secure()
    }

    /// The member that has the suite's special role in the next event.
    pub fn controller(&self) -> Option<&MemberName> {
        self.env.agreement().controller()
    }

    /// Counters.
    pub const fn stats(&self) -> &Stats {
        self.env.stats()
    }

    /// Work done since this driver was made.
    pub const fn cost(&self) -> &Cost {
        self.env.cost()
    }

    /// This member has left, or lost its connection: erases everything secret, and waits for a first
    /// membership again. Counters stay.
    pub fn reset(&mut self) {
        self.env.reset();
        self.state = State::initial(self.env.design());
    }

    /// A copy around a copy of the suite, for an exploration of all that can happen next. No outputs
    /// may be left.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn fork(&self, agreement: Box<dyn KeyAgreement>) -> Self
    where
        D: Clone,
    {
        Self {
            env: self.env.fork(agreement),
            state: self.state,
        }
    }

    /// Hashes everything besides suite, counters and time that future behaviour depends on.
    #[cfg(feature = "test-util")]
    pub fn fingerprint(&self, hasher: &mut impl core::hash::Hasher)
    where
        D: core::hash::Hash,
    {
        use core::hash::Hash;
        self.state.hash(hasher);
        self.env.fingerprint(hasher);
    }

    /// Replaces decisions of the protocol, to see whether a test notices.
    #[cfg(feature = "test-util")]
    pub(crate) fn set_rules(&mut self, rules: crate::rules::DriverRules) {
        self.env.set_rules(rules);
    }
}
