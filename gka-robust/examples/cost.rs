//! What continuing an agreement saves: rounds, tokens and exponentiations of incremental and optimised drivers
//! beside those that start every view from scratch, with and without cascades. Prints the table of
//! docs/robustness.md.
//!
//! ```text
//! cargo run --release -p gka-robust --features test-util --example cost
//! ```
//!
//! A cascade of depth d: from a secure group of n, d members crash one after the other, each while
//! the agreement that the crash before it caused is under way. Figures are from the first crash until all
//! are secure again, averaged over 20 schedules: rounds one after the other in the views on the way,
//! tokens sent, exponentiations of all members.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::cast_precision_loss)]

use std::collections::BTreeMap;

use cliques::{MemberName, Protocol};
use gka_robust::testing::{
    Options, Simulation,
    simulation::{Change, Traffic, member},
};
use gka_robust::{Algorithm, ViewId};

const SEEDS: u64 = 20;

const DESIGNS: [(Protocol, Algorithm); 8] = [
    (Protocol::GDH, Algorithm::Basic),
    (Protocol::GDH, Algorithm::Optimized),
    (Protocol::CKD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Incremental),
    (Protocol::STR, Algorithm::Restart),
    (Protocol::STR, Algorithm::Incremental),
    (Protocol::TGDH, Algorithm::Restart),
    (Protocol::TGDH, Algorithm::Incremental),
];

#[derive(Default)]
struct Figures {
    rounds: usize,
    tokens: usize,
    exponentiations: u64,
}

/// Runs until everybody has begun the agreement of the next view, and none has ended it.
fn interrupt(simulation: &mut Simulation) {
    let under_way = |simulation: &Simulation| {
        simulation.live().iter().any(|name| {
            simulation.driver(name).is_some_and(|driver| {
                !matches!(
                    driver.state_name(),
                    "SECURE" | "WAIT_FOR_MEMBERSHIP" | "WAIT_FOR_CASCADING_MEMBERSHIP"
                )
            })
        })
    };
    while !under_way(simulation) && simulation.step(Traffic::Quiet) {}
    for _ in 0..6 {
        simulation.step(Traffic::Quiet);
    }
}

fn spent(simulation: &Simulation, names: &[MemberName]) -> u64 {
    names
        .iter()
        .filter_map(|name| simulation.driver(name))
        .map(|driver| driver.cost().exponentiations())
        .sum()
}

fn measure(protocol: Protocol, algorithm: Algorithm, n: usize, depth: usize, seed: u64) -> Figures {
    let names: Vec<MemberName> = (0..n)
        .map(|number| member(&format!("m{number:02}")))
        .collect();
    let mut simulation = Simulation::new(Options::of(protocol, algorithm, seed));
    for name in &names {
        simulation.start(name, names.first().filter(|first| *first != name));
        simulation.settle();
    }
    let mut leavers = names.clone();
    simulation.dice().shuffle(&mut leavers);
    leavers.truncate(depth);
    let stay: Vec<MemberName> = names
        .into_iter()
        .filter(|name| !leavers.contains(name))
        .collect();
    let before = spent(&simulation, &stay);
    let first_token = simulation.trace().tokens.len();
    for name in &leavers {
        simulation.end(name, Change::Disconnect(*name));
        interrupt(&mut simulation);
    }
    simulation.settle();
    let tokens = simulation
        .trace()
        .tokens
        .get(first_token..)
        .unwrap_or_default();
    let mut rounds: BTreeMap<ViewId, usize> = BTreeMap::new();
    for token in tokens {
        let most = rounds.entry(token.view).or_default();
        *most = token.round.max(*most);
    }
    Figures {
        rounds: rounds.values().sum(),
        tokens: tokens.len(),
        exponentiations: spent(&simulation, &stay) - before,
    }
}

fn main() {
    println!("| n | depth | suite | algorithm | rounds | tokens | exponentiations |");
    println!("|---|---|---|---|---|---|---|");
    for n in [4, 8, 12] {
        for depth in [1, 2, 3] {
            for (protocol, algorithm) in DESIGNS {
                let mut sum = Figures::default();
                for seed in 0..SEEDS {
                    let one = measure(protocol, algorithm, n, depth, seed);
                    sum.rounds += one.rounds;
                    sum.tokens += one.tokens;
                    sum.exponentiations += one.exponentiations;
                }
                let mean = |sum: f64| sum / SEEDS as f64;
                println!(
                    "| {n} | {depth} | {protocol} | {algorithm} | {:.1} | {:.1} | {:.1} |",
                    mean(sum.rounds as f64),
                    mean(sum.tokens as f64),
                    mean(sum.exponentiations as f64)
                );
            }
        }
    }
}
