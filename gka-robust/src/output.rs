//! Outputs of a driver.

use alloc::{vec, vec::Vec};
use core::fmt;

use cliques::{GroupSecret, MemberName, PeerFault, Recipient, TokenKind, TokenService};

use crate::view::SecureView;

/// A key agreement message to be sent in the present VS view.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmission {
    /// Receiver.
    pub to: Recipient,
    /// Service needed.
    pub service: TokenService,
    /// What it is, for the message type of the transport.
    pub kind: TokenKind,
    /// The signed envelope.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Transmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {:?}, {} bytes",
            self.kind,
            self.to,
            self.bytes.len()
        )
    }
}

/// Why a view has no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The members that may be to blame, at least one. It is one, and certain, unless tokens of several
    /// contradict one another; this member where nobody else is to blame.
    pub suspects: Vec<MemberName>,
    /// What happened.
    pub reason: FailureReason,
}

impl Failure {
    /// A failure that one member is to blame for.
    pub fn of(member: MemberName, reason: FailureReason) -> Self {
        Self {
            suspects: vec![member],
            reason,
        }
    }
}

/// What a member did, or lacks, so that a view has no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FailureReason {
    /// No identity is known for it.
    #[error("unknown identity")]
    UnknownIdentity,
    /// Its token has no valid signature.
    #[error("bad signature")]
    BadSignature,
    /// Its token is authentic and breaks the protocol.
    #[error("{0}")]
    Protocol(PeerFault),
    /// Tokens of several members contradict one another; one of the suspects is to blame.
    #[error("tokens contradict one another")]
    Contradiction,
    /// A key maps to the exponent 0, with which no agreement is possible. This happens by chance, nobody
    /// is to blame.
    #[error("key maps to the exponent 0")]
    DegenerateKey,
    /// It runs another suite, mathematical group or version.
    #[error("suite mismatch in {0}")]
    SuiteMismatch(&'static str),
}

/// An instruction of the driver; instructions are to be followed in order.
#[derive(Debug)]
pub enum Output<D> {
    /// Send a key agreement message.
    Send(Transmission),
    /// Tell the flush service that nothing more will be sent in this VS view.
    FlushOk,
    /// A key is agreed: the application enters a secure view, or a new epoch of the present one.
    Install {
        /// The secure view.
        view: SecureView,
        /// Its group secret.
        secret: GroupSecret,
    },
    /// Ask the application to permit a view change; it answers by
    /// [`SecureFlushOk`](crate::Input::SecureFlushOk).
    SecureFlushRequest,
    /// Tell the application that members of its secure view are gone.
    SecureTransitionalSignal,
    /// Deliver user data to the application, under the key installed last.
    Deliver(D),
    /// Tell the application that a member prevents, or tries to prevent, a key.
    Failed(Failure),
}
