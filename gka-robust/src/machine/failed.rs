//! FAILED: an insider broke the protocol, so this VS view has no key, and gets none.
//!
//! | event | actions | next |
//! |---|---|---|
//! | Flush_Request | Flush_Ok | CM |
//! | Transitional_Signal | signal | FAILED |
//! | tokens | ign | FAILED |
//! | Data_Message, early data | drop and count | FAILED |
//! | User_Message, request for a refresh | err(GroupNotSecure) | FAILED |
//! | Secure_Flush_Ok | err(IllegalFlushOk) | FAILED |
//! | failure | report, once a member | FAILED |
//! | Membership | imp | FAILED |
//!
//! The next membership starts afresh; the application may leave and join again, or wait for the
//! culprit to go.
//!
//! Source: key agreement notes, section 2.2.

use super::{State, WaitForCascadingMembership};
use crate::{
    context::Context,
    error::Error,
    event::{Event, Outcome},
    input::Payload,
    output::Output,
};

/// No key in this VS view.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Failed;

impl Failed {
    pub(super) fn handle<D: Payload>(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
    ) -> Outcome<State<D>> {
        match event {
            Event::FlushRequest => {
                context.output(Output::FlushOk);
                Outcome::Next(State::Cascading(WaitForCascadingMembership))
            }
            Event::TransitionalSignal => {
                context.transitional_signal();
                Outcome::Stay
            }
            Event::Data(data) | Event::EarlyData(data) => {
                context.drop_data(data);
                Outcome::Stay
            }
            Event::Fail(failure) => {
                context.fail_again(failure);
                Outcome::Stay
            }
            Event::Token(_) => Outcome::Ign,
            Event::SecureFlushOk => Outcome::Err(Error::IllegalFlushOk),
            Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
            Event::Membership(_) => Outcome::Imp,
        }
    }
}
