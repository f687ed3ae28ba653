//! What a session tells the application.

use alloc::{string::String, vec::Vec};
use core::fmt;

use bytes::Bytes;
use cliques::{Cost, MathematicalGroup, PeerFault, Protocol};
use gcs_proto::{
    flush::{BareEvent, FlushEvent},
    gcs::{CloseReason, Message, Refused, View},
    name::{GroupName, MemberName},
    service::Service,
};

use crate::{
    access::Action,
    identity::Distrust,
    record::{Authorship, Part, RecordSuite},
    schedule::Fingerprint,
};

/// Number of a secure view of one group at one member: 1 for the first, then one more for each.
///
/// View identifiers do not grow and may repeat, so this is what a sender names the view by.
/// A refresh does not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewNumber(pub u64);

impl fmt::Display for ViewNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A view whose members share a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecureViewEvent {
    /// The group.
    pub group: GroupName,
    /// Who shares the key. The transitional set is the members of the receiver's previous secure view that
    /// came along without interruption, the receiver among them.
    pub view: View,
    /// Local number of the secure view; sends name it.
    pub number: ViewNumber,
    /// Number of the key inside the view: 0 for the first, then one more for each refresh.
    pub epoch: u32,
    /// Position of the receiver among the members.
    pub index: usize,
    /// For people to compare: equal at all members, new with every key.
    pub fingerprint: Fingerprint,
    /// Key agreement suite.
    pub protocol: Protocol,
    /// Mathematical group of the suite.
    pub mathematical_group: MathematicalGroup,
    /// How messages are sealed.
    pub record: RecordSuite,
    /// The member with the suite's special role, if it has one.
    pub controller: Option<MemberName>,
    /// What the agreement cost this member.
    pub cost: Cost,
    /// Tokens that were delivered to this member for it.
    pub tokens: u64,
    /// Milliseconds from the membership, or the refresh, to the key.
    pub duration: u64,
}

/// A message of a member, authentic for the group.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecureMessage {
    /// The group.
    pub group: GroupName,
    /// Who sent it, as group communication vouches.
    pub sender: MemberName,
    /// Service it was sent with.
    pub service: Service,
    /// 16-bit type chosen by the sender.
    pub message_type: i16,
    /// Content.
    pub payload: Bytes,
    /// Number of the secure view it was sent and delivered in.
    pub view: ViewNumber,
    /// Number of the key inside the view.
    pub epoch: u32,
    /// Which part of a split message it is; only with
    /// [`PartDelivery::Streamed`](crate::PartDelivery::Streamed).
    pub part: Option<Part>,
    /// Whose word it is that the sender made it. Of a joined message, [`Authorship::Signed`] when
    /// all its parts were.
    pub authorship: Authorship,
}

impl fmt::Debug for SecureMessage {
    /// Tells the length of the content, not the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecureMessage")
            .field("group", &self.group)
            .field("sender", &self.sender)
            .field("service", &self.service)
            .field("message_type", &self.message_type)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .field("view", &self.view)
            .field("epoch", &self.epoch)
            .field("part", &self.part)
            .field("authorship", &self.authorship)
            .finish()
    }
}

/// Why a view has, or may have, no key. Who is to blame is known as well as the daemon is honest: one
/// that delivers in a member's name can cause [`BadSignature`](Self::BadSignature), and one that tells
/// members of different views, [`Protocol`](Self::Protocol).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum GroupFailure {
    /// No identity is known for the member. Nothing is sent until it is gone.
    #[error("unknown identity")]
    UnknownIdentity,
    /// A key agreement message of the member has no valid signature.
    #[error("bad signature")]
    BadSignature,
    /// An authentic message of the member breaks the protocol.
    #[error("{0}")]
    Protocol(PeerFault),
    /// Authentic messages of several members contradict one another; one of the suspects is to blame.
    #[error("messages contradict one another")]
    Contradiction,
    /// The key maps to the exponent 0, with which nothing can be agreed on. Nobody is to blame: chance
    /// does it once in the order of the mathematical group.
    #[error("key maps to the exponent 0")]
    DegenerateKey,
    /// The member runs another suite, mathematical group or version.
    #[error("suite mismatch in {0}")]
    SuiteMismatch(&'static str),
    /// A bug was found; the view has no key.
    #[error("internal inconsistency: {0}")]
    Internal(&'static str),
    /// The member holds another key.
    #[error("key confirmation does not fit")]
    Confirmation,
    /// The agreement led to a key that was in use before; it is not used again.
    #[error("key repeated")]
    KeyRepeated,
}

/// What the first sealed message of a member shows to differ from ours. A hint, not a proof: whoever
/// can send in the member's name, or repeat an old message of it, can cause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// It seals with another record suite.
    #[error("{ours} configured here, {theirs} used there")]
    RecordSuite {
        /// Ours.
        ours: RecordSuite,
        /// Theirs.
        theirs: RecordSuite,
    },
    /// It has not confirmed the key, perhaps because it is configured not to.
    #[error("has not confirmed the key")]
    Unconfirmed,
    /// It holds a key that this member does not have in this view.
    #[error("sealed under a key that is not known here")]
    Key,
}

