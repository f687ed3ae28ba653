//! Time as an argument.
//!
//! Nothing in this crate reads a clock: whoever drives it says what time it is.

use core::fmt;

/// A point in time: milliseconds since the Unix epoch by the caller's clock.
///
/// It must not go backwards within one session. It stands in own tokens, where other members look
/// at it only if they were configured with a
/// `timestamp_window`; otherwise any steady clock does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This point plus `milliseconds`, or the end of time.
    #[must_use]
    pub const fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds from `earlier` to here, none if it is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
