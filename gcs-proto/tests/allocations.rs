//! Number of allocations: at most one for each message that is delivered, and none for a short
//! message that is sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::{
    alloc::System,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    codec::{DataMessage, Delivery, Direction, FrameDecoder, Hint, Request, ServiceWord},
    connection::Connection,
    flush::{FlushEvent, FlushLayer},
    gcs::{
        ByteOrder, Cause, GcsCommand, GcsEvent, Membership, Message, Multicast, Scope,
        SelfDelivery, View, ViewId,
    },
    handshake::Version,
    name::{GroupName, MemberName},
    service::Service,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Counts are of the whole process, so only one test may run.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const MESSAGES: usize = 10_000;
/// Buffers, which many messages share.
const SHARED: usize = MESSAGES / 50;

/// Number of allocations in `run`, reallocations included.
fn allocations(run: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    run();
    let change = region.change();
    change.allocations + change.reallocations
}

fn me() -> MemberName {
    "#alice#n1".parse().unwrap()
}

fn group() -> GroupName {
    "chat".parse().unwrap()
}

fn delivery(body: usize) -> Delivery {
    Delivery::Data {
        sender: me(),
        message: DataMessage {
            word: ServiceWord::new(Service::Agreed, SelfDelivery::Deliver, Scope::Named),
            hint: Hint::new(1),
            destinations: vec![group().into()],
            body: vec![7; body].into(),
        },
    }
}

/// Reads a stream of `MESSAGES` messages as a socket gives it, in pieces of any size.
fn read(stream: &[u8], mut take: impl FnMut(&mut Connection), connection: &mut Connection) {
    let mut rest = stream;
    while !rest.is_empty() {
        let buffer = connection.read_buffer();
        let room = buffer.capacity() - buffer.len();
        let (now, later) = rest.split_at(room.min(rest.len()).min(50_000));
        buffer.extend_from_slice(now);
        rest = later;
        take(connection);
    }
}

#[test]
fn a_delivered_message_takes_one_allocation() {
    let _alone = alone();
    let stream = delivery(100).encode().repeat(MESSAGES);
    for keep in [0, MESSAGES] {
        let mut kept = Vec::with_capacity(MESSAGES);
        let mut taken = 0;
        let count = allocations(|| {
            let mut connection = Connection::new(me(), Version::CURRENT, BytesMut::new());
            let take = |connection: &mut Connection| {
                while let Some(event) = connection.poll_event() {
                    taken += 1;
                    if kept.len() < keep {
                        kept.push(event);
                    }
                }
            };
            read(&stream, take, &mut connection);
        });
        assert_eq!(taken, MESSAGES);
        // The list of destinations; the body stays where it arrived.
        assert!(count <= MESSAGES + SHARED, "{count} with {keep} kept");
    }
}

#[test]
fn a_received_request_takes_one_allocation() {
    let _alone = alone();
    let Delivery::Data { message, .. } = delivery(100) else {
        unreachable!();
    };
    let stream = Request::Data(message).encode(&me()).repeat(MESSAGES);
    let mut taken = 0;
    let count = allocations(|| {
        let mut decoder = FrameDecoder::new(Direction::ToDaemon);
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let buffer = decoder.read_buffer();
            let room = buffer.capacity() - buffer.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            buffer.extend_from_slice(now);
            rest = later;
            while let Some(frame) = decoder.next_frame().unwrap() {
                Request::decode(frame, &me()).unwrap();
                taken += 1;
            }
        }
    });
    assert_eq!(taken, MESSAGES);
    assert!(count <= MESSAGES + SHARED, "{count}");
}

#[test]
fn sending_takes_none_and_long_bodies_are_shared() {
    let _alone = alone();
    let multicast = |body: &Bytes| {
        GcsCommand::Multicast(Multicast::to_group(
            group(),
            Service::Agreed,
            1,
            body.clone(),
        ))
    };
    let short = Bytes::from(vec![7; 100]);
    let commands: Vec<GcsCommand> = (0..MESSAGES).map(|_| multicast(&short)).collect();
    let mut connection = Connection::new(me(), Version::CURRENT, BytesMut::new());
    let count = allocations(|| {
        for command in commands {
            connection.command(command).unwrap();
            assert_eq!(connection.poll_transmit().unwrap().len(), 180);
        }
    });
    assert!(count <= SHARED, "{count}");

    let long = delivery(100_000);
    let mut sent = Vec::with_capacity(MESSAGES);
    let count = allocations(|| {
        let parts = long.encode_parts();
        sent.extend(std::iter::repeat_n(parts, MESSAGES));
    });
    assert!(count <= 3, "{count} for {MESSAGES} receivers");
}

#[test]
fn the_flush_layer_adds_none_to_a_delivery() {
    let _alone = alone();
    let mut layer = FlushLayer::new(me());
    layer.join(group()).unwrap();
    layer.handle_event(GcsEvent::Membership(Membership {
        group: group(),
        view: View {
            id: ViewId([1; 12]),
            members: vec![me()],
            cause: Cause::Join(me()),
            transitional_set: vec![me()],
        },
    }));
    // Its own acknowledgement and confirmation come back.
    while let Some(command) = layer.poll_command() {
        if let GcsCommand::Multicast(sent) = command {
            layer.handle_event(GcsEvent::Message(Message {
                sender: me(),
                destinations: sent.destinations,
                service: sent.service,
                self_delivery: sent.self_delivery,
                scope: sent.scope,
                message_type: sent.message_type,
                order: ByteOrder::Little,
                body: sent.body,
            }));
        }
    }
    assert!(matches!(layer.poll_event(), Some(FlushEvent::View(_))));
    let events: Vec<GcsEvent> = (0..MESSAGES)
        .map(|_| match delivery(100) {
            Delivery::Data { sender, message } => GcsEvent::Message(message.into_message(sender)),
            _ => unreachable!(),
        })
        .collect();
    let count = allocations(|| {
        for event in events {
            layer.handle_event(event);
            assert!(matches!(layer.poll_event(), Some(FlushEvent::Message(_))));
        }
    });
    assert!(count <= SHARED, "{count}");
}
