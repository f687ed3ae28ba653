//! Deliberate deviations from the protocol, for tests of the tests.
//!
//! A property oracle is worth something only if it notices wrong drivers. With feature `test-util`
//! a driver can be told to deviate in one of the ways below; without it the question is always
//! answered with no, by a constant.

/// A way of being wrong.
#[cfg_attr(not(feature = "test-util"), allow(dead_code, unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Answer a flush request in the key-list state only after the key list or a signal: the
    /// published rule, which needs a signal for every change (robust agreement notes, 5.3).
    PublishedFlushRule,
    /// Take the new key when the key list is sent, not when it comes back in the common order.
    EarlyCommit,
    /// Choose the starter by local knowledge: the first of those who came along with me.
    LocalChoice,
    /// Send the key list in FIFO order.
    FifoKeyList,
    /// Find out who left by comparing member lists, not from the transitional set.
    PruneByList,
    /// Install a key list that was delivered after the transitional signal.
    InstallAfterSignal,
    /// Deliver user data of a VS view whose key was never installed.
    DeliverWithoutKey,
    /// Keep the transitional signal to oneself.
    SwallowSignal,
    /// Choose the starter by another rule before a first view and after an interruption than after
    /// a secure view.
    ChoiceByState,
    /// Go on, after an interruption, with the agreement completed before it, as if the members that
    /// came in between had it too.
    KeepInterrupted,
    /// Stay in the agreement after the answer to a flush request, and send what it wants sent.
    KeepRunning,
    /// Start from scratch without erasing what there was.
    KeepShares,
    /// Answer a flush request in a secure view without asking the application.
    FlushUnasked,
    /// Answer a flush request of an interrupted agreement twice.
    FlushTwice,
    /// Give the signal to the application as often as the flush service gives it.
    SignalAgain,
    /// Let those who left in between stay in the secure transitional set.
    KeepLeavers,
    /// Deliver data that is ahead of its key at once.
    DeliverEarly,
    /// Drop data that comes behind a flush request.
    DropBehindRequest,
    /// Forget to take the signal of the last view back when a view is installed.
    KeepVsSignal,
    /// Ignore flush requests while the agreement has not come to its end.
    IgnoreFlushRequest,
    /// Draw one share and use it for ever (a fault of the suite, which the simulation puts there).
    RepeatShares,
}

/// What a driver does wrong, if anything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deviation {
    #[cfg(feature = "test-util")]
    fault: Option<Fault>,
}

impl Fault {
    /// All of them.
    #[cfg(feature = "test-util")]
    pub const ALL: &'static [Self] = &[
        Self::PublishedFlushRule,
        Self::EarlyCommit,
        Self::LocalChoice,
        Self::FifoKeyList,
        Self::PruneByList,
        Self::InstallAfterSignal,
        Self::DeliverWithoutKey,
        Self::SwallowSignal,
        Self::ChoiceByState,
        Self::KeepInterrupted,
        Self::KeepRunning,
        Self::KeepShares,
        Self::FlushUnasked,
        Self::FlushTwice,
        Self::SignalAgain,
        Self::KeepLeavers,
        Self::DeliverEarly,
        Self::DropBehindRequest,
        Self::KeepVsSignal,
        Self::IgnoreFlushRequest,
        Self::RepeatShares,
    ];
}

impl Deviation {
    #[cfg(feature = "test-util")]
    pub(crate) const fn new(fault: Fault) -> Self {
        Self { fault: Some(fault) }
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn is(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    #[cfg(not(feature = "test-util"))]
    #[allow(clippy::unused_self)]
    pub(crate) const fn is(self, _: Fault) -> bool {
        false
    }
}
