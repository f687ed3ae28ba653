//! Key agreement: what one membership event costs all members together.
//!
//! All members run on one thread over an in-memory bus, so the time is the sum of their CPU times;
//! tokens are neither signed nor sent. Each event is undone by another one outside of the timing.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::time::{Duration, Instant};

use cliques::{
    Change, MemberId, NamedGroup, Protocol,
    testing::{bus::Schedule, world::World},
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const SIZES: [usize; 3] = [2, 8, 32];
const GROUPS: [&str; 2] = ["ristretto255", "ffdhe2048"];

/// The events, by what happens to a group of n members.
#[derive(Clone, Copy)]
enum Event {
    /// The n-th member joins.
    Join,
    /// The n-th, last member leaves.
    Leave,
    /// The second half merges into the first.
    Merge,
    /// The second half is cut off.
    Partition,
    /// A new key among the same members.
    Refresh,
    /// The first member starts over, all others are new: what the basic robust algorithm runs.
    Restart,
}

impl Event {
    const ALL: [(&'static str, Self); 6] = [
        ("join", Self::Join),
        ("leave", Self::Leave),
        ("merge", Self::Merge),
        ("partition", Self::Partition),
        ("refresh", Self::Refresh),
        ("restart", Self::Restart),
    ];

    /// The changes of the event at each member, and those that lead back to where it starts.
    fn changes(self, all: &[MemberId]) -> [Vec<(MemberId, Change)>; 2] {
        let last = all.split_at(all.len() - 1);
        let half = all.split_at(all.len().div_ceil(2));
        let join = |(old, new): (&[MemberId], &[MemberId])| World::changes(old, &[], new);
        let leave = |(_, gone): (&[MemberId], &[MemberId])| World::changes(all, gone, &[]);
        match self {
            Self::Join => [join(last), leave(last)],
            Self::Leave => [leave(last), join(last)],
            Self::Merge => [join(half), leave(half)],
            Self::Partition => [leave(half), join(half)],
            Self::Refresh => [World::changes(all, &[], &[]), Vec::new()],
            Self::Restart => {
                let (first, joined) = all.split_at(1);
                let restart = Change::Restart {
                    joined: joined.to_vec(),
                };
                let enter = Change::Enter {
                    members: all.to_vec(),
                };
                let first = first.iter().map(|me| (me.clone(), restart.clone()));
                let others = joined.iter().map(|me| (me.clone(), enter.clone()));
                [first.chain(others).collect(), Vec::new()]
            }
        }
    }

    /// Whether the event starts from the group without its newcomers.
    fn starts_without_newcomers(self) -> bool {
        match self {
            Self::Join | Self::Merge => true,
            Self::Leave | Self::Partition | Self::Refresh | Self::Restart => false,
        }
    }
}

fn measure(world: &mut World, changes: &[(MemberId, Change)]) -> Duration {
    let start = Instant::now();
    let run = world.bus.change(changes);
    let elapsed = start.elapsed();
    assert!(run.is_ok(), "{run:?}");
    elapsed
}

fn suites(criterion: &mut Criterion) {
    for protocol in Protocol::ALL.iter().copied() {
        for name in GROUPS {
            let Ok(mathematical_group) = name.parse::<NamedGroup>() else {
                continue;
            };
            for (label, event) in Event::ALL {
                let mut benchmarks =
                    criterion.benchmark_group(format!("{protocol}/{label}/{name}"));
                benchmarks.sample_size(10);
                for size in SIZES {
                    let (mut world, all) =
                        World::grown(protocol, &mathematical_group, Schedule::Rounds, size);
                    let [forth, back] = event.changes(&all);
                    if event.starts_without_newcomers() {
                        measure(&mut world, &back);
                    }
                    benchmarks.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                        bencher.iter_custom(|iterations| {
                            (0..iterations)
                                .map(|_| {
                                    let elapsed = measure(&mut world, &forth);
                                    if !back.is_empty() {
                                        measure(&mut world, &back);
                                    }
                                    elapsed
                                })
                                .sum()
                        });
                    });
                }
                benchmarks.finish();
            }
        }
    }
}

criterion_group!(benches, suites);
criterion_main!(benches);
