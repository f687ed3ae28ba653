//! The agreement: I17, I19, I21, I23 to I25.

use super::*;

impl Checker<'_> {
    /// I17: nothing impossible happened, and no token was refused. (A member may not
    /// take part in a refresh; other tokens of a wrong epoch are noticed on delivery.)
    pub(super) fn counters(&mut self) {
        let mut found = Vec::new();
        for life in &self.trace.lives {
            let stats = &life.stats;
            let refused = stats.token_drops.total() - stats.token_drops.wrong_epoch;
            if stats.impossible > 0 || stats.failures > 0 || refused > 0 {
                found.push(("I17", format!("{}: {stats:?}", life.member)));
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I19: a key has a share that was drawn after the membership of its view, or for a refresh one
    /// that the key before did not have. I21: it has a share of each member; over CKD, whose keys
    /// are the controller's choice, of one.
    pub(super) fn shares(&mut self) {
        let Some(algebra) = self.algebra else { return };
        let mut first: BTreeMap<(ViewId, usize), u32> = BTreeMap::new();
        for (index, life) in self.trace.lives.iter().enumerate() {
            for entry in &life.entries {
                if let Entry::Membership { view, shares, .. } = entry {
                    first.insert((view.id, index), *shares);
                }
            }
        }
        let mut found = Vec::new();
        for stay in &self.stays {
            let mut before = BTreeSet::new();
            for (view, key) in &stay.installs {
                let Some(shares) = algebra.shares(key) else {
                    found.push(("I19", format!("{}: unknown key", stay.member)));
                    continue;
                };
                let fresh = |share: &ShareId| match view.epoch {
                    0 => first
                        .get(&(view.view.id, algebra.owner(*share)))
                        .is_some_and(|first| algebra.number(*share) >= Some(*first)),
                    _ => !before.contains(share),
                };
                if !shares.iter().any(fresh) {
                    found.push(("I19", format!("{}: nothing fresh in {view:?}", stay.member)));
                }
                let owners: BTreeSet<&MemberName> = shares
                    .iter()
                    .map(|share| &self.trace.lives[algebra.owner(*share)].member)
                    .collect();
                let members: BTreeSet<&MemberName> = view.view.members.iter().collect();
                let contributed = match (self.conduct, self.continues) {
                    (Conduct::Contributory, Continues::Nothing) => owners == members,
                    // Shares of leavers may stay in it as constants.
                    (Conduct::Contributory, Continues::Something) => members.is_subset(&owners),
                    (Conduct::Centralised, _) => owners.len() == 1 && owners.is_subset(&members),
                };
                if !contributed {
                    found.push(("I21", format!("{}: contributions to {view:?}", stay.member)));
                }
                before = shares;
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I23: those who come to a VS view together come in the same state.
    pub(super) fn uniformity(&mut self) {
        let mut arrivals: BTreeMap<ViewId, Vec<(&MemberName, &View, &str)>> = BTreeMap::new();
        for life in &self.trace.lives {
            for entry in &life.entries {
                if let Entry::Membership { view, state, .. } = entry {
                    arrivals
                        .entry(view.id)
                        .or_default()
                        .push((&life.member, view, state));
                }
            }
        }
        let mut found = Vec::new();
        for arrived in arrivals.values() {
            for (p, view, state) in arrived {
                for (q, _, other) in arrived {
                    if view.transitional_set.contains(q) && state != other {
                        found.push(("I23", format!("{p} in {state}, {q} in {other}")));
                    }
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }
}
