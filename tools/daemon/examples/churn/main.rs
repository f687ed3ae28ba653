//! Clients that join and leave groups at random while others send, and a ledger that checks what
//! every one of them is told.
//!
//! ```sh
//! cargo run --release -p gcs-daemon --example churn                    # 500 clients, 50 groups, 60 s
//! cargo run --release -p gcs-daemon --example churn -- 100 10 5        # clients, groups, seconds
//! ```
//!
//! Ends with 1 if two clients disagree on a view or on the messages in it, if the daemon closes a
//! client, or if memory does not come back to what it was before the clients came.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod client;
mod ledger;
mod world;

use std::{alloc::System, process::ExitCode, time::Duration};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use world::Plan;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| {
        text.parse::<usize>()
            .map_err(|error| format!("\"{text}\": {error}"))
    });
    let mut number = |default| numbers.next().unwrap_or(Ok(default));
    let plan = match (number(500), number(50), number(60)) {
        (Ok(clients), Ok(groups), Ok(seconds)) if groups > 0 => Plan {
            clients,
            groups,
            time: Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)),
            ..Plan::default()
        },
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
            eprintln!("churn: {error}");
            return ExitCode::from(2);
        }
        (Ok(_), Ok(_), Ok(_)) => {
            eprintln!("churn: at least one group");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("churn: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(world::run(plan, live_bytes)) {
        Ok(outcome) => {
            println!("{outcome}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("churn: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Bytes that are allocated now.
fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}
