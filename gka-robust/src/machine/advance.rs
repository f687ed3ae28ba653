//! From a suite's step to the next state.
//!
//! The suite knows what its role is. Over GDH the machine follows by what it sends: who has passed
//! the token on waits for the final one, who has broadcast it collects factor-outs, who has sent a
//! factor-out, a join token or the key list waits for the key list. Whoever has the key is secure.

use cliques::{GroupSecret, Outgoing, Recipient, Step, Token, TokenService, gdh};

use super::{
    Secure, State, Then,
    failed::Failed,
    plan::{Before, Plan},
    wait_for_cascading_membership::WaitForCascadingMembership,
};
use crate::{
    context::{Context, Setback},
    error::Error,
    event::{Env, Outcome},
    fault::Fault,
    input::Payload,
    log::Cut,
    output::{Failure, Output},
    queue::EarlyQueue,
    view::View,
};

/// What is waited for after these tokens of GDH were sent, if they change that.
fn lead(sent: &[Outgoing]) -> Option<Then> {
    match sent.last().map(|token| token.kind) {
        Some(gdh::PARTIAL_TOKEN) => Some(Then::FinalToken),
        Some(gdh::FINAL_TOKEN) => Some(Then::FactOuts),
        Some(gdh::JOIN_TOKEN | gdh::FACTOR_OUT | gdh::KEY_LIST) => Some(Then::KeyList),
        Some(_) | None => None,
    }
}

/// A membership starts an agreement.
pub(super) fn membership<D: Payload>(
    view: View,
    before: Before,
    context: &mut Context<D>,
    env: &mut Env<'_>,
) -> Outcome<State<D>> {
    let Some(view) = context.membership(view) else {
        return Outcome::Imp;
    };
    let view = view.clone();
    let Plan { start, then } = Plan::of(&view, before, context);
    match context.begin(start, env) {
        Ok(step) => match carry_out(step, context, env) {
            Some(secret) => install(secret, context),
            None => Outcome::Next(State::waiting(then, context)),
        },
        Err(setback) => set_back(setback, context),
    }
}

/// Gives a token of GDH to the suite and follows its step.
pub(crate) fn process<D: Payload>(
    token: &Token,
    context: &mut Context<D>,
    env: &mut Env<'_>,
) -> Outcome<State<D>> {
    match context.process(token, env) {
        Ok(step) => {
            let then = lead(&step.send);
            match (carry_out(step, context, env), then) {
                (Some(secret), _) => install(secret, context),
                (None, Some(then)) => Outcome::Next(State::waiting(then, context)),
                (None, None) => Outcome::Stay,
            }
        }
        Err(setback) => set_back(setback, context),
    }
}

/// Sends what a step wants sent; gives the secret if it completed the agreement.
pub(crate) fn carry_out<D: Payload>(
    step: Step,
    context: &mut Context<D>,
    env: &mut Env<'_>,
) -> Option<GroupSecret> {
    let Step { send, mut secret } = step;
    if context.deviates(Fault::EarlyCommit)
        && secret.is_none()
        && let Some(last) = send.last()
        && last.to == Recipient::Group
        && last.service == TokenService::Agreed
    {
        secret = context.process_own(last, env).and_then(|step| step.secret);
    }
    context.send(send);
    secret
}

/// `install`.
pub(crate) fn install<D: Payload>(
    secret: GroupSecret,
    context: &mut Context<D>,
) -> Outcome<State<D>> {
    match context.install(secret) {
        Ok(()) => Outcome::Next(State::Secure(Secure::new(context))),
        Err(error) => Outcome::Err(error),
    }
}

/// A token brought nothing.
pub(crate) fn set_back<D: Payload>(
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
pub(crate) fn fail<D: Payload>(failure: Failure, context: &mut Context<D>) -> Outcome<State<D>> {
    context.fail(failure);
    Outcome::Next(State::Failed(Failed))
}

/// Flush_Request in the middle of a run: nobody needs to be asked.
pub(crate) fn interrupt<D: Payload>(context: &mut Context<D>) -> Outcome<State<D>> {
    if context.deviates(Fault::IgnoreFlushRequest) {
        return Outcome::Stay;
    }
    if context.deviates(Fault::KeepRunning) {
        context.output(Output::FlushOk);
        return Outcome::Stay;
    }
    context.interrupt(Cut::FlushRequest);
    context.output(Output::FlushOk);
    if context.deviates(Fault::FlushTwice) {
        context.output(Output::FlushOk);
    }
    Outcome::Next(State::Cascading(WaitForCascadingMembership))
}

/// What becomes of early data when a token was taken: it is delivered behind the key, and dropped
/// where there will be none.
pub(crate) fn settle_early<D: Payload>(
    early: &mut EarlyQueue<D>,
    outcome: &Outcome<State<D>>,
    context: &mut Context<D>,
) {
    match outcome {
        Outcome::Next(State::Secure(_)) => context.release(early),
        Outcome::Next(_) => context.discard(early),
        Outcome::Stay | Outcome::Imp | Outcome::Ign | Outcome::Err(_) => {}
    }
}
