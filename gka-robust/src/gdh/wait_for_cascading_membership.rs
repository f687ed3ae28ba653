//! CM, WAIT_FOR_CASCADING_MEMBERSHIP: the flush is agreed to, the next VS view is on its way.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Membership | I am alone | new share, install | S |
//! | Membership | I am chosen | restart with everybody else as new; Partial_Token to the next | FT |
//! | Membership | else | forget everything, enter as a new member | PT |
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

use alloc::vec::Vec;

use cliques::{Change, MemberId, Step};

use super::{State, WaitForPartialToken, advance};
use crate::{
    choose::choose,
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    fault::Fault,
    input::Payload,
    view::View,
};

/// The next membership is on its way, or the first one.
#[derive(Debug)]
pub(crate) struct WaitForCascadingMembership;

/// My part in the agreement of a view.
enum Part {
    Alone,
    StartFresh { joined: Vec<MemberId> },
    EnterNew { members: Vec<MemberId> },
}

impl Part {
    fn in_view<D: Payload>(view: &View, context: &Context<D>) -> Self {
        let me = context.me();
        let chosen = if context.deviates(Fault::LocalChoice) {
            view.members
                .iter()
                .find(|member| view.transitional_set.contains(member))
        } else {
            choose(view)
        };
        let others = || view.members.iter().filter(|member| *member != me);
        if others().next().is_none() {
            Self::Alone
        } else if chosen == Some(me) {
            Self::StartFresh {
                joined: others().cloned().collect(),
            }
        } else {
            Self::EnterNew {
                members: view.members.clone(),
            }
        }
    }
}

impl WaitForCascadingMembership {
    pub(super) fn handle<D: Payload>(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match event {
            Event::Membership(view) => Self::membership(view, context, env),
            Event::Data(data) if context.has_key() => {
                context.deliver(data);
                Outcome::Stay
            }
            Event::EarlyData(data) if context.has_key() => {
                context.lose_data(data);
                Outcome::Stay
            }
            Event::Data(data) | Event::EarlyData(data) => {
                context.drop_data(data);
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

    fn membership<D: Payload>(
        view: View,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        let Some(view) = context.membership(view) else {
            return Outcome::Imp;
        };
        let view = view.clone();
        match Part::in_view(&view, context) {
            Part::Alone => Self::begin(Change::Found, context, env),
            Part::StartFresh { joined } => Self::begin(Change::Restart { joined }, context, env),
            Part::EnterNew { members } => {
                match Self::begin(Change::Enter { members }, context, env) {
                    Outcome::Stay => Outcome::Next(State::PartialToken(WaitForPartialToken)),
                    outcome
                    @ (Outcome::Next(_) | Outcome::Imp | Outcome::Ign | Outcome::Err(_)) => outcome,
                }
            }
        }
    }

    fn begin<D: Payload>(
        change: Change,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<State<D>> {
        match context.begin_anew(change, env) {
            Ok(Step { send, secret }) => advance::advance(Step { send, secret }, context, env),
            Err(error) => Outcome::Err(error),
        }
    }
}
