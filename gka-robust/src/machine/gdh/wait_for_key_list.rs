//! KL, WAIT_FOR_KEY_LIST: everything is contributed; the key list decides.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Key_List | no signal in this VS view, valid | install; deliver early data | S |
//! | Key_List, Refresh_Request | after the signal | ign | KL |
//! | Final_Token | my own, behind the others' factor-outs | ign | KL |
//! | other tokens | | imp | KL |
//! | everything else | | see `agreeing.rs` | |
//!
//! After the signal the key list may come to some members only, so nobody takes it.

use cliques::Token;
use rand_core::CryptoRng;

use crate::{
    environment::Environment,
    input::Payload,
    machine::{advance, event::Outcome, role::Role},
};

pub(crate) fn token<D: Payload>(
    token: &Token,
    env: &mut Environment<D>,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    match Role::of(token, env.design().states) {
        Role::KeyList if env.key_counts() => advance::process(token, env, rng),
        Role::KeyList => Outcome::Ign,
        // A member elsewhere has installed the key before it was cut off, and wants a refresh.
        Role::RefreshRequest if !env.key_counts() => Outcome::Ign,
        Role::Final if token.sender() == env.me() => Outcome::Ign,
        Role::RefreshRequest
        | Role::Partial
        | Role::Join
        | Role::Final
        | Role::FactOut
        | Role::Suite
        | Role::Foreign => Outcome::Imp,
    }
}
