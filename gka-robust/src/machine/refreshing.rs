//! REFRESHING: all members have agreed to replace the key, and run the suite's refresh.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Key_List, or suite's token | valid | feed the suite; has it the secret: install, same view, next epoch; deliver early data | S |
//! | Refresh_Request | | ign | REFRESHING |
//! | Data_Message | | deliver, under the old key | REFRESHING |
//! | early data | | keep | REFRESHING |
//! | User_Message | | err(Refreshing) | REFRESHING |
//! | Flush_Request | | give the refresh up; Secure_Flush_Request | S, asked |
//! | Transitional_Signal | | give the refresh up; signal | S |
//! | Secure_Flush_Ok | | err(IllegalFlushOk) | REFRESHING |
//! | Membership, other tokens | | imp | REFRESHING |
//!
//! ```text
//!  any member             controller                everybody
//!    | REFRESH_REQUEST, AGREED |                        |
//!    +------------------------>+----------------------->|  sending stops here
//!    |                         | KEY_LIST, AGREED       |
//!    |<------------------------+----------------------->|  epoch + 1 from here
//! ```
//!
//! The drawing is that of GDH; other suites do as they do. The suite keeps its last completed state
//! until the refresh is complete, so giving up leaves the old key in use; tokens of it that come later
//! are ignored in S, at all who go on together.
//!
//! Source: robust agreement notes, section 7.4.

use super::{Role, Secure, State, advance};
use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::Payload,
    log::Cut,
    output::Output,
    queue::EarlyQueue,
};

/// A refresh is under way.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Refreshing<D> {
    early: EarlyQueue<D>,
}

impl<D: Payload> Refreshing<D> {
    pub(super) const fn new(early: EarlyQueue<D>) -> Self {
        Self { early }
    }

    pub(super) fn handle(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Data(data) => {
                context.deliver(data);
                Outcome::Stay
            }
            Event::EarlyData(data) => {
                context.keep(&mut self.early, data);
                Outcome::Stay
            }
            Event::Token(token) => match Role::of(&token, context.design().states) {
                Role::KeyList | Role::Suite => match context.process(&token, env) {
                    Ok(step) => self.completed(step, context, env),
                    Err(setback) => self.leave(advance::set_back(setback, context), context),
                },
                Role::RefreshRequest => Outcome::Ign,
                Role::Partial | Role::Join | Role::Final | Role::FactOut | Role::Foreign => {
                    Outcome::Imp
                }
            },
            Event::FlushRequest => {
                self.give_up(Cut::FlushRequest, context);
                context.output(Output::SecureFlushRequest);
                Outcome::Next(State::Secure(Secure::asked(context)))
            }
            Event::TransitionalSignal => {
                context.transitional_signal();
                self.give_up(Cut::TransitionalSignal, context);
                Outcome::Next(State::Secure(Secure::new(context)))
            }
            Event::Fail(failure) => self.leave(advance::fail(failure, context), context),
            Event::SecureFlushOk => Outcome::Err(Error::IllegalFlushOk),
            Event::RequestRefresh => Outcome::Err(Error::Refreshing),
            Event::Membership(_) => Outcome::Imp,
        }
    }

    fn completed(
        &mut self,
        step: cliques::Step,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        let Some(secret) = advance::carry_out(step, context, env) else {
            return Outcome::Stay;
        };
        match context.install_refreshed(secret) {
            Ok(()) => {
                context.release(&mut self.early);
                Outcome::Next(State::Secure(Secure::new(context)))
            }
            Err(error) => Outcome::Err(error),
        }
    }

    fn give_up(&mut self, by: Cut, context: &mut Context<D>) {
        context.give_up_refresh(by);
        context.discard(&mut self.early);
    }

    /// Data that was kept does not go into FAILED.
    fn leave(&mut self, outcome: Outcome<State<D>>, context: &mut Context<D>) -> Outcome<State<D>> {
        if matches!(outcome, Outcome::Next(_)) {
            context.discard(&mut self.early);
        }
        outcome
    }
}
