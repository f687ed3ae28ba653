//! FT, WAIT_FOR_FINAL_TOKEN: my share is in the token, others are to add theirs.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Final_Token | valid | Fact_Out, the token without my share, to its sender | KL |
//! | Data_Message, early data, other tokens | they need my contribution first | imp | FT |
//! | Flush_Request | | Flush_Ok | CM |
//! | Transitional_Signal | | signal | FT |
//! | User_Message, request for a refresh | | err(GroupNotSecure) | FT |
//! | Secure_Flush_Ok | | err(IllegalFlushOk) | FT |
//! | failure | | report | FAILED |
//! | Membership | | imp | FT |

use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::Payload,
    machine::{Role, State, advance},
};

/// The token is with others.
#[derive(Clone, Debug, Hash)]
pub(crate) struct WaitForFinalToken;

impl WaitForFinalToken {
    pub(crate) fn handle<D: Payload>(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Token(token) => match Role::of(&token, context.design().states) {
                Role::Final => advance::process(&token, context, env),
                Role::Partial
                | Role::Join
                | Role::FactOut
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
