//! Exhaustive exploration of all suites, as a table.
//!
//! ```text
//! cargo run --release -p gka-robust --features test-util --example explore
//! cargo run --release -p gka-robust --features test-util --example explore -- gdh optimized together 1 1
//! ```
//!
//! Without arguments: everything that docs/robustness.md has in its table. With: suite, algorithm,
//! start (`nothing` or `together`), changes of the adversary, refreshes.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use cliques::Protocol;
use gka_robust::{
    Algorithm,
    testing::{
        Options, RECOMMENDED,
        explore::{Bounds, Start, explore},
    },
};

type Case = (Protocol, Algorithm, Start, u32, u32);

/// States after which an exploration gives up.
const LIMIT: usize = 20_000_000;

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (start, changes, refreshes) in [
        (Start::Nothing, 3, 0),
        (Start::Together, 1, 0),
        (Start::Together, 0, 1),
    ] {
        for (protocol, algorithm) in RECOMMENDED {
            cases.push((protocol, algorithm, start, changes, refreshes));
        }
    }
    cases
}

fn asked(arguments: &[String]) -> Option<Case> {
    let [protocol, algorithm, start, changes, refreshes] = arguments else {
        return None;
    };
    Some((
        protocol.parse().expect("a suite"),
        algorithm.parse().expect("an algorithm"),
        match start.as_str() {
            "nothing" => Start::Nothing,
            _ => Start::Together,
        },
        changes.parse().expect("a number of changes"),
        refreshes.parse().expect("a number of refreshes"),
    ))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let cases = asked(&arguments).map_or_else(cases, |case| vec![case]);
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let output = Mutex::new(());
    println!("| suite | algorithm | start | changes | refreshes | states | steps | ends | s |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (protocol, algorithm, start, changes, refreshes) = *case;
                    let bounds = Bounds {
                        changes,
                        refreshes,
                        states: LIMIT,
                        exclusion: 100,
                    };
                    let began = Instant::now();
                    let options = Options::of(protocol, algorithm, 1);
                    let report = explore(options, &["a", "b", "c"], start, bounds);
                    let _guard = output.lock();
                    println!(
                        "| {protocol} | {algorithm} | {start:?} | {changes} | {refreshes} | {} | {} | {} | {} |",
                        report.states,
                        report.steps,
                        report.ends,
                        began.elapsed().as_secs()
                    );
                    if let Some((violation, story)) = &report.violation {
                        println!("{violation}");
                        story.iter().for_each(|line| println!("    {line}"));
                    }
                    if !report.complete {
                        failed.store(true, Ordering::Relaxed);
                        println!("not complete");
                    }
                }
            });
        }
    });
    if failed.into_inner() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
