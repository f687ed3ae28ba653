//! Random cascades over all suites, as many as there is time for.
//!
//! ```text
//! cargo run --release -p gka-robust --features test-util --example soak -- 0 1000000
//! cargo run --release -p gka-robust --features test-util --example soak -- 4711 1 tgdh incremental
//! ```
//!
//! Arguments: first seed, number of cascades, and, to stay with one, suite and algorithm. Each seed
//! stands for one cascade over one suite, so a failure is repeated with its seed and a count of 1.
//! Ends with status 1 at the first violation, and prints its seed.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use cliques::Protocol;
use gka_robust::{
    Algorithm,
    testing::{
        DESIGNS, Options, Violation,
        cascade::{Shape, run},
        check_exclusion,
        oracle::secure_views,
    },
};

/// One cascade in so many is also checked for what outsiders can compute.
const EXCLUSION: u64 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: u64| {
        arguments.get(place).map_or(default, |text| {
            text.parse().expect("a number: first seed, then count")
        })
    };
    let (first, count) = (number(0, 0), number(1, 10_000));
    let only = match (arguments.get(2), arguments.get(3)) {
        (Some(protocol), Some(algorithm)) => Some((
            protocol.parse().expect("a suite"),
            algorithm.parse().expect("an algorithm"),
        )),
        _ => None,
    };
    let next = AtomicU64::new(first);
    let failed = AtomicBool::new(false);
    let views = AtomicU64::new(0);
    let output = Mutex::new(());
    let start = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let (protocol, algorithm) = only.unwrap_or_else(|| design(seed));
                    let (found, story, installed) = cascade(protocol, algorithm, seed);
                    views.fetch_add(installed, Ordering::Relaxed);
                    let done = seed + 1 - first;
                    if !found.is_empty() {
                        failed.store(true, Ordering::Relaxed);
                        let _guard = output.lock();
                        println!("FAILED: seed {seed}, {algorithm} {protocol}");
                        found.iter().for_each(|violation| println!("  {violation}"));
                        story.iter().for_each(|line| println!("    {line}"));
                    } else if done.is_multiple_of(50_000) {
                        let _guard = output.lock();
                        println!("{done} cascades, {} s", start.elapsed().as_secs());
                    }
                }
            });
        }
    });
    if failed.into_inner() {
        return ExitCode::FAILURE;
    }
    println!(
        "{count} cascades from seed {first}: no violation; {} secure views, {} s on {threads} threads",
        views.into_inner(),
        start.elapsed().as_secs()
    );
    ExitCode::SUCCESS
}

/// The design that a seed stands for.
fn design(seed: u64) -> (Protocol, Algorithm) {
    let turn = usize::try_from(seed).unwrap_or_default() % DESIGNS.len();
    *DESIGNS.get(turn).expect("reduced")
}

fn cascade(
    protocol: Protocol,
    algorithm: Algorithm,
    seed: u64,
) -> (Vec<Violation>, Vec<String>, u64) {
    // The shape must not depend on what the design depends on.
    let shape = Shape::of(seed / DESIGNS.len() as u64);
    let (mut found, simulation) = run(Options::of(protocol, algorithm, seed), shape);
    if (seed / DESIGNS.len() as u64).is_multiple_of(EXCLUSION) {
        found.extend(check_exclusion(&simulation));
    }
    let story = simulation.trace().story.iter().map(ToString::to_string);
    (
        found,
        story.collect(),
        secure_views(simulation.trace()) as u64,
    )
}
