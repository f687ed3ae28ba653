//! Who may connect, join, leave and send: authentication and access control.
//!
//! ```text
//!   client connects -> handshake -> Authentication: every chosen and every required method
//!                                   ProofOfIdentity, if there is one
//!                                -> AccessPolicy::connect          denied: code -9, stream closed
//!   join            -> ProofOfIdentity, judged anew                denied: comes back as a REJECT
//!   request         -> AccessPolicy::join, leave,
//!                      send_to_groups, send_private                denied: comes back as a REJECT
//! ```
//!
//! Authentication is done once a connection; each action is then judged on its own, when it arrives
//! at the daemon and before it gets its place in the total order. A refused request comes back with
//! all that was in it, unless the sender asked not to get its own message; nobody else hears of it.
//!
//! For secure groups a policy complements the identities of the members: the daemon may keep
//! somebody out of a group, but only the identities keep it out of the key.
//!
//! Source: framework for authentication and access control, section 9 of the notes on the secure
//! layer; refusals on the wire, section 8 of the protocol notes.

mod authentication;
mod ip_list;
mod proof;

use std::{fmt, net::IpAddr};

use gcs_proto::{
    codec::DataMessage,
    name::{GroupName, MemberName, Name},
    service::Service,
};

pub use authentication::Authentication;
pub use ip_list::{IpList, IpListError};
pub use proof::ProofOfIdentity;
pub use ssp_identity::Identity;

/// Where a client's stream comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A Unix socket, or a stream inside the process.
    Local,
    /// A TCP connection from this address.
    Tcp(IpAddr),
}

/// A client as policies see it.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name, by which it is a member of groups.
    pub member: MemberName,
    /// Where it connects from.
    pub origin: Origin,
    /// User name, if it was authenticated by password.
    pub name: Option<Vec<u8>>,
    /// Who it has proved to be, if it was asked ([`ProofOfIdentity`]): when it connected, or since,
    /// to join a group.
    pub identity: Option<Identity>,
}

/// A message on its way in, as policies see it.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    message: &'a DataMessage,
}

impl<'a> Sending<'a> {
    pub(crate) const fn new(message: &'a DataMessage) -> Self {
        Self { message }
    }

    /// All destinations, groups and private groups, as sent.
    #[must_use]
    pub fn destinations(&self) -> &'a [Name] {
        &self.message.destinations
    }

    /// Service asked for.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.message.word.service()
    }

    /// Type chosen by the sender.
    #[must_use]
    pub const fn message_type(&self) -> i16 {
        self.message.hint.message_type()
    }

    /// Content.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        &self.message.body
    }
}

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It may be done.
    Allow,
    /// It may not, for this reason, which goes to the log; the protocol has no place for it.
    Deny(&'static str),
}

/// Judges what clients want to do.
///
/// Every method permits unless it is written otherwise. Calls are made one at a time, in the order
/// of the daemon, and hold up everybody: they have to be fast and must not block.
pub trait AccessPolicy: Send + Sync {
    /// A client that is authenticated wants to be a session.
    fn connect(&self, user: &User) -> Decision {
        let _ = user;
        Decision::Allow
    }

    /// A session wants to join a group.
    fn join(&self, user: &User, group: &GroupName) -> Decision {
        let _ = (user, group);
        Decision::Allow
    }

    /// A session wants to leave a group.
    fn leave(&self, user: &User, group: &GroupName) -> Decision {
        let _ = (user, group);
        Decision::Allow
    }

    /// A session sends a message that has a group among its destinations, or none.
    fn send_to_groups(&self, user: &User, sending: Sending<'_>) -> Decision {
        let _ = (user, sending);
        Decision::Allow
    }

    /// A session sends a message that has a private group among its destinations. A message to
    /// both kinds is judged twice, and refused whole if one says so.
    fn send_private(&self, user: &User, sending: Sending<'_>) -> Decision {
        let _ = (user, sending);
        Decision::Allow
    }
}

/// Permits everything: the policy of a daemon that was given none.
#[derive(Clone, Copy, Debug, Default)]
pub struct PermitAll;

impl AccessPolicy for PermitAll {}

/// What a policy made of a closure is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Question<'a> {
    /// May it connect?
    Connect,
    /// May it join this group?
    Join(&'a GroupName),
    /// May it leave this group?
    Leave(&'a GroupName),
    /// May it send this to groups?
    SendToGroups(Sending<'a>),
    /// May it send this to private groups?
    SendPrivate(Sending<'a>),
}

/// A policy made of a closure that answers every question.
///
/// ```
/// use gcs_daemon::access::{ClosurePolicy, Decision, Question};
///
/// let policy = ClosurePolicy::new(|user, question| match question {
///     Question::Join(group) if group.as_str().starts_with("admin") => {
///         match user.name.as_deref() {
///             Some(b"root") => Decision::Allow,
///             _ => Decision::Deny("admin groups are for root"),
///         }
///     }
///     _ => Decision::Allow,
/// });
/// # let _ = policy;
/// ```
pub struct ClosurePolicy<F>(F);

impl<F> ClosurePolicy<F>
where
    F: Fn(&User, Question<'_>) -> Decision + Send + Sync,
{
    /// A policy that answers as `answer` does.
    pub const fn new(answer: F) -> Self {
        Self(answer)
    }
}

impl<F> fmt::Debug for ClosurePolicy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosurePolicy").finish_non_exhaustive()
    }
}

impl<F> AccessPolicy for ClosurePolicy<F>
where
    F: Fn(&User, Question<'_>) -> Decision + Send + Sync,
{
    fn connect(&self, user: &User) -> Decision {
        (self.0)(user, Question::Connect)
    }

    fn join(&self, user: &User, group: &GroupName) -> Decision {
        (self.0)(user, Question::Join(group))
    }

    fn leave(&self, user: &User, group: &GroupName) -> Decision {
        (self.0)(user, Question::Leave(group))
    }

    fn send_to_groups(&self, user: &User, sending: Sending<'_>) -> Decision {
        (self.0)(user, Question::SendToGroups(sending))
    }

    fn send_private(&self, user: &User, sending: Sending<'_>) -> Decision {
        (self.0)(user, Question::SendPrivate(sending))
    }
}
