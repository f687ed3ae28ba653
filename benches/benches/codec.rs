//! Encoding and decoding of messages and memberships.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gcs_proto::{
    codec::{
        Change, DataMessage, Delivery, Direction, FrameDecoder, Header, Hint, Layout,
        MembershipMessage, Request, ServiceWord,
    },
    connection::Connection,
    gcs::{Scope, SelfDelivery, ViewId},
    handshake::Version,
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

/// A membership in which the last member joined.
fn joined(count: usize) -> Delivery {
    let members = members(count);
    Delivery::Membership(MembershipMessage {
        group: group(),
        id: ViewId([1; 12]),
        change: Change::Join(*members.last().unwrap()),
        members,
    })
}

/// A membership in which two halves merged. It lists every member twice.
fn merged(count: usize) -> Delivery {
    let members = members(count);
    let (one, other) = members.split_at(count / 2);
    Delivery::Membership(MembershipMessage {
        group: group(),
        id: ViewId([1; 12]),
        change: Change::Network {
            sets: vec![one.to_vec(), other.to_vec()],
            own: 0,
        },
        members: members.clone(),
    })
}

/// Headers alone, of a message and of a membership.
fn header(criterion: &mut Criterion) {
    let mut header = criterion.benchmark_group("codec/decode/header");
    for (name, bytes) in [
        ("little", message(100).encode(&"#alice#n1".parse().unwrap())),
        ("membership", joined(100).encode()),
    ] {
        let head: [u8; 48] = *bytes.first_chunk().unwrap();
        header.bench_function(name, |bencher| {
            bencher.iter(|| Header::decode(black_box(head)).unwrap());
        });
    }
    header.finish();
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

    let mut shared = criterion.benchmark_group("codec/encode/shared");
    for size in [100, 1_000, 100_000] {
        let Request::Data(message) = message(size) else {
            unreachable!();
        };
        let delivery = Delivery::Data {
            sender: alice,
            message,
        };
        shared.throughput(Throughput::Bytes(size as u64));
        shared.bench_with_input(
            BenchmarkId::new("parts", size),
            &delivery,
            |bencher, delivery| bencher.iter(|| black_box(delivery).encode_parts()),
        );
        let mut buffer = BytesMut::new();
        shared.bench_with_input(
            BenchmarkId::new("into", size),
            &delivery,
            |bencher, delivery| {
                bencher.iter(|| {
                    buffer.clear();
                    black_box(delivery).encode_into(&mut buffer);
                });
            },
        );
    }
    shared.finish();
}

/// Decoding of memberships, to the delivery and to the event.
fn views(criterion: &mut Criterion) {
    for (name, make) in [
        ("codec/decode/join", joined as fn(usize) -> Delivery),
        ("codec/decode/merge", merged),
    ] {
        let mut views = criterion.benchmark_group(name);
        for count in [2, 32, 100, 1_000] {
            let bytes = make(count).encode();
            views.bench_with_input(
                BenchmarkId::new("delivery", count),
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
            views.bench_with_input(
                BenchmarkId::new("event", count),
                &bytes,
                |bencher, bytes| {
                    let me = *members(1).first().unwrap();
                    let mut connection = Connection::new(me, Version::CURRENT, BytesMut::new());
                    bencher.iter(|| {
                        connection.handle_bytes(black_box(bytes));
                        connection.poll_event().unwrap()
                    });
                },
            );
        }
        views.finish();
    }
}

criterion_group!(benches, header, codec, views);
criterion_main!(benches);
