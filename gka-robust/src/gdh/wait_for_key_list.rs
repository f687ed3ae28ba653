//! KL, WAIT_FOR_KEY_LIST: everything is contributed; the key list decides.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Key_List | no signal in this VS view, valid | install; deliver early data | S |
//! | Key_List, Refresh_Request | after the signal | ign | KL |
//! | Flush_Request | (rule B) | Flush_Ok | CM |
//! | Data_Message, early data | no signal | keep | KL |
//! | Data_Message, early data | after the signal | drop and count | KL |
//! | Transitional_Signal | | signal; what was kept is dropped | KL |
//! | Final_Token | my own, behind the others' factor-outs | ign | KL |
//! | other tokens | | imp | KL |
//! | User_Message, request for a refresh | | err(GroupNotSecure) | KL |
//! | Secure_Flush_Ok | | err(IllegalFlushOk) | KL |
//! | failure | | report | FAILED |
//! | Membership | | imp | KL |
//!
//! After the signal the key list may come to some only, so nobody takes it. Data after the signal
//! may be from a member that had installed before it was cut off; it belongs to a view that this
//! side will not have.

use cliques::Token;

use crate::{
    context::Context,
    continuity::VsSignal,
    error::Error,
    event::{Env, Event, Outcome},
    fault::Fault,
    input::Payload,
    machine::{Role, Secure, State, advance},
    output::Output,
    queue::EarlyQueue,
};

/// A flush request that the published rule leaves open; rule B never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum OpenRequest {
    No,
    Yes,
}

/// The key list is on its way.
#[derive(Clone, Debug, Hash)]
pub(crate) struct WaitForKeyList<D> {
    early: EarlyQueue<D>,
    open_request: OpenRequest,
}

/// Whether a key list that comes now counts.
pub(crate) fn may_install<D: Payload>(context: &Context<D>) -> bool {
    match context.vs_signal() {
        VsSignal::NotGiven => true,
        VsSignal::Given => context.deviates(Fault::InstallAfterSignal),
    }
}

impl<D: Payload> WaitForKeyList<D> {
    pub(crate) const fn new(context: &Context<D>) -> Self {
        Self {
            early: context.queue(),
            open_request: OpenRequest::No,
        }
    }

    pub(crate) fn handle(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Token(token) => self.token(&token, context, env),
            Event::FlushRequest => self.flush_request(context),
            Event::TransitionalSignal => {
                context.transitional_signal();
                context.discard(&mut self.early);
                match self.open_request {
                    OpenRequest::No => Outcome::Stay,
                    OpenRequest::Yes => advance::interrupt(context),
                }
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

    fn token(
        &mut self,
        token: &Token,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match Role::of(token, context.design().states) {
            Role::KeyList if may_install(context) => self.key_list(token, context, env),
            Role::KeyList => Outcome::Ign,
            // A member elsewhere has installed before it was cut off, and wants a refresh.
            Role::RefreshRequest if !may_install(context) => Outcome::Ign,
            Role::Final if token.sender() == context.me() => Outcome::Ign,
            Role::RefreshRequest
            | Role::Partial
            | Role::Join
            | Role::Final
            | Role::FactOut
            | Role::Suite
            | Role::Foreign => Outcome::Imp,
        }
    }

    fn key_list(
        &mut self,
        token: &Token,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        let outcome = advance::process(token, context, env);
        advance::settle_early(&mut self.early, &outcome, context);
        match (outcome, self.open_request) {
            (Outcome::Next(State::Secure(_)), OpenRequest::Yes) => {
                context.output(Output::SecureFlushRequest);
                Outcome::Next(State::Secure(Secure::asked(context)))
            }
            (outcome, OpenRequest::Yes | OpenRequest::No) => outcome,
        }
    }

    fn flush_request(&mut self, context: &mut Context<D>) -> Outcome<State<D>> {
        if context.deviates(Fault::PublishedFlushRule) && context.vs_signal() == VsSignal::NotGiven
        {
            self.open_request = OpenRequest::Yes;
            return Outcome::Stay;
        }
        context.discard(&mut self.early);
        advance::interrupt(context)
    }
}
