//! User data: I5 to I8, I10, I12.

use super::*;

impl Checker<'_> {
    /// I5: delivery in the view of sending. I6: from a member of it. I7: once. I8: one's own.
    pub(super) fn data(&mut self) {
        let mut found = Vec::new();
        for stay in &self.stays {
            let me = stay.member;
            let mut seen = BTreeSet::new();
            for id in stay.delivered() {
                let record = &self.trace.data[&id];
                if record.view != stay.view.view.id {
                    found.push((
                        "I5",
                        format!("{me} delivered {id} in {:?}", stay.view.view.id),
                    ));
                }
                if !stay
                    .view
                    .view
                    .members
                    .contains(&self.trace.lives[record.life].member)
                {
                    found.push(("I6", format!("{me} delivered {id} of a stranger")));
                }
                if !seen.insert(id) {
                    found.push(("I7", format!("{me} delivered {id} twice")));
                }
            }
            if stay.next.is_some() {
                for entry in stay.entries {
                    if let Entry::Sent(id) = entry
                        && !seen.contains(id)
                    {
                        found.push(("I8", format!("{me} did not deliver its own {id}")));
                    }
                }
            }
        }
        // Delivered before any secure view.
        for life in &self.trace.lives {
            for entry in &life.entries {
                match entry {
                    Entry::Install { .. } => break,
                    Entry::Delivered(id) => {
                        found.push((
                            "I5",
                            format!("{} delivered {id} without a view", life.member),
                        ));
                    }
                    // Other entries change nothing here.
                    _ => {}
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I10: those who come along have delivered the same data, AGREED in the same order.
    pub(super) fn delivery_together(&mut self) {
        let mut found = Vec::new();
        let agreed = |stay: &Stay<'_>| -> Vec<u64> {
            stay.delivered()
                .filter(|id| self.trace.data[id].order.is_some())
                .collect()
        };
        for p in &self.stays {
            let Some(next) = self.next_of(p) else {
                continue;
            };
            for q in &self.stays {
                let together = q.life != p.life
                    && q.view.view.id == p.view.view.id
                    && next.view.view.transitional_set.contains(q.member)
                    && self
                        .next_of(q)
                        .is_some_and(|other| other.view.view.id == next.view.view.id);
                if !together {
                    continue;
                }
                let sets = |stay: &Stay<'_>| stay.delivered().collect::<BTreeSet<_>>();
                if sets(p) != sets(q) || agreed(p) != agreed(q) {
                    found.push((
                        "I10",
                        format!(
                            "{} and {} delivered different data in {:?}",
                            p.member, q.member, p.view.view.id
                        ),
                    ));
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I12: the order of each sender, the causal order of AGREED messages, the common order, no gaps
    /// before the signal, and after it only of those who do not come along.
    pub(super) fn order(&mut self) {
        let mut found = Vec::new();
        let mut common: BTreeMap<ViewId, BTreeSet<u64>> = BTreeMap::new();
        for record in self.trace.data.values() {
            if let Some(order) = record.order {
                common.entry(record.view).or_default().insert(order);
            }
        }
        for stay in &self.stays {
            let me = stay.member;
            let mut agreed = 0;
            let mut last_order = None;
            let mut next_index: BTreeMap<usize, u64> = BTreeMap::new();
            let mut gaps: BTreeSet<usize> = BTreeSet::new();
            let mut signalled = false;
            for entry in stay.entries {
                match entry {
                    Entry::SecureSignal => signalled = true,
                    Entry::Delivered(id) => {
                        let record = &self.trace.data[id];
                        if let Some(order) = record.order {
                            if last_order > record.order {
                                found.push(("I12", format!("{me}: {id} out of the common order")));
                            }
                            last_order = record.order;
                            for (life, count) in &record.behind {
                                if next_index.get(life).copied().unwrap_or(0) < *count {
                                    found.push(("I12", format!("{me}: {id} before its cause")));
                                }
                            }
                            let before = common
                                .get(&record.view)
                                .map_or(0, |orders| orders.range(..order).count());
                            if before != agreed && !signalled {
                                let text = "gap in the common order before";
                                found.push(("I12", format!("{me}: {text} {id}, no signal")));
                            }
                            agreed = before + 1;
                        }
                        let expected = next_index.entry(record.life).or_default();
                        if record.index < *expected {
                            found.push(("I12", format!("{me}: {id} out of its sender's order")));
                        }
                        if record.index > *expected {
                            gaps.insert(record.life);
                            if !signalled {
                                found.push(("I12", format!("{me}: gap before {id}, no signal")));
                            }
                        }
                        *expected = record.index + 1;
                    }
                    // Other entries change nothing here.
                    _ => {}
                }
            }
            if let Some(next) = self.next_of(stay) {
                for sender in gaps {
                    let sender = &self.trace.lives[sender].member;
                    if next.view.view.transitional_set.contains(sender) {
                        found.push(("I12", format!("{me}: gap in what {sender} sent")));
                    }
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }
}
