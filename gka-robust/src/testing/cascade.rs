//! Random cascades: changes of membership that interrupt agreements, and each other.

use alloc::{collections::BTreeSet, vec::Vec};

use cliques::MemberName;

use super::{
    Violation,
    oracle::{check, check_quiescent},
    simulation::{Change, Options, Simulation, Traffic, member},
};

/// Names that processes have; a name that is free may start again.
const NAMES: [&str; 12] = [
    "p00", "p01", "p02", "p03", "p04", "p05", "p06", "p07", "p08", "p09", "p10", "p11",
];

/// Bounds of a cascade.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Names in use, 2 to 12.
    pub names: usize,
    /// Changes of membership.
    pub changes: usize,
    /// Most steps between two changes.
    pub pause: usize,
}

impl Shape {
    /// The shape that belongs to a seed.
    pub fn of(seed: u64) -> Self {
        Self {
            names: 2 + (seed % 11) as usize,
            pause: [40, 3, 120, 12, 0][(seed / 11 % 5) as usize],
            changes: 1 + (seed / 55 % 8) as usize,
        }
    }
}

/// Runs the cascade of a seed; gives what is wrong with it, and the simulation as it ended.
pub fn run(options: Options, shape: Shape) -> (Vec<Violation>, Simulation) {
    let mut simulation = Simulation::new(options);
    let initial = simulation.dice().between(1, shape.names);
    for name in NAMES.iter().take(initial) {
        start(&mut simulation, &member(name));
        pause(&mut simulation, shape.pause);
    }
    for _ in 0..shape.changes {
        pause(&mut simulation, shape.pause);
        change(&mut simulation, shape);
    }
    let mut found = Vec::new();
    for _ in 0..shape.pause {
        simulation.step(Traffic::Busy);
    }
    if simulation.settle() {
        found.extend(check_quiescent(&simulation));
    } else {
        found.push(Violation {
            invariant: "I22",
            message: "never comes to rest".into(),
        });
    }
    let mut all = check(&simulation);
    all.extend(found);
    (all, simulation)
}

fn pause(simulation: &mut Simulation, most: usize) {
    for _ in 0..simulation.dice().between(0, most) {
        simulation.step(Traffic::Busy);
    }
}

/// Starts a process beside somebody, or alone.
fn start(simulation: &mut Simulation, name: &MemberName) {
    let live = simulation.live();
    let with = match simulation.dice().one_in(4) {
        true => None,
        false => live.get(simulation.dice().below(live.len())).cloned(),
    };
    simulation.start(name, with.as_ref());
}

/// One change by the adversary.
fn change(simulation: &mut Simulation, shape: Shape) {
    let live = simulation.live();
    let free: Vec<MemberName> = NAMES
        .iter()
        .take(shape.names)
        .map(|name| member(name))
        .filter(|name| !live.contains(name))
        .collect();
    let components = simulation.components();
    let any = |simulation: &mut Simulation, names: &[MemberName]| {
        names[simulation.dice().below(names.len())]
    };
    match simulation.dice().below(10) {
        0 | 1 if !free.is_empty() => {
            let name = any(simulation, &free);
            start(simulation, &name);
        }
        2 if live.len() > 1 => {
            let name = any(simulation, &live);
            simulation.end(&name, Change::Disconnect(name));
        }
        3 if live.len() > 1 => {
            let name = any(simulation, &live);
            simulation.end(&name, Change::Leave(name));
        }
        // Back at once, under the same name.
        4 if live.len() > 1 => {
            let name = any(simulation, &live);
            simulation.end(&name, Change::Disconnect(name));
            start(simulation, &name);
        }
        5 | 6 if components.len() > 1 => {
            let members = components.into_iter().flatten().collect();
            simulation.gather(members);
        }
        // Cut and healed before anybody notices.
        7 if live.len() > 1 => {
            let side = subset(simulation, &live);
            simulation.gather(side);
            simulation.gather(live.into_iter().collect());
        }
        // The same members again.
        8 => {
            let first = components[simulation.dice().below(components.len())].clone();
            simulation.gather(first);
        }
        _ => {
            let side = subset(simulation, &live);
            simulation.gather(side);
        }
    }
}

/// Some of the names, at least one.
fn subset(simulation: &mut Simulation, names: &[MemberName]) -> BTreeSet<MemberName> {
    let mut names = names.to_vec();
    simulation.dice().shuffle(&mut names);
    let count = simulation.dice().between(1, names.len());
    names.into_iter().take(count).collect()
}
