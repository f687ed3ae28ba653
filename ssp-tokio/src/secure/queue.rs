//! The queues towards the handles, one kind for each kind of group, and which event is for which.

use gcs_proto::{
    flush::{BareEvent, FlushEvent},
    gcs::{GcsEvent, Message, Refused},
    name::GroupName,
};
use ssp_core::SessionEvent;
use tokio::sync::{mpsc, watch};

use super::{Key, Progress};
use crate::{
    driver::{Deliver, Delivery},
    event::GroupEvent,
};

/// Something for one of the handles.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one value at a time; the large kind is the one that comes most"
)]
pub(crate) enum ToHandle {
    Group(Delivery<GroupEvent>),
    Flush(Delivery<FlushEvent>),
    Bare(Delivery<GcsEvent>),
    Private(Delivery<Message>),
}

impl Deliver for ToHandle {
    fn try_deliver(self) -> Result<(), Self> {
        match self {
            Self::Group(delivery) => delivery.try_deliver().map_err(Self::Group),
            Self::Flush(delivery) => delivery.try_deliver().map_err(Self::Flush),
            Self::Bare(delivery) => delivery.try_deliver().map_err(Self::Bare),
            Self::Private(delivery) => delivery.try_deliver().map_err(Self::Private),
        }
    }

    async fn room(&self) {
        match self {
            Self::Group(delivery) => delivery.room().await,
            Self::Flush(delivery) => delivery.room().await,
            Self::Bare(delivery) => delivery.room().await,
            Self::Private(delivery) => delivery.room().await,
        }
    }
}

/// The queue of a group's handle.
pub(super) enum Queue {
    Secure {
        events: mpsc::Sender<GroupEvent>,
        progress: watch::Sender<Progress>,
    },
    Flush(mpsc::Sender<FlushEvent>),
    Bare(mpsc::Sender<GcsEvent>),
}

impl Queue {
    /// Whether the handle is gone.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Secure { events, .. } => events.is_closed(),
            Self::Flush(events) => events.is_closed(),
            Self::Bare(events) => events.is_closed(),
        }
    }

    /// Tells the sends that wait in the group of its new key.
    pub(super) fn note_key(&self, event: &SessionEvent) {
        if let (
            Self::Secure { progress, .. },
            SessionEvent::SecureView(view) | SessionEvent::KeyRefreshed(view),
        ) = (self, event)
        {
            let key = Key {
                view: view.number,
                epoch: view.epoch,
            };
            progress.send_modify(|progress| progress.key = Some(key));
        }
    }

    /// The event as the handle is told it; `None` if that kind of handle is told nothing of it.
    pub(super) fn deliver(&self, event: SessionEvent) -> Option<ToHandle> {
        match self {
            Self::Secure { events, .. } => GroupEvent::of(event).map(|event| {
                let to = events.clone();
                ToHandle::Group(Delivery { to, event })
            }),
            Self::Flush(events) => {
                let event = match event {
                    SessionEvent::Flush(event) => event,
                    SessionEvent::Refused(refused) => FlushEvent::Refused(refused),
                    // Nothing else is told of a group of this kind.
                    _ => return None,
                };
                let to = events.clone();
                Some(ToHandle::Flush(Delivery { to, event }))
            }
            Self::Bare(events) => {
                let event = match event {
                    SessionEvent::Bare(bare) => bare.event,
                    SessionEvent::Refused(refused) => GcsEvent::Refused(refused),
                    // Nothing else is told of a group of this kind.
                    _ => return None,
                };
                let to = events.clone();
                Some(ToHandle::Bare(Delivery { to, event }))
            }
        }
    }
}

/// How a membership ends.
pub(super) enum End {
    SelfLeave,
    /// Unless it was that of a member already.
    JoinRefused,
}

/// The end of a group of whatever kind, if the event tells of one.
pub(super) const fn end_of(event: &SessionEvent) -> Option<End> {
    match event {
        SessionEvent::SelfLeave { .. }
        | SessionEvent::Flush(FlushEvent::SelfLeave { .. })
        | SessionEvent::Bare(BareEvent {
            event: GcsEvent::SelfLeave { .. },
            ..
        }) => Some(End::SelfLeave),
        SessionEvent::Refused(Refused::Join(_))
        | SessionEvent::Flush(FlushEvent::Refused(Refused::Join(_)))
        | SessionEvent::Bare(BareEvent {
            event: GcsEvent::Refused(Refused::Join(_)),
            ..
        }) => Some(End::JoinRefused),
        // The group goes on.
        _ => None,
    }
}

/// The group that an event is for.
pub(super) fn group_of(event: &SessionEvent) -> Option<GroupName> {
    match event {
        SessionEvent::Refused(Refused::Multicast(message)) => message
            .destinations
            .iter()
            .find_map(|name| GroupName::try_from(*name).ok()),
        other => other.group().copied(),
    }
}
