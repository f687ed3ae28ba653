//! Robust GDH: the basic algorithm, with rule B.
//!
//! Every VS view starts an agreement from scratch: one member, the same for all (`choose`), takes
//! the part of the old group and everybody else that of new members. Whatever interrupts the run,
//! the flush service brings a new VS view in the end, and with it a new run.
//!
//! ```text
//!             chosen: PARTIAL to the next                 FINAL delivered: FACT_OUT to its sender
//!        +------------------------------------> FT ------------------------------+
//!        |                                       ^                               v        key list delivered
//!  CM ---+                                       | not last: PARTIAL to the next KL -------------------------> S
//!   ^    |  others                               |                               ^     before signal and request
//!   |    +------------------------------------> PT                               |
//!   |                                            | last: FINAL to all            |
//!   |                                            v                               |
//!   |                                           FO ------------------------------+
//!   |                                                all FACT_OUTs: KEY_LIST, AGREED
//!   +---- Flush_Request in PT, FT, FO, KL: Flush_Ok at once;  in S: after the application's consent
//! ```
//!
//! | state | file | waits for |
//! |---|---|---|
//! | S | `secure.rs` | nothing: a key is installed |
//! | PT | `wait_for_partial_token.rs` | the token, to add a share and pass it on |
//! | FT | `wait_for_final_token.rs` | the token with the shares of all but the last |
//! | FO | `collect_fact_outs.rs` | the others' factor-outs (the last new member, acting as controller) |
//! | KL | `wait_for_key_list.rs` | the key list, in AGREED order |
//! | CM | `wait_for_cascading_membership.rs` | the next membership; the state of a joining member |
//! | REFRESHING | `refreshing.rs` | the key list of a refresh, under the old key |
//! | FAILED | `failed.rs` | the next membership; a member broke the protocol |
//!
//! **Why it is safe.** The key list is the only thing that installs a key, and it is delivered at
//! one place of the order common to all. All who go on together see the signal and the flush
//! request on the same side of that place. So they all install, or none does: the key list counts
//! if it comes before both. That a flush request ends the wait (rule B) departs from the published
//! rule, which waits for key list or signal; over a flush service that gives no signal on voluntary
//! joins that wait may never end, because the controller has flushed and will not send.
//!
//! Sources: [TPDS'04] Amir, Kim, Nita-Rotaru, Schultz, Stanton, Tsudik: Secure Group Communication
//! Using Robust Contributory Key Agreement, IEEE TPDS 15(5), 2004, section 5; [ICDCS'01] Amir et
//! al.: Exploring Robustness in Group Key Agreement, ICDCS 2001; rule B, refresh and FAILED: robust
//! agreement notes, sections 5.3 and 7.4.

mod advance;
mod collect_fact_outs;
mod failed;
mod refreshing;
mod secure;
mod wait_for_cascading_membership;
mod wait_for_final_token;
mod wait_for_key_list;
mod wait_for_partial_token;

use cliques::{Token, TokenKind};

use self::{
    collect_fact_outs::CollectFactOuts, failed::Failed, refreshing::Refreshing, secure::Secure,
    wait_for_cascading_membership::WaitForCascadingMembership,
    wait_for_final_token::WaitForFinalToken, wait_for_key_list::WaitForKeyList,
    wait_for_partial_token::WaitForPartialToken,
};
use crate::{
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    input::Payload,
};

/// The states of the basic algorithm.
#[derive(Debug)]
pub(crate) enum State<D> {
    Secure(Secure<D>),
    PartialToken(WaitForPartialToken),
    FinalToken(WaitForFinalToken),
    FactOuts(CollectFactOuts),
    KeyList(WaitForKeyList<D>),
    Cascading(WaitForCascadingMembership),
    Refreshing(Refreshing<D>),
    Failed(Failed),
}

/// What tokens are to this algorithm.
enum Role {
    Partial,
    Final,
    FactOut,
    KeyList,
    RefreshRequest,
    /// Of no use here.
    Foreign,
}

impl Role {
    fn of(token: &Token) -> Self {
        match token.kind() {
            TokenKind::GdhPartial => Self::Partial,
            TokenKind::GdhFinal => Self::Final,
            TokenKind::GdhFactorOut => Self::FactOut,
            TokenKind::GdhKeyList => Self::KeyList,
            TokenKind::RefreshRequest => Self::RefreshRequest,
            // The list of kinds belongs to the suites' crate and grows with them.
            _ => Self::Foreign,
        }
    }
}

impl<D: Payload> State<D> {
    /// A member that has no view yet.
    pub(crate) const fn initial() -> Self {
        Self::Cascading(WaitForCascadingMembership)
    }

    pub(crate) fn handle(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<Self> {
        match self {
            Self::Secure(state) => state.handle(event, context, env),
            Self::PartialToken(state) => state.handle(event, context, env),
            Self::FinalToken(state) => state.handle(event, context, env),
            Self::FactOuts(state) => state.handle(event, context, env),
            Self::KeyList(state) => state.handle(event, context, env),
            Self::Cascading(state) => state.handle(event, context, env),
            Self::Refreshing(state) => state.handle(event, context, env),
            Self::Failed(state) => state.handle(event, context),
        }
    }

    /// Whether tokens can matter: where they do not, they are not even verified.
    pub(crate) const fn opens_tokens(&self) -> bool {
        match self {
            Self::Secure(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::KeyList(_)
            | Self::Refreshing(_) => true,
            Self::Cascading(_) | Self::Failed(_) => false,
        }
    }

    /// Whether the VS view has no key and gets none.
    pub(crate) const fn has_failed(&self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Secure(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::KeyList(_)
            | Self::Cascading(_)
            | Self::Refreshing(_) => false,
        }
    }

    /// The rows of User_Message.
    pub(crate) fn send_permission(&self, context: &Context<D>) -> Result<(), Error> {
        match self {
            Self::Secure(_) => Ok(()),
            Self::Refreshing(_) => Err(Error::Refreshing),
            Self::Cascading(_) if context.has_key() => Err(Error::NotAllowedToSend),
            Self::Cascading(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::KeyList(_)
            | Self::Failed(_) => Err(Error::GroupNotSecure),
        }
    }

    /// Whether an agreement or refresh is about to end with a key.
    pub(crate) const fn awaits_key(&self) -> bool {
        match self {
            Self::KeyList(_) | Self::Refreshing(_) => true,
            Self::Secure(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::Cascading(_)
            | Self::Failed(_) => false,
        }
    }

    /// Whether early data may be kept.
    pub(crate) fn keeps_early_data(&self, context: &Context<D>) -> bool {
        match self {
            Self::Secure(state) => state.may_refresh(context),
            Self::KeyList(_) => wait_for_key_list::may_install(context),
            Self::Refreshing(_) => true,
            Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::Cascading(_)
            | Self::Failed(_) => false,
        }
    }

    /// The paper's name.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Secure(_) => "SECURE",
            Self::PartialToken(_) => "WAIT_FOR_PARTIAL_TOKEN",
            Self::FinalToken(_) => "WAIT_FOR_FINAL_TOKEN",
            Self::FactOuts(_) => "COLLECT_FACT_OUTS",
            Self::KeyList(_) => "WAIT_FOR_KEY_LIST",
            Self::Cascading(_) => "WAIT_FOR_CASCADING_MEMBERSHIP",
            Self::Refreshing(_) => "REFRESHING",
            Self::Failed(_) => "FAILED",
        }
    }
}
