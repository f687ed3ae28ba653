//! Key agreement: what one membership event costs.
//!
//! All members run on one thread over an in-memory bus, so `total` is the sum of their CPU times and
//! `serial` the time along the critical path: members work in parallel, tokens travel in no time,
//! and the path ends with the last computation of any member. Element tests are included, and with
//! `signed` a signature on every token. Getting back to where the event starts is not timed.
//!
//! - `cargo bench -p benches --bench suites -- bd/join`: criterion, ids
//!   `suites/<suite>/<event>/<group>/<unsigned or signed>/<total or serial>/<members>`
//! - `.. --bench suites -- --test`: the smallest groups once, to see that everything runs
//! - `.. --bench suites -- --json [FILTER]`: the median of a few events, a JSON object a line
//! - `.. --bench suites --features openssl -- --targets`: serial times of 50 members against set
//!   limits, which are scaled by what OpenSSL takes here for an exponentiation

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

/// A way to take the time of a run.
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
            // Growing the group is worth it only if the filter lets this benchmark run.
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

/// Whether a subject shows quickly that the benchmarks run.
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
        // There are some three thousand benchmarks, of which an event or two tells enough.
        let mut criterion = Criterion::default()
            .warm_up_time(Duration::from_millis(100))
            .measurement_time(Duration::from_millis(500))
            .configure_from_args();
        // Groups of a hundred members take minutes to grow, which is too long for a test.
        let test = flag("--test");
        let subjects = subjects().filter(|subject| !test || is_small(subject));
        criterion_benchmarks(&mut criterion, subjects);
        criterion.final_summary();
    }
    ExitCode::SUCCESS
}
