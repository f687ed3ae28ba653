//! What secrets a process has in memory (I26).

use alloc::{format, string::String, vec::Vec};

use cliques::{Protocol, testing::symbolic::Algebra};

use crate::algorithm::Algorithm;

/// How keys are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    /// Of shares of all members.
    Contributory,
    /// By one member.
    Centralised,
}

impl Conduct {
    pub(super) fn of(protocol: Protocol) -> Self {
        match protocol.as_str() {
            "ckd" | "ckd-aead" => Self::Centralised,
            _ => Self::Contributory,
        }
    }
}

/// Whether an agreement may continue an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continues {
    Nothing,
    Something,
}

impl Continues {
    pub(super) const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Basic | Algorithm::Restart => Self::Nothing,
            Algorithm::Optimized | Algorithm::Incremental => Self::Something,
        }
    }
}

/// What is wrong with the secrets in memory where an agreement starts; own shares have numbers from
/// `first` on.
pub(super) fn check_fresh_start(
    algebra: &Algebra,
    algorithm: Algorithm,
    alive: &[[u8; 32]],
    first: u32,
) -> Option<String> {
    match Continues::of(algorithm) {
        Continues::Nothing => stale(algebra, alive, first),
        Continues::Something => None,
    }
}

/// What is wrong with the secrets in memory after the last of `keys` was installed. Of a contributory
/// suite only what is made of shares in that key may be there, and no key of an earlier view; of CKD no
/// more than a share and one exponent for each other member.
pub(super) fn check_installed(
    algebra: &Algebra,
    protocol: Protocol,
    alive: &[[u8; 32]],
    keys: &[Vec<u8>],
    members: usize,
) -> Option<String> {
    let (last, earlier) = keys.split_last()?;
    if let Some(old) = earlier
        .iter()
        .position(|key| *key != *last && alive.iter().any(|held| held.as_slice() == key.as_slice()))
    {
        return Some(format!("key {old} of {} is in memory", keys.len()));
    }
    match Conduct::of(protocol) {
        Conduct::Centralised => (alive.len() > members + 1)
            .then(|| format!("{} secrets for {members} members", alive.len())),
        Conduct::Contributory => {
            let shares = algebra.shares(last)?;
            alive
                .iter()
                .filter_map(|held| algebra.shares(held))
                .find(|held| !held.is_subset(&shares))
                .map(|held| format!("a secret made of {held:?} is in memory"))
        }
    }
}

/// What is left from before in the memory of a process that starts from scratch.
fn stale(algebra: &Algebra, alive: &[[u8; 32]], first: u32) -> Option<String> {
    alive
        .iter()
        .filter_map(|held| algebra.shares(held))
        .find(|held| {
            held.iter()
                .any(|share| algebra.number(*share) < Some(first))
        })
        .map(|held| format!("a secret made of {held:?} is in memory at a fresh start"))
}
