//! R, RUNNING: the suite is at work.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | suite's token | no signal in this VS view | feed the suite, send what it wants; has it the secret: install, deliver early data | R, S |
//! | suite's token, Refresh_Request | after the signal | ign | R |
//! | Refresh_Request | no signal | imp | R |
//! | Flush_Request | | Flush_Ok; what was delivered so far is frozen | CM |
//! | Data_Message, early data | no signal | keep | R |
//! | Data_Message, early data | after the signal | drop and count | R |
//! | Transitional_Signal | | signal; what was kept is dropped | R |
//! | User_Message, request for a refresh | | err(GroupNotSecure) | R |
//! | Secure_Flush_Ok | | err(IllegalFlushOk) | R |
//! | failure | | report | FAILED |
//! | Membership | | imp | R |
//!
//! Source: robust agreement notes, section 7.1.

use cliques::Token;

use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    gdh::may_install,
    input::Payload,
    machine::{Role, State, advance},
    queue::EarlyQueue,
};

/// An agreement is under way.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Running<D> {
    early: EarlyQueue<D>,
}

impl<D: Payload> Running<D> {
    pub(crate) const fn new(context: &Context<D>) -> Self {
        Self {
            early: context.queue(),
        }
    }

    pub(crate) fn handle(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Token(token) => match Role::of(&token, context.design().states) {
                Role::Suite if may_install(context) => self.suite_token(&token, context, env),
                Role::Suite => Outcome::Ign,
                // A member elsewhere has installed before it was cut off, and wants a refresh.
                Role::RefreshRequest if !may_install(context) => Outcome::Ign,
                Role::RefreshRequest
                | Role::Partial
                | Role::Join
                | Role::Final
                | Role::FactOut
                | Role::KeyList
                | Role::Foreign => Outcome::Imp,
            },
            Event::FlushRequest => {
                context.discard(&mut self.early);
                advance::interrupt(context)
            }
            Event::TransitionalSignal => {
                context.transitional_signal();
                context.discard(&mut self.early);
                Outcome::Stay
            }
            Event::Data(data) | Event::EarlyData(data) => {
                if may_install(context) {
                    context.keep(&mut self.early, data);
                } else {
                    context.drop_data(data);
                }
                Outcome::Stay
            }
            Event::Fail(failure) => {
                context.discard(&mut self.early);
                advance::fail(failure, context)
            }
            Event::SecureFlushOk => Outcome::Err(Error::IllegalFlushOk),
            Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
            Event::Membership(_) => Outcome::Imp,
        }
    }

    fn suite_token(
        &mut self,
        token: &Token,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        let outcome = match context.process(token, env) {
            Ok(step) => match advance::carry_out(step, context, env) {
                Some(secret) => advance::install(secret, context),
                None => Outcome::Stay,
            },
            Err(setback) => advance::set_back(setback, context),
        };
        advance::settle_early(&mut self.early, &outcome, context);
        outcome
    }
}
