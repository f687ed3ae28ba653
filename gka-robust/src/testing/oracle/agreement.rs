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
    /// that the key before did not have. I21: it has a share of each member.
    pub(super) fn shares(&mut self) {
        let Some(algebra) = self.algebra else { return };
        let mut started: BTreeMap<ViewId, ShareId> = BTreeMap::new();
        for life in &self.trace.lives {
            for entry in &life.entries {
                if let Entry::Membership { view, shares, .. } = entry {
                    let first = started.entry(view.id).or_insert(*shares);
                    *first = (*first).min(*shares);
                }
            }
        }
        let mut found = Vec::new();
        for stay in &self.stays {
            let mut fresh = started[&stay.view.id];
            for (view, key) in &stay.installs {
                let Some(monomial) = algebra.monomial(key) else {
                    found.push(("I19", format!("{}: unknown key", stay.member)));
                    continue;
                };
                let last = monomial.shares().max();
                if last.is_none_or(|last| last < fresh) {
                    found.push(("I19", format!("{}: nothing fresh in {view:?}", stay.member)));
                }
                fresh = last.map_or(fresh, |last| last + 1);
                let owners: BTreeSet<&MemberId> = monomial
                    .shares()
                    .map(|share| &self.trace.lives[algebra.owner(share)].member)
                    .collect();
                let members: BTreeSet<&MemberId> = view.members.iter().collect();
                if owners != members {
                    found.push(("I21", format!("{}: contributions to {view:?}", stay.member)));
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I23: those who come to a VS view together come in the same state.
    pub(super) fn uniformity(&mut self) {
        let mut arrivals: BTreeMap<ViewId, Vec<(&MemberId, &View, &str)>> = BTreeMap::new();
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

    /// I24: in each VS view one chain of partial tokens, one final token, one key list; in each
    /// refresh one key list and nothing else. I25: no more than 2n tokens for a view.
    pub(super) fn roles(&mut self) {
        let mut found = Vec::new();
        let mut by_run: BTreeMap<(ViewId, u32), Vec<_>> = BTreeMap::new();
        let requests = |token: &&TokenRecord| token.kind == TokenKind::RefreshRequest;
        for token in self.trace.tokens.iter().filter(|token| !requests(token)) {
            let run = (token.view, token.run);
            by_run.entry(run).or_default().push(token);
        }
        let sizes: BTreeMap<ViewId, usize> = self
            .trace
            .lives
            .iter()
            .flat_map(|life| &life.entries)
            .filter_map(|entry| match entry {
                Entry::Membership { view, .. } => Some((view.id, view.members.len())),
                _ => None,
            })
            .collect();
        for ((view, run), tokens) in by_run {
            let of = |kind: TokenKind| tokens.iter().filter(move |token| token.kind == kind);
            let partials = of(TokenKind::GdhPartial).count();
            let receivers: BTreeSet<_> = of(TokenKind::GdhPartial)
                .map(|token| format!("{:?}", token.to))
                .collect();
            let starters = of(TokenKind::GdhPartial)
                .filter(|token| {
                    let sender = &self.trace.lives[token.life].member;
                    let to_sender = cliques::Recipient::Member(sender.clone());
                    !of(TokenKind::GdhPartial).any(|other| other.to == to_sender)
                })
                .count();
            if receivers.len() != partials
                || starters > 1
                || of(TokenKind::GdhFinal).count() > 1
                || of(TokenKind::GdhKeyList).count() > 1
                || (run > 0 && tokens.len() > 1)
            {
                found.push(("I24", format!("{view:?}: more than one run {run}")));
            }
            if tokens.len() > 2 * sizes.get(&view).copied().unwrap_or(0) {
                found.push(("I25", format!("{view:?}: {} tokens", tokens.len())));
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }
}
