//! The properties of the robust agreement notes, section 8, checked on a trace.
//!
//! Each invariant is a function that names itself. Refreshes are epochs of one secure view: keys are
//! looked at by epoch, delivery by secure view.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use core::fmt;

use cliques::{MemberId, TokenKind};

use super::{
    simulation::Simulation,
    symbolic::{Algebra, ShareId},
    trace::{End, Entry, Trace},
};
use crate::view::{SecureView, View, ViewId};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name.
    pub invariant: &'static str,
    /// What was found.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.message)
    }
}

/// A secure view at one process, from its installation to the next.
struct Stay<'a> {
    member: &'a MemberId,
    life: usize,
    /// The view as first installed.
    view: &'a SecureView,
    /// Installations: that one and the refreshes.
    installs: Vec<(&'a SecureView, &'a [u8])>,
    /// Entries from the first installation to before the next secure view.
    entries: &'a [Entry],
    /// Memberships after this view, up to that of the next secure view.
    views: Vec<&'a View>,
    next: Option<usize>,
    previous: Option<usize>,
}

impl Stay<'_> {
    fn delivered(&self) -> impl Iterator<Item = u64> + '_ {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Delivered(id) => Some(*id),
            _ => None,
        })
    }
}

struct Checker<'a> {
    trace: &'a Trace,
    algebra: Option<&'a Algebra>,
    stays: Vec<Stay<'a>>,
    found: Vec<Violation>,
}

/// Checks everything that holds at any time.
pub fn check(simulation: &Simulation) -> Vec<Violation> {
    let trace = simulation.trace();
    let mut checker = Checker {
        trace,
        algebra: simulation.algebra(),
        stays: stays(trace),
        found: trace.violations.clone(),
    };
    checker.keys();
    checker.installs();
    checker.data();
    checker.transitional_sets();
    checker.delivery_together();
    checker.order();
    checker.signals();
    checker.grammar();
    checker.counters();
    checker.shares();
    checker.uniformity();
    checker.roles();
    checker.found
}

/// Checks progress: nothing is left to do, so every process is where it should be (I22).
pub fn check_quiescent(simulation: &Simulation) -> Vec<Violation> {
    let mut found = Vec::new();
    let components = simulation.components();
    for member in simulation.live() {
        let Some(driver) = simulation.driver(&member) else {
            continue;
        };
        let state = driver.state_name();
        let members: Option<BTreeSet<MemberId>> = driver
            .secure_view()
            .map(|view| view.members.iter().cloned().collect());
        let current = match (driver.secure_view(), driver.view()) {
            (Some(secure), Some(view)) => secure.id == view.id,
            _ => false,
        };
        let whole = members.is_some_and(|members| components.contains(&members));
        if state != "SECURE" || !current || !whole {
            found.push(Violation {
                invariant: "I22",
                message: format!("{member} ended in {state}, view {:?}", driver.secure_view()),
            });
        }
    }
    found
}

fn stays(trace: &Trace) -> Vec<Stay<'_>> {
    let mut stays: Vec<Stay<'_>> = Vec::new();
    for (index, life) in trace.lives.iter().enumerate() {
        let starts: Vec<usize> = life
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| matches!(entry, Entry::Install { view, .. } if view.epoch == 0))
            .map(|(place, _)| place)
            .collect();
        for (number, start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied();
            let entries = &life.entries[*start..end.unwrap_or(life.entries.len())];
            let Some(Entry::Install { view, .. }) = entries.first() else {
                continue;
            };
            let this = stays.len();
            stays.push(Stay {
                member: &life.member,
                life: index,
                view,
                installs: entries
                    .iter()
                    .filter_map(|entry| match entry {
                        Entry::Install { view, key } => Some((view, key.as_slice())),
                        _ => None,
                    })
                    .collect(),
                entries,
                views: entries
                    .iter()
                    .filter_map(|entry| match entry {
                        Entry::Membership { view, .. } => Some(view),
                        _ => None,
                    })
                    .collect(),
                next: end.map(|_| this + 1),
                previous: (number > 0).then(|| this - 1),
            });
        }
    }
    stays
}

