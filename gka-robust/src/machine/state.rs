//! The states, and what follows from the state alone.

use cliques::Survival;

use crate::{
    algorithm::{Design, States},
    environment::Environment,
    error::Error,
    input::Payload,
    view::VsSignal,
};

/// The states of all algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// S.
    Secure(Secure),
    /// REFRESHING.
    Refreshing,
    /// FAILED.
    Failed,
    /// CM, M, SJ: the flush is agreed to, a membership is on its way.
    Flushed(Flushed),
    /// PT, FT, FO, KL, R: an agreement is under way.
    Agreeing(Awaited),
}

/// What precedes the membership that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flushed {
    /// CM: an interrupted agreement; or anything, where every view starts from scratch.
    Cascading,
    /// M: a secure view.
    Membership,
    /// SJ: nothing.
    SelfJoin,
}

/// What an agreement waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Awaited {
    /// PT.
    PartialToken,
    /// FT.
    FinalToken,
    /// FO.
    FactOuts,
    /// KL.
    KeyList,
    /// R: the suite knows.
    SuiteTokens,
}

/// Whether the application was asked to permit a view change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Consent {
    NotAsked,
    Asked,
}

/// Whether this member has asked for a refresh of the present key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OwnRequest {
    NotSent,
    Sent,
}

/// S, with what was asked in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Secure {
    pub(super) consent: Consent,
    pub(super) own_request: OwnRequest,
}

impl Secure {
    /// Whether the refresh that a member requests is carried out.
    pub(super) fn may_refresh<D: Payload>(self, env: &Environment<D>) -> bool {
        match (self.consent, env.vs_signal()) {
            (Consent::NotAsked, VsSignal::NotGiven) => true,
            (Consent::NotAsked, VsSignal::Given) | (Consent::Asked, _) => false,
        }
    }
}

/// What is done with a token before its state sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenUse {
    /// It is checked.
    Open,
    /// It is of no use, so it is not even verified.
    Ignore,
    /// It cannot come.
    Impossible,
}

impl State {
    /// S, just entered.
    pub(super) const SECURE: Self = Self::Secure(Secure {
        consent: Consent::NotAsked,
        own_request: OwnRequest::NotSent,
    });

    /// S, where the application has been asked already.
    pub(super) const SECURE_ASKED: Self = Self::Secure(Secure {
        consent: Consent::Asked,
        own_request: OwnRequest::NotSent,
    });

    /// A member that has no view yet.
    pub(crate) const fn initial(design: Design) -> Self {
        Self::Flushed(match design.survival {
            Survival::Nothing => Flushed::Cascading,
            Survival::Completed | Survival::Everything => Flushed::SelfJoin,
        })
    }

    /// A secure view ends with the application's consent.
    pub(super) const fn flushed(design: Design) -> Self {
        Self::Flushed(match design.survival {
            Survival::Nothing => Flushed::Cascading,
            Survival::Completed | Survival::Everything => Flushed::Membership,
        })
    }

    /// What is done with tokens.
    pub(crate) const fn token_use(self, design: Design) -> TokenUse {
        match self {
            Self::Secure(_) | Self::Agreeing(_) | Self::Refreshing => TokenUse::Open,
            // Only the states of GDH know that nothing can come.
            Self::Flushed(Flushed::Membership) => match design.states {
                States::Gdh => TokenUse::Open,
                States::Generic => TokenUse::Ignore,
            },
            Self::Flushed(Flushed::Cascading) | Self::Failed => TokenUse::Ignore,
            Self::Flushed(Flushed::SelfJoin) => TokenUse::Impossible,
        }
    }

    /// Whether the VS view has no key and gets none.
    pub(crate) const fn has_failed(self) -> bool {
        matches!(self, Self::Failed)
    }

    /// The rows of User_Message.
    pub(crate) fn send_permission<D: Payload>(self, env: &Environment<D>) -> Result<(), Error> {
        match self {
            Self::Secure(_) => Ok(()),
            Self::Refreshing => Err(Error::Refreshing),
            Self::Flushed(Flushed::Cascading | Flushed::Membership) if env.has_key() => {
                Err(Error::NotAllowedToSend)
            }
            Self::Flushed(_) | Self::Agreeing(_) | Self::Failed => Err(Error::GroupNotSecure),
        }
    }

    /// Whether an agreement is under way, or follows directly.
    pub(crate) const fn is_agreeing(self) -> bool {
        match self {
            Self::Agreeing(_) | Self::Refreshing | Self::Flushed(Flushed::Membership) => true,
            Self::Flushed(Flushed::Cascading | Flushed::SelfJoin)
            | Self::Secure(_)
            | Self::Failed => false,
        }
    }

    /// Whether the last message of an agreement or refresh may be all that is missing.
    pub(crate) const fn awaits_key(self) -> bool {
        match self {
            Self::Agreeing(Awaited::KeyList | Awaited::SuiteTokens) | Self::Refreshing => true,
            Self::Agreeing(Awaited::PartialToken | Awaited::FinalToken | Awaited::FactOuts)
            | Self::Secure(_)
            | Self::Flushed(_)
            | Self::Failed => false,
        }
    }

    /// Whether early data is kept.
    pub(crate) fn keeps_early_data<D: Payload>(self, env: &Environment<D>) -> bool {
        match self {
            Self::Agreeing(Awaited::KeyList | Awaited::SuiteTokens) => env.key_counts(),
            Self::Refreshing => true,
            Self::Secure(state) => state.may_refresh(env),
            Self::Agreeing(Awaited::PartialToken | Awaited::FinalToken | Awaited::FactOuts)
            | Self::Flushed(_)
            | Self::Failed => false,
        }
    }

    /// Whether this member may ask for a refresh.
    pub(crate) fn may_request_refresh<D: Payload>(self, env: &Environment<D>) -> bool {
        match self {
            Self::Secure(state) => match state.own_request {
                OwnRequest::NotSent => state.may_refresh(env),
                OwnRequest::Sent => false,
            },
            Self::Refreshing | Self::Agreeing(_) | Self::Flushed(_) | Self::Failed => false,
        }
    }

    /// The paper's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Secure(_) => "SECURE",
            Self::Refreshing => "REFRESHING",
            Self::Failed => "FAILED",
            Self::Flushed(Flushed::Cascading) => "WAIT_FOR_CASCADING_MEMBERSHIP",
            Self::Flushed(Flushed::Membership) => "WAIT_FOR_MEMBERSHIP",
            Self::Flushed(Flushed::SelfJoin) => "WAIT_FOR_SELF_JOIN",
            Self::Agreeing(Awaited::PartialToken) => "WAIT_FOR_PARTIAL_TOKEN",
            Self::Agreeing(Awaited::FinalToken) => "WAIT_FOR_FINAL_TOKEN",
            Self::Agreeing(Awaited::FactOuts) => "COLLECT_FACT_OUTS",
            Self::Agreeing(Awaited::KeyList) => "WAIT_FOR_KEY_LIST",
            Self::Agreeing(Awaited::SuiteTokens) => "RUNNING",
        }
    }
}
