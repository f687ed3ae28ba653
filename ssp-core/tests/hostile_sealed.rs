//! Every byte of a sealed message wrong, under every record suite, signed or not, whole or in
//! parts; and the same messages again, later and elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

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

#[test]
fn every_byte_of_every_sealed_message_can_be_wrong() {
    for &record in RecordSuite::ALL {
        for signing in [Signing::Off, Signing::Require] {
            let padding = match signing {
                Signing::Off => Padding::None,
                Signing::Sign | Signing::Require => Padding::Multiple(16),
            };
            let mut world = narrow(1, record, Protection { signing, padding });
            let agreed = world.nodes[1].session().fingerprint(&chat());
            let long: Vec<u8> = (0..=255).cycle().take(600).collect();
            let messages = [b"whole".to_vec(), long];
            world.nodes[1].held = true;
            for message in &messages {
                world.send(0, chat(), Service::Agreed, message).unwrap();
            }
            world.run();
            let waiting = world.nodes[1].inbox.len();
            assert!(waiting >= 3, "a message in parts among them");
            for index in 0..waiting {
                let Some(GcsEvent::Message(message)) = world.nodes[1].inbox.front() else {
                    panic!("sealed messages only");
                };
                let (honest, what) = (
                    message.body.clone(),
                    format!("{record} {signing:?} {index}"),
                );
                let parts = Header::accept(&honest).unwrap().flags & flag::PART != 0;
                assert_eq!(parts, index > 0);
                refuse_all_changes(&mut world, &what, &honest);
                world.handle_next(1);
            }
            world.nodes[1].held = false;
            // Those who were attacked read what the others read, under the same key as before.
            for node in 0..3 {
                assert_eq!(
                    world.nodes[node].payloads(),
                    messages,
                    "{record} {signing:?}"
                );
            }
            world.assert_agreed(chat(), &[0, 1, 2]);
            assert_eq!(world.nodes[1].session().fingerprint(&chat()), agreed);
            world.send(1, chat(), Service::Agreed, b"after").unwrap();
            world.run();
            assert_eq!(world.nodes[0].payloads().last().unwrap(), b"after");
            // What was kept in case its key comes is gone with the next one, unopened.
            world.refresh(2, chat()).unwrap();
            world.run();
            world.assert_agreed(chat(), &[0, 1, 2]);
            assert_eq!(world.nodes[1].payloads().len(), 3);
        }
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

#[test]
fn every_byte_of_a_signed_content_can_be_wrong_under_a_right_tag() {
    let inner = b"\x00\x05I, alice, owe bob nothing";
    for &record in RecordSuite::ALL {
        let honest = signed_content(record, Service::Agreed, inner);
        // As any member of the view can seal.
        let forge = |content: &[u8], service: Service, flags: u16| {
            let mut rng = joined_rng();
            keys("alice", record)
                .seal_raw(service, flags, content, &mut rng)
                .unwrap()
        };
        let open = |message: &[u8], service: Service| {
            let signatures = Signatures::Required(&Alice);
            keys("bob", record).open_verified(&member("alice"), service, message, signatures)
        };
        let opened = open(
            &forge(&honest, Service::Agreed, flag::SIGNED),
            Service::Agreed,
        )
        .unwrap();
        assert_eq!(opened.authorship, Authorship::Signed);
        assert_eq!((opened.message_type, &opened.payload[..]), (5, &inner[2..]));
        for (at, changed) in flips(&honest, &[1, 0x80, 0xff]) {
            let error = open(
                &forge(&changed, Service::Agreed, flag::SIGNED),
                Service::Agreed,
            );
            let error = error.unwrap_err();
            // Changed lengths may leave nothing that can be read.
            let readable = !(1..3).contains(&at);
            assert!(
                error == OpenError::Signature || (!readable && error == OpenError::Malformed),
                "{record}, byte {at}: {error}"
            );
        }
        for length in 2..honest.len() {
            let cut = forge(&honest[..length], Service::Agreed, flag::SIGNED);
            let error = open(&cut, Service::Agreed).unwrap_err();
            assert!(matches!(error, OpenError::Signature | OpenError::Malformed));
        }
        // With another service, with other flags, without the signature.
        let moved = forge(&honest, Service::Safe, flag::SIGNED);
        assert_eq!(open(&moved, Service::Safe), Err(OpenError::Signature));
        for flags in [flag::SIGNED | flag::PADDED, flag::SIGNED | flag::PART] {
            let error = open(&forge(&honest, Service::Agreed, flags), Service::Agreed);
            assert!(matches!(
                error,
                Err(OpenError::Signature | OpenError::Malformed)
            ));
        }
        let bare = forge(inner, Service::Agreed, 0);
        assert_eq!(open(&bare, Service::Agreed), Err(OpenError::Unsigned));
        // Signed for the first message, it does not do for the second.
        let mut alice = keys("alice", record);
        let mut rng = joined_rng();
        let mut seal = || alice.seal_raw(Service::Agreed, flag::SIGNED, &honest, &mut rng);
        let (_, second) = (seal().unwrap(), seal().unwrap());
        assert_eq!(open(&second, Service::Agreed), Err(OpenError::Signature));
    }
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

/// A daemon can change the order of one sender's messages within the window, as SAFE messages among
/// others may come late honestly; it can neither repeat one nor bring one in after that.
#[test]
fn messages_in_any_order_are_read_once_each() {
    for seed in 0..10 {
        let mut world = joined(seed);
        let mut events = numbered(&mut world, 50);
        let mut expected: Vec<Vec<u8>> = (0_u32..50).map(|n| n.to_be_bytes().to_vec()).collect();
        for at in (1..events.len()).rev() {
            let other = world.rng.next_u32() as usize % (at + 1);
            events.swap(at, other);
            expected.swap(at, other);
        }
        // Every other one twice, at once or at the end.
        let repeated: Vec<GcsEvent> = events.iter().step_by(2).cloned().collect();
        world.nodes[1].inbox.extend(events);
        world.nodes[1].inbox.extend(repeated);
        world.run();
        assert_eq!(world.nodes[1].payloads(), expected);
        assert_eq!(rejected(&world, 1), 25);
        let stats = world.nodes[1].session().stats(&chat()).unwrap();
        assert_eq!(
            (stats.rejections.replay, stats.rejections.total()),
            (25, 25)
        );
        world.assert_agreed(chat(), &[0, 1, 2]);
        world.send(0, chat(), Service::Fifo, b"next").unwrap();
        world.run();
        assert_eq!(world.nodes[1].payloads().last().unwrap(), b"next");
    }
}

#[test]
fn what_comes_later_than_the_window_is_lost_and_told() {
    let mut world = joined(3);
    let mut events = numbered(&mut world, 1_030);
    let first: Vec<GcsEvent> = events.drain(..4).collect();
    world.nodes[1].inbox.extend(events);
    world.nodes[1].inbox.extend(first);
    world.run();
    // Numbers 1 to 4; 1030 - 1024 = 6 is the newest one behind the window.
    assert_eq!(world.nodes[1].payloads().len(), 1_026);
    assert_eq!(rejected(&world, 1), 4);
    let stats = world.nodes[1].session().stats(&chat()).unwrap();
    assert_eq!((stats.rejections.old, stats.rejections.total()), (4, 4));
}

/// In the same view and key, after one refresh, after two, and in the next view.
#[test]
fn a_message_is_read_once_whatever_becomes_of_its_key() {
    let mut world = joined(4);
    world.send(0, chat(), Service::Agreed, b"once").unwrap();
    let message = sealed(&world).pop().unwrap();
    world.run();
    let again = |world: &mut World| {
        world.inject(
            0,
            chat(),
            Service::Agreed,
            wire::SEALED,
            message.body.clone(),
        );
        world.run();
    };
    let counts = |world: &mut World| {
        let stats = world.nodes[1].session().stats(&chat()).unwrap();
        (
            stats.rejections.replay,
            stats.rejections.total(),
            stats.early,
        )
    };
    again(&mut world);
    assert_eq!(counts(&mut world), (1, 1, 0));
    // The key of the epoch before is known still, and so is what was read under it.
    world.refresh(1, chat()).unwrap();
    world.run();
    again(&mut world);
    assert_eq!(counts(&mut world), (2, 2, 0));
    // Then the name of a key that is gone may as well be that of one to come.
    world.refresh(1, chat()).unwrap();
    world.run();
    again(&mut world);
    assert_eq!(counts(&mut world), (2, 2, 1));
    world.leave(2, chat());
    world.run();
    again(&mut world);
    assert_eq!(counts(&mut world), (2, 2, 2));
    world.assert_agreed(chat(), &[0, 1]);
    // Whoever is said to go on like that is named, once.
    world.wait(5_000);
    let told = SessionEvent::Mismatch {
        group: chat(),
        sender: member("alice"),
        what: Mismatch::Key,
    };
    assert_eq!(world.nodes[1].count(|event| *event == told), 1);
    assert_eq!(world.nodes[1].payloads(), [b"once"]);
    world.send(0, chat(), Service::Agreed, b"next").unwrap();
    world.run();
    assert_eq!(world.nodes[1].payloads(), [b"once", b"next"]);
}

/// Both leave the group, or lose their connections, and come back under the same names; the daemon
/// repeats the identifiers of the views and all that was ever sealed.
#[test]
fn nothing_of_an_earlier_stay_or_connection_opens() {
    let names = ["alice", "bob"];
    let mut first = World::of(5, &names);
    let join = |world: &mut World| {
        for node in 0..2 {
            world.join(node, chat());
            world.run();
        }
        world.assert_agreed(chat(), &[0, 1]);
    };
    let id = first.next_id;
    join(&mut first);
    first.send(0, chat(), Service::Agreed, b"then").unwrap();
    first.run();
    let old = sealed(&first);
    let fingerprint = first.nodes[0].session().fingerprint(&chat());
    // Of another connection: sessions that know nothing of the first ones.
    let mut other = World::of(6, &names);
    // Of the same one.
    for node in 0..2 {
        first.leave(node, chat());
        first.run();
    }
    first.next_id = id;
    for world in [&mut first, &mut other] {
        join(world);
        assert_ne!(world.nodes[0].session().fingerprint(&chat()), fingerprint);
        let before = world.nodes[1].payloads();
        for message in &old {
            for sender in 0..2 {
                let body = message.body.clone();
                world.inject(sender, chat(), message.service, wire::SEALED, body);
            }
        }
        world.send(0, chat(), Service::Agreed, b"now").unwrap();
        world.run();
        let read = world.nodes[1].payloads();
        assert_eq!(read[..before.len()], before);
        assert_eq!(read[before.len()..], [b"now"]);
        world.assert_agreed(chat(), &[0, 1]);
    }
}

/// The bounds of the sequence numbers, at the session: forged by a member, for nobody honest gets
/// there.
#[test]
fn sequence_numbers_at_the_bounds() {
    let record = RecordSuite::AES_256_GCM;
    let last = |sequence| {
        let epoch = EpochKeys::new(schedule(), 0).counted(sequence, 0);
        let members = ["alice", "bob"].map(member).to_vec();
        ViewKeys::new(chat(), member("alice"), members, record, 1_024, epoch)
    };
    let mut bob = keys("bob", record);
    for (sequence, expected) in [
        (0, Err(OpenError::Replay(Replay::OutOfRange(0)))),
        (SEQUENCE_MAX, Ok(())),
        (
            SEQUENCE_MAX,
            Err(OpenError::Replay(Replay::Repeated(SEQUENCE_MAX))),
        ),
        (
            SEQUENCE_MAX + 1,
            Err(OpenError::Replay(Replay::OutOfRange(SEQUENCE_MAX + 1))),
        ),
    ] {
        let forged = last(sequence)
            .seal_raw(Service::Agreed, 0, b"\x00\x05x", &mut joined_rng())
            .unwrap();
        let opened = bob.open(&member("alice"), Service::Agreed, &forged);
        assert_eq!(opened.map(|_| ()), expected, "{sequence}");
    }
}
