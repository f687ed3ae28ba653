//! Compares every operation on every engine with num-bigint, on random cases.
//!
//! ```text
//! cargo run --release -p cliques-modexp --example cross_check -- \
//!     [--cases 1000000] [--seed 1] [--first 0] [--threads 1]
//! ```
//!
//! A case is a modulus, an engine and an operation with its operands. Small moduli are more frequent,
//! because they take less time: all cases of one range of lengths take about as long as those of
//! another, and a million cases take some minutes. Case i of a seed does not depend on the other
//! arguments. The first difference is printed and the program exits with 1; `--first` and `--cases 1`
//! repeat it. The table at the end has the number of cases by operation, engine and length.
#![allow(clippy::indexing_slicing, reason = "a program for its developers")]
#![allow(clippy::print_stdout, reason = "a program")]

mod cases;
#[path = "../../tests/support/jacobi.rs"]
mod jacobi;
mod operations;
#[path = "../support/random.rs"]
mod random;
mod tally;

use std::{
    env,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use tally::Tally;

/// Cases that a thread takes at a time.
const SHARE: u64 = 1000;

/// Cases between two lines of progress.
const PROGRESS: u64 = 50_000;

struct Arguments {
    cases: u64,
    seed: u64,
    first: u64,
    threads: u64,
}

impl Arguments {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut this = Self {
            cases: 1_000_000,
            seed: 1,
            first: 0,
            threads: 1,
        };
        while let Some(name) = arguments.next() {
            let place = match name.as_str() {
                "--cases" => &mut this.cases,
                "--seed" => &mut this.seed,
                "--first" => &mut this.first,
                "--threads" => &mut this.threads,
                _ => return Err(format!("unknown argument {name}")),
            };
            let value = arguments.next().and_then(|value| value.parse().ok());
            *place = value.ok_or_else(|| format!("{name} needs a number"))?;
        }
        if !(1..=64).contains(&this.threads) {
            return Err("--threads must be between 1 and 64".into());
        }
        Ok(this)
    }
}

/// Takes cases until there are none left, or until a thread finds a difference.
fn run_thread(arguments: &Arguments, next: &AtomicU64) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let stop = || next.store(arguments.cases, Ordering::Relaxed);
    loop {
        let start = next.fetch_add(SHARE, Ordering::Relaxed);
        if start >= arguments.cases {
            return Ok(tally);
        }
        for case in start..arguments.cases.min(start + SHARE) {
            let number = arguments.first + case;
            let checked = cases::check(arguments.seed, number).inspect_err(|_| stop())?;
            tally.add(checked);
        }
        let done = start + SHARE;
        if done.is_multiple_of(PROGRESS) {
            eprintln!("{done} of {} cases", arguments.cases);
        }
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let next = AtomicU64::new(0);
    let results: Result<Vec<Tally>, String> = thread::scope(|scope| {
        let run = || run_thread(&arguments, &next);
        let threads: Vec<_> = (0..arguments.threads).map(|_| scope.spawn(run)).collect();
        let results = threads.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => Err("a case panicked".into()),
        });
        results.collect()
    });
    match results {
        Ok(tallies) => {
            println!(
                "{}",
                tallies.into_iter().fold(Tally::default(), Tally::merged)
            );
            println!(
                "{} cases from {} on, seed {}: all equal",
                arguments.cases, arguments.first, arguments.seed
            );
            ExitCode::SUCCESS
        }
        Err(difference) => {
            eprintln!("{difference}");
            ExitCode::FAILURE
        }
    }
}
