//! FO, COLLECT_FACT_OUTS: I am the last new member and will be the controller.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Final_Token | my own | ign | FO |
//! | Fact_Out | valid, some missing still | keep it | FO |
//! | Fact_Out | valid, the last | add my share; Key_List to all, AGREED | KL |
//! | Data_Message, early data, other tokens | they need my contribution first | imp | FO |
//! | Flush_Request | | Flush_Ok | CM |
//! | Transitional_Signal | | signal | FO |
//! | User_Message, request for a refresh | | err(GroupNotSecure) | FO |
//! | Secure_Flush_Ok | | err(IllegalFlushOk) | FO |
//! | failure | | report | FAILED |
//! | Membership | | imp | FO |

use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::Payload,
    machine::{Role, State, advance},
};

/// Some factor-outs are missing.
#[derive(Clone, Debug, Hash)]
pub(crate) struct CollectFactOuts;

impl CollectFactOuts {
    pub(crate) fn handle<D: Payload>(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Token(token) => match Role::of(&token, context.design().states) {
                Role::FactOut => advance::process(&token, context, env),
                Role::Final if token.sender() == context.me() => Outcome::Ign,
                Role::Partial
                | Role::Join
                | Role::Final
                | Role::KeyList
                | Role::RefreshRequest
                | Role::Suite
                | Role::Foreign => Outcome::Imp,
            },
            Event::FlushRequest => advance::interrupt(context),
            Event::TransitionalSignal => {
                context.transitional_signal();
                Outcome::Stay
            }
            Event::Data(data) | Event::EarlyData(data) => {
                context.drop_data(data);
                Outcome::Imp
            }
            Event::SecureFlushOk => Outcome::Err(Error::IllegalFlushOk),
            Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
            Event::Fail(failure) => advance::fail(failure, context),
            Event::Membership(_) => Outcome::Imp,
        }
    }
}
