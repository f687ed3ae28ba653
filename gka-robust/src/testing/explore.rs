//! Everything that can happen to a few processes, exhaustively.
//!
//! From a start, all orders of the adversary's changes, deliveries, views taken and flush answers are
//! gone through, with every way in which the network may carry out a change: where it cuts a log, what
//! of a lost member's last messages arrives, where flush request and signal stand, whether a view
//! that nobody has taken yet is given up. States that are equal, in all that what comes next
//! depends on and that the oracle remembers, are visited once; what independent processes do in
//! different orders leads to equal states, and is not told apart.
//!
//! Every step is checked by the oracle ([`check`]); every end, where nothing is left to do, also for
//! progress ([`check_quiescent`]).
//!
//! Left out: user data; refreshes beyond the bound; orders of the members in a view other than the
//! rotations of one; leave as opposed to crash (the drivers cannot tell). What outsiders can
//! compute (I20) is checked at the ends that are asked for, along one history of each state.

use alloc::{rc::Rc, vec::Vec};
use std::collections::HashSet;

use cliques::MemberName;

use super::{
    Violation, check, check_exclusion,
    oracle::check_quiescent,
    simulation::{Action, Options, Simulation, Traffic, member},
};

/// How far an exploration goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Changes by the adversary.
    pub changes: u32,
    /// Requests for a refresh.
    pub refreshes: u32,
    /// States after which it gives up.
    pub states: usize,
    /// One end in so many is checked for exclusion as well.
    pub exclusion: u64,
}

/// Where an exploration starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nobody lives.
    Nothing,
    /// All are in one secure view.
    Together,
}

/// What an exploration found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub steps: u64,
    /// States in which nothing is left to do.
    pub ends: u64,
    /// What was wrong first, and how it came about.
    pub violation: Option<(Violation, Vec<Rc<str>>)>,
    /// Whether everything within the bounds was seen.
    pub complete: bool,
}

struct Node {
    simulation: Simulation,
    changes: u32,
    refreshes: u32,
}

/// Explores all that can happen to the processes of these names.
pub fn explore(options: Options, names: &[&str], start: Start, bounds: Bounds) -> Report {
    let names: Vec<MemberName> = names.iter().map(|name| member(name)).collect();
    let mut simulation = Simulation::new(options);
    if start == Start::Together {
        for name in &names {
            simulation.start(name, names.first().filter(|first| *first != name));
        }
        while simulation.step(Traffic::Quiet) {}
    }
    let mut report = Report::default();
    let mut seen = HashSet::new();
    seen.insert((simulation.fingerprint(), 0));
    let mut open = alloc::vec![Node {
        simulation,
        changes: 0,
        refreshes: 0
    }];
    while let Some(node) = open.pop() {
        let moves = node.simulation.moves();
        if moves.is_empty() {
            report.ends += 1;
            let mut found = check_quiescent(&node.simulation);
            if report.ends.is_multiple_of(bounds.exclusion) {
                found.extend(check_exclusion(&node.simulation));
            }
            if report.blame(found, &node.simulation) {
                break;
            }
        }
        let mut steps: Vec<(Action, u32, u32)> = moves
            .into_iter()
            .map(|action| (action, node.changes, node.refreshes))
            .collect();
        if node.changes < bounds.changes {
            let changes = node.simulation.changes(&names).into_iter();
            steps.extend(changes.map(|change| (change, node.changes + 1, node.refreshes)));
        }
        if node.refreshes < bounds.refreshes {
            let live = node.simulation.live().into_iter();
            let refresh =
                live.map(|name| (Action::Refresh(name), node.changes, node.refreshes + 1));
            steps.extend(refresh);
        }
        for (action, changes, refreshes) in steps {
            for outcome in node.simulation.outcomes(&action) {
                report.steps += 1;
                let new = seen.insert((outcome.fingerprint(), refreshes));
                // What the oracle looks at is part of a state, so a state that was seen before was
                // looked at before; what was noticed in the step itself is not.
                let found = match new {
                    true => check(&outcome),
                    false => outcome.trace().violations.clone(),
                };
                if report.blame(found, &outcome) {
                    report.states = seen.len();
                    return report;
                }
                if new {
                    open.push(Node {
                        simulation: outcome,
                        changes,
                        refreshes,
                    });
                }
            }
        }
        if seen.len() > bounds.states {
            report.states = seen.len();
            return report;
        }
    }
    report.states = seen.len();
    report.complete = report.violation.is_none();
    report
}

impl Report {
    /// Notes the first violation; says whether there is one.
    fn blame(&mut self, found: Vec<Violation>, simulation: &Simulation) -> bool {
        if let Some(first) = found.into_iter().next() {
            self.violation = Some((first, simulation.trace().story.clone()));
        }
        self.violation.is_some()
    }
}
