//! How a view change is turned into an agreement.

use core::{fmt, str::FromStr};

use cliques::{Protocol, Survival};

/// How a view change is turned into an agreement.
///
/// | algorithm | suites | a view that follows a completed agreement | one that interrupts an agreement |
/// |---|---|---|---|
/// | `Basic` | GDH | from scratch | from scratch |
/// | `Optimized` | GDH | the suite's leave or merge | from scratch |
/// | `Restart` | all | from scratch | from scratch |
/// | `Incremental` | CKD | the suite's leave or merge | from scratch |
/// | `Incremental` | STR, TGDH | the suite's leave or merge | continued from what was delivered |
///
/// `Basic` and `Restart` differ over GDH in how closely a driver follows the agreement: `Basic` has
/// a state for each message that it waits for, and notices messages that cannot come.
///
/// Sources: [TPDS'04] for `Basic` and `Optimized`; robust agreement notes, sections 5 and 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Every view starts from scratch, with the states of the paper (basic algorithm; GDH).
    Basic,
    /// The last completed agreement is continued where possible (optimised algorithm; GDH).
    Optimized,
    /// Every view starts from scratch (any suite).
    Restart,
    /// What the suite has is continued where possible (CKD, STR, TGDH).
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
    /// `Incremental` for other suites of which something survives a change (CKD, STR, TGDH), `Restart`
    /// for the rest (BD, which does the same work for every event).
    pub fn of(protocol: Protocol) -> Self {
        match protocol.survival() {
            Survival::Completed if has_states(protocol) => Self::Optimized,
            Survival::Completed | Survival::Everything => Self::Incremental,
            Survival::Nothing => Self::Restart,
        }
    }

    /// Whether there is this algorithm for a suite.
    pub fn runs(self, protocol: Protocol) -> bool {
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

    /// The states of the algorithm for a suite, and what survives a change; none where it does not exist.
    pub(crate) fn design(self, protocol: Protocol) -> Option<Design> {
        let gdh = has_states(protocol);
        let generic = |survival| Design {
            states: States::Generic,
            survival,
        };
        let of_gdh = |survival| Design {
            states: States::Gdh,
            survival,
        };
        match self {
            Self::Basic => gdh.then(|| of_gdh(Survival::Nothing)),
            Self::Optimized => gdh.then(|| of_gdh(Survival::Completed)),
            Self::Restart => Some(generic(Survival::Nothing)),
            Self::Incremental => match protocol.survival() {
                Survival::Nothing => None,
                // Optimized does it for GDH.
                Survival::Completed => (!gdh).then(|| generic(Survival::Completed)),
                Survival::Everything => Some(generic(Survival::Everything)),
            },
        }
    }
}

/// Whether a driver can follow the suite message by message: the states of the paper are those of GDH.
fn has_states(protocol: Protocol) -> bool {
    protocol == Protocol::GDH
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

/// An algorithm for a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Design {
    /// The states that it runs through.
    pub(crate) states: States,
    /// What of the suite's state takes part in the next view's agreement.
    pub(crate) survival: Survival,
}

/// States of an agreement under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum States {
    /// PT, FT, FO, KL.
    Gdh,
    /// R.
    Generic,
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
        assert!(!Algorithm::Incremental.runs(Protocol::GDH));
    }

    #[test]
    fn names_are_read_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(*algorithm));
        }
        assert_eq!("fast".parse::<Algorithm>(), Err(UnknownAlgorithm));
    }
}
