//! The decisions on which the safety of the protocol rests, each with its source.
//!
//! The methods' own bodies are the protocol. Only [`testing`](crate::testing) implements the trait
//! otherwise, to see whether the property oracle notices; a build without feature `test-util` knows
//! [`Robust`] alone, an empty type whose methods are inlined.

use core::fmt::Debug;

use cliques::MemberName;

use crate::{
    choose::choose,
    view::{View, VsSignal},
};

/// What precedes a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// No view at all.
    Nothing,
    /// A secure view.
    Completed,
    /// An agreement that was interrupted; or anything, where nothing survives a change.
    Interrupted,
}

/// The decisions that a wrong protocol would take differently.
pub(crate) trait Rules: Debug + Send + Sync {
    /// The member that starts the agreement of a view: the same at all members (robust agreement
    /// notes, section 5.4).
    fn starter<'a>(&self, view: &'a View) -> Option<&'a MemberName> {
        choose(view)
    }

    /// Whether the message that completes an agreement installs its key. Behind the signal it may reach
    /// some members only, so nobody takes it (section 5.3).
    fn key_counts(&self, signal: VsSignal) -> bool {
        match signal {
            VsSignal::NotGiven => true,
            VsSignal::Given => false,
        }
    }

    /// What a membership in CM follows: an interrupted agreement, never the one completed before it,
    /// which those who came in between do not have (section 5.2).
    fn before_cascade(&self) -> Before {
        Before::Interrupted
    }
}

/// The protocol as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Robust;

impl Rules for Robust {}

/// The rules of a driver; tests can replace them.
#[derive(Clone, Debug)]
pub(crate) struct DriverRules(#[cfg(feature = "test-util")] alloc::sync::Arc<dyn Rules>);

impl DriverRules {
    #[cfg(not(feature = "test-util"))]
    pub(crate) const fn robust() -> Self {
        Self()
    }

    #[cfg(not(feature = "test-util"))]
    #[inline]
    pub(crate) const fn get(&self) -> &dyn Rules {
        &Robust
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn robust() -> Self {
        Self(alloc::sync::Arc::new(Robust))
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn get(&self) -> &dyn Rules {
        &*self.0
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn wrong(rules: impl Rules + 'static) -> Self {
        Self(alloc::sync::Arc::new(rules))
    }
}
