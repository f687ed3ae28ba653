//! The flush layer alone, without a network: what its members work when one of them joins.
//!
//! One step stands for all members on one machine; divide by the number of members for what each of
//! them does.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::{collections::VecDeque, hint::black_box};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use gcs_proto::{
    flush::{FlushEvent, FlushLayer},
    gcs::{
        ByteOrder, Cause, GcsCommand, GcsEvent, Membership, Message, Multicast, SelfDelivery, View,
        ViewId,
    },
    name::{GroupName, MemberName},
    service::Service,
};

fn group() -> GroupName {
    "chat".parse().unwrap()
}

fn name(number: usize) -> MemberName {
    format!("#m{number:04}#n1").parse().unwrap()
}

/// Members of one group over an engine that orders everything and loses nothing.
struct Bus {
    layers: Vec<FlushLayer>,
    /// Messages with their senders, in order.
    sent: VecDeque<(MemberName, Multicast)>,
    views: usize,
}

impl Bus {
    /// A group of `count` members, settled.
    fn new(count: usize) -> Self {
        let mut bus = Self {
            layers: Vec::new(),
            sent: VecDeque::new(),
            views: 0,
        };
        for _ in 0..count {
            bus.join();
        }
        bus
    }

    /// One more member, from the engine's membership to the last confirmation.
    fn join(&mut self) {
        let joiner = name(self.layers.len());
        let mut layer = FlushLayer::new(joiner);
        layer.join(group()).unwrap();
        layer.poll_command().unwrap();
        self.layers.push(layer);
        let members: Vec<MemberName> = (0..self.layers.len()).map(name).collect();
        let mut id = [0; 12];
        id[4..].copy_from_slice(&members.len().to_be_bytes());
        let (_, old) = members.split_last().unwrap();
        for (number, member) in members.iter().enumerate() {
            let set = if *member == joiner {
                &[joiner][..]
            } else {
                old
            };
            let membership = GcsEvent::Membership(Membership {
                group: group(),
                view: View {
                    id: ViewId(id),
                    members: members.clone(),
                    cause: Cause::Join(joiner),
                    transitional_set: set.to_vec(),
                },
            });
            self.handle(number, membership);
        }
        while let Some((sender, message)) = self.sent.pop_front() {
            for number in 0..self.layers.len() {
                self.handle(number, received(sender, &message));
            }
        }
    }

    fn handle(&mut self, number: usize, event: GcsEvent) {
        let layer = self.layers.get_mut(number).unwrap();
        layer.handle_event(event);
        while let Some(event) = layer.poll_event() {
            match event {
                FlushEvent::FlushRequest { group } => layer.flush_ok(group).unwrap(),
                FlushEvent::View(_) => self.views += 1,
                _ => {}
            }
        }
        while let Some(command) = layer.poll_command() {
            if let GcsCommand::Multicast(message) = command {
                self.sent.push_back((*layer.me(), message));
            }
        }
    }
}

fn received(sender: MemberName, message: &Multicast) -> GcsEvent {
    GcsEvent::Message(Message {
        sender,
        destinations: message.destinations.clone(),
        service: message.service,
        self_delivery: message.self_delivery,
        scope: message.scope,
        message_type: message.message_type,
        order: ByteOrder::Little,
        body: message.body.clone(),
    })
}

fn flush(criterion: &mut Criterion) {
    let mut join = criterion.benchmark_group("flush/join");
    for members in [2, 5, 10, 20, 50, 100] {
        join.bench_with_input(
            BenchmarkId::from_parameter(members),
            &members,
            |bencher, members| {
                bencher.iter_batched_ref(
                    || Bus::new(members - 1),
                    |bus| {
                        let before = bus.views;
                        bus.join();
                        assert_eq!(bus.views - before, *members);
                    },
                    BatchSize::SmallInput,
                );
            },
        );
    }
    join.finish();

    let mut message = criterion.benchmark_group("flush/message");
    for members in [2, 50] {
        let mut bus = Bus::new(members);
        let sender = name(0);
        let layer = bus.layers.last_mut().unwrap();
        let body = Bytes::from(vec![7; 100]);
        let sent = Multicast::to_group(group(), Service::Agreed, 1, body.clone());
        message.bench_function(BenchmarkId::new("received", members), |bencher| {
            bencher.iter(|| {
                layer.handle_event(received(sender, black_box(&sent)));
                layer.poll_event().unwrap()
            });
        });
        message.bench_function(BenchmarkId::new("sent", members), |bencher| {
            bencher.iter(|| {
                layer
                    .multicast(
                        group(),
                        Service::Agreed,
                        SelfDelivery::Deliver,
                        1,
                        black_box(&body).clone(),
                    )
                    .unwrap();
                layer.poll_command().unwrap()
            });
        });
    }
    message.finish();
}

criterion_group!(benches, flush);
criterion_main!(benches);
