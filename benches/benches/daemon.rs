//! The embedded daemon: its router alone, and whole with clients over TCP on the loopback
//! interface.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark may panic")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gcs_daemon::{
    Daemon, VirtualDaemon,
    router::{Configuration, DaemonEntry, Router, SessionId},
};
use gcs_proto::{
    codec::Request,
    gcs::{GcsCommand, GcsEvent, Multicast},
    handshake::MembershipMessages,
    name::{DaemonName, GroupName},
    service::Service,
};
use ssp_tokio::{ConnectionConfig, Endpoint, plain::PlainClient};
use tokio::runtime::Runtime;

/// Messages of one iteration over the loopback interface.
const MESSAGES: usize = 10_000;
/// Messages given and taken at once.
const BATCH: usize = 250;
/// Messages that are under way at most.
const WINDOW: usize = 4_000;

fn name() -> DaemonName {
    "n1".parse().unwrap()
}

fn group() -> GroupName {
    "chat".parse().unwrap()
}

fn message(size: usize) -> Multicast {
    let body = Bytes::from(vec![7; size]);
    Multicast::to_group(group(), Service::Agreed, 1, body)
}

/// A router with a group of so many members, and the sessions.
fn router(members: usize) -> (Router, Vec<SessionId>) {
    let entry = DaemonEntry {
        name: name(),
        address: Configuration::default_address(0),
    };
    let mut router = Router::new(Configuration::new(vec![entry]).unwrap(), 1);
    let sessions: Vec<SessionId> = (0..members)
        .map(|number| {
            let private = Some(format!("m{number}").parse().unwrap());
            let (session, _) = router
                .reserve(&name(), private, MembershipMessages::Wanted)
                .unwrap();
            router.connect(session);
            router.request(session, Request::Join(group()));
            session
        })
        .collect();
    while router.poll_output().is_some() {}
    (router, sessions)
}

/// One message to a group, up to the list of its receivers.
fn multicast(c: &mut Criterion) {
    let mut benches = c.benchmark_group("router/multicast");
    for members in [1, 10, 100] {
        let (mut router, sessions) = router(members);
        let request = Request::Data(message(100).into());
        benches.bench_function(BenchmarkId::from_parameter(members), |b| {
            b.iter(|| {
                router.request(*sessions.first().unwrap(), request.clone());
                black_box(router.poll_output())
            });
        });
    }
    benches.finish();
}

/// The last member joins a group of so many and leaves it, memberships encoded.
fn join(c: &mut Criterion) {
    let mut benches = c.benchmark_group("router/join-leave");
    for members in [10, 100] {
        let (mut router, sessions) = router(members);
        let last = *sessions.last().unwrap();
        benches.bench_function(BenchmarkId::from_parameter(members), |b| {
            b.iter(|| {
                router.request(last, Request::Leave(group()));
                router.request(last, Request::Join(group()));
                while let Some(output) = router.poll_output() {
                    if let gcs_daemon::router::Output::Deliver { delivery, .. } = output {
                        black_box(delivery.encode_parts());
                    }
                }
            });
        });
    }
    benches.finish();
}

/// A member with its daemon.
async fn member() -> (Daemon, PlainClient) {
    let listening = VirtualDaemon::new(name()).listen(([127, 0, 0, 1], 0).into());
    let daemon = Daemon::builder().daemon(listening).start().await.unwrap();
    let endpoint = Endpoint::from(daemon.local_addr(&name()).unwrap());
    let config = ConnectionConfig::new().event_queue(4_096);
    let mut client = PlainClient::connect(&endpoint, config).await.unwrap();
    client.command(GcsCommand::Join(group())).await.unwrap();
    let joined = client.recv().await;
    assert!(matches!(joined, Some(GcsEvent::Membership(_))));
    (daemon, client)
}

/// Sends messages to itself and receives them all.
async fn flood(client: &mut PlainClient, size: usize, count: usize, window: usize) {
    let message = message(size);
    let (mut sent, mut received) = (0, 0);
    let mut events = Vec::with_capacity(BATCH);
    while received < count {
        while sent < count && sent - received + BATCH.min(window) <= window {
            let batch = BATCH.min(window).min(count - sent);
            let commands = vec![GcsCommand::Multicast(message.clone()); batch];
            client.command_all(commands).await.unwrap();
            sent += batch;
        }
        received += client.recv_many(&mut events, BATCH).await;
        events.clear();
    }
}

fn loopback(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (daemon, mut client) = runtime.block_on(member());
    let mut benches = c.benchmark_group("loopback");
    for (size, count) in [(100, MESSAGES), (1_000, MESSAGES), (100_000, 200)] {
        benches.throughput(Throughput::Elements(count as u64));
        let window = WINDOW.min((4 << 20) / size);
        benches.bench_function(BenchmarkId::new("flood", size), |b| {
            b.iter(|| runtime.block_on(flood(&mut client, size, count, window)));
        });
    }
    benches.throughput(Throughput::Elements(1));
    benches.bench_function(BenchmarkId::new("round-trip", 100), |b| {
        b.iter(|| runtime.block_on(flood(&mut client, 100, 1, 1)));
    });
    benches.finish();
    runtime.block_on(async {
        client.disconnect().await;
        daemon.shutdown().await;
    });
}

criterion_group!(benches, multicast, join, loopback);
criterion_main!(benches);
