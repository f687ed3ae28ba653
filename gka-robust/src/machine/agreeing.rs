//! PT, FT, FO, KL and R, the states of an agreement under way: what they have in common.
//!
//! | event | state | guard | actions | next |
//! |---|---|---|---|---|
//! | tokens | PT, FT, FO, KL | | see the state's file in `gdh/` | |
//! | tokens | R | | see `generic.rs` | |
//! | Flush_Request | all | (rule B) | Flush_Ok; what was kept is dropped | CM |
//! | Transitional_Signal | all | | signal; what was kept is dropped | same |
//! | Data_Message, early data | PT, FT, FO | nobody can have the key without my share | imp | same |
//! | Data_Message, early data | KL, R | before the signal | keep | same |
//! | Data_Message, early data | KL, R | after the signal | drop and count | same |
//! | User_Message, request for a refresh | all | | err(GroupNotSecure) | same |
//! | Secure_Flush_Ok | all | | err(IllegalFlushOk) | same |
//! | failure | all | | report | FAILED |
//! | Membership | all | | imp | same |
//!
//! Data after the signal may be from a member that had installed the key before it was cut off; it
//! belongs to a view that this side will not have.
//!
//! Source: robust agreement notes, sections 5.2, 5.3 (rule B) and 7.1.

use rand_core::CryptoRng;

use super::{
    advance,
    event::{Event, Outcome},
    gdh, generic,
    state::{Awaited, Flushed, State},
};
use crate::{environment::Environment, error::Error, input::Payload, log::Cut, output::Output};

pub(super) fn handle<D: Payload>(
    awaited: Awaited,
    event: Event<D>,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    match event {
        Event::Token(token) => match awaited {
            Awaited::PartialToken => gdh::wait_for_partial_token::token(&token, env, rng),
            Awaited::FinalToken => gdh::wait_for_final_token::token(&token, env, rng),
            Awaited::FactOuts => gdh::collect_fact_outs::token(&token, env, rng),
            Awaited::KeyList => gdh::wait_for_key_list::token(&token, env, rng),
            Awaited::SuiteTokens => generic::token(&token, env, rng),
        },
        Event::FlushRequest => {
            env.interrupt(Cut::FlushRequest);
            env.output(Output::FlushOk);
            Outcome::Next(State::Flushed(Flushed::Cascading))
        }
        Event::TransitionalSignal => {
            env.transitional_signal();
            Outcome::Stay
        }
        Event::Data(data) | Event::EarlyData(data) => match awaited {
            Awaited::PartialToken | Awaited::FinalToken | Awaited::FactOuts => {
                env.drop_data(data);
                Outcome::Imp
            }
            Awaited::KeyList | Awaited::SuiteTokens => {
                env.keep_or_drop(data);
                Outcome::Stay
            }
        },
        Event::Fail(failure) => advance::fail(failure, env),
        Event::SecureFlushOk => Outcome::Err(Error::IllegalFlushOk),
        Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
        Event::Membership(_) => Outcome::Imp,
    }
}
