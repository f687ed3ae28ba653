//! M, WAIT_FOR_MEMBERSHIP: the application has permitted to leave a secure view, so the completed
//! agreement can go on into the next VS view.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Membership | I am alone | new share, install | S |
//! | Membership | nobody is new to my side | leavers deleted; acting controller: Key_List | KL, or R |
//! | Membership | chosen is on my side | leavers deleted; acting controller: Partial_Token | FT, or R |
//! | Membership | else | enter | PT, or R |
//! | Data_Message | the key of the present VS view is installed | deliver | M |
//! | Data_Message | else | drop and count | M |
//! | early data | the key of the present VS view is installed | drop and count; signal, see S | M |
//! | early data | else | drop and count | M |
//! | Transitional_Signal | | signal | M |
//! | Key_List | of a refresh that was given up | ign | M |
//! | Refresh_Request | behind the flush request | ign | M |
//! | other tokens | | imp | M |
//! | Flush_Request | | imp | M |
//! | User_Message | | err(NotAllowedToSend) | M |
//! | request for a refresh | | err(GroupNotSecure) | M |
//! | Secure_Flush_Ok | | err(FlushOkAlreadySent) | M |
//! | failure | the view it is about is as good as gone | ign | M |
//!
//! Over other suites than GDH a late token of the completed run is legal, and ignored.
//!
//! All who come along are in this state, or none (invariant I23): so if the chosen member is one of
//! them, it owns the agreement that goes on here.

use super::{Role, State, advance, plan::Before};
use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::Payload,
};

/// The view after a secure one is on its way.
#[derive(Clone, Debug, Hash)]
pub(crate) struct WaitForMembership;

impl WaitForMembership {
    pub(super) fn handle<D: Payload>(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Membership(view) => advance::membership(view, Before::Completed, context, env),
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
            Event::Token(token) => match Role::of(&token, context.design().states) {
                Role::KeyList if context.refresh_was_abandoned() => Outcome::Ign,
                Role::RefreshRequest | Role::Suite => Outcome::Ign,
                Role::KeyList
                | Role::Partial
                | Role::Join
                | Role::Final
                | Role::FactOut
                | Role::Foreign => Outcome::Imp,
            },
            Event::Fail(_) => Outcome::Ign,
            Event::FlushRequest => Outcome::Imp,
            Event::SecureFlushOk => Outcome::Err(Error::FlushOkAlreadySent),
            Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
        }
    }
}
