//! The machine: all states, of all algorithms, and what they have in common.
//!
//! | state | file | algorithms |
//! |---|---|---|
//! | S | `secure.rs` | all |
//! | REFRESHING | `refreshing.rs` | all |
//! | FAILED | `failed.rs` | all |
//! | CM | `wait_for_cascading_membership.rs` | all |
//! | SJ | `wait_for_self_join.rs` | those that carry something on |
//! | M | `wait_for_membership.rs` | those that carry something on |
//! | PT, FT, FO, KL | `../gdh/` | basic, optimised |
//! | R | `../generic/running.rs` | restart, incremental |
//!
//! Each state decides every event in one match without wildcard.

pub(crate) mod advance;
mod failed;
mod plan;
mod refreshing;
mod role;
mod secure;
mod wait_for_cascading_membership;
mod wait_for_membership;
mod wait_for_self_join;

use self::{
    failed::Failed, refreshing::Refreshing,
    wait_for_cascading_membership::WaitForCascadingMembership,
    wait_for_membership::WaitForMembership, wait_for_self_join::WaitForSelfJoin,
};
pub(crate) use self::{plan::Start, role::Role, secure::Secure};
use crate::{
    algorithm::{Carry, Design, States},
    context::Context,
    error::Error,
    event::{Env, Event, Outcome},
    gdh::{CollectFactOuts, WaitForFinalToken, WaitForKeyList, WaitForPartialToken, may_install},
    generic::Running,
    input::Payload,
};

/// The states of all algorithms.
#[derive(Clone, Debug, Hash)]
pub(crate) enum State<D> {
    Secure(Secure<D>),
    Refreshing(Refreshing<D>),
    Failed(Failed),
    Cascading(WaitForCascadingMembership),
    SelfJoin(WaitForSelfJoin),
    Membership(WaitForMembership),
    PartialToken(WaitForPartialToken),
    FinalToken(WaitForFinalToken),
    FactOuts(CollectFactOuts),
    KeyList(WaitForKeyList<D>),
    Running(Running<D>),
}

/// What an agreement waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    PartialToken,
    FinalToken,
    FactOuts,
    KeyList,
    Running,
}

/// What is done with a token before its state sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenUse {
    /// It is checked.
    Open,
    /// It cannot matter, so it is not even verified.
    Ignore,
    /// It cannot be.
    Impossible,
}

impl<D: Payload> State<D> {
    /// A member that has no view yet.
    pub(crate) const fn initial(design: Design) -> Self {
        match design.carry {
            Carry::Nothing => Self::Cascading(WaitForCascadingMembership),
            Carry::Completed | Carry::Everything => Self::SelfJoin(WaitForSelfJoin),
        }
    }

    /// A secure view ends with the application's consent.
    pub(crate) const fn flushed(design: Design) -> Self {
        match design.carry {
            Carry::Nothing => Self::Cascading(WaitForCascadingMembership),
            Carry::Completed | Carry::Everything => Self::Membership(WaitForMembership),
        }
    }

    /// An agreement waits.
    pub(crate) const fn waiting(then: Then, context: &Context<D>) -> Self {
        match then {
            Then::PartialToken => Self::PartialToken(WaitForPartialToken),
            Then::FinalToken => Self::FinalToken(WaitForFinalToken),
            Then::FactOuts => Self::FactOuts(CollectFactOuts),
            Then::KeyList => Self::KeyList(WaitForKeyList::new(context)),
            Then::Running => Self::Running(Running::new(context)),
        }
    }

    pub(crate) fn handle(
        &mut self,
        event: Event<D>,
        context: &mut Context<D>,
        env: &mut Env<'_>,
    ) -> Outcome<Self> {
        match self {
            Self::Secure(state) => state.handle(event, context, env),
            Self::Refreshing(state) => state.handle(event, context, env),
            Self::Failed(state) => state.handle(event, context),
            Self::Cascading(state) => state.handle(event, context, env),
            Self::SelfJoin(state) => state.handle(event, context, env),
            Self::Membership(state) => state.handle(event, context, env),
            Self::PartialToken(state) => state.handle(event, context, env),
            Self::FinalToken(state) => state.handle(event, context, env),
            Self::FactOuts(state) => state.handle(event, context, env),
            Self::KeyList(state) => state.handle(event, context, env),
            Self::Running(state) => state.handle(event, context, env),
        }
    }

