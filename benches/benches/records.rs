//! Sealing and opening user messages.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use cliques::GroupSecret;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gcs_proto::{
    name::{GroupName, MemberName},
    service::Service,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use ssp_core::{
    RecordSuite,
    epoch::{EpochKeys, ViewKeys},
    replay::MINIMUM_WINDOW,
    schedule::{KeyContext, KeySchedule},
};

const SIZES: [usize; 4] = [64, 1 << 10, 16 << 10, 100 << 10];

/// The keys of one view at the member `me`.
fn keys(suite: RecordSuite, me: MemberName, members: &[MemberName]) -> ViewKeys {
    let group: GroupName = "g".parse().unwrap();
    let names: Vec<&[u8]> = members.iter().map(MemberName::as_bytes).collect();
    let context = KeyContext {
        suite: "gdh",
        mathematical_group: "ristretto255",
        group: group.as_bytes(),
        view_id: &[1; 12],
        epoch: 0,
        members: &names,
    };
    let schedule = KeySchedule::new(GroupSecret::new(vec![7; 32].into()), &context);
    let epoch = EpochKeys::new(schedule, 0);
    ViewKeys::new(group, me, members.to_vec(), suite, MINIMUM_WINDOW, epoch)
}

fn records(criterion: &mut Criterion) {
    let alice: MemberName = "#alice#n1".parse().unwrap();
    let bob: MemberName = "#bob#n1".parse().unwrap();
    let members = [alice, bob];
    for &suite in RecordSuite::ALL {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut seal = criterion.benchmark_group(format!("{suite}/seal"));
        for size in SIZES {
            let mut sender = keys(suite, alice, &members);
            let payload = vec![7; size];
            seal.throughput(Throughput::Bytes(size as u64));
            seal.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| {
                    sender
                        .seal(Service::Agreed, 1, &[black_box(&payload)], &mut rng)
                        .unwrap()
                });
            });
        }
        seal.finish();

        // Sealing and opening together, because a message can be opened only once.
        let mut both = criterion.benchmark_group(format!("{suite}/seal-open"));
        for size in SIZES {
            let mut sender = keys(suite, alice, &members);
            let mut receiver = keys(suite, bob, &members);
            let payload = vec![7; size];
            both.throughput(Throughput::Bytes(size as u64));
            both.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| {
                    let message = sender
                        .seal(Service::Agreed, 1, &[black_box(&payload)], &mut rng)
                        .unwrap();
                    receiver
                        .open(&alice, Service::Agreed, black_box(&message))
                        .unwrap()
                });
            });
        }
        both.finish();
    }
}

criterion_group!(benches, records);
criterion_main!(benches);
