//! What happened in a simulation, as the oracle reads it.

use alloc::{collections::BTreeMap, rc::Rc, string::String, vec::Vec};
use core::fmt;

use cliques::{MemberName, Recipient, TokenKind};

use crate::{
    stats::Stats,
    view::{SecureView, View, ViewId},
};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name.
    pub invariant: &'static str,
    /// What was found.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.message)
    }
}

/// A life: a process from start to end. A name that starts again begins another life.
#[derive(Clone, Debug)]
pub struct Life {
    /// Name.
    pub member: MemberName,
    /// What it saw and did.
    pub entries: Vec<Entry>,
    /// How it ended.
    pub end: End,
    /// Counters of its driver, at the end.
    pub stats: Stats,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has not.
    Running,
    /// By crash or leave.
    Gone,
}

/// One thing that a process saw or did.
#[derive(Clone, Debug, Hash)]
pub enum Entry {
    /// VS view delivered, in which state of the driver, and the number of the next share drawn.
    Membership {
        /// The view.
        view: View,
        /// State of the driver.
        state: &'static str,
        /// Number of the next share that this process draws.
        shares: u32,
    },
    /// Flush request of the flush service.
    FlushRequest,
    /// Signal of the flush service.
    Signal,
    /// Answer to the flush service.
    FlushOk,
    /// The driver asks the application.
    SecureFlushRequest,
    /// The application permits.
    SecureFlushOk,
    /// Signal to the application.
    SecureSignal,
    /// Key installed.
    Install {
        /// The secure view.
        view: SecureView,
        /// The secret.
        key: Vec<u8>,
    },
    /// Data sent: its number.
    Sent(u64),
    /// Data delivered and opened: its number.
    Delivered(u64),
}

/// A data message.
#[derive(Clone, Debug)]
pub struct DataSent {
    /// Index of the sender's life.
    pub life: usize,
    /// Secure view it was sent in.
    pub view: ViewId,
    /// Place among the sender's messages of that secure view.
    pub index: u64,
    /// Place in the common order, for AGREED messages.
    pub order: Option<u64>,
    /// What its sender had delivered of the secure view, by life: the last one's index plus one.
    pub behind: BTreeMap<usize, u64>,
}

/// A token that was sent.
#[derive(Clone, Debug)]
pub struct TokenSent {
    /// Index of the sender's life.
    pub life: usize,
    /// View it was sent in.
    pub view: ViewId,
    /// Kind.
    pub kind: TokenKind,
    /// Run it belongs to: 0 for the membership's, then one more each refresh.
    pub run: u32,
    /// Receiver.
    pub to: Recipient,
    /// Length of the longest chain of tokens of this view that ends in it: each one delivered to
    /// the sender of the next before that was sent.
    pub round: usize,
}

/// Everything that happened.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Lives, in the order of their starts.
    pub lives: Vec<Life>,
    /// Data by number.
    pub data: BTreeMap<u64, DataSent>,
    /// The lives that each VS view was made for.
    pub views: BTreeMap<ViewId, Vec<usize>>,
    /// Tokens, in the order of sending.
    pub tokens: Vec<TokenSent>,
    /// What was wrong at the moment it happened.
    pub violations: Vec<Violation>,
    /// What the adversary did, to reproduce a failure by hand.
    pub story: Vec<Rc<str>>,
}
