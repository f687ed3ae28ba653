//! The driver: from inputs to outputs, through the machine of the configured algorithm.

use alloc::boxed::Box;

use cliques::{Cost, KeyAgreement, MemberName};
use rand_core::CryptoRng;

#[cfg(feature = "test-util")]
use crate::fault::{Deviation, Fault};
use crate::{
    config::Config,
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::{Input, Payload},
    log::{AgreementEvent, Happening},
    machine::{State, TokenUse},
    output::Output,
    stats::Stats,
    view::{SecureView, View},
};

/// One member's driver in one group.
///
/// Feed events in the order of delivery to [`handle`](Self::handle) and carry out what
/// [`poll_output`](Self::poll_output) gives, until it gives nothing, before the next event: an
/// output left over may be a token that belongs before the answer to the next event.
#[derive(Debug)]
pub struct RobustDriver<D: Payload> {
    context: Context<D>,
    state: State<D>,
}

/// What became of an input: the outcome codes of the published tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handled {
    /// The state that it came in has a use for it.
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

    /// Like [`new`](Self::new), with a suite of the caller's making.
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
            context: Context::new(config, design, agreement),
            state: State::initial(design),
        })
    }

    /// Takes the next event. `now` is in milliseconds since the Unix epoch and goes into tokens;
    /// it need not be exact, nor the same at all members, unless
    /// [`Config::timestamp_window`] is set.
    ///
    /// # Errors
    /// For what the application asks only ([`Input::SecureFlushOk`], [`Input::RequestRefresh`]),
    /// when it may not; then nothing has changed. [`Error::Internal`] reports a bug. Whatever comes
    /// from the network is dropped and counted if it does not fit, see [`stats`](Self::stats).
    pub fn handle(
        &mut self,
        input: Input<D>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Handled, Error> {
        self.context.set_time(now);
        let event = match input {
            Input::Membership(view) => Event::Membership(view),
            Input::FlushRequest => {
                self.context.note(Happening::FlushRequest);
                Event::FlushRequest
            }
            Input::TransitionalSignal => Event::TransitionalSignal,
            Input::Token {
                sender,
                kind,
                bytes,
            } => match self.state.token_use(self.context.design()) {
                TokenUse::Open => match self.context.open(&sender, kind, &bytes, now) {
                    Some(token) => Event::Token(token),
                    None => return Ok(Handled::Ignored),
                },
                TokenUse::Ignore => {
                    self.context.stats_mut().ignored += 1;
                    return Ok(Handled::Ignored);
                }
                TokenUse::Impossible => {
                    self.context.stats_mut().impossible += 1;
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
        let mut env = Env { rng };
        let before = self.state_name();
        match self.state.handle(event, &mut self.context, &mut env) {
            Outcome::Stay => Ok(Handled::Taken),
            Outcome::Next(next) => {
                self.state = next;
                let after = self.state_name();
                tracing::debug!(from = before, to = after, now, "state");
                self.context.note_state(before, after);
                Ok(Handled::Taken)
            }
            Outcome::Imp => {
                tracing::warn!(state = before, "impossible event dropped");
                self.context.stats_mut().impossible += 1;
                Ok(Handled::Impossible)
            }
            Outcome::Ign => {
                self.context.stats_mut().ignored += 1;
                Ok(Handled::Ignored)
            }
            Outcome::Err(error) => Err(error),
        }
    }

    /// Asks for a refresh if the policy wants one and this member is the one to ask.
    fn refresh_by_policy(&mut self, now: u64, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        if self.context.refresh_is_due() && self.state.may_refresh(&self.context) {
            self.dispatch(Event::RequestRefresh, now, rng)?;
        }
        Ok(())
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called: when the key reaches the age
    /// of [`RefreshPolicy::age`](crate::RefreshPolicy::age) and this member is the one to ask for
    /// another. In the unit of [`handle`](Self::handle)'s `now`; none if there is nothing to wait
    /// for.
    pub fn next_timeout(&self) -> Option<u64> {
        self.context
            .refresh_timeout()
            .filter(|_| self.state.may_refresh(&self.context))
    }

    /// Time has passed. Too early a call does nothing.
    ///
    /// # Errors
    /// [`Error::Internal`] reports a bug.
    pub fn handle_timeout(&mut self, now: u64, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        self.context.set_time(now);
        self.refresh_by_policy(now, rng)
    }

    /// The next event of the agreement log, in order; none if there is none, or no log.
    pub fn poll_event(&mut self) -> Option<AgreementEvent> {
        self.context.poll_event()
    }

    /// The next thing to be done, in order; none when everything is done.
    pub fn poll_output(&mut self) -> Option<Output<D>> {
        self.context.poll_output()
    }

    /// Whether user data may be sent now, under the key installed last.
    ///
    /// # Errors
    /// [`Error::GroupNotSecure`] before there is a key, [`Error::Refreshing`] during a refresh,
    /// [`Error::NotAllowedToSend`] after the application permitted a view change.
    pub fn send_permission(&self) -> Result<(), Error> {
        self.state.send_permission(&self.context)
    }

    /// Whether the last message of an agreement or refresh is all that is missing. Data with an
    /// unknown key identifier is then to be given as [`Input::EarlyData`], without ado.
    pub fn awaiting_key(&self) -> bool {
        self.state.awaits_key()
    }

    /// Whether [`Input::EarlyData`] would be kept. Besides [`awaiting_key`](Self::awaiting_key)
    /// before the signal, that is the case in a secure view that nobody wants to change: FIFO data
    /// of a member that has finished a refresh can overtake even the request for it. Data with an
    /// unknown key identifier is to be given as early data then, and may be reported as suspect as
    /// well.
    ///
    /// Where it does not hold, early data is dropped, and in a secure view the application is
    /// told by the signal that the view has a gap here.
    pub fn keeps_early_data(&self) -> bool {
        self.state.keeps_early_data(&self.context)
    }

    /// Whether others may be waiting for this member in the agreement under way or about to begin, see
    /// [`KeyAgreement::is_awaited`]; none if there is no agreement.
    pub fn is_awaited(&self) -> Option<bool> {
        (self.state.is_agreeing()).then(|| self.context.agreement().is_awaited())
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
        self.context.continuity().view()
    }

    /// The secure view installed last, which may be of an earlier VS view.
    pub const fn secure_view(&self) -> Option<&SecureView> {
        self.context.continuity().secure()
    }

    /// The member that has the suite's special role in the next event.
    pub fn controller(&self) -> Option<&MemberName> {
        self.context.agreement().controller()
    }

    /// Counters.
    pub const fn stats(&self) -> &Stats {
        self.context.stats()
    }

    /// Work done since this driver was made.
    pub const fn cost(&self) -> &Cost {
        self.context.cost()
    }

    /// The own leave is done, or the connection lost: erases everything secret, and waits for a
    /// first membership again. Counters stay.
    pub fn reset(&mut self) {
        self.context.reset();
        self.state = State::initial(self.context.design());
    }

    /// A copy around a copy of the suite, for an exploration of all that can happen next. Outputs
    /// must have been taken.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn fork(&self, agreement: Box<dyn KeyAgreement>) -> Self
    where
        D: Clone,
    {
        Self {
            context: self.context.fork(agreement),
            state: self.state.clone(),
        }
    }

    /// Feeds a hasher with everything, besides the suite and the time, that what the driver does
    /// next depends on; counters do not.
    #[cfg(feature = "test-util")]
    pub fn fingerprint(&self, hasher: &mut impl core::hash::Hasher)
    where
        D: core::hash::Hash,
    {
        use core::hash::Hash;
        self.state.hash(hasher);
        self.context.fingerprint(hasher);
    }

    /// Makes the driver wrong, to see whether a test notices.
    #[cfg(feature = "test-util")]
    pub const fn inject(&mut self, fault: Fault) {
        self.context.deviate(Deviation::new(fault));
    }
}
