//! PT, WAIT_FOR_PARTIAL_TOKEN: I am new, and the token has not reached me.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Partial_Token | valid, I am not the last | add a share; Partial_Token to the successor | FT |
//! | Partial_Token | valid, I am the last | Final_Token to all, without a share of mine yet | FO |
//! | Join_Token | valid | add a share; Key_List to all | KL |
//! | other tokens | they need my contribution first | imp | PT |
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
        Role::Partial | Role::Join => advance::process(token, env, rng),
        Role::Final
        | Role::FactOut
        | Role::KeyList
        | Role::RefreshRequest
        | Role::Suite
        | Role::Foreign => Outcome::Imp,
    }
}
