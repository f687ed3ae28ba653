//! What a group tells the application.

use gcs_proto::{
    gcs::{CloseReason, Refused},
    name::MemberName,
};
use ssp_core::{
    GroupFailure, Mismatch, SecureMessage, SecureViewEvent, SessionEvent, access::Action,
    identity::Distrust,
};

/// What a group tells the application, in delivery order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupEvent {
    /// A secure view is installed: its members share a key, and this member may send.
    SecureView(SecureViewEvent),
    /// The same members share a new key.
    KeyRefreshed(SecureViewEvent),
    /// The secure view is to be replaced: answer with [`Group::flush_ok`](crate::Group::flush_ok).
    /// Only with [`FlushMode::Manual`](ssp_core::FlushMode::Manual).
    FlushRequest,
    /// Members of the secure view are gone; guarantees hold among the survivors from here on.
    TransitionalSignal,
    /// A message.
    Message(SecureMessage),
    /// A member prevents a key, or tries to; nothing is sent while the view has none. When the
    /// member is gone, a key is agreed without the application's doing.
    Failed {
        /// Who may be to blame, at least one: one, and certain, unless messages contradict one another.
        suspects: Vec<MemberName>,
        /// For what.
        reason: GroupFailure,
    },
    /// A message was dropped because it could not be opened.
    MessageRejected {
        /// Who sent it.
        sender: MemberName,
    },
    /// All members have confirmed the key.
    KeyConfirmed {
        /// Number of the key inside the view.
        epoch: u32,
    },
    /// The identity of a member is not accepted, and why. Nobody else is told the reason.
    IdentityRefused {
        /// Whose identity.
        member: MemberName,
        /// Why not.
        reason: Distrust,
    },
    /// The access policy does not allow what a member is about to do.
    Denied {
        /// Who wanted it.
        member: MemberName,
        /// What.
        action: Action,
        /// What the policy says.
        reason: String,
    },
    /// A member seals differently, so its messages cannot be opened; told once per member, view
    /// and key.
    Mismatch {
        /// Who seals differently.
        sender: MemberName,
        /// What differs.
        what: Mismatch,
    },
    /// These members have not agreed to a view change for some time: they hold up the group.
    /// Repeated until it goes on.
    FlushBlocked {
        /// Who holds it up.
        members: Vec<MemberName>,
    },
    /// The daemon refused a request.
    Refused(Refused),
    /// The own leave is done and the keys are erased; nothing follows.
    SelfLeave,
    /// The connection is over and the keys are erased; nothing follows.
    Closed(CloseReason),
}

impl GroupEvent {
    /// The event of a session as its group sees it; `None` if it belongs to no group.
    pub(crate) fn of(event: SessionEvent) -> Option<Self> {
        match event {
            SessionEvent::SecureView(view) => Some(Self::SecureView(view)),
            SessionEvent::KeyRefreshed(view) => Some(Self::KeyRefreshed(view)),
            SessionEvent::FlushRequest { .. } => Some(Self::FlushRequest),
            SessionEvent::TransitionalSignal { .. } => Some(Self::TransitionalSignal),
            SessionEvent::Message(message) => Some(Self::Message(message)),
            SessionEvent::SelfLeave { .. } => Some(Self::SelfLeave),
            SessionEvent::GroupFailed {
                suspects, reason, ..
            } => Some(Self::Failed { suspects, reason }),
            SessionEvent::MessageRejected { sender, .. } => Some(Self::MessageRejected { sender }),
            SessionEvent::KeyConfirmed { epoch, .. } => Some(Self::KeyConfirmed { epoch }),
            SessionEvent::IdentityRefused { member, reason, .. } => {
                Some(Self::IdentityRefused { member, reason })
            }
            SessionEvent::Denied {
                member,
                action,
                reason,
                ..
            } => Some(Self::Denied {
                member,
                action,
                reason,
            }),
            SessionEvent::Mismatch { sender, what, .. } => Some(Self::Mismatch { sender, what }),
            SessionEvent::FlushBlocked { members, .. } => Some(Self::FlushBlocked { members }),
            SessionEvent::Refused(refused) => Some(Self::Refused(refused)),
            SessionEvent::Closed(reason) => Some(Self::Closed(reason)),
            SessionEvent::Private(_) | SessionEvent::Flush(_) | SessionEvent::Bare(_) => None,
        }
    }
}
