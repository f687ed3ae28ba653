//! Events as the states see them, and what a state makes of one.

use cliques::Token;

use super::state::State;
use crate::{error::Error, output::Failure, view::View};

/// An event. Tokens are authentic.
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
pub(crate) enum Outcome {
    /// Handled, same state.
    Stay,
    /// Handled, next state.
    Next(State),
    /// **imp**: cannot happen with a correct flush service and honest members; dropped.
    Imp,
    /// **ign**: legal, ignored.
    Ign,
    /// **err**: the application may not do this now.
    Err(Error),
}
