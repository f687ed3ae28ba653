//! Views and keys: I1 to I4, I9, I11, I13 to I16.

use super::*;

impl Checker<'_> {
    /// I1: one view, one list of members, one key. I2: another view or epoch, another key.
    pub(super) fn keys(&mut self) {
        let mut by_view: BTreeMap<(ViewId, u32), (&SecureView, &[u8])> = BTreeMap::new();
        let mut by_key: BTreeMap<&[u8], (ViewId, u32)> = BTreeMap::new();
        let mut found = Vec::new();
        for stay in &self.stays {
            for (view, key) in &stay.installs {
                let name = (view.view.id, view.epoch);
                let (first, first_key) = by_view.entry(name).or_insert((view, key));
                if first.view.members != view.view.members || first_key != key {
                    found.push((
                        "I1",
                        format!("{}: another key or list for {name:?}", stay.member),
                    ));
                }
                let owner = by_key.entry(key).or_insert(name);
                if *owner != name {
                    found.push((
                        "I2",
                        format!("{}: {owner:?} and {name:?} share a key", stay.member),
                    ));
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I3: self inclusion. I4: order of installations.
    pub(super) fn installs(&mut self) {
        let mut found = Vec::new();
        for life in &self.trace.lives {
            let mut current: Option<(&View, Option<u32>)> = None;
            for entry in &life.entries {
                match entry {
                    Entry::Membership { view, .. } => current = Some((view, None)),
                    Entry::Install { view, .. } => {
                        let me = &life.member;
                        if !view.view.members.contains(me)
                            || !view.view.transitional_set.contains(me)
                        {
                            found.push((
                                "I3",
                                format!("{me} is not in its view {:?}", view.view.id),
                            ));
                        }
                        let expected = match &current {
                            Some((vs, last)) if vs.id == view.view.id => {
                                Some(last.map_or(0, |l| l + 1))
                            }
                            _ => None,
                        };
                        if expected != Some(view.epoch) {
                            found.push((
                                "I4",
                                format!("{me} installed {:?} epoch {}", view.view.id, view.epoch),
                            ));
                        }
                        if let Some((_, last)) = &mut current {
                            *last = Some(view.epoch);
                        }
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

    /// I9: transitional sets agree. I11: who is not in it was separated, who is was not.
    pub(super) fn transitional_sets(&mut self) {
        let mut found = Vec::new();
        let mut by_view: BTreeMap<ViewId, Vec<&Stay<'_>>> = BTreeMap::new();
        for stay in &self.stays {
            by_view.entry(stay.view.view.id).or_default().push(stay);
        }
        for installed in by_view.values() {
            for p in installed {
                for q in installed {
                    if !p.view.view.transitional_set.contains(q.member) {
                        continue;
                    }
                    let sorted = |stay: &Stay<'_>| -> BTreeSet<MemberName> {
                        stay.view.view.transitional_set.iter().cloned().collect()
                    };
                    let before =
                        |stay: &Stay<'_>| stay.previous.map(|s| self.stays[s].view.view.id);
                    // Who comes from nowhere comes alone.
                    let strangers = before(p).is_none() && p.life != q.life;
                    if sorted(p) != sorted(q) || before(p) != before(q) || strangers {
                        found.push((
                            "I9",
                            format!(
                                "{} and {} disagree on who came along to {:?}",
                                p.member, q.member, p.view.view.id
                            ),
                        ));
                    }
                }
            }
        }
        for stay in &self.stays {
            let Some(next) = self.next_of(stay) else {
                continue;
            };
            for other in &stay.view.view.members {
                let together = stay
                    .views
                    .iter()
                    .all(|view| view.transitional_set.contains(other));
                if together != next.view.view.transitional_set.contains(other) {
                    found.push((
                        "I11",
                        format!(
                            "{}: {other} on the way to {:?}",
                            stay.member, next.view.view.id
                        ),
                    ));
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I13: the secure signal comes at most once a view, not before the first, and not too late.
    pub(super) fn signals(&mut self) {
        let mut found = Vec::new();
        let is_signal = |entry: &&Entry| matches!(entry, Entry::SecureSignal);
        for stay in &self.stays {
            let me = stay.member;
            let count = stay.entries.iter().filter(is_signal).count();
            if count > 1 {
                found.push((
                    "I13",
                    format!("{me}: {count} signals in {:?}", stay.view.view.id),
                ));
            }
            let lost = self.next_of(stay).is_some_and(|next| {
                !stay
                    .view
                    .view
                    .members
                    .iter()
                    .all(|m| next.view.view.transitional_set.contains(m))
            });
            if lost && count == 0 {
                found.push(("I13", format!("{me}: no signal in {:?}", stay.view.view.id)));
            }
        }
        for life in &self.trace.lives {
            let first = life
                .entries
                .iter()
                .take_while(|entry| !matches!(entry, Entry::Install { .. }))
                .filter(is_signal)
                .count();
            if first > 0 {
                found.push(("I13", format!("{}: signal without a view", life.member)));
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I14: an application sees at most one flush request a secure view, and none before the
    /// first; the view does not end without its permission.
    pub(super) fn grammar(&mut self) {
        let mut found = Vec::new();
        for stay in &self.stays {
            let mut requests = 0;
            let mut answers = 0;
            for entry in stay.entries {
                match entry {
                    Entry::SecureFlushRequest => requests += 1,
                    Entry::SecureFlushOk => answers += 1,
                    // Other entries change nothing here.
                    _ => {}
                }
            }
            if requests > 1 || answers > requests || (stay.next.is_some() && answers != 1) {
                found.push((
                    "I14",
                    format!(
                        "{}: {requests} flush requests, {answers} answers",
                        stay.member
                    ),
                ));
            }
        }
        for life in &self.trace.lives {
            let early = life
                .entries
                .iter()
                .take_while(|entry| !matches!(entry, Entry::Install { .. }))
                .any(|entry| matches!(entry, Entry::SecureFlushRequest));
            if early {
                found.push((
                    "I14",
                    format!("{}: flush request without a view", life.member),
                ));
            }
            // I15: nothing is sent between Flush_Ok and membership (tokens are looked at when
            // sent). I16: every Flush_Ok answers a request of the same VS view.
            let mut open = 0_i32;
            let mut flushed = false;
            for entry in &life.entries {
                flushed = match entry {
                    Entry::Membership { .. } => false,
                    Entry::FlushOk => true,
                    // Other entries change nothing here.
                    _ => flushed,
                };
                match entry {
                    Entry::Membership { .. } => open = 0,
                    Entry::Sent(id) if flushed => {
                        found.push(("I15", format!("{}: {id} sent when flushed", life.member)));
                    }
                    Entry::FlushRequest => open += 1,
                    Entry::FlushOk => {
                        open -= 1;
                        if open < 0 {
                            found.push(("I16", format!("{}: Flush_Ok unasked", life.member)));
                        }
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
}
