//! Robust agreement over any suite: restart, and incremental.
//!
//! One state, R (RUNNING), stands for the whole of an agreement. The suite is given what is delivered;
//! when it has a secret, that is installed. Every suite completes by a rule over delivered AGREED
//! broadcasts alone, which all who go on together see in one order; so all of them complete at one
//! position, or none does:
//!
//! | suite | complete when |
//! |---|---|
//! | BD | all X_i are delivered |
//! | CKD | the key message is delivered |
//! | STR | all blinded session randoms are known and no blinded key bk_j, j < n, is missing |
//! | TGDH | no blinded key but the root's is missing, and no refresh is pending |
//! | GDH | the key list is delivered |
//!
//! ```text
//!         Membership                   the suite has the secret, before signal and request
//!  CM ------------------->  R  -------------------------------------------------------------> S
//!  M, SJ  ^                 |  Flush_Request: Flush_Ok at once                                |
//!         +------ CM <------+                                                                 |
//!         +------ M  <------------- Flush_Request, after the application's consent -----------+
//! ```
//!
//! What R does with tokens; everything else is in `machine/agreeing.rs`:
//!
//! | event | guard | actions | next |
//! |---|---|---|---|
//! | suite's token | no signal in this VS view | give it to the suite, send what it wants sent | R |
//! | suite's token | the same, and the suite has the secret | install; deliver early data | S |
//! | suite's token, Refresh_Request | after the signal | ign | R |
//! | Refresh_Request, other tokens | else | imp | R |
//!
//! **Restart**: every view starts from scratch; CM stands for M and SJ. **Incremental**: over CKD a
//! completed agreement is continued by the suite's leave or merge; over STR and TGDH an interrupted one
//! is continued as well.
//!
//! **Why continuing an interrupted agreement is safe.** The public state of a tree suite is a function
//! of the delivered broadcasts. Only those before the first of signal and flush request change it; then
//! it is frozen: behind the signal messages may be missing, and one that fills a gap may rest on a
//! refresh that this side never saw. So all who come along continue from the same tree, frozen at the
//! same position. Each run prunes it to the transitional set and begins with the fresh share of one
//! member of each side, whose old share stays valid until the message that announces the new one has
//! come back under the same rule.
//!
//! Source: robust agreement notes, section 7; the idea of continuing with the existing tree is from
//! Kim, Perrig, Tsudik: Simple and Fault-Tolerant Key Agreement for Dynamic Collaborative Groups, CCS
//! 2000.

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
        Role::Suite if env.key_counts() => advance::process(token, env, rng),
        Role::Suite => Outcome::Ign,
        // A member elsewhere has installed the key before it was cut off, and wants a refresh.
        Role::RefreshRequest if !env.key_counts() => Outcome::Ign,
        Role::RefreshRequest
        | Role::Partial
        | Role::Join
        | Role::Final
        | Role::FactOut
        | Role::KeyList
        | Role::Foreign => Outcome::Imp,
    }
}
