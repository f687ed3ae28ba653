//! From a step of the suite to the next state.
//!
//! Over GDH the machine follows what the suite sends: who has passed the token on waits for the final
//! one, who has broadcast it collects factor-outs, who has sent a factor-out, a join token or the key
//! list waits for the key list. Whoever has the key is secure.

use cliques::{Outgoing, Step, Token, gdh};
use rand_core::CryptoRng;

use super::{
    event::Outcome,
    plan::Plan,
    state::{Awaited, State},
};
use crate::{
    algorithm::States,
    environment::{Environment, StepError},
    error::Error,
    input::Payload,
    output::Failure,
    rules::Before,
    view::View,
};

/// The state after these tokens were sent.
fn after(sent: &[Outgoing], states: States) -> Outcome {
    let awaited = match (states, sent.last().map(|token| token.kind)) {
        (States::Gdh, Some(gdh::PARTIAL_TOKEN)) => Awaited::FinalToken,
        (States::Gdh, Some(gdh::FINAL_TOKEN)) => Awaited::FactOuts,
        (States::Gdh, Some(gdh::JOIN_TOKEN | gdh::FACTOR_OUT | gdh::KEY_LIST)) => Awaited::KeyList,
        (States::Gdh, Some(_) | None) | (States::Generic, _) => return Outcome::Stay,
    };
    Outcome::Next(State::Agreeing(awaited))
}

/// A membership starts an agreement.
pub(super) fn membership<D: Payload>(
    view: View,
    before: Before,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    let Some(view) = env.membership(view) else {
        return Outcome::Imp;
    };
    let view = view.clone();
    let Plan { start, awaited } = Plan::of(&view, before, env);
    match env.begin(start, rng) {
        Ok(step) => follow(step, Outcome::Next(State::Agreeing(awaited)), env),
        Err(error) => step_failed(error, env),
    }
}

/// Gives a token to the suite and follows its step.
pub(super) fn process<D: Payload>(
    token: &Token,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    match env.process(token, rng) {
        Ok(step) => {
            let next = after(&step.send, env.design().states);
            follow(step, next, env)
        }
        Err(error) => step_failed(error, env),
    }
}

/// Sends what a step wants sent, and installs the key if the step completed the agreement; else the
/// outcome is `next`.
fn follow<D: Payload>(step: Step, next: Outcome, env: &mut Environment<D>) -> Outcome {
    let Step { send, secret } = step;
    env.send(send);
    match secret.map(|secret| env.install(secret)) {
        Some(Ok(())) => Outcome::Next(State::SECURE),
        Some(Err(error)) => Outcome::Err(error),
        None => next,
    }
}

/// The same for a step of a refresh.
pub(super) fn follow_refresh<D: Payload>(
    step: Step,
    next: Outcome,
    env: &mut Environment<D>,
) -> Outcome {
    let Step { send, secret } = step;
    env.send(send);
    match secret.map(|secret| env.install_refreshed(secret)) {
        Some(Ok(())) => Outcome::Next(State::SECURE),
        Some(Err(error)) => Outcome::Err(error),
        None => next,
    }
}

/// The suite made no step.
pub(super) fn step_failed<D: Payload>(error: StepError, env: &mut Environment<D>) -> Outcome {
    match error {
        StepError::Dropped => Outcome::Stay,
        StepError::Peer(failure) => fail(failure, env),
        StepError::Internal(what) => Outcome::Err(Error::Internal(what)),
    }
}

/// The run ends without a key, and will not be repeated in this VS view.
pub(super) fn fail<D: Payload>(failure: Failure, env: &mut Environment<D>) -> Outcome {
    env.fail(failure);
    Outcome::Next(State::Failed)
}
