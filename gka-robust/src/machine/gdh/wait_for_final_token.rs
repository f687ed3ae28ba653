//! FT, WAIT_FOR_FINAL_TOKEN: my share is in the token, others are to add theirs.
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | Final_Token | valid | Fact_Out, the token without my share, to its sender | KL |
//! | other tokens | they need my contribution first | imp | FT |
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
        Role::Final => advance::process(token, env, rng),
        Role::Partial
        | Role::Join
        | Role::FactOut
        | Role::KeyList
        | Role::RefreshRequest
        | Role::Suite
        | Role::Foreign => Outcome::Imp,
    }
}
