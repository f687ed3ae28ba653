//! The properties of the robust agreement notes, section 8, checked on a trace.
//!
//! Each invariant is a function that names itself. Refreshes are epochs of one secure view: keys
//! are looked at by epoch, delivery by secure view.

mod agreement;
mod delivery;
mod exclusion;
mod roles;
mod views;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    sync::Arc,
    vec::Vec,
};
use cliques::{
    MemberName, Protocol, TokenKind,
    testing::symbolic::{Algebra, Knowledge, ShareId},
};

use super::{
    memory::{Conduct, Continues},
    simulation::Simulation,
    trace::{End, Entry, TokenSent, Trace, Violation},
};
use crate::{
    algorithm::Algorithm,
    view::{SecureView, View, ViewId},
};

/// A secure view at one process, from its installation to the next.
struct Stay<'a> {
    member: &'a MemberName,
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
    pub(super) fn delivered(&self) -> impl Iterator<Item = u64> + '_ {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Delivered(id) => Some(*id),
            // Only deliveries are of interest.
            _ => None,
        })
    }
}

struct Checker<'a> {
    protocol: Protocol,
    conduct: Conduct,
    continues: Continues,
    trace: &'a Trace,
    algebra: Option<&'a Arc<Algebra>>,
    stays: Vec<Stay<'a>>,
    found: Vec<Violation>,
}

/// Checks everything that holds at any time.
pub fn check(simulation: &Simulation) -> Vec<Violation> {
    check_trace(&Subject::of(simulation))
}

/// A run to be checked, wherever it took place.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What happened.
    pub trace: &'a Trace,
    /// What the keys are made of, if the suite was symbolic.
    pub algebra: Option<&'a Arc<Algebra>>,
    /// Suite.
    pub protocol: Protocol,
    /// Algorithm.
    pub algorithm: Algorithm,
}

impl<'a> Subject<'a> {
    fn of(simulation: &'a Simulation) -> Self {
        let options = simulation.options();
        Self {
            trace: simulation.trace(),
            algebra: simulation.algebra(),
            protocol: options.protocol,
            algorithm: options.algorithm,
        }
    }
}

/// Checks everything that holds at any time, of a trace.
pub fn check_trace(subject: &Subject<'_>) -> Vec<Violation> {
    let mut checker = Checker::new(subject);
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

/// Checks exclusion (I20), which takes as long as everything else together.
pub fn check_exclusion(simulation: &Simulation) -> Vec<Violation> {
    let mut checker = Checker::new(&Subject::of(simulation));
    checker.found.clear();
    checker.exclusion(simulation.overheard().iter().map(|(_, _, bytes)| &**bytes));
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
        let members: Option<BTreeSet<MemberName>> = driver
            .secure_view()
            .map(|view| view.view.members.iter().cloned().collect());
        let current = match (driver.secure_view(), driver.view()) {
            (Some(secure), Some(view)) => secure.view.id == view.id,
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
                        // Only installations are of interest.
                        _ => None,
                    })
                    .collect(),
                entries,
                views: entries
                    .iter()
                    .filter_map(|entry| match entry {
                        Entry::Membership { view, .. } => Some(view),
                        // Only memberships are of interest.
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
    fn new(subject: &Subject<'a>) -> Self {
        Self {
            protocol: subject.protocol,
            conduct: Conduct::of(subject.protocol),
            continues: Continues::of(subject.algorithm),
            trace: subject.trace,
            algebra: subject.algebra,
            stays: stays(subject.trace),
            found: subject.trace.violations.clone(),
        }
    }

    pub(super) fn fail(&mut self, invariant: &'static str, message: String) {
        self.found.push(Violation { invariant, message });
    }

    /// The stay at which the view of `stay.next` was installed by `member`, and its predecessor.
    pub(super) fn next_of(&self, stay: &Stay<'a>) -> Option<&Stay<'a>> {
        stay.next.map(|next| &self.stays[next])
    }
}

/// Number of secure views, so that a test can tell whether anything happened.
pub fn secure_views(trace: &Trace) -> usize {
    let views: BTreeSet<ViewId> = stays(trace).iter().map(|stay| stay.view.view.id).collect();
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
