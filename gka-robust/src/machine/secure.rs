//! S, SECURE: a key is installed, the application sends and receives.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Data_Message | | deliver | S |
//! | early data | before flush request and signal: a refresh may be under way elsewhere | keep | S |
//! | early data | else: of a refresh that was given up here | drop and count; signal | S |
//! | Flush_Request | | Secure_Flush_Request; what was kept is dropped | S |
//! | Secure_Flush_Ok | asked | Flush_Ok | M, or CM where every view starts from scratch |
//! | Secure_Flush_Ok | not asked | err(IllegalFlushOk) | S |
//! | Transitional_Signal | | signal; what was kept is dropped | S |
//! | Refresh_Request | before flush request and signal | start the suite's refresh | REFRESHING |
//! | Refresh_Request | else | ign | S |
//! | Key_List | of a refresh that was given up | ign | S |
//! | suite's token, not GDH | late | ign | S |
//! | failure | the key of this view has been agreed on | ign | S |
//! | Membership, other tokens | | imp | S |
//!
//! A refresh counts if its request is delivered before flush request and signal: a place common to
//! all who go on together. FIFO data of a member that has finished a refresh can overtake both the key
//! list and the request for it; so early data is kept in this state as well.
//!
//! Behind the flush request no refresh completes here. Data under a refreshed key is then from a member
//! that saw the key list first, hence from one that does not come along: the signal is due. It is given
//! at once, because the common order has a gap here.
//!
//! Source: robust agreement notes, sections 4 and 7.4.

use cliques::Token;
use rand_core::CryptoRng;

use super::{
    advance,
    event::{Event, Outcome},
    role::Role,
    state::{Consent, OwnRequest, Secure, State},
};
use crate::{environment::Environment, error::Error, input::Payload, output::Output};

pub(super) fn handle<D: Payload>(
    state: &mut Secure,
    event: Event<D>,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    match event {
        Event::Data(data) => {
            env.deliver(data);
            Outcome::Stay
        }
        Event::EarlyData(data) => {
            if state.may_refresh(env) {
                env.keep(data);
            } else {
                env.lose_data(data);
            }
            Outcome::Stay
        }
        Event::FlushRequest => match state.consent {
            Consent::NotAsked => {
                state.consent = Consent::Asked;
                env.discard();
                env.output(Output::SecureFlushRequest);
                Outcome::Stay
            }
            Consent::Asked => Outcome::Imp,
        },
        Event::SecureFlushOk => match state.consent {
            Consent::Asked => {
                env.output(Output::FlushOk);
                Outcome::Next(State::flushed(env.design()))
            }
            Consent::NotAsked => Outcome::Err(Error::IllegalFlushOk),
        },
        Event::TransitionalSignal => {
            env.transitional_signal();
            Outcome::Stay
        }
        Event::Token(token) => self::token(*state, &token, env, rng),
        Event::RequestRefresh => match state.own_request {
            OwnRequest::NotSent if state.may_refresh(env) => {
                state.own_request = OwnRequest::Sent;
                env.send_refresh_request();
                Outcome::Stay
            }
            // One request is enough, and a change that is coming brings a new key anyway.
            OwnRequest::NotSent | OwnRequest::Sent => Outcome::Ign,
        },
        Event::Fail(_) => Outcome::Ign,
        Event::Membership(_) => Outcome::Imp,
    }
}

fn token<D: Payload>(
    state: Secure,
    token: &Token,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    match Role::of(token, env.design().states) {
        Role::RefreshRequest if state.may_refresh(env) => match env.begin_refresh(rng) {
            Ok(step) => advance::follow_refresh(step, Outcome::Next(State::Refreshing), env),
            Err(error) => advance::step_failed(error, env),
        },
        Role::RefreshRequest | Role::Suite => Outcome::Ign,
        Role::KeyList if env.refresh_was_abandoned() => Outcome::Ign,
        Role::KeyList
        | Role::Partial
        | Role::Join
        | Role::Final
        | Role::FactOut
        | Role::Foreign => Outcome::Imp,
    }
}
