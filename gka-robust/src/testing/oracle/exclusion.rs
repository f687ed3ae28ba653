//! What others can compute: I20.

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
