//! The state machine of a driver: the states of all algorithms.
//!
//! | state | file | algorithms |
//! |---|---|---|
//! | S | `secure.rs` | all |
//! | REFRESHING | `refreshing.rs` | all |
//! | FAILED | `failed.rs` | all |
//! | CM | `flushed.rs` | all |
//! | SJ, M | `flushed.rs` | those of which something survives a change |
//! | PT, FT, FO, KL | `agreeing.rs`, their tokens in `gdh/` | basic, optimised |
//! | R | `agreeing.rs`, its tokens in `generic.rs` | restart, incremental |
//!
//! Each of these files begins with its transition table and decides every event in one match without
//! wildcard. `state.rs` has the states, `plan.rs` turns a membership into a change of the suite,
//! `advance.rs` a step of the suite into the next state.

mod advance;
mod agreeing;
mod event;
mod failed;
mod flushed;
pub mod gdh;
pub mod generic;
mod plan;
mod refreshing;
mod role;
mod secure;
mod state;

use rand_core::CryptoRng;

pub(crate) use self::{
    event::{Event, Outcome},
    state::{State, TokenUse},
};
use crate::{environment::Environment, input::Payload};

/// Handles an event in a state.
pub(crate) fn handle<D: Payload>(
    state: &mut State,
    event: Event<D>,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    match state {
        State::Secure(secure) => secure::handle(secure, event, env, rng),
        State::Refreshing => refreshing::handle(event, env, rng),
        State::Failed => failed::handle(event, env),
        State::Flushed(flushed) => flushed::handle(*flushed, event, env, rng),
        State::Agreeing(awaited) => agreeing::handle(*awaited, event, env, rng),
    }
}