    /// What is done with tokens.
    pub(crate) const fn token_use(&self, design: Design) -> TokenUse {
        match self {
            Self::Secure(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::KeyList(_)
            | Self::Running(_)
            | Self::Refreshing(_) => TokenUse::Open,
            // Only the optimised algorithm over GDH knows that nothing can come.
            Self::Membership(_) => match design.states {
                States::Gdh => TokenUse::Open,
                States::Generic => TokenUse::Ignore,
            },
            Self::Cascading(_) | Self::Failed(_) => TokenUse::Ignore,
            Self::SelfJoin(_) => TokenUse::Impossible,
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
            | Self::Running(_)
            | Self::Cascading(_)
            | Self::SelfJoin(_)
            | Self::Membership(_)
            | Self::Refreshing(_) => false,
        }
    }

    /// The rows of User_Message.
    pub(crate) fn send_permission(&self, context: &Context<D>) -> Result<(), Error> {
        match self {
            Self::Secure(_) => Ok(()),
            Self::Refreshing(_) => Err(Error::Refreshing),
            Self::Cascading(_) | Self::Membership(_) if context.has_key() => {
                Err(Error::NotAllowedToSend)
            }
            Self::Cascading(_)
            | Self::Membership(_)
            | Self::SelfJoin(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::KeyList(_)
            | Self::Running(_)
            | Self::Failed(_) => Err(Error::GroupNotSecure),
        }
    }

    /// Whether an agreement is under way, or follows directly.
    pub(crate) const fn is_agreeing(&self) -> bool {
        match self {
            Self::Membership(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::KeyList(_)
            | Self::Running(_)
            | Self::Refreshing(_) => true,
            Self::Secure(_) | Self::Cascading(_) | Self::SelfJoin(_) | Self::Failed(_) => false,
        }
    }

    /// Whether the last message of an agreement or refresh is all that is missing, or may be.
    pub(crate) const fn awaits_key(&self) -> bool {
        match self {
            Self::KeyList(_) | Self::Running(_) | Self::Refreshing(_) => true,
            Self::Secure(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::Cascading(_)
            | Self::SelfJoin(_)
            | Self::Membership(_)
            | Self::Failed(_) => false,
        }
    }

    /// Whether early data is kept.
    pub(crate) fn keeps_early_data(&self, context: &Context<D>) -> bool {
        match self {
            Self::KeyList(_) | Self::Running(_) => may_install(context),
            Self::Refreshing(_) => true,
            Self::Secure(state) => state.may_refresh(context),
            Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::Cascading(_)
            | Self::SelfJoin(_)
            | Self::Membership(_)
            | Self::Failed(_) => false,
        }
    }

    /// Whether a refresh that is requested now would be carried out.
    pub(crate) fn may_refresh(&self, context: &Context<D>) -> bool {
        match self {
            Self::Secure(state) => state.may_request_refresh(context),
            Self::KeyList(_)
            | Self::Running(_)
            | Self::Refreshing(_)
            | Self::PartialToken(_)
            | Self::FinalToken(_)
            | Self::FactOuts(_)
            | Self::Cascading(_)
            | Self::SelfJoin(_)
            | Self::Membership(_)
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
            Self::Running(_) => "RUNNING",
            Self::Cascading(_) => "WAIT_FOR_CASCADING_MEMBERSHIP",
            Self::SelfJoin(_) => "WAIT_FOR_SELF_JOIN",
            Self::Membership(_) => "WAIT_FOR_MEMBERSHIP",
            Self::Refreshing(_) => "REFRESHING",
            Self::Failed(_) => "FAILED",
        }
    }
}
