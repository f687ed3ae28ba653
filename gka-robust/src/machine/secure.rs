//! S, SECURE: a key is installed, the application sends and receives.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Data_Message | | deliver | S |
//! | early data | before flush request and signal: a refresh may be under way elsewhere | keep | S |
//! | early data | else: of a refresh that was given up here | drop and count; signal | S |
//! | Flush_Request | | Secure_Flush_Request | S |
//! | Secure_Flush_Ok | asked | Flush_Ok | M, or CM where every view starts from scratch |
//! | Secure_Flush_Ok | not asked | err(IllegalFlushOk) | S |
//! | Transitional_Signal | | signal | S |
//! | Refresh_Request | before flush request and signal | start the suite's refresh | REFRESHING |
//! | Refresh_Request | else | ign | S |
//! | Key_List | of a refresh that was given up | ign | S |
//! | suite's token, not GDH | late | ign | S |
//! | Membership, other tokens | | imp | S |
//!
//! A refresh counts if its request is delivered before flush request and signal: a place common to
//! all who go on together. Data of a member that has finished a refresh can overtake, if it is
//! FIFO, both the key list and the request for it; so early data is kept in this state as well.
//!
//! Behind the flush request no refresh completes here. Data under its key is of a member that saw the
//! key list first, hence of one that does not come along: the signal is due, and given at once,
//! because the common order has a gap here that the application must not meet unwarned.

use cliques::Token;

use super::{Role, State, advance, refreshing::Refreshing};
use crate::{
    context::Context,
    continuity::VsSignal,
    error::Error,
    event::{Env, Event, Outcome},
    fault::Fault,
    input::Payload,
    output::Output,
    queue::EarlyQueue,
};

/// Whether the application was asked to permit a view change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Consent {
    NotAsked,
    Asked,
}

/// Whether this member has asked for a refresh of the present key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum OwnRequest {
    NotSent,
    Sent,
}

/// A key is installed.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Secure<D> {
    consent: Consent,
    own_request: OwnRequest,
    early: EarlyQueue<D>,
}

impl<D: Payload> Secure<D> {
    pub(crate) const fn new(context: &Context<D>) -> Self {
        Self::with_consent(Consent::NotAsked, context)
    }

    /// The application has been asked already.
    pub(crate) const fn asked(context: &Context<D>) -> Self {
        Self::with_consent(Consent::Asked, context)
    }

    const fn with_consent(consent: Consent, context: &Context<D>) -> Self {
        Self {
            consent,
            own_request: OwnRequest::NotSent,
            early: context.queue(),
        }
    }

    /// Whether a refresh that is requested now would be carried out.
    pub(crate) fn may_request_refresh(&self, context: &Context<D>) -> bool {
        self.own_request == OwnRequest::NotSent && self.may_refresh(context)
    }

    /// Whether the request of any member would be.
    pub(crate) fn may_refresh(&self, context: &Context<D>) -> bool {
        match (self.consent, context.vs_signal()) {
            (Consent::NotAsked, VsSignal::NotGiven) => true,
            (Consent::NotAsked, VsSignal::Given) | (Consent::Asked, _) => false,
        }
    }

    pub(super) fn handle(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Data(_)
                if self.consent == Consent::Asked && context.deviates(Fault::DropBehindRequest) =>
            {
                Outcome::Stay
            }
            Event::Data(data) => {
                context.deliver(data);
                Outcome::Stay
            }
            Event::EarlyData(data) => {
                if self.may_refresh(context) {
                    context.keep(&mut self.early, data);
                } else {
                    context.lose_data(data);
                }
                Outcome::Stay
            }
            Event::FlushRequest if context.deviates(Fault::FlushUnasked) => {
                context.output(Output::FlushOk);
                Outcome::Next(State::flushed(context.design()))
            }
            Event::FlushRequest => match self.consent {
                Consent::NotAsked => {
                    self.consent = Consent::Asked;
                    context.discard(&mut self.early);
                    context.output(Output::SecureFlushRequest);
                    Outcome::Stay
                }
                Consent::Asked => Outcome::Imp,
            },
            Event::SecureFlushOk => match self.consent {
                Consent::Asked => {
                    context.output(Output::FlushOk);
                    Outcome::Next(State::flushed(context.design()))
                }
                Consent::NotAsked => Outcome::Err(Error::IllegalFlushOk),
            },
            Event::TransitionalSignal => {
                context.transitional_signal();
                context.discard(&mut self.early);
                Outcome::Stay
            }
            Event::Token(token) => self.token(&token, context, env),
            Event::RequestRefresh => match self.own_request {
                OwnRequest::NotSent if self.may_refresh(context) => {
                    self.own_request = OwnRequest::Sent;
                    context.send_refresh_request();
                    Outcome::Stay
                }
                // One request is enough, and a change that is coming brings a new key anyway.
                OwnRequest::NotSent | OwnRequest::Sent => Outcome::Ign,
            },
            // The key of this view has been agreed on.
            Event::Fail(_) => Outcome::Ign,
            Event::Membership(_) => Outcome::Imp,
        }
    }

    fn token(
        &mut self,
        token: &Token,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match Role::of(token, context.design().states) {
            Role::RefreshRequest if self.may_refresh(context) => self.refresh(context, env),
            Role::RefreshRequest | Role::Suite => Outcome::Ign,
            Role::KeyList
                if context.refresh_was_abandoned() || context.deviates(Fault::EarlyCommit) =>
            {
                Outcome::Ign
            }
            Role::KeyList
            | Role::Partial
            | Role::Join
            | Role::Final
            | Role::FactOut
            | Role::Foreign => Outcome::Imp,
        }
    }

    fn refresh(&mut self, context: &mut Context<D>, env: &mut Env<'_>) -> Outcome<State<D>> {
        let step = match context.begin_refresh(env) {
            Ok(step) => step,
            Err(setback) => return advance::set_back(setback, context),
        };
        match advance::carry_out(step, context, env) {
            None => {
                let early = core::mem::replace(&mut self.early, context.queue());
                Outcome::Next(State::Refreshing(Refreshing::new(early)))
            }
            // Alone in the view: there is nobody to wait for.
            Some(secret) => match context.install_refreshed(secret) {
                Ok(()) => Outcome::Next(State::Secure(Self::new(context))),
                Err(error) => Outcome::Err(error),
            },
        }
    }
}
