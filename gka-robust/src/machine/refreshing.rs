//! REFRESHING: all members have agreed to replace the key, and run the suite's refresh.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Key_List, or suite's token | valid | give it to the suite; if that has the secret: install, same view, next epoch; deliver early data | S |
//! | Refresh_Request | | ign | REFRESHING |
//! | Data_Message | | deliver, under the old key | REFRESHING |
//! | early data | | keep | REFRESHING |
//! | User_Message | | err(Refreshing) | REFRESHING |
//! | Flush_Request | | give the refresh up; Secure_Flush_Request | S, asked |
//! | Transitional_Signal | | give the refresh up; signal | S |
//! | Secure_Flush_Ok | | err(IllegalFlushOk) | REFRESHING |
//! | failure | | report | FAILED |
//! | Membership, other tokens | | imp | REFRESHING |
//!
//! ```text
//!  any member             controller                everybody
//!    | REFRESH_REQUEST, AGREED |                        |
//!    +------------------------>+----------------------->|  sending stops here
//!    |                         | KEY_LIST, AGREED       |
//!    |<------------------------+----------------------->|  epoch + 1 from here
//! ```
//!
//! The drawing is that of GDH; other suites send their own tokens. The suite keeps its last completed
//! state until the refresh is complete, so giving up leaves the old key in use; tokens of the refresh
//! that come later are ignored in S, at all who go on together.
//!
//! Source: robust agreement notes, section 7.4.

use rand_core::CryptoRng;

use super::{
    advance,
    event::{Event, Outcome},
    role::Role,
    state::State,
};
use crate::{environment::Environment, error::Error, input::Payload, log::Cut, output::Output};

pub(super) fn handle<D: Payload>(
    event: Event<D>,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    match event {
        Event::Data(data) => {
            env.deliver(data);
            Outcome::Stay
        }
        Event::EarlyData(data) => {
            env.keep(data);
            Outcome::Stay
        }
        Event::Token(token) => match Role::of(&token, env.design().states) {
            Role::KeyList | Role::Suite => match env.process(&token, rng) {
                Ok(step) => advance::follow_refresh(step, Outcome::Stay, env),
                Err(error) => advance::step_failed(error, env),
            },
            Role::RefreshRequest => Outcome::Ign,
            Role::Partial | Role::Join | Role::Final | Role::FactOut | Role::Foreign => {
                Outcome::Imp
            }
        },
        Event::FlushRequest => {
            env.give_up_refresh(Cut::FlushRequest);
            env.output(Output::SecureFlushRequest);
            Outcome::Next(State::SECURE_ASKED)
        }
        Event::TransitionalSignal => {
            env.transitional_signal();
            env.give_up_refresh(Cut::TransitionalSignal);
            Outcome::Next(State::SECURE)
        }
        Event::Fail(failure) => advance::fail(failure, env),
        Event::SecureFlushOk => Outcome::Err(Error::IllegalFlushOk),
        Event::RequestRefresh => Outcome::Err(Error::Refreshing),
        Event::Membership(_) => Outcome::Imp,
    }
}
