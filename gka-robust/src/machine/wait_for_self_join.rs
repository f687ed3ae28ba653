//! SJ, WAIT_FOR_SELF_JOIN: the first VS view is on its way.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Membership | I am alone | new share, install | S |
//! | Membership | I am chosen | restart with everybody else as new | FT, or R |
//! | Membership | else | enter as a new member | PT, or R |
//! | User_Message, request for a refresh | | err(GroupNotSecure) | SJ |
//! | Secure_Flush_Ok | | err(FlushOkAlreadySent) | SJ |
//! | failure | there is no view that it could be about | ign | SJ |
//! | everything else | nothing comes before the first view | imp | SJ |

use super::{State, advance, plan::Before};
use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::Payload,
};

/// The first membership is on its way.
#[derive(Clone, Debug, Hash)]
pub(crate) struct WaitForSelfJoin;

impl WaitForSelfJoin {
    pub(super) fn handle<D: Payload>(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Membership(view) => advance::membership(view, Before::Nothing, context, env),
            Event::Data(data) | Event::EarlyData(data) => {
                context.drop_data(data);
                Outcome::Imp
            }
            Event::Token(_) | Event::FlushRequest | Event::TransitionalSignal => Outcome::Imp,
            Event::Fail(_) => Outcome::Ign,
            Event::SecureFlushOk => Outcome::Err(Error::FlushOkAlreadySent),
            Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
        }
    }
}
