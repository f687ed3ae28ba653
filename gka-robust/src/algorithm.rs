//! How a view change is turned into an agreement.

use core::{fmt, str::FromStr};

use cliques::Protocol;

/// How a view change is turned into an agreement.
///
/// | algorithm | suites | a view that follows a completed agreement | one that cuts an agreement off |
/// |---|---|---|---|
/// | `Basic` | GDH | from scratch | from scratch |
/// | `Optimized` | GDH | the suite's leave or merge | from scratch |
/// | `Restart` | all | from scratch | from scratch |
/// | `Incremental` | CKD | the suite's leave or merge | from scratch |
/// | `Incremental` | STR, TGDH | the suite's leave or merge | carried on from what was delivered of it |
///
/// `Basic` and `Restart` differ over GDH in how closely a driver follows the agreement: `Basic` has
/// a state for each message that it waits for, and notices messages that cannot be.
///
/// Sources: [TPDS'04] for `Basic` and `Optimized`; robust agreement notes, sections 5 and 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Every view starts from scratch, with the states of the paper (basic algorithm; GDH).
    Basic,
    /// The last completed agreement goes on where it can (optimised algorithm; GDH).
    Optimized,
    /// Every view starts from scratch (any suite).
    Restart,
    /// What there is goes on where it can (CKD, STR, TGDH).
    Incremental,
}

impl Algorithm {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Basic,
        Self::Optimized,
        Self::Restart,
        Self::Incremental,
    ];

    /// The recommended algorithm of a suite, the one with the least work: `Optimized` for GDH,
    /// `Restart` for BD (which does the same work for every event), `Incremental` for CKD, STR and
    /// TGDH.
    pub const fn of(protocol: Protocol) -> Self {
        match Family::of(protocol) {
            Family::Gdh => Self::Optimized,
            Family::Stateless => Self::Restart,
            Family::Centralised | Family::SelfStabilising => Self::Incremental,
        }
    }

    /// Whether there is this algorithm for a suite.
    pub const fn runs(self, protocol: Protocol) -> bool {
        self.design(protocol).is_some()
    }

    /// Name on the command line and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Optimized => "optimized",
            Self::Restart => "restart",
            Self::Incremental => "incremental",
        }
    }

    /// What the algorithm comes to for a suite, none where it does not exist.
    pub(crate) const fn design(self, protocol: Protocol) -> Option<Design> {
        let (states, carry) = match (self, Family::of(protocol)) {
            (Self::Basic, Family::Gdh) => (States::Gdh, Carry::Nothing),
            (Self::Optimized, Family::Gdh) => (States::Gdh, Carry::Completed),
            (Self::Restart, _) => (States::Generic, Carry::Nothing),
            (Self::Incremental, Family::Centralised) => (States::Generic, Carry::Completed),
            (Self::Incremental, Family::SelfStabilising) => (States::Generic, Carry::Everything),
            (Self::Basic | Self::Optimized, _)
            | (Self::Incremental, Family::Gdh | Family::Stateless) => return None,
        };
        Some(Design { states, carry })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown algorithm, there is: basic, optimized, restart, incremental")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or(UnknownAlgorithm)
    }
}

/// Suites by what a driver can do with them.
#[derive(Clone, Copy)]
enum Family {
    /// Driven message by message.
    Gdh,
    /// Nothing survives an event.
    Stateless,
    /// A completed agreement can be changed, an interrupted one not.
    Centralised,
    /// An interrupted agreement can be carried on.
    SelfStabilising,
}

impl Family {
    const fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Gdh => Self::Gdh,
            Protocol::Bd => Self::Stateless,
            Protocol::Ckd | Protocol::CkdAead => Self::Centralised,
            Protocol::Str | Protocol::Tgdh => Self::SelfStabilising,
            // A suite that this crate does not know yet can always be started from scratch.
            _ => Self::Stateless,
        }
    }
}

/// An algorithm for a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Design {
    /// The states that it runs through.
    pub(crate) states: States,
    /// What goes on from one view to the next.
    pub(crate) carry: Carry,
}

/// States of an agreement under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum States {
    /// PT, FT, FO, KL.
    Gdh,
    /// R.
    Generic,
}

/// What of the suite's state takes part in the next view's agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carry {
    /// Nothing.
    Nothing,
    /// An agreement that was completed, if the next view directly follows.
    Completed,
    /// Also what was delivered of one that was not.
    Everything,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn every_suite_has_its_algorithm_and_restart() {
        for protocol in Protocol::ALL {
            assert!(Algorithm::of(*protocol).runs(*protocol));
            assert!(Algorithm::Restart.runs(*protocol));
        }
        assert!(!Algorithm::Incremental.runs(Protocol::Gdh));
    }

    #[test]
    fn names_are_read_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(*algorithm));
        }
        assert_eq!("fast".parse::<Algorithm>(), Err(UnknownAlgorithm));
    }
}
