//! Events as the machines see them: tokens are authentic, and everything comes in one enum.

use cliques::Token;
use rand_core::CryptoRng;

use crate::{error::Error, output::Failure, view::View};

/// An event.
#[derive(Debug)]
pub(crate) enum Event<D> {
    Membership(View),
    FlushRequest,
    TransitionalSignal,
    Token(Token),
    Data(D),
    EarlyData(D),
    SecureFlushOk,
    RequestRefresh,
    Fail(Failure),
}

/// What a state makes of an event: the outcome codes of the tables, and the next state.
#[derive(Debug)]
pub(crate) enum Outcome<S> {
    /// Handled, same state.
    Stay,
    /// Handled, next state.
    Next(S),
    /// **imp**: cannot happen with a correct flush service and honest members; dropped.
    Imp,
    /// **ign**: legal, ignored.
    Ign,
    /// **err**: the application may not do this now.
    Err(Error),
}

/// Randomness of one call.
pub(crate) struct Env<'a> {
    /// Source of shares.
    pub(crate) rng: &'a mut dyn CryptoRng,
}
