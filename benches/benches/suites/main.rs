//! Key agreement: the cost of one membership event.
//!
//! All members run on one thread over an in-memory bus. `total` is the sum of their CPU times, and
//! `serial` the time along the critical path: members compute in parallel, tokens take no time to
//! travel, and the path ends with the last computation of any member. Element tests are included, and
//! with `signed` a signature on every token. Returning to the state before the event is not timed.
//!
//! - `cargo bench -p benches --bench suites -- bd/join`: criterion, ids
//!   `suites/<suite>/<event>/<group>/<unsigned or signed>/<total or serial>/<members>`
//! - `.. --bench suites -- --test`: small groups once, to check that everything runs
//! - `.. --bench suites -- --json [FILTER]`: the median of a few events, one JSON object per line
//! - `.. --bench suites --features openssl -- --targets`: serial times of 50 members and their limits,
//!   which are scaled by the time of an exponentiation with OpenSSL

#![allow(missing_docs, reason = "criterion's macros make public items")]

mod event;
mod measure;
mod report;
mod signing;

use std::{env, process::ExitCode, time::Duration};

use cliques::{NamedGroup, Protocol, testing::bus::Run};
use criterion::{BenchmarkId, Criterion};

use crate::{
    event::Event,
    measure::{Signatures, Subject},
};

const SIZES: [usize; 7] = [2, 4, 8, 16, 32, 50, 100];
const GROUPS: [&str; 3] = ["ristretto255", "schnorr2048-256", "ffdhe2048"];

/// Everything that is measured.
fn subjects() -> impl Iterator<Item = Subject> {
    let groups = || {
        GROUPS
            .iter()
            .filter_map(|name| name.parse::<NamedGroup>().ok())
    };
    Protocol::ALL.iter().flat_map(move |protocol| {
        Event::ALL.into_iter().flat_map(move |event| {
            groups().flat_map(move |group| {
                Signatures::ALL.into_iter().flat_map(move |signatures| {
                    SIZES.into_iter().map(move |size| Subject {
                        protocol: *protocol,
                        group,
                        event,
                        size,
                        signatures,
                    })
                })
            })
        })
    })
}

/// A time of a run.
type Clock = fn(&Run) -> Duration;

const CLOCKS: [(&str, Clock); 2] = [
    ("total", Run::total_time),
    ("serial", |run| run.serial().time()),
];

fn criterion_benchmarks(criterion: &mut Criterion, subjects: impl Iterator<Item = Subject>) {
    for subject in subjects {
        for (label, clock) in CLOCKS {
            let mut group = criterion.benchmark_group(format!("{}/{label}", subject.name()));
            group.sample_size(10);
            // The group is created only if the filter selects this benchmark.
            let mut scene = None;
            group.bench_function(BenchmarkId::from_parameter(subject.size), |bencher| {
                let scene = scene.get_or_insert_with(|| subject.scene());
                bencher
                    .iter_custom(|iterations| (0..iterations).map(|_| clock(&scene.play())).sum());
            });
            group.finish();
        }
    }
}

/// Whether a subject is small enough for checking that the benchmarks run.
fn is_small(subject: &Subject) -> bool {
    subject.size == 4 && subject.group.as_str() == "ristretto255"
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    if flag("--json") {
        let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
        report::json_lines(subjects().filter(|subject| {
            let name = format!("{}/{}", subject.name(), subject.size);
            filter.is_none_or(|filter| name.contains(filter))
        }));
    } else if flag("--targets") {
        if !report::targets() {
            return ExitCode::FAILURE;
        }
    } else {
        // There are some three thousand benchmarks, for each of which a few events are enough.
        let mut criterion = Criterion::default()
            .warm_up_time(Duration::from_millis(100))
            .measurement_time(Duration::from_millis(500))
            .configure_from_args();
        // Groups of a hundred members take minutes to create, which is too long for a test.
        let test = flag("--test");
        let subjects = subjects().filter(|subject| !test || is_small(subject));
        criterion_benchmarks(&mut criterion, subjects);
        criterion.final_summary();
    }
    ExitCode::SUCCESS
}
