//! CM, M and SJ: the flush is agreed to, the next VS view is on its way.
//!
//! | state | name | what precedes |
//! |---|---|---|
//! | CM | WAIT_FOR_CASCADING_MEMBERSHIP | an interrupted agreement or FAILED |
//! | M | WAIT_FOR_MEMBERSHIP | a secure view: its agreement can go on into the next VS view |
//! | SJ | WAIT_FOR_SELF_JOIN | nothing |
//!
//! Where every view starts from scratch, CM stands for M and SJ as well.
//!
//! | event | state | guard | actions | next |
//! |---|---|---|---|---|
//! | Membership | all | I am alone | new share, install | S |
//! | Membership | all | else | start, enter, update or resume: see `plan.rs` | FT, PT, KL or R |
//! | Data_Message | CM, M | the key of the present VS view is installed | deliver | same |
//! | Data_Message | CM, M | else | drop and count | same |
//! | early data | CM, M | the key of the present VS view is installed | drop and count; signal, see S | same |
//! | early data | CM, M | else | drop and count | same |
//! | Transitional_Signal | CM, M | | signal | same |
//! | tokens | CM | left over from the interrupted run | ign | CM |
//! | Key_List | M | of a refresh that was given up | ign | M |
//! | Refresh_Request | M | behind the flush request | ign | M |
//! | suite's token, not GDH | M | late | ign | M |
//! | other tokens | M | | imp | M |
//! | data, tokens, Transitional_Signal | SJ | nothing comes before the first view | imp | SJ |
//! | Flush_Request | all | | imp | same |
//! | User_Message | CM, M | the application permitted the change | err(NotAllowedToSend) | same |
//! | User_Message, request for a refresh | all | else | err(GroupNotSecure) | same |
//! | Secure_Flush_Ok | all | | err(FlushOkAlreadySent) | same |
//! | failure | all | the view it is about is over | ign | same |
//!
//! All who come along to a membership are in M, or none is (invariant I23): so if the chosen member is
//! one of them, it has the agreement that goes on.
//!
//! Source: robust agreement notes, section 5.2.

use cliques::Token;
use rand_core::CryptoRng;

use super::{
    advance,
    event::{Event, Outcome},
    role::Role,
    state::Flushed,
};
use crate::{environment::Environment, error::Error, input::Payload, rules::Before};

pub(super) fn handle<D: Payload>(
    flushed: Flushed,
    event: Event<D>,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    match event {
        Event::Membership(view) => {
            let before = match flushed {
                Flushed::SelfJoin => Before::Nothing,
                Flushed::Membership => Before::Completed,
                Flushed::Cascading => env.rules().before_cascade(),
            };
            advance::membership(view, before, env, rng)
        }
        Event::Data(data) => match flushed {
            Flushed::Cascading | Flushed::Membership => {
                env.deliver_or_drop(data);
                Outcome::Stay
            }
            Flushed::SelfJoin => {
                env.drop_data(data);
                Outcome::Imp
            }
        },
        Event::EarlyData(data) => match flushed {
            Flushed::Cascading | Flushed::Membership => {
                env.lose_or_drop(data);
                Outcome::Stay
            }
            Flushed::SelfJoin => {
                env.drop_data(data);
                Outcome::Imp
            }
        },
        Event::TransitionalSignal => match flushed {
            Flushed::Cascading | Flushed::Membership => {
                env.transitional_signal();
                Outcome::Stay
            }
            Flushed::SelfJoin => Outcome::Imp,
        },
        Event::Token(token) => match flushed {
            Flushed::Cascading => Outcome::Ign,
            Flushed::Membership => token_in_m(&token, env),
            Flushed::SelfJoin => Outcome::Imp,
        },
        Event::Fail(_) => Outcome::Ign,
        Event::FlushRequest => Outcome::Imp,
        Event::SecureFlushOk => Outcome::Err(Error::FlushOkAlreadySent),
        Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
    }
}

fn token_in_m<D: Payload>(token: &Token, env: &Environment<D>) -> Outcome {
    match Role::of(token, env.design().states) {
        Role::KeyList if env.refresh_was_abandoned() => Outcome::Ign,
        Role::RefreshRequest | Role::Suite => Outcome::Ign,
        Role::KeyList
        | Role::Partial
        | Role::Join
        | Role::Final
        | Role::FactOut
        | Role::Foreign => Outcome::Imp,
    }
}
