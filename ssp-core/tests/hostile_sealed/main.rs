//! Every byte of a sealed message wrong, under every record suite, signed or not, whole or in
//! parts; and the same messages again, later and elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod changed;
mod order;
#[path = "../support/mod.rs"]
mod support;

use bytes::Bytes;
use cliques::{GroupSecret, SignatureAlgorithm, Signer as _, Verifier, VerifyError};
use gcs_proto::{
    gcs::{ByteOrder, GcsEvent, Message, Multicast, Scope, SelfDelivery},
    name::{GroupName, MemberName},
    service::Service,
};
use rand_core::Rng;
use ssp_core::{
    GroupOptions, Mismatch, Padding, Protection, RecordSuite, SessionConfig, SessionEvent, Signing,
    epoch::{EpochKeys, Signatures, ViewKeys},
    record::{Authorship, Header, OpenError, SEQUENCE_MAX, flag},
    replay::Replay,
    schedule::{KeyContext, KeySchedule},
    wire,
};
use support::{World, flips, group, member, signer, trust};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

fn chat() -> GroupName {
    group("chat")
}

fn rejection(sender: &str) -> SessionEvent {
    SessionEvent::MessageRejected {
        group: chat(),
        sender: member(sender),
    }
}

/// A message as an engine delivers it that says it is of this member.
fn delivered(sender: MemberName, service: Service, body: Bytes) -> GcsEvent {
    GcsEvent::Message(Message {
        sender,
        destinations: vec![chat().into()],
        service,
        self_delivery: SelfDelivery::Deliver,
        scope: Scope::Named,
        message_type: wire::SEALED,
        order: ByteOrder::Little,
        body,
    })
}

/// Three members that seal like this, over an engine that carries 400 bytes at once.
fn narrow(seed: u64, record: RecordSuite, protection: Protection) -> World {
    let options = GroupOptions {
        record,
        protection,
        ..GroupOptions::default()
    };
    let mut world = World::new(seed);
    for (node, name) in NAMES.into_iter().enumerate() {
        let mut config = SessionConfig::default();
        config.capabilities.message = 400;
        world.add_as(name, signer(name), trust(&NAMES), config);
        world.join_with(node, chat(), options.clone());
        world.run();
    }
    world.assert_agreed(chat(), &[0, 1, 2]);
    world
}

fn joined(seed: u64) -> World {
    narrow(seed, RecordSuite::default(), Protection::default())
}

fn sealed(world: &World) -> Vec<Multicast> {
    let sealed = world.wire.iter().map(|(_, message)| message);
    sealed
        .filter(|message| message.message_type == wire::SEALED)
        .cloned()
        .collect()
}

/// What a change of a sealed message shows to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    /// It is not what it was: rejected.
    Changed,
    /// Of a key that may yet come: kept, and not told for now.
    Early,
}

/// Gives bob something in place of what he waits for: counted as what it is, told to the application
/// as one rejection or not at all, and answered by nothing.
fn refuse(world: &mut World, what: &str, seen: Seen, changed: Vec<u8>) {
    let bob = world.nodes[1].session.as_mut().unwrap();
    let before = bob.stats(&chat()).unwrap();
    let event = delivered(member("alice"), Service::Agreed, changed.into());
    bob.handle_event(event, world.now, &mut world.rng);
    let after = bob.stats(&chat()).unwrap();
    assert!(bob.poll_command().is_none(), "{what}: answered");
    let mut told: Vec<SessionEvent> = std::iter::from_fn(|| bob.poll_event()).collect();
    // The first one of another suite is told with the names of the suites.
    told.retain(|event| {
        let other_suite = |what: &Mismatch| matches!(what, Mismatch::RecordSuite { .. });
        !matches!(event, SessionEvent::Mismatch { what, .. } if other_suite(what))
    });
    assert_eq!(after.opened, before.opened, "{what}: opened");
    let early = after.early - before.early;
    let rejected = after.rejections.total() - before.rejections.total();
    let (counts, events) = match seen {
        Seen::Changed => ((0, 1), vec![rejection("alice")]),
        Seen::Early => ((1, 0), vec![]),
    };
    assert_eq!((early, rejected), counts, "{what}");
    assert_eq!(told, events, "{what}");
}

