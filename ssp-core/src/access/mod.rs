//! Access control: who may join, send and be received in which group.
//!
//! | action | asked | when denied |
//! |---|---|---|
//! | [`Join`](Action::Join) | when this member joins | the call fails |
//! | [`Admit`](Action::Admit) | in every view, for each other member | no view with the member gets a key |
//! | [`Send`](Action::Send) | for every message of this member | the call fails |
//! | [`Receive`](Action::Receive) | for every opened message, about its sender | the message is dropped |
//!
//! In flush-only and bare groups it is asked only when this member joins, because identities are not
//! verified there.
//!
//! A policy sees the verified identity, not only the name. A denial is reported to the local
//! application, as an error or as an event; it is not sent to the others.
//!
//! Policies complement identities and do not replace them: without a key nobody can read a group,
//! whatever policies say, and what one member drops others may deliver. Members whose policies admit
//! different members cannot share a key, as with different trust.

mod file;

pub use file::{FilePolicy, PolicyError, PolicyErrorKind};

use alloc::string::String;
use core::fmt;

use gcs_proto::name::{GroupName, MemberName};

use crate::identity::Identity;

/// What a policy is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// This member joins.
    Join,
    /// Another member is in the view.
    Admit,
    /// This member sends.
    Send,
    /// Another member has sent.
    Receive,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Join, Self::Admit, Self::Send, Self::Receive];

    /// Name in policy files and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Admit => "admit",
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a policy decides on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The action.
    pub action: Action,
    /// The group.
    pub group: &'a GroupName,
    /// The member that acts.
    pub member: &'a MemberName,
    /// The member's verified identity; `None` for this member if its trust does not accept itself.
    pub identity: Option<&'a Identity>,
}

/// The answer of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed.
    Allow,
    /// Denied, with a reason for the local user.
    Deny(String),
}

/// Decides who may do what. Called for every message, so it must be fast and must not block.
pub trait AccessPolicy: fmt::Debug + Send + Sync {
    /// Decides on an action.
    fn decide(&self, request: &Request<'_>) -> Decision;
}

/// Allows everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllowAll;

impl AccessPolicy for AllowAll {
    fn decide(&self, _: &Request<'_>) -> Decision {
        Decision::Allow
    }
}
