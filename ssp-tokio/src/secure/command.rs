//! What handles ask of the task.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gcs_proto::{
    flush::FlushEvent,
    gcs::{GcsEvent, Message, Multicast, SelfDelivery, ViewId},
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_core::{FlushMode, GroupOptions, GroupStats, PartEnd, PartStream, Phase, ViewNumber};
use tokio::sync::{mpsc, oneshot, watch};
use zeroize::Zeroizing;

use super::{Key, Progress};
use crate::{error::Error, event::GroupEvent};

/// The way back of an answer.
pub(crate) type Answer<T> = oneshot::Sender<T>;

/// A join.
pub(crate) struct Join {
    pub(crate) group: GroupName,
    pub(crate) kind: JoinAs,
}

/// What a group is joined as, with the queues of its handle.
pub(crate) enum JoinAs {
    Secure {
        options: Box<GroupOptions>,
        events: mpsc::Sender<GroupEvent>,
        progress: watch::Sender<Progress>,
    },
    Flush {
        mode: FlushMode,
        events: mpsc::Sender<FlushEvent>,
    },
    Bare {
        events: mpsc::Sender<GcsEvent>,
    },
}

/// A message in the clear.
pub(crate) enum Clear {
    /// To the members of a view.
    View(ViewCast),
    /// Outside of all views.
    Bare(Multicast),
}

impl Clear {
    /// Bytes of its body.
    pub(crate) const fn bytes(&self) -> usize {
        match self {
            Self::View(cast) => cast.body.len(),
            Self::Bare(multicast) => multicast.body.len(),
        }
    }
}

/// A message to members of a view without a key.
pub(crate) struct ViewCast {
    pub(crate) group: GroupName,
    /// The only view in which it may be sent.
    pub(crate) view: ViewId,
    pub(crate) to: Receivers,
    pub(crate) service: Service,
    pub(crate) message_type: i16,
    pub(crate) body: Bytes,
}

/// Who of a view is to get a message.
pub(crate) enum Receivers {
    All(SelfDelivery),
    Some(Vec<MemberName>),
}

/// A message to be sealed and sent.
pub(crate) struct Outgoing {
    pub(crate) group: GroupName,
    /// The only secure view in which it may be sent.
    pub(crate) view: ViewNumber,
    pub(crate) service: Service,
    pub(crate) self_delivery: SelfDelivery,
    pub(crate) message_type: i16,
    pub(crate) payload: Bytes,
}

/// A message that is to be sent in parts.
#[derive(Clone, Copy)]
pub(crate) struct BeginParts {
    pub(crate) group: GroupName,
    /// The only secure view in which it may be sent.
    pub(crate) view: ViewNumber,
    pub(crate) service: Service,
    pub(crate) message_type: i16,
}

/// A part of such a message.
pub(crate) struct OutgoingPart {
    pub(crate) stream: Arc<Mutex<PartStream>>,
    pub(crate) end: PartEnd,
    pub(crate) payload: Bytes,
    pub(crate) behind: Behind,
}

/// What to do when members are a window behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Wait for their receipts.
    Wait,
    /// They have been waited for long enough.
    Forgo,
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    Sent,
    /// Members are a window behind.
    NoRoom,
}

/// A stream with the most bytes of a part of it, or why it cannot begin.
pub(crate) type Begun = Result<(PartStream, usize), ssp_core::SendError>;

/// A key to be derived for the application.
pub(crate) struct Export {
    pub(crate) group: GroupName,
    /// The only key from which it may be derived.
    pub(crate) key: Key,
    pub(crate) label: String,
    pub(crate) context: Vec<u8>,
    pub(crate) length: usize,
}

/// A call of a handle.
pub(crate) enum Command {
    Join(Join, Answer<Result<(), Error>>),
    Leave(GroupName, Answer<Result<(), Error>>),
    FlushOk(GroupName, Answer<Result<(), Error>>),
    Refresh(GroupName, Answer<Result<(), Error>>),
    Send(Outgoing, Answer<Result<(), ssp_core::SendError>>),
    SendAll(
        Vec<Outgoing>,
        Answer<Result<(), (usize, ssp_core::SendError)>>,
    ),
    BeginParts(BeginParts, Answer<Begun>),
    SendPart(OutgoingPart, Answer<Result<Passed, ssp_core::SendError>>),
    Export(Export, Answer<Result<Zeroizing<Vec<u8>>, Error>>),
    /// A message in the clear.
    Clear(Clear, Answer<Result<(), Error>>),
    /// Messages in the clear, of which each is sent unless one before it fails, whose position comes
    /// back.
    ClearAll(Vec<Clear>, Answer<Result<(), (usize, Error)>>),
    /// Private messages go here from now on.
    Listen(mpsc::Sender<Message>, Answer<()>),
    /// Who holds up the view change of a group.
    MissingFlush(GroupName, Answer<Vec<MemberName>>),
    State(GroupName, Answer<Option<Phase>>),
    Stats(GroupName, Answer<Option<Box<GroupStats>>>),
}