/// All bits of all bytes one by one, and all bits of each byte together; cut at each length; and
/// with something behind.
fn refuse_all_changes(world: &mut World, what: &str, honest: &[u8]) {
    for (at, changed) in flips(honest, &[1, 2, 4, 8, 16, 32, 64, 128, 0xff]) {
        // Of the header, only the name of the key may honestly differ.
        let seen = match at {
            4..12 => Seen::Early,
            _ => Seen::Changed,
        };
        refuse(world, &format!("{what}, byte {at}"), seen, changed);
    }
    for length in 0..honest.len() {
        let cut = honest[..length].to_vec();
        refuse(
            world,
            &format!("{what}, cut to {length}"),
            Seen::Changed,
            cut,
        );
    }
    for more in [1, 15, 16, 17, 32] {
        let mut longer = honest.to_vec();
        longer.resize(honest.len() + more, 0);
        refuse(
            world,
            &format!("{what}, {more} more"),
            Seen::Changed,
            longer,
        );
    }
}

// A member can put a right tag on anything. What it cannot make is the signature of another one.

fn schedule() -> KeySchedule {
    KeySchedule::new(
        GroupSecret::new(vec![7; 32].into_boxed_slice()),
        &KeyContext {
            suite: "gdh",
            mathematical_group: "ristretto255",
            group: b"chat",
            view_id: &[1; 12],
            epoch: 0,
            members: &[b"#alice#n1", b"#bob#n1"],
        },
    )
}

fn keys(me: &str, record: RecordSuite) -> ViewKeys {
    let members = ["alice", "bob"].map(member).to_vec();
    let epoch = EpochKeys::new(schedule(), 0);
    ViewKeys::new(chat(), member(me), members, record, 1_024, epoch)
}

/// Knows alice's key.
#[derive(Debug)]
struct Alice;

impl Verifier for Alice {
    fn verify(
        &self,
        name: &MemberName,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        if algorithm != SignatureAlgorithm::Ed25519 || name.as_bytes() != b"#alice#n1" {
            return Err(VerifyError::UnknownIdentity);
        }
        signer("alice").public_key().verify(message, signature)
    }
}

/// Content that alice has signed as the notes say, section 5.3, for her first message.
fn signed_content(record: RecordSuite, service: Service, inner: &[u8]) -> Vec<u8> {
    let schedule = schedule();
    let header = Header {
        suite: record.number(),
        flags: flag::SIGNED,
        key_id: schedule.key_id(),
        sequence: 1,
    };
    let mut signed = b"ssp-gka-data/1\0".to_vec();
    signed.extend_from_slice(schedule.context_hash());
    for name in ["chat", "#alice#n1"] {
        signed.extend((name.len() as u16).to_be_bytes());
        signed.extend(name.as_bytes());
    }
    signed.extend(service.bit().to_be_bytes());
    signed.extend(header.encode());
    signed.extend(inner);
    let signature = signer("alice").sign(&signed);
    let mut content = vec![SignatureAlgorithm::Ed25519.number()];
    content.extend((signature.len() as u16).to_be_bytes());
    content.extend(signature);
    content.extend(inner);
    content
}

fn joined_rng() -> rand_chacha::ChaCha20Rng {
    use rand_chacha::rand_core::SeedableRng;
    rand_chacha::ChaCha20Rng::seed_from_u64(3)
}

// The same messages again: later, in another order, elsewhere.

/// As many bytes of numbers as messages.
fn numbered(world: &mut World, count: u32) -> Vec<GcsEvent> {
    world.nodes[1].held = true;
    for number in 0..count {
        world
            .send(0, chat(), Service::Fifo, &number.to_be_bytes())
            .unwrap();
    }
    world.nodes[1].held = false;
    world.nodes[1].inbox.drain(..).collect()
}

fn rejected(world: &World, node: usize) -> usize {
    world.nodes[node].count(|event| *event == rejection("alice"))
}
