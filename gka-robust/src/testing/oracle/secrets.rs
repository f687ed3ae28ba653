//! What others can compute, and what is left in memory: I20, I26.

use super::*;

impl Checker<'_> {
    /// I20: whoever is not in a view cannot compute its keys from everything ever sent and all
    /// shares of its own.
    pub(super) fn exclusion<'b>(&mut self, tokens: impl Iterator<Item = &'b [u8]>) {
        let Some(algebra) = self.algebra else { return };
        let mut everybody = Knowledge::new(algebra);
        tokens.for_each(|token| everybody.learn(token));
        let mut keys: BTreeMap<(ViewId, u32), &[u8]> = BTreeMap::new();
        for stay in &self.stays {
            for (view, key) in &stay.installs {
                keys.insert((view.view.id, view.epoch), key);
            }
        }
        let mut found = Vec::new();
        // One life more than there are: somebody who has seen everything and was never a member.
        for life in 0..=self.trace.lives.len() {
            let insider = |view: &ViewId| {
                self.trace
                    .views
                    .get(view)
                    .is_some_and(|lives| lives.contains(&life))
            };
            let outside: Vec<_> = keys
                .iter()
                .filter(|((view, _), _)| !insider(view))
                .collect();
            if outside.is_empty() {
                continue;
            }
            let mut knowledge = everybody.clone();
            knowledge.learn_shares_of(life);
            for ((view, epoch), key) in outside {
                if knowledge.reaches(key) {
                    let who = self.trace.lives.get(life).map(|life| &life.member);
                    found.push(format!(
                        "life {life}, {who:?}: key of {view:?}, epoch {epoch}"
                    ));
                }
            }
        }
        found
            .into_iter()
            .for_each(|message| self.fail("I20", message));
    }
}

/// I26: what a process has in memory after it installed a key. Of a contributory suite only what is
/// made of shares in that key, and no key of an earlier view; of CKD no more than a share and one
/// exponent for each other member.
pub(super) fn superseded(
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

/// I26: what a process has in memory where it starts from scratch.
pub(super) fn stale(algebra: &Algebra, alive: &[[u8; 32]], first: u32) -> Option<String> {
    alive
        .iter()
        .filter_map(|held| algebra.shares(held))
        .find(|held| {
            held.iter()
                .any(|share| algebra.number(*share) < Some(first))
        })
        .map(|held| format!("a secret made of {held:?} is in memory at a fresh start"))
}
