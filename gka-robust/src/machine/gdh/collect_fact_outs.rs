//! FO, COLLECT_FACT_OUTS: I am the last new member and will be the controller.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Final_Token | my own | ign | FO |
//! | Fact_Out | valid, others are still missing | keep it | FO |
//! | Fact_Out | valid, the last | add my share; Key_List to all, AGREED | KL |
//! | other tokens | they need my contribution first | imp | FO |
//! | everything else | | see `agreeing.rs` | |

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
        Role::FactOut => advance::process(token, env, rng),
        Role::Final if token.sender() == env.me() => Outcome::Ign,
        Role::Partial
        | Role::Join
        | Role::Final
        | Role::KeyList
        | Role::RefreshRequest
        | Role::Suite
        | Role::Foreign => Outcome::Imp,
    }
}
