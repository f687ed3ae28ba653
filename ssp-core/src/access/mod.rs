//! Access control: who may join, send and be heard in which group.
//!
//! | action | asked | when denied |
//! |---|---|---|
//! | [`Join`](Action::Join) | at the own join, about this member | the call fails |
//! | [`Admit`](Action::Admit) | in every view, about each other member | the view gets no key while it stays |
//! | [`Send`](Action::Send) | at every own message, about this member | the call fails |
//! | [`Receive`](Action::Receive) | at every opened message, about its sender | the message is dropped |
//!
//! In flush-only and bare groups it is asked about the own join only, because nobody's identity is
//! verified there.
//!
//! A policy knows the verified identity, not only the name. A denial is told to the local application,
//! as an error or as an event, and changes nothing for the others: nothing of it is sent.
//!
//! Policies complement identities and do not replace them: without a key nobody reads a group, whatever
//! policies say; and what one member does not want to hear, others may. A policy that differs between
//! members in whom it admits keeps them apart, as different trust does.

mod file;

pub use file::{FilePolicy, PolicyError, PolicyErrorKind};

use alloc::string::String;
use core::fmt;

use gcs_proto::name::{GroupName, MemberName};

use crate::identity::Identity;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// This member wants to join.
    Join,
    /// Another member is in the view.
    Admit,
    /// This member wants to send.
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
    /// What is to be done.
    pub action: Action,
    /// In which group.
    pub group: &'a GroupName,
    /// By whom.
    pub member: &'a MemberName,
    /// The member's verified identity; none where this member's own trust does not accept its own.
    pub identity: Option<&'a Identity>,
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allow,
    /// No, and why: for the local user.
    Deny(String),
}

/// Decides who may do what. Asked for every message, so it must be fast, and must not block.
pub trait AccessPolicy: fmt::Debug + Send + Sync {
    /// Decides.
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
