//! FAILED: a member broke the protocol, so this VS view has no key, and gets none.
//!
//! | event | actions | next |
//! |---|---|---|
//! | Flush_Request | Flush_Ok | CM |
//! | Transitional_Signal | signal | FAILED |
//! | tokens | ign | FAILED |
//! | Data_Message, early data | drop and count | FAILED |
//! | User_Message, request for a refresh | err(GroupNotSecure) | FAILED |
//! | Secure_Flush_Ok | err(IllegalFlushOk) | FAILED |
//! | failure | report, once for each member | FAILED |
//! | Membership | imp | FAILED |
//!
//! The next membership starts afresh; the application may leave and join again, or wait for the
//! culprit to go.
//!
//! Source: key agreement notes, section 2.2.

use super::{
    event::{Event, Outcome},
    state::{Flushed, State},
};
use crate::{environment::Environment, error::Error, input::Payload, output::Output};

pub(super) fn handle<D: Payload>(event: Event<D>, env: &mut Environment<D>) -> Outcome {
    match event {
        Event::FlushRequest => {
            env.output(Output::FlushOk);
            Outcome::Next(State::Flushed(Flushed::Cascading))
        }
        Event::TransitionalSignal => {
            env.transitional_signal();
            Outcome::Stay
        }
        Event::Data(data) | Event::EarlyData(data) => {
            env.drop_data(data);
            Outcome::Stay
        }
        Event::Fail(failure) => {
            env.fail_again(failure);
            Outcome::Stay
        }
        Event::Token(_) => Outcome::Ign,
        Event::SecureFlushOk => Outcome::Err(Error::IllegalFlushOk),
        Event::RequestRefresh => Outcome::Err(Error::GroupNotSecure),
        Event::Membership(_) => Outcome::Imp,
    }
}
