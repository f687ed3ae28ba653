//! Sessions among strangers, liars and forgers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod random;
mod sealed;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod tokens;

use std::sync::Arc;

use bytes::Bytes;
use gcs_proto::{
    gcs::{
        ByteOrder, Cause, CloseReason, GcsEvent, Membership, Message, Refused, Scope, SelfDelivery,
        View, ViewId,
    },
    name::{MemberName, Name},
    service::Service,
};
use proptest::prelude::*;
use rand_core::Rng;
use ssp_core::{
    Credentials, Error, GroupFailure, GroupOptions, Mismatch, Phase, RecordSuite, SendError,
    SessionConfig, SessionEvent, Timestamp,
    identity::{Distrust, Ed25519Signer},
    record::Header,
    wire::{self, Content},
};
use support::{World, group, member, signer, trust};

fn failed(name: &str, reason: GroupFailure) -> SessionEvent {
    SessionEvent::GroupFailed {
        group: group("chat"),
        suspects: vec![member(name)],
        reason,
    }
}

/// Alice, bob and carol trust each other; mallory trusts everybody and is trusted by nobody.
fn with_stranger(seed: u64) -> World {
    let mut world = World::of(seed, &["alice", "bob", "carol"]);
    world.add("mallory", trust(&["alice", "bob", "carol", "mallory"]));
    for node in 0..3 {
        world.join(node, group("chat"));
        world.run();
    }
    world
}

fn tokens_on_the_wire(world: &World) -> Vec<MemberName> {
    let is_token = |message_type| matches!(Content::of(message_type), Content::Token(_));
    world
        .wire
        .iter()
        // Below the users' types of the flush layer are tagged ones; tokens among them count too.
        .filter(|(_, message)| {
            is_token(message.message_type)
                || (message.message_type == -32_766 && message.body.len() > 100)
        })
        .map(|(sender, _)| *sender)
        .collect()
}

fn agreed(seed: u64) -> World {
    let mut world = World::of(seed, &["alice", "bob", "carol"]);
    for node in 0..3 {
        world.join(node, group("chat"));
        world.run();
    }
    world
}

/// The last sealed message that was given to the engine.
fn last_sealed(world: &World) -> Bytes {
    let sealed = world
        .wire
        .iter()
        .rfind(|(_, message)| message.message_type == wire::SEALED);
    sealed.unwrap().1.body.clone()
}

fn rejected(world: &World, node: usize, sender: &str) -> usize {
    let event = SessionEvent::MessageRejected {
        group: group("chat"),
        sender: member(sender),
    };
    world.nodes[node].count(|other| *other == event)
}

fn is_key_list(event: &GcsEvent) -> bool {
    matches!(event, GcsEvent::Message(message) if message.message_type == -32_747)
}

/// Bob, who is not the controller, is held where the key list is what he has not seen; then a FIFO
/// message that alice sends under the new key overtakes it.
fn overtake(mut world: World, distance: usize) {
    let chat = group("chat");
    world.nodes[1].held = true;
    world.run();
    let sent_in = world.nodes[0].last_view().clone();
    assert_ne!(sent_in.fingerprint, world.nodes[1].last_view().fingerprint);
    world.send(0, chat, Service::Fifo, b"fast").unwrap();
    world.run();
    let inbox = &mut world.nodes[1].inbox;
    let fast = inbox.pop_back().unwrap();
    let at = inbox.iter().position(is_key_list).unwrap();
    inbox.insert(at - distance, fast);
    world.nodes[1].held = false;
    world.run();
    let bob = &mut world.nodes[1];
    assert_eq!(bob.last_view().fingerprint, sent_in.fingerprint);
    assert_eq!(bob.payloads(), [b"fast"]);
    assert_eq!(bob.messages()[0].epoch, sent_in.epoch);
    let stats = bob.session().stats(&chat).unwrap();
    assert_eq!((stats.early, stats.rejections.total()), (1, 0));
    world.wait(60_000);
    let mismatches = |event: &SessionEvent| matches!(event, SessionEvent::Mismatch { .. });
    assert_eq!(world.nodes[1].count(mismatches), 0);
}

// Arbitrary events of an engine gone mad.

fn names() -> impl Strategy<Value = MemberName> {
    prop_oneof![
        Just(member("alice")),
        Just(member("bob")),
        Just(member("mallory"))
    ]
}

fn events() -> impl Strategy<Value = GcsEvent> {
    let groups = || prop_oneof![4 => Just(group("chat")), 1 => Just(group("work"))];
    let causes = prop_oneof![
        names().prop_map(Cause::Join),
        names().prop_map(Cause::Leave),
        names().prop_map(Cause::Disconnect),
        Just(Cause::Network)
    ];
    let types = prop_oneof![
        Just(wire::SEALED),
        Just(i16::MIN),
        Just(-32_767),
        Just(-32_766),
        -32_760..-32_735_i16,
        any::<i16>()
    ];
    let membership = (
        groups(),
        0..4_u8,
        proptest::collection::vec(names(), 0..4),
        causes,
        proptest::collection::vec(names(), 0..4),
    )
        .prop_map(|(group, id, members, cause, transitional_set)| {
            GcsEvent::Membership(Membership {
                group,
                view: View {
                    id: ViewId([id; 12]),
                    members,
                    cause,
                    transitional_set,
                },
            })
        });
    let body = prop_oneof![
        (0..4_u8).prop_map(|id| vec![id; 12]),
        proptest::collection::vec(any::<u8>(), 0..200)
    ];
    let message = (names(), groups(), 0..6_usize, types, any::<bool>(), body).prop_map(
        |(sender, group, service, message_type, subset, body)| {
            GcsEvent::Message(Message {
                sender,
                destinations: vec![Name::from(group)],
                service: Service::ALL[service],
                self_delivery: SelfDelivery::Deliver,
                scope: if subset { Scope::Subset } else { Scope::Named },
                message_type,
                order: ByteOrder::Little,
                body: body.into(),
            })
        },
    );
    prop_oneof![
        4 => membership,
        8 => message,
        1 => groups().prop_map(|group| GcsEvent::TransitionalSignal { group }),
        1 => groups().prop_map(|group| GcsEvent::SelfLeave { group }),
        1 => groups().prop_map(|group| GcsEvent::Refused(Refused::Join(group))),
        1 => Just(GcsEvent::Closed(CloseReason::EndOfStream)),
    ]
}

#[derive(Clone, Debug)]
enum Act {
    Event(GcsEvent),
    Echo,
    Join,
    Leave,
    Refresh,
    FlushOk,
    Send,
    Wait,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => events().prop_map(Act::Event),
        // Own messages come back.
        6 => Just(Act::Echo),
        1 => Just(Act::Join),
        1 => Just(Act::Leave),
        1 => Just(Act::Refresh),
        1 => Just(Act::FlushOk),
        2 => Just(Act::Send),
        1 => Just(Act::Wait),
    ];
    proptest::collection::vec(act, 0..80)
}