/// What a session tells the application, in delivery order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// A secure view is installed: its members share a key, and this member may send.
    SecureView(SecureViewEvent),
    /// The same members share a new key.
    KeyRefreshed(SecureViewEvent),
    /// All members have confirmed the key; only with
    /// [`Confirmation::Explicit`](crate::Confirmation::Explicit).
    KeyConfirmed {
        /// The group.
        group: GroupName,
        /// Number of the key inside the view.
        epoch: u32,
    },
    /// The secure view is to be replaced: answer with
    /// [`flush_ok`](crate::Session::flush_ok). Only with [`FlushMode::Manual`](crate::FlushMode).
    FlushRequest {
        /// The group.
        group: GroupName,
    },
    /// Members of the secure view are gone; guarantees hold among the survivors from here on.
    TransitionalSignal {
        /// The group.
        group: GroupName,
    },
    /// A message.
    Message(SecureMessage),
    /// The own leave is done; the keys of the group are erased.
    SelfLeave {
        /// The group.
        group: GroupName,
    },
    /// A member prevents a key, or tries to. Whether the present view has one all the same tells
    /// [`group_state`](crate::Session::group_state); when the member is gone, a key is agreed
    /// without the application's doing.
    GroupFailed {
        /// The group.
        group: GroupName,
        /// Who may be to blame, at least one: one, and certain, unless the reason is
        /// [`Contradiction`](GroupFailure::Contradiction); this member where nobody else is to blame.
        suspects: Vec<MemberName>,
        /// For what.
        reason: GroupFailure,
    },
    /// The identity of a member is not accepted, and why, if there is more to tell than that it is
    /// unknown; [`GroupFailed`](Self::GroupFailed) follows where it costs the view its key. Nobody
    /// else is told the reason.
    IdentityRefused {
        /// The group.
        group: GroupName,
        /// Whose identity.
        member: MemberName,
        /// Why not.
        reason: Distrust,
    },
    /// The access policy does not allow what a member is about to do: it is not admitted, or a
    /// message of it was dropped. Of this member and its join: the daemon asked for a proof of
    /// identity that cannot be given, and [`Refused`](Self::Refused) will follow.
    Denied {
        /// The group.
        group: GroupName,
        /// Who wanted it.
        member: MemberName,
        /// What.
        action: Action,
        /// What the policy says.
        reason: String,
    },
    /// A message was dropped because it could not be opened. Which test failed stands only in the
    /// local log and in [`stats`](crate::Session::stats).
    MessageRejected {
        /// The group.
        group: GroupName,
        /// Who sent it.
        sender: MemberName,
    },
    /// A member seals differently, so its messages cannot be opened; told once per member, view
    /// and key.
    Mismatch {
        /// The group.
        group: GroupName,
        /// Who seals differently.
        sender: MemberName,
        /// What differs.
        what: Mismatch,
    },
    /// These members have not agreed to a view change for
    /// [`flush_patience`](crate::SessionConfig::flush_patience): they hold up the group. Repeated
    /// until it goes on.
    FlushBlocked {
        /// The group.
        group: GroupName,
        /// Who holds it up.
        members: Vec<MemberName>,
    },
    /// Something happened in a flush-only group, in the words of the flush layer. Messages are in the
    /// clear; flush requests come with [`FlushMode::Manual`](crate::FlushMode) only.
    Flush(FlushEvent),
    /// Something happened in a bare group, in the words of the engine. Messages are in the clear and
    /// from anybody; one to several bare groups comes once for each.
    Bare(BareEvent),
    /// A message to the own private group, outside of all views: in the clear and from anybody.
    Private(Message),
    /// The engine refused a request.
    Refused(Refused),
    /// The connection is over and all keys are erased; nothing follows.
    Closed(CloseReason),
}

impl SessionEvent {
    /// The group that the event belongs to, if it belongs to one.
    pub const fn group(&self) -> Option<&GroupName> {
        match self {
            Self::SecureView(view) | Self::KeyRefreshed(view) => Some(&view.group),
            Self::Message(message) => Some(&message.group),
            Self::FlushRequest { group }
            | Self::TransitionalSignal { group }
            | Self::SelfLeave { group }
            | Self::GroupFailed { group, .. }
            | Self::MessageRejected { group, .. }
            | Self::KeyConfirmed { group, .. }
            | Self::IdentityRefused { group, .. }
            | Self::Denied { group, .. }
            | Self::Mismatch { group, .. }
            | Self::FlushBlocked { group, .. }
            | Self::Refused(Refused::Join(group) | Refused::Leave(group)) => Some(group),
            Self::Flush(event) => event.group(),
            Self::Bare(event) => Some(&event.group),
            Self::Refused(Refused::Multicast(_)) | Self::Private(_) | Self::Closed(_) => None,
        }
    }
}