impl<'a> Checker<'a> {
    fn fail(&mut self, invariant: &'static str, message: String) {
        self.found.push(Violation { invariant, message });
    }

    /// I1: one view, one list of members, one key. I2: another view or epoch, another key.
    fn keys(&mut self) {
        let mut by_view: BTreeMap<(ViewId, u32), (&SecureView, &[u8])> = BTreeMap::new();
        let mut by_key: BTreeMap<&[u8], (ViewId, u32)> = BTreeMap::new();
        let mut found = Vec::new();
        for stay in &self.stays {
            for (view, key) in &stay.installs {
                let name = (view.id, view.epoch);
                let (first, first_key) = by_view.entry(name).or_insert((view, key));
                if first.members != view.members || first_key != key {
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
    fn installs(&mut self) {
        let mut found = Vec::new();
        for life in &self.trace.lives {
            let mut current: Option<(&View, Option<u32>)> = None;
            for entry in &life.entries {
                match entry {
                    Entry::Membership { view, .. } => current = Some((view, None)),
                    Entry::Install { view, .. } => {
                        let me = &life.member;
                        if !view.members.contains(me) || !view.transitional_set.contains(me) {
                            found.push(("I3", format!("{me} is not in its view {:?}", view.id)));
                        }
                        let expected = match &current {
                            Some((vs, last)) if vs.id == view.id => Some(last.map_or(0, |l| l + 1)),
                            _ => None,
                        };
                        if expected != Some(view.epoch) {
                            found.push((
                                "I4",
                                format!("{me} installed {:?} epoch {}", view.id, view.epoch),
                            ));
                        }
                        if let Some((_, last)) = &mut current {
                            *last = Some(view.epoch);
                        }
                    }
                    _ => {}
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I5: delivery in the view of sending. I6: from a member of it. I7: once. I8: one's own.
    fn data(&mut self) {
        let mut found = Vec::new();
        for stay in &self.stays {
            let me = stay.member;
            let mut seen = BTreeSet::new();
            for id in stay.delivered() {
                let record = &self.trace.data[&id];
                if record.view != stay.view.id {
                    found.push(("I5", format!("{me} delivered {id} in {:?}", stay.view.id)));
                }
                if !stay
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
                    _ => {}
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// The stay at which the view of `stay.next` was installed by `member`, and its predecessor.
    fn next_of(&self, stay: &Stay<'a>) -> Option<&Stay<'a>> {
        stay.next.map(|next| &self.stays[next])
    }

    /// I9: transitional sets agree. I11: who is not in it was separated, who is was not.
    fn transitional_sets(&mut self) {
        let mut found = Vec::new();
        let mut by_view: BTreeMap<ViewId, Vec<&Stay<'_>>> = BTreeMap::new();
        for stay in &self.stays {
            by_view.entry(stay.view.id).or_default().push(stay);
        }
        for installed in by_view.values() {
            for p in installed {
                for q in installed {
                    if !p.view.transitional_set.contains(q.member) {
                        continue;
                    }
                    let sorted = |stay: &Stay<'_>| -> BTreeSet<MemberId> {
                        stay.view.transitional_set.iter().cloned().collect()
                    };
                    let before = |stay: &Stay<'_>| stay.previous.map(|s| self.stays[s].view.id);
                    if sorted(p) != sorted(q) || before(p) != before(q) {
                        found.push((
                            "I9",
                            format!(
                                "{} and {} disagree on who came along to {:?}",
                                p.member, q.member, p.view.id
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
            for other in &stay.view.members {
                let together = stay
                    .views
                    .iter()
                    .all(|view| view.transitional_set.contains(other));
                if together != next.view.transitional_set.contains(other) {
                    found.push((
                        "I11",
                        format!("{}: {other} on the way to {:?}", stay.member, next.view.id),
                    ));
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I10: those who come along have delivered the same data, AGREED in the same order.
    fn delivery_together(&mut self) {
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
                    && q.view.id == p.view.id
                    && next.view.transitional_set.contains(q.member)
                    && self
                        .next_of(q)
                        .is_some_and(|other| other.view.id == next.view.id);
                if !together {
                    continue;
                }
                let sets = |stay: &Stay<'_>| stay.delivered().collect::<BTreeSet<_>>();
                if sets(p) != sets(q) || agreed(p) != agreed(q) {
                    found.push((
                        "I10",
                        format!(
                            "{} and {} delivered different data in {:?}",
                            p.member, q.member, p.view.id
                        ),
                    ));
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I12: the order of each sender, the common order, no gaps before the signal, and after it
    /// only of those who do not come along.
    fn order(&mut self) {
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
                    _ => {}
                }
            }
            if let Some(next) = self.next_of(stay) {
                for sender in gaps {
                    let sender = &self.trace.lives[sender].member;
                    if next.view.transitional_set.contains(sender) {
                        found.push(("I12", format!("{me}: gap in what {sender} sent")));
                    }
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I13: the secure signal comes at most once a view, not before the first, and not too late.
    fn signals(&mut self) {
        let mut found = Vec::new();
        let is_signal = |entry: &&Entry| matches!(entry, Entry::SecureSignal);
        for stay in &self.stays {
            let me = stay.member;
            let count = stay.entries.iter().filter(is_signal).count();
            if count > 1 {
                found.push((
                    "I13",
                    format!("{me}: {count} signals in {:?}", stay.view.id),
                ));
            }
            let lost = self.next_of(stay).is_some_and(|next| {
                !stay
                    .view
                    .members
                    .iter()
                    .all(|m| next.view.transitional_set.contains(m))
            });
            if lost && count == 0 {
                found.push(("I13", format!("{me}: no signal in {:?}", stay.view.id)));
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
    /// first.
    fn grammar(&mut self) {
        let mut found = Vec::new();
        for stay in &self.stays {
            let mut requests = 0;
            let mut answers = 0;
            for entry in stay.entries {
                match entry {
                    Entry::SecureFlushRequest => requests += 1,
                    Entry::SecureFlushOk => answers += 1,
                    Entry::Sent(id) if answers > 0 => {
                        found.push(("I14", format!("{}: {id} sent when flushed", stay.member)));
                    }
                    _ => {}
                }
            }
            if requests > 1 || answers > requests || (stay.next.is_some() && requests != answers) {
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
            // I16: every Flush_Ok answers a request of the same VS view.
            let mut open = 0_i32;
            for entry in &life.entries {
                match entry {
                    Entry::Membership { .. } => open = 0,
                    Entry::FlushRequest => open += 1,
                    Entry::FlushOk => {
                        open -= 1;
                        if open < 0 {
                            found.push(("I16", format!("{}: Flush_Ok unasked", life.member)));
                        }
                    }
                    _ => {}
                }
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// I17: nothing impossible happened, and no token was refused. (A refresh request may come
    /// when its epoch is over.)
    fn counters(&mut self) {
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

    /// I19: a key has a share that was drawn after the membership of its view, or for a refresh one that
    /// the key before did not have. I21: it has a share of each member.
    fn shares(&mut self) {
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
    fn uniformity(&mut self) {
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

    /// I24: in each VS view one chain of partial tokens, one final token, one key list. I25: no
    /// more than 2n tokens.
    fn roles(&mut self) {
        let mut found = Vec::new();
        let mut by_view: BTreeMap<ViewId, Vec<_>> = BTreeMap::new();
        for token in self.trace.tokens.iter().filter(|token| !token.refresh) {
            by_view.entry(token.view).or_default().push(token);
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
        for (view, tokens) in by_view {
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
            {
                found.push(("I24", format!("{view:?}: more than one run")));
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

/// Number of secure views, so that a test can tell whether anything happened.
pub fn secure_views(trace: &Trace) -> usize {
    let views: BTreeSet<ViewId> = stays(trace).iter().map(|stay| stay.view.id).collect();
    views.len()
}

/// Lives that have not ended.
pub fn running(trace: &Trace) -> usize {
    trace
        .lives
        .iter()
        .filter(|life| life.end == End::Running)
        .count()
}
