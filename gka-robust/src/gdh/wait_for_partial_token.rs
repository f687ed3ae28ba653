//! PT, WAIT_FOR_PARTIAL_TOKEN: I am new, and the token has not reached me.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Partial_Token | valid, I am not the last | add a share; Partial_Token to the successor | FT |
//! | Partial_Token | valid, I am the last | Final_Token to all, without a share of mine yet | FO |
//! | Join_Token | valid | add a share; Key_List to all | KL |
//! | Data_Message, early data, other tokens | they need my contribution first | imp | PT |
//! | Flush_Request | | Flush_Ok | CM |
//! | Transitional_Signal | | signal | PT |
//! | User_Message, request for a refresh | | err(GroupNotSecure) | PT |
//! | Secure_Flush_Ok | | err(IllegalFlushOk) | PT |
//! | failure | | report | FAILED |
//! | Membership | | imp | PT |

use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::Payload,
    machine::{Role, State, advance},
};

/// The token has not come by.
#[derive(Clone, Debug, Hash)]
pub(crate) struct WaitForPartialToken;

impl WaitForPartialToken {
    pub(crate) fn handle<D: Payload>(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Token(token) => match Role::of(&token, context.design().states) {
                Role::Partial | Role::Join => advance::process(&token, context, env),
                Role::Final
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
