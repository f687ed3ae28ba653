//! The driver: from inputs to outputs, through the machine of the configured algorithm.

use alloc::boxed::Box;

use bytes::Bytes;
use cliques::{Cost, KeyAgreement, MemberId, TokenKind};
use rand_core::CryptoRng;

#[cfg(feature = "test-util")]
use crate::fault::{Deviation, Fault};
use crate::{
    config::{Algorithm, Config},
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    gdh,
    input::{Input, Payload},
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
    machine: Machine<D>,
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

/// The machine of an algorithm. A further algorithm is a further variant.
#[derive(Debug)]
enum Machine<D> {
    /// Basic algorithm over GDH.
    Gdh(gdh::State<D>),
}

impl<D: Payload> Machine<D> {
    const fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Basic => Self::Gdh(gdh::State::initial()),
        }
    }
}

impl<D: Payload> RobustDriver<D> {
    /// A member that has not joined yet; its first input is the first membership.
    pub fn new(config: Config) -> Self {
        let agreement = config
            .protocol
            .member(config.mathematical_group.clone(), config.me.clone());
        Self::with_agreement(config, agreement)
    }

    /// Like [`new`](Self::new), with a suite of the caller's making.
    #[cfg(feature = "test-util")]
    pub fn with_suite(config: Config, agreement: Box<dyn KeyAgreement>) -> Self {
        Self::with_agreement(config, agreement)
    }

    fn with_agreement(config: Config, agreement: Box<dyn KeyAgreement>) -> Self {
        let machine = Machine::new(config.algorithm);
        Self {
            context: Context::new(config, agreement),
            machine,
        }
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
        let event = match input {
            Input::Membership(view) => Event::Membership(view),
            Input::FlushRequest => Event::FlushRequest,
            Input::TransitionalSignal => Event::TransitionalSignal,
            Input::Token {
                sender,
                kind,
                bytes,
            } => match self.open(&sender, kind, &bytes, now) {
                Some(event) => event,
                None => return Ok(Handled::Ignored),
            },
            Input::Data(data) => Event::Data(data),
            Input::EarlyData(data) => Event::EarlyData(data),
            Input::SecureFlushOk => Event::SecureFlushOk,
            Input::RequestRefresh => Event::RequestRefresh,
            Input::Fail(failure) => Event::Fail(failure),
        };
        let mut env = Env { now, rng };
        let before = self.state_name();
        match &mut self.machine {
            Machine::Gdh(state) => match state.handle(event, &mut self.context, &mut env) {
                Outcome::Stay => Ok(Handled::Taken),
                Outcome::Next(next) => {
                    *state = next;
                    tracing::debug!(from = before, to = self.state_name(), "state");
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
            },
        }
    }

    /// Checks the envelope of a token, where tokens can matter at all.
    fn open(
        &mut self,
        sender: &MemberId,
        kind: Option<TokenKind>,
        bytes: &Bytes,
        now: u64,
    ) -> Option<Event<D>> {
        let opens = match &self.machine {
            Machine::Gdh(state) => state.opens_tokens(),
        };
        if !opens {
            self.context.stats_mut().ignored += 1;
            return None;
        }
        self.context
            .open(sender, kind, bytes, now)
            .map(Event::Token)
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
        match &self.machine {
            Machine::Gdh(state) => state.send_permission(&self.context),
        }
    }

    /// Whether the last message of an agreement or refresh is all that is missing. Data with an
    /// unknown key identifier is then to be given as [`Input::EarlyData`], without ado.
    pub fn awaiting_key(&self) -> bool {
        match &self.machine {
            Machine::Gdh(state) => state.awaits_key(),
        }
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
        match &self.machine {
            Machine::Gdh(state) => state.keeps_early_data(&self.context),
        }
    }

    /// Whether the present VS view has no key and gets none, because a member broke the protocol
    /// or the layer above said so. The next membership starts afresh.
    pub const fn has_failed(&self) -> bool {
        match &self.machine {
            Machine::Gdh(state) => state.has_failed(),
        }
    }

    /// Name of the machine's state in the papers.
    pub const fn state_name(&self) -> &'static str {
        match &self.machine {
            Machine::Gdh(state) => state.name(),
        }
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
    pub fn controller(&self) -> Option<&MemberId> {
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
        self.machine = match &self.machine {
            Machine::Gdh(_) => Machine::Gdh(gdh::State::initial()),
        };
    }

    /// Makes the driver wrong, to see whether a test notices.
    #[cfg(feature = "test-util")]
    pub const fn inject(&mut self, fault: Fault) {
        self.context.deviate(Deviation::new(fault));
    }
}
