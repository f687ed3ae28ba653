//! Events of a session.

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

/// Number of a secure view of one group at one member: 1 for the first, then counted up.
///
/// View identifiers are unordered and may repeat, so senders name the view by this number. A refresh
/// does not change it.
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
    /// The members that share the key. The transitional set holds those of the receiver's previous secure
    /// view that moved to this one together with it, the receiver included.
    pub view: View,
    /// Local number of the secure view; sends name it.
    pub number: ViewNumber,
    /// Number of the key in the view: 0 for the first, then counted up by each refresh.
    pub epoch: u32,
    /// Position of the receiver among the members.
    pub index: usize,
    /// Digest of the key for people to compare: equal at all members, different for every key.
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
    /// Its sender according to the engine; see [`authorship`](Self::authorship).
    pub sender: MemberName,
    /// Service it was sent with.
    pub service: Service,
    /// 16-bit type chosen by the sender.
    pub message_type: i16,
    /// Payload.
    pub payload: Bytes,
    /// Number of the secure view it was sent and delivered in.
    pub view: ViewNumber,
    /// Number of the key in the view.
    pub epoch: u32,
    /// Position in a message in parts; only with
    /// [`PartDelivery::Streamed`](crate::PartDelivery::Streamed).
    pub part: Option<Part>,
    /// Who attests the sender. [`Authorship::Signed`] for a reassembled message if all its parts were
    /// signed.
    pub authorship: Authorship,
}

impl fmt::Debug for SecureMessage {
    /// Shows the length of the payload, not the payload.
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

/// Why a view has, or may have, no key. Blame is only as reliable as the daemon: one that delivers
/// messages in a member's name can cause [`BadSignature`](Self::BadSignature), and one that reports
/// different views to members can cause [`Protocol`](Self::Protocol).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum GroupFailure {
    /// The member has no accepted identity. Nothing is sent while it is in the view.
    #[error("unknown identity")]
    UnknownIdentity,
    /// A key agreement message of the member has no valid signature.
    #[error("bad signature")]
    BadSignature,
    /// An authentic message of the member breaks the protocol.
    #[error("{0}")]
    Protocol(PeerFault),
    /// Authentic messages of several members contradict one another: one of the suspects is to blame.
    #[error("messages contradict one another")]
    Contradiction,
    /// The key maps to the exponent 0, which is useless for an agreement. Nobody is to blame: it happens
    /// by chance, with probability one in the order of the mathematical group.
    #[error("key maps to the exponent 0")]
    DegenerateKey,
    /// The member runs another suite, mathematical group or version.
    #[error("suite mismatch in {0}")]
    SuiteMismatch(&'static str),
    /// A bug; the view has no key.
    #[error("internal inconsistency: {0}")]
    Internal(&'static str),
    /// The member holds another key.
    #[error("key confirmation does not match")]
    Confirmation,
    /// The agreement gave a key that was in use before; it is not used again.
    #[error("key repeated")]
    KeyRepeated,
}

/// In what a member's sealing differs from this member's. A hint, not a proof: anybody who can send in
/// the member's name or repeat an old message of it can cause it.
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
    /// It seals under a key that this member does not have in this view.
    #[error("sealed under a key that is unknown here")]
    Key,
}

/// An event for the application, in delivery order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// A secure view is installed: its members share a key, and this member may send.
    SecureView(SecureViewEvent),
    /// The same members share a new key.
    KeyRefreshed(SecureViewEvent),
    /// All members have confirmed the key, so sending begins; only with
    /// [`Confirmation::Explicit`](crate::Confirmation::Explicit).
    KeyConfirmed {
        /// The group.
        group: GroupName,
        /// Number of the key in the view.
        epoch: u32,
    },
    /// The secure view is to be replaced: answer with
    /// [`flush_ok`](crate::Session::flush_ok). Only with [`FlushMode::Manual`](crate::FlushMode).
    FlushRequest {
        /// The group.
        group: GroupName,
    },
    /// Members of the secure view are gone; from here on, guarantees hold among the survivors only.
    TransitionalSignal {
        /// The group.
        group: GroupName,
    },
    /// A message.
    Message(SecureMessage),
    /// This member has left the group; its keys are erased.
    SelfLeave {
        /// The group.
        group: GroupName,
    },
    /// A member prevents a key, or tries to; [`group_state`](crate::Session::group_state) tells whether
    /// the present view has one nevertheless. When the member is gone, a key is agreed on automatically.
    GroupFailed {
        /// The group.
        group: GroupName,
        /// The members that may be to blame, at least one. More than one only with
        /// [`Contradiction`](GroupFailure::Contradiction); this member where nobody else is to blame.
        suspects: Vec<MemberName>,
        /// The reason.
        reason: GroupFailure,
    },
    /// The identity of a member is not accepted, for a reason other than being unknown.
    /// [`GroupFailed`](Self::GroupFailed) follows if the view has no key because of it. The reason is
    /// not sent to anybody.
    IdentityRefused {
        /// The group.
        group: GroupName,
        /// The member.
        member: MemberName,
        /// The reason.
        reason: Distrust,
    },
    /// The access policy denies an action of a member: it is not admitted, or a message of it was
    /// dropped. For the join of this member itself: the daemon demanded a proof of identity that this
    /// member cannot give, and [`Refused`](Self::Refused) will follow.
    Denied {
        /// The group.
        group: GroupName,
        /// The member.
        member: MemberName,
        /// The action.
        action: Action,
        /// The reason that the policy gives.
        reason: String,
    },
    /// A message was dropped because it could not be opened. The log and
    /// [`stats`](crate::Session::stats) tell which check failed.
    MessageRejected {
        /// The group.
        group: GroupName,
        /// Who sent it.
        sender: MemberName,
    },
    /// A member seals differently, so its messages cannot be opened; reported once per member, view and
    /// key.
    Mismatch {
        /// The group.
        group: GroupName,
        /// The member.
        sender: MemberName,
        /// The difference.
        what: Mismatch,
    },
    /// These members have not permitted a view change within
    /// [`flush_timeout`](crate::SessionConfig::flush_timeout) and hold up the group. Repeated until the
    /// view is installed.
    FlushBlocked {
        /// The group.
        group: GroupName,
        /// The members that hold it up.
        members: Vec<MemberName>,
    },
    /// An event of the flush layer in a flush-only group. Messages are not encrypted; flush requests are
    /// reported with [`FlushMode::Manual`](crate::FlushMode) only.
    Flush(FlushEvent),
    /// An event of the engine in a bare group. Messages are not encrypted and may come from anybody; a
    /// message to several bare groups is reported once for each.
    Bare(BareEvent),
    /// A message to this member's private group, outside of all views: not encrypted, from anybody.
    Private(Message),
    /// The engine refused a request.
    Refused(Refused),
    /// The connection is closed and all keys are erased; no event follows.
    Closed(CloseReason),
}

impl SessionEvent {
    /// The group that the event belongs to, if any.
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
