//! Messages in groups: in parts, padded, signed, denied; and forged by a member in league with the
//! daemon.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod parts;
mod receipts;
mod senders;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use bytes::Bytes;
use gcs_proto::{gcs::SelfDelivery, name::GroupName, service::Service};
use rand_core::Rng;
use ssp_core::{
    Authorship, Confirmation, Credentials, Error, GroupOptions, MessageToSend, PARTS_IN_FLIGHT,
    Padding, Part, PartDelivery, PartEnd, PartStream, Phase, Protection, RecordSuite, SendError,
    Session, SessionConfig, SessionEvent, Signing, ViewNumber,
    access::{Action, FilePolicy},
    error::code,
    wire,
};
use support::{World, group, member, signer, trust};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

fn chat() -> GroupName {
    group("chat")
}

/// Three members whose engine carries short messages only.
fn narrow(seed: u64, options: &[GroupOptions; 3]) -> World {
    let mut world = World::new(seed);
    for name in NAMES {
        let mut config = SessionConfig::default();
        config.capabilities.message = 1_000;
        config.message_bytes = 20_000;
        world.add_as(name, signer(name), trust(&NAMES), config);
    }
    for (node, options) in options.iter().enumerate() {
        world.join_with(node, chat(), options.clone());
        world.run();
    }
    world.assert_agreed(chat(), &[0, 1, 2]);
    world
}

fn sealed(world: &World) -> Vec<Bytes> {
    let sealed = world
        .wire
        .iter()
        .filter(|(_, m)| m.message_type == wire::SEALED);
    sealed.map(|(_, message)| message.body.clone()).collect()
}

fn rejected(world: &World, node: usize) -> usize {
    world.nodes[node].count(|event| matches!(event, SessionEvent::MessageRejected { .. }))
}

fn payload(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

/// Sends `count` parts of a stream, none of them the last.
fn send_parts(world: &mut World, stream: &mut PartStream, count: u32) {
    for _ in 0..count {
        let session = world.nodes[0].session.as_mut().unwrap();
        session
            .send_part(stream, PartEnd::More, &[b"part"], &mut world.rng)
            .unwrap();
    }
    world.settle(0);
}

fn in_flight(world: &mut World, stream: &PartStream) -> u32 {
    world.nodes[0].session().parts_in_flight(stream)
}

fn streamed() -> GroupOptions {
    GroupOptions {
        parts: PartDelivery::Streamed,
        ..GroupOptions::default()
    }
}

/// A stream of four parts of a window of four; receipts are asked for after each.
fn send_window(world: &mut World) -> PartStream {
    let view = world.nodes[0].last_view().number;
    let session = world.nodes[0].session();
    let begun = session.begin_parts(&chat(), view, Service::Fifo, 1);
    let mut stream = begun.unwrap();
    stream.set_window(4);
    send_parts(world, &mut stream, 4);
    stream
}

/// A member computes another one's record keys, as all members can, and has the daemon deliver what
/// it seals with them as the other one's.
fn forge(world: &mut World, as_whom: usize) -> Bytes {
    // Numbers that alice has not used.
    for _ in 0..3 {
        world.send(2, chat(), Service::Agreed, b"noise").unwrap();
    }
    world.run();
    let name = world.nodes[as_whom].name;
    let view = world.nodes[2].last_view().number;
    let session = world.nodes[2].session.as_mut().unwrap();
    session.impersonate(&chat(), name);
    let message = MessageToSend {
        service: Service::Agreed,
        self_delivery: SelfDelivery::Deliver,
        message_type: 7,
        payload: &[b"I, alice, owe mallory"],
        protection: Protection::default(),
    };
    session
        .send(&chat(), view, &message, &mut world.rng)
        .unwrap();
    let Some(gcs_proto::gcs::GcsCommand::Multicast(sent)) = session.poll_command() else {
        panic!("nothing sent");
    };
    session.impersonate(&chat(), member("carol"));
    sent.body
}
