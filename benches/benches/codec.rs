//! The wire: messages and memberships to bytes and back.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gcs_proto::{
    codec::{
        Change, DataMessage, Delivery, Direction, FrameDecoder, Hint, Layout, MembershipMessage,
        Request, ServiceWord,
    },
    gcs::{Scope, SelfDelivery, ViewId},
    name::{GroupName, MemberName},
    service::Service,
};

fn group() -> GroupName {
    "chat".parse().unwrap()
}

fn members(count: usize) -> Vec<MemberName> {
    (0..count)
        .map(|number| format!("#m{number}#n1").parse().unwrap())
        .collect()
}

fn message(size: usize) -> Request {
    Request::Data(DataMessage {
        word: ServiceWord::new(Service::Agreed, SelfDelivery::Deliver, Scope::Named),
        hint: Hint::new(1),
        destinations: vec![group().into()],
        body: Bytes::from(vec![7; size]),
    })
}

fn membership(count: usize) -> Delivery {
    let members = members(count);
    Delivery::Membership(MembershipMessage {
        group: group(),
        id: ViewId([1; 12]),
        change: Change::Network {
            sets: vec![members.clone()],
            own: 0,
        },
        members,
    })
}

fn codec(criterion: &mut Criterion) {
    let alice: MemberName = "#alice#n1".parse().unwrap();

    let mut encode = criterion.benchmark_group("codec/encode/message");
    for size in [100, 1_000, 100_000] {
        let request = message(size);
        encode.throughput(Throughput::Bytes(size as u64));
        encode.bench_with_input(
            BenchmarkId::from_parameter(size),
            &request,
            |bencher, request| {
                bencher.iter(|| black_box(request).encode(&alice));
            },
        );
    }
    encode.finish();

    let mut decode = criterion.benchmark_group("codec/decode/message");
    for size in [100, 1_000, 100_000] {
        let bytes = message(size).encode(&alice);
        decode.throughput(Throughput::Bytes(size as u64));
        decode.bench_with_input(
            BenchmarkId::from_parameter(size),
            &bytes,
            |bencher, bytes| {
                let mut decoder = FrameDecoder::new(Direction::ToDaemon);
                bencher.iter(|| {
                    decoder.push(black_box(bytes));
                    let frame = decoder.next_frame().unwrap().unwrap();
                    Request::decode(frame, &alice).unwrap()
                });
            },
        );
    }
    decode.finish();

    let mut views = criterion.benchmark_group("codec/decode/membership");
    for count in [2, 32, 1_000] {
        let bytes = membership(count).encode();
        views.bench_with_input(
            BenchmarkId::from_parameter(count),
            &bytes,
            |bencher, bytes| {
                let mut decoder = FrameDecoder::new(Direction::ToClient);
                bencher.iter(|| {
                    decoder.push(black_box(bytes));
                    let frame = decoder.next_frame().unwrap().unwrap();
                    Delivery::decode(frame, Layout::Sets).unwrap()
                });
            },
        );
    }
    views.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
