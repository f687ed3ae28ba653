//! CM, WAIT_FOR_CASCADING_MEMBERSHIP: the flush is agreed to, the next VS view is on its way.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Membership | I am alone | new share, install | S |
//! | Membership | else | start, or enter, or resume: see `plan.rs` | FT, PT or R |
//! | Data_Message | the key of the present VS view is installed | deliver | CM |
//! | Data_Message | else | drop and count | CM |
//! | early data | the key of the present VS view is installed | drop and count; signal, see S | CM |
//! | early data | else | drop and count | CM |
//! | Transitional_Signal | | signal | CM |
//! | tokens | leftovers of the interrupted run | ign | CM |
//! | Flush_Request | | imp | CM |
//! | User_Message | permitted the change itself | err(NotAllowedToSend) | CM |
//! | User_Message, request for a refresh | else | err(GroupNotSecure) | CM |
//! | Secure_Flush_Ok | | err(FlushOkAlreadySent) | CM |
//! | failure | the view it is about is as good as gone | ign | CM |
//!
//! Where every view starts from scratch this is also the state before a first view, and the one
//! after a secure view.

use super::{State, advance, plan::Before};
use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::Payload,
};

/// The next membership is on its way; or the first one, where every view starts from scratch.
#[derive(Clone, Debug, Hash)]
pub(crate) struct WaitForCascadingMembership;

impl WaitForCascadingMembership {
    pub(super) fn handle<D: Payload>(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Membership(view) => advance::membership(view, Before::Interrupted, context, env),
            Event::Data(data) => {
                context.deliver_or_drop(data);
                Outcome::Stay
            }
            Event::EarlyData(data) => {
                context.lose_or_drop(data);
                Outcome::Stay
            }
            Event::TransitionalSignal => {
                context.transitional_signal();
                Outcome::Stay
            }
            Event::Token(_) | Event::Fail(_) => Outcome::Ign,
            Event::FlushRequest => Outcome::Imp,
            Event::SecureFlushOk => Outcome::Err(Error::FlushOkAlreadySent),
            Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
        }
    }
}
