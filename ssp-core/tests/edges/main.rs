//! Sessions where a change, a call and an attack meet: refused leaves, spoilt refreshes, repeated
//! views, and messages in each phase.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod refused;
mod sealed;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod views;

use bytes::Bytes;
use cliques::{Envelope, Protocol, ReceivedToken, Recipient, Signer, TokenBinding, TokenKind};
use gcs_proto::{
    gcs::{
        ByteOrder, Cause, GcsCommand, GcsEvent, Membership, Message, Refused, Scope, SelfDelivery,
        View, ViewId,
    },
    name::MemberName,
    service::Service,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Error, FlushMode, GroupFailure, GroupOptions, Mismatch, NamedGroup, Phase, RecordSuite,
    SendError, Session, SessionConfig, SessionEvent, Timestamp, wire,
};
use support::{World, group, member, signer, trust};

fn joined(seed: u64, names: &[&str]) -> World {
    let mut world = World::of(seed, names);
    for node in 0..names.len() {
        world.join(node, group("chat"));
        world.run();
    }
    world
}

fn id(name: &str) -> MemberName {
    MemberName::new(member(name).as_bytes()).unwrap()
}

/// The last sealed message that was given to the engine.
fn last_sealed(world: &World) -> Bytes {
    let sealed = world
        .wire
        .iter()
        .rfind(|(_, message)| message.message_type == wire::SEALED);
    sealed.unwrap().1.body.clone()
}

/// A token that carol signs for the present view, whatever is in it.
fn signed_by_carol(world: &mut World, kind: TokenKind, epoch: u32, body: Vec<u8>) -> Bytes {
    let view = world.nodes[2].last_view();
    let members: Vec<MemberName> = view
        .view
        .members
        .iter()
        .map(|name| MemberName::new(name.as_bytes()).unwrap())
        .collect();
    let binding = TokenBinding {
        protocol: Protocol::GDH,
        group_name: NamedGroup::Ristretto255.as_str().to_string(),
        group: group("chat").as_bytes().to_vec(),
        view_id: view.view.id.0,
        view_hash: TokenBinding::view_hash(&members),
    };
    let envelope = Envelope {
        kind,
        epoch,
        timestamp: world.now.0,
        sender: id("carol"),
        recipient: Recipient::Group,
        body,
    };
    let carol: &dyn Signer = &signer("carol");
    envelope.seal(&binding, carol).into()
}

/// Two views with one identifier and the same members, as a group can have them that was empty in
/// between; the daemon repeats all tokens of the first in the second.
fn repeated_view(seed: u64, timestamp_window: Option<u64>) -> World {
    let chat = group("chat");
    let names = ["alice", "bob", "carol"];
    let mut world = World::new(seed);
    for name in names {
        let config = SessionConfig {
            timestamp_window,
            ..SessionConfig::default()
        };
        world.add_as(name, signer(name), trust(&names), config);
    }
    for node in 0..2 {
        world.join(node, chat);
        world.run();
    }
    let first = world.next_id;
    world.wire.clear();
    world.join(2, chat);
    world.run();
    let tokens: Vec<_> = world
        .wire
        .iter()
        // Above the sealed ones, or long ones with the tag of their view.
        .filter(|(_, message)| {
            message.message_type > wire::SEALED
                || (message.message_type == -32_766 && message.body.len() > 100)
        })
        .cloned()
        .collect();
    assert!(tokens.len() >= 4);
    world.leave(2, chat);
    world.run();
    world.wait(60_000);
    world.next_id = first;
    world.join(2, chat);
    for (sender, token) in tokens {
        world.steps(2);
        let node = world.nodes.iter().position(|node| node.name == sender);
        world.command(node.unwrap(), GcsCommand::Multicast(token));
    }
    world.run();
    world
}
