//! From a suite's step to the next state.
//!
//! The suite knows what its role is; the machine follows by what it sends: who has passed the token
//! on waits for the final one, who has broadcast it collects factor-outs, who has sent a factor-out
//! or the key list waits for the key list, and who has the key is secure.

use cliques::{GroupSecret, Outgoing, Step, Token, TokenKind};

use super::{
    CollectFactOuts, Failed, Secure, State, WaitForCascadingMembership, WaitForFinalToken,
    WaitForKeyList,
};
use crate::{
    context::{Context, Setback},
    error::Error,
    event::{Env, Outcome},
    fault::Fault,
    input::Payload,
    output::{Failure, Output},
};

/// What a step leads to.
enum Lead {
    /// PARTIAL was sent.
    FinalToken,
    /// FINAL was sent.
    FactOuts,
    /// FACT_OUT or KEY_LIST was sent.
    KeyList,
    /// Nothing that changes the state.
    Nowhere,
}

impl Lead {
    fn of(sent: &[Outgoing]) -> Self {
        match sent.last().map(|token| token.kind) {
            Some(TokenKind::GdhPartial) => Self::FinalToken,
            Some(TokenKind::GdhFinal) => Self::FactOuts,
            Some(TokenKind::GdhFactorOut | TokenKind::GdhKeyList) => Self::KeyList,
            Some(_) | None => Self::Nowhere,
        }
    }
}

/// Gives a token to the suite and follows its step.
pub(super) fn process<D: Payload>(
    token: &Token,
    context: &mut Context<D>,
    env: &mut Env<'_>,
) -> Outcome<State<D>> {
    match context.process(token, env) {
        Ok(step) => advance(step, context, env),
        Err(setback) => set_back(setback, context),
    }
}

/// Follows a step.
pub(super) fn advance<D: Payload>(
    step: Step,
    context: &mut Context<D>,
    env: &mut Env<'_>,
) -> Outcome<State<D>> {
    let Step {
        mut send,
        mut secret,
    } = step;
    let lead = Lead::of(&send);
    let key_list = match lead {
        Lead::KeyList if context.deviates(Fault::EarlyCommit) => send.pop(),
        Lead::KeyList | Lead::FinalToken | Lead::FactOuts | Lead::Nowhere => None,
    };
    if let Some(key_list) = key_list {
        secret = context
            .process_own(&key_list, env)
            .and_then(|step| step.secret);
        send.push(key_list);
    }
    context.send(send, env.now);
    if let Some(secret) = secret {
        return install(secret, context);
    }
    match lead {
        Lead::FinalToken => Outcome::Next(State::FinalToken(WaitForFinalToken)),
        Lead::FactOuts => Outcome::Next(State::FactOuts(CollectFactOuts)),
        Lead::KeyList => Outcome::Next(State::KeyList(WaitForKeyList::new(context))),
        Lead::Nowhere => Outcome::Stay,
    }
}

/// `install`.
pub(super) fn install<D: Payload>(
    secret: GroupSecret,
    context: &mut Context<D>,
) -> Outcome<State<D>> {
    match context.install(secret) {
        Ok(()) => Outcome::Next(State::Secure(Secure::new(context))),
        Err(error) => Outcome::Err(error),
    }
}

/// A token brought nothing.
pub(super) fn set_back<D: Payload>(
    setback: Setback,
    context: &mut Context<D>,
) -> Outcome<State<D>> {
    match setback {
        Setback::Dropped => Outcome::Stay,
        Setback::Peer(failure) => fail(failure, context),
        Setback::Internal(what) => Outcome::Err(Error::Internal(what)),
    }
}

/// The run ends without a key, and will not be repeated in this VS view.
pub(super) fn fail<D: Payload>(failure: Failure, context: &mut Context<D>) -> Outcome<State<D>> {
    context.fail(failure);
    Outcome::Next(State::Failed(Failed))
}

/// Flush_Request in the middle of a run: nobody needs to be asked.
pub(super) fn interrupt<D: Payload>(context: &mut Context<D>) -> Outcome<State<D>> {
    context.abandon();
    context.output(Output::FlushOk);
    Outcome::Next(State::Cascading(WaitForCascadingMembership))
}
