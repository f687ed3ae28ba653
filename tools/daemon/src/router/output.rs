//! What the router wants done.

use gcs_proto::codec::Delivery;

use super::session::SessionId;

/// One step for the caller, to be carried out in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Queue a delivery for each of these sessions. It is the same for all, so it needs encoding
    /// only once; the order among the sessions means nothing.
    Deliver {
        /// Receivers, each one once.
        to: Vec<SessionId>,
        /// What they get.
        delivery: Delivery,
    },
    /// Discard what is queued for a session and close its stream; the router has forgotten it.
    Close {
        /// The session.
        session: SessionId,
        /// Why.
        cause: CloseCause,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCause {
    /// The client said goodbye.
    Disconnected,
    /// The client's stream ended or failed.
    EndOfStream,
    /// The client sent what no client may send.
    Illegal,
    /// The client did not read, and its queue was full.
    TooSlow,
    /// The client was in as many groups as a session may be in and joined one more.
    TooManyGroups,
    /// Somebody at the controls dropped it.
    Dropped,
    /// Its daemon stopped.
    DaemonStopped,
}
