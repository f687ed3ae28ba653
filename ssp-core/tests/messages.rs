//! Messages in groups: in parts, padded, signed, denied; and forged by a member in league with the
//! daemon.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use gcs_proto::{gcs::SelfDelivery, name::GroupName, service::Service};
use rand_core::Rng;
use ssp_core::{
    Authorship, Confirmation, Credentials, Error, GroupOptions, Outgoing, PARTS_IN_FLIGHT, Padding,
    Part, PartDelivery, PartEnd, PartStream, Phase, Protection, RecordSuite, SendError, Session,
    SessionConfig, SessionEvent, Signing, ViewNumber,
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

#[test]
fn long_messages_come_out_whole_under_every_suite() {
    for (seed, record) in RecordSuite::ALL.iter().copied().enumerate() {
        for padding in [Padding::None, Padding::Multiple(128), Padding::PowerOfTwo] {
            for signing in [Signing::Off, Signing::Sign] {
                let options = GroupOptions {
                    record,
                    protection: Protection { signing, padding },
                    ..GroupOptions::default()
                };
                let mut world = narrow(seed as u64, &core::array::from_fn(|_| options.clone()));
                let messages = [payload(20_000, 1), payload(5_000, 2), payload(10, 3)];
                for message in &messages {
                    world.send(0, chat(), Service::Agreed, message).unwrap();
                }
                world.send(1, chat(), Service::Fifo, &messages[1]).unwrap();
                world.run();
                for node in &world.nodes {
                    let mut read = node.payloads();
                    read.sort();
                    let mut sent = messages.to_vec();
                    sent.push(messages[1].clone());
                    sent.sort();
                    assert!(read == sent, "{record} {padding:?} {signing:?}");
                    let author = match signing {
                        Signing::Off => Authorship::Group,
                        Signing::Sign | Signing::Require => Authorship::Signed,
                    };
                    assert!(node.messages().iter().all(|m| m.authorship == author));
                    assert!(node.messages().iter().all(|m| m.part.is_none()));
                }
                assert!((0..3).all(|node| rejected(&world, node) == 0));
            }
        }
    }
}

#[test]
fn padding_hides_the_length() {
    for padding in [Padding::Multiple(256), Padding::PowerOfTwo] {
        let mut options = GroupOptions::default();
        options.protection.padding = padding;
        let mut world = narrow(1, &core::array::from_fn(|_| options.clone()));
        for length in 0..60 {
            world
                .send(0, chat(), Service::Fifo, &payload(length, 0))
                .unwrap();
        }
        let mut lengths: Vec<usize> = sealed(&world).iter().map(Bytes::len).collect();
        lengths.dedup();
        assert_eq!(lengths.len(), 1, "{padding:?}");
        world.run();
        let read: Vec<usize> = world.nodes[2].payloads().iter().map(Vec::len).collect();
        assert_eq!(read, (0..60).collect::<Vec<_>>());
    }
}

#[test]
fn a_message_in_parts_can_be_longer_than_memory_for_those_who_take_it_so() {
    let streamed = GroupOptions {
        parts: PartDelivery::Streamed,
        ..GroupOptions::default()
    };
    let mut world = narrow(
        2,
        &[GroupOptions::default(), streamed, GroupOptions::default()],
    );
    let view = world.nodes[0].last_view().number;
    let max = world.nodes[0].session().part_max(&chat()).unwrap();
    let mut streams: Vec<_> = (0..2)
        .map(|kind| {
            let session = world.nodes[0].session();
            session
                .begin_parts(&chat(), view, Service::Agreed, kind)
                .unwrap()
        })
        .collect();
    let mut sent = [vec![], vec![]];
    // Two of them alternate; each is longer than anybody keeps.
    for index in 0..60_u8 {
        for (which, stream) in streams.iter_mut().enumerate() {
            let bytes = payload(max, index);
            let end = if index == 59 {
                PartEnd::Last
            } else {
                PartEnd::More
            };
            let session = world.nodes[0].session.as_mut().unwrap();
            session
                .send_part(stream, end, &[&bytes], &mut world.rng)
                .unwrap();
            sent[which].extend(bytes);
        }
        world
            .send(1, chat(), Service::Agreed, b"in between")
            .unwrap();
        world.settle(0);
        world.steps(4);
    }
    world.run();
    let mut read = [vec![], vec![]];
    for message in world.nodes[1].messages() {
        let Some(Part { index, end, .. }) = message.part else {
            assert_eq!(message.payload, &b"in between"[..]);
            continue;
        };
        assert_eq!(
            index as usize,
            read[message.message_type as usize].len() / max
        );
        assert_eq!(end == PartEnd::Last, index == 59);
        read[message.message_type as usize].extend_from_slice(&message.payload);
    }
    assert!(read == sent);
    // Whoever wants the whole has no room for it, and is told so once for each.
    assert_eq!(rejected(&world, 2), 2);
    assert_eq!(world.nodes[2].session().stats(&chat()).unwrap().broken, 2);
    assert_eq!(world.nodes[2].payloads().len(), 60);

    let session = world.nodes[0].session.as_mut().unwrap();
    let long = payload(max + 1, 0);
    assert_eq!(
        session.send_part(&mut streams[0], PartEnd::More, &[&long], &mut world.rng),
        Err(SendError::TooLong {
            length: max + 1,
            max
        })
    );
    assert_eq!(
        session.begin_parts(&chat(), view, Service::Reliable, 1),
        Err(SendError::Unordered(Service::Reliable))
    );
    // A refresh ends them.
    world.refresh(1, chat()).unwrap();
    world.run();
    let session = world.nodes[0].session.as_mut().unwrap();
    let changed = session.send_part(&mut streams[0], PartEnd::More, &[b"x"], &mut world.rng);
    assert_eq!(changed, Err(SendError::KeyChanged(chat())));
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

#[test]
fn a_sender_learns_how_far_the_slowest_member_is() {
    for signing in [Signing::Off, Signing::Require] {
        let mut options = GroupOptions {
            parts: PartDelivery::Streamed,
            ..GroupOptions::default()
        };
        options.protection.signing = signing;
        options.protection.padding = Padding::Multiple(64);
        let mut world = narrow(3, &core::array::from_fn(|_| options.clone()));
        let view = world.nodes[0].last_view().number;
        let session = world.nodes[0].session();
        let mut stream = session
            .begin_parts(&chat(), view, Service::Agreed, 1)
            .unwrap();
        assert_eq!(stream.window(), PARTS_IN_FLIGHT);
        stream.set_window(8);
        // Receipts are asked for after each second part.
        world.nodes[1].held = true;
        send_parts(&mut world, &mut stream, 7);
        assert_eq!(in_flight(&mut world, &stream), 7);
        world.run();
        assert_eq!(in_flight(&mut world, &stream), 7);
        assert_eq!(world.nodes[2].payloads().len(), 7);
        world.nodes[1].held = false;
        world.run();
        assert_eq!(in_flight(&mut world, &stream), 1);
        let session = world.nodes[0].session();
        // Three requests, each answered by two members and come back.
        assert_eq!(session.receipts(&chat()), 9);
        assert_eq!(session.receipts(&group("other")), 0);

        // A member that is gone for good is not waited for for ever.
        world.nodes[2].held = true;
        send_parts(&mut world, &mut stream, 7);
        world.run();
        assert_eq!(in_flight(&mut world, &stream), 8);
        world.nodes[0].session().forgo_receipts(&stream);
        assert_eq!(in_flight(&mut world, &stream), 0);
        world.nodes[2].held = false;
        world.run();
        // No application sees any of it.
        for node in &world.nodes {
            assert_eq!(node.payloads(), vec![b"part".to_vec(); 14]);
        }
        assert!((0..3).all(|node| rejected(&world, node) == 0));

        // With the key goes what was counted.
        send_parts(&mut world, &mut stream, 3);
        assert_eq!(in_flight(&mut world, &stream), 3);
        world.run();
        world.refresh(1, chat()).unwrap();
        world.run();
        assert_eq!(in_flight(&mut world, &stream), 0);
        world.nodes[0].session().forgo_receipts(&stream);
    }
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

/// The sender has all confirmations of a key, and what it sends then overtakes them on the way to
/// somebody else.
#[test]
fn parts_are_confirmed_by_those_who_wait_for_confirmations_of_the_key() {
    let options = GroupOptions {
        confirmation: Confirmation::Explicit,
        ..streamed()
    };
    let mut world = narrow(5, &core::array::from_fn(|_| options.clone()));
    world.refresh(0, chat()).unwrap();
    let state = |world: &mut World, node: usize| world.nodes[node].session().group_state(&chat());
    while state(&mut world, 1) != Some(Phase::Confirming) {
        assert!(world.step());
    }
    world.nodes[1].held = true;
    world.run();
    assert_eq!(state(&mut world, 0), Some(Phase::Secure));
    let overtaken = world.nodes[1].inbox.len();
    let stream = send_window(&mut world);
    world.nodes[1].inbox.rotate_left(overtaken);
    while world.nodes[1].inbox.len() > overtaken {
        world.handle_next(1);
    }
    assert_eq!(state(&mut world, 1), Some(Phase::Confirming));
    world.nodes[1].held = false;
    world.run();
    assert_eq!(world.nodes[1].payloads().len(), 4);
    assert_eq!(in_flight(&mut world, &stream), 0);
}

/// Messages are numbered anew under each key: what a member has of one under the key before says
/// nothing of the one that has its number now.
#[test]
fn receipts_are_of_the_message_of_their_key() {
    let mut world = narrow(6, &core::array::from_fn(|_| streamed()));
    world.nodes[1].held = true;
    let old = send_window(&mut world);
    let overtaken = world.nodes[1].inbox.len();
    world.refresh(2, chat()).unwrap();
    world.run();
    let (key, list) = (world.nodes[0].session().epoch(&chat()), &mut world.nodes[1]);
    assert_eq!(key, Some(1));
    // What others have sent to agree on the key comes before what this one has sent without order.
    list.inbox.rotate_left(overtaken);
    let new = send_window(&mut world);
    assert_eq!(old.message(), new.message());
    let sent = 8;
    assert_eq!(overtaken, sent);
    while world.nodes[1].inbox.len() > sent {
        world.handle_next(1);
    }
    assert_eq!(world.nodes[1].session().epoch(&chat()), Some(1));
    assert_eq!(world.nodes[1].payloads().len(), 4);
    world.run();
    assert_eq!(in_flight(&mut world, &new), 4);
    world.nodes[1].held = false;
    world.run();
    assert_eq!(in_flight(&mut world, &new), 0);
    assert_eq!(world.nodes[1].payloads().len(), 8);
    assert_eq!(rejected(&world, 1), 0);
}

/// A new key comes between the parts of a message that was sent whole.
#[test]
fn a_message_in_parts_is_whole_although_a_refresh_comes_between() {
    for between in 1..4 {
        let mut world = narrow(7, &core::array::from_fn(|_| GroupOptions::default()));
        world.nodes[1].held = true;
        let long = payload(3_000, 1);
        world.send(0, chat(), Service::Fifo, &long).unwrap();
        let parts = world.nodes[1].inbox.len();
        assert!(parts > 3);
        for _ in 0..between {
            world.handle_next(1);
        }
        let rest = parts - between;
        world.refresh(2, chat()).unwrap();
        world.run();
        world.nodes[1].inbox.rotate_left(rest);
        let next = payload(2_500, 2);
        world.send(0, chat(), Service::Agreed, &next).unwrap();
        world.send(0, chat(), Service::Fifo, &next).unwrap();
        world.nodes[1].held = false;
        world.run();
        assert_eq!(world.nodes[1].session().epoch(&chat()), Some(1));
        assert!(world.nodes[1].payloads() == [long, next.clone(), next]);
        assert_eq!(rejected(&world, 1), 0);
    }
}

/// Whatever a member seals under a reserved type stays inside the sessions, and moves nothing.
#[test]
fn false_receipts_are_harmless() {
    let options: [_; 3] = core::array::from_fn(|_| GroupOptions {
        parts: PartDelivery::Streamed,
        ..GroupOptions::default()
    });
    let mut world = narrow(4, &options);
    let view = world.nodes[0].last_view().number;
    let session = world.nodes[0].session();
    let mut stream = session
        .begin_parts(&chat(), view, Service::Fifo, 1)
        .unwrap();
    world.nodes[2].held = true;
    send_parts(&mut world, &mut stream, 8);
    world.run();
    let events = world.nodes[0].events.len();
    for kind in [wire::RECEIPT, wire::RECEIPT_REQUEST, wire::SEALED, i16::MIN] {
        // More than was sent, of a message that is not, too short, too long.
        for body in [
            &[0, 0, 0, 0, 255, 255, 255, 255][..],
            &[255; 8],
            &[],
            &[0; 9],
        ] {
            let session = world.nodes[1].session.as_mut().unwrap();
            session
                .send_unruly(&chat(), kind, body, &mut world.rng)
                .unwrap();
            world.settle(1);
        }
    }
    world.run();
    assert_eq!(world.nodes[0].events.len(), events);
    // The one who claims is believed for itself alone.
    assert_eq!(in_flight(&mut world, &stream), 8);
    let stats = world.nodes[0].session().stats(&chat()).unwrap();
    assert_eq!(stats.reserved, 12);
    world.nodes[2].held = false;
    world.run();
    assert_eq!(in_flight(&mut world, &stream), 0);
}

#[test]
fn parts_that_are_missing_or_out_of_order_give_one_error_and_nothing_else() {
    for seed in 0..20 {
        let mut world = narrow(seed, &core::array::from_fn(|_| GroupOptions::default()));
        world.nodes[1].held = true;
        world
            .send(0, chat(), Service::Fifo, &payload(8_000, 1))
            .unwrap();
        world.send(0, chat(), Service::Fifo, b"whole").unwrap();
        // The daemon loses a part, or puts it elsewhere.
        let at = world.rng.next_u32() as usize % 8;
        let part = world.nodes[1].inbox.remove(at).unwrap();
        if seed % 2 == 0 {
            world.nodes[1].inbox.insert(at + 1, part);
        }
        world.nodes[1].held = false;
        world.run();
        assert_eq!(world.nodes[1].payloads(), [b"whole"], "{seed}");
        assert_eq!(rejected(&world, 1), 1, "{seed}");
        assert_eq!(world.nodes[2].payloads().len(), 2);
        world
            .send(0, chat(), Service::Fifo, &payload(8_000, 2))
            .unwrap();
        world.run();
        assert_eq!(world.nodes[1].payloads()[1], payload(8_000, 2));
    }
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
    let message = Outgoing {
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

#[test]
fn a_member_in_league_with_the_daemon_can_forge_unless_messages_are_signed() {
    for &record in RecordSuite::ALL {
        for signing in [Signing::Off, Signing::Sign, Signing::Require] {
            let mut options = GroupOptions {
                record,
                ..GroupOptions::default()
            };
            options.protection.signing = signing;
            let mut world = World::of(3, &NAMES);
            for node in 0..3 {
                world.join_with(node, chat(), options.clone());
                world.run();
            }
            world.send(0, chat(), Service::Agreed, b"honest").unwrap();
            world.run();
            let forged = forge(&mut world, 0);
            // An honest daemon says whose it is, and then it opens for nobody.
            world.inject(2, chat(), Service::Agreed, wire::SEALED, forged.clone());
            world.run();
            let told = |sender: &str| SessionEvent::MessageRejected {
                group: chat(),
                sender: member(sender),
            };
            let count =
                |world: &World, sender| world.nodes[1].count(|event| *event == told(sender));
            assert_eq!((count(&world, "carol"), count(&world, "alice")), (1, 0));
            // The other one says that it is alice's.
            world.inject(0, chat(), Service::Agreed, wire::SEALED, forged);
            world.run();
            let of_alice = |message: &&ssp_core::SecureMessage| message.sender == member("alice");
            let read = world.nodes[1].messages();
            let read: Vec<_> = read.into_iter().filter(of_alice).skip(1).collect();
            match signing {
                Signing::Off | Signing::Sign => {
                    assert_eq!(read.len(), 1);
                    assert_eq!(&read[0].payload[..], b"I, alice, owe mallory");
                    // Who cares can see that alice has not signed it.
                    assert_eq!(read[0].authorship, Authorship::Group);
                }
                Signing::Require => {
                    assert!(read.is_empty());
                    assert_eq!(count(&world, "alice"), 1);
                    let stats = world.nodes[1].session().stats(&chat()).unwrap();
                    assert_eq!(stats.rejections.signature, 1);
                }
            }
            // Nothing else is disturbed.
            world.assert_agreed(chat(), &[0, 1, 2]);
            world.send(1, chat(), Service::Agreed, b"next").unwrap();
            world.run();
            for node in 0..3 {
                assert_eq!(world.nodes[node].payloads().last().unwrap(), b"next");
            }
        }
    }
}

#[test]
fn policies_deny_without_a_word_to_the_others() {
    let policy: FilePolicy = "deny join secret *\ndeny send chat bob\nallow * * *\n"
        .parse()
        .unwrap();
    let mut world = World::new(4);
    for name in NAMES {
        let credentials = Credentials {
            signer: Arc::new(signer(name)),
            trust: Arc::new(trust(&NAMES)),
        };
        let mut session = Session::new(member(name), credentials, SessionConfig::default());
        if name == "bob" {
            session = session.with_policy(Arc::new(policy.clone()));
        }
        world.add_session(name, session);
    }
    for node in 0..3 {
        world.join(node, chat());
        world.run();
    }
    let before = world.wire.len();
    let now = world.now;
    let bob = world.nodes[1].session();
    let denied = bob
        .join(group("secret"), GroupOptions::default(), now)
        .unwrap_err();
    assert_eq!(
        denied,
        Error::Denied {
            group: group("secret"),
            action: Action::Join,
            reason: "line 1 of the policy".into()
        }
    );
    assert_eq!(denied.code(), code::DENIED);
    assert_eq!(bob.group_state(&group("secret")), None);
    assert_eq!(
        world.send(1, chat(), Service::Agreed, b"x"),
        Err(SendError::Denied {
            group: chat(),
            reason: "line 2 of the policy".into()
        })
    );
    assert_eq!(world.wire.len(), before);
    world.send(0, chat(), Service::Agreed, b"hello").unwrap();
    world.run();
    world.assert_agreed(chat(), &[0, 1, 2]);
    assert_eq!(world.nodes[1].payloads(), [b"hello"]);
}

#[test]
fn a_former_member_and_other_groups_and_views_seal_nothing_that_opens() {
    let mut world = World::of(5, &NAMES);
    let other = group("other");
    for node in 0..3 {
        world.join(node, chat());
        world.run();
        world.join(node, other);
        world.run();
    }
    for (name, text) in [(chat(), b"old"), (other, b"oth")] {
        world.send(2, name, Service::Agreed, text).unwrap();
    }
    world.run();
    let old = sealed(&world);
    assert_eq!(old.len(), 2);
    // In the other group, in the same view.
    world.inject(2, other, Service::Agreed, wire::SEALED, old[0].clone());
    world.inject(2, chat(), Service::Agreed, wire::SEALED, old[1].clone());
    world.run();
    world.leave(2, chat());
    world.run();
    // Carol has her keys still, and the daemon lets her speak, in her own name and in others'.
    for sender in 0..3 {
        for message in &old {
            world.inject(
                sender,
                chat(),
                Service::Agreed,
                wire::SEALED,
                message.clone(),
            );
        }
    }
    world.run();
    for node in 0..2 {
        let read: Vec<Vec<u8>> = world.nodes[node].payloads();
        assert_eq!(read, [b"old", b"oth"]);
        let stats = world.nodes[node].session().stats(&chat()).unwrap();
        // They name keys that nobody has here: kept for a while, in case such a key comes.
        assert_eq!((stats.early, stats.rejections.total()), (1 + 4, 0));
    }
    world.assert_agreed(chat(), &[0, 1]);
    // Whoever goes on like that is named.
    world.wait(5_000);
    for name in ["alice", "bob"] {
        let told = SessionEvent::Mismatch {
            group: chat(),
            sender: member(name),
            what: ssp_core::Mismatch::Key,
        };
        assert_eq!(world.nodes[0].count(|event| *event == told), 1, "{name}");
    }
    // The next key clears it all away, unopened.
    world.refresh(0, chat()).unwrap();
    world.run();
    world.assert_agreed(chat(), &[0, 1]);
    assert_eq!(world.nodes[0].payloads().len(), 2);
}

#[test]
fn every_byte_of_a_message_can_be_wrong_and_nothing_is_disturbed() {
    for &record in RecordSuite::ALL {
        let options = GroupOptions {
            record,
            protection: Protection {
                signing: Signing::Sign,
                padding: Padding::Multiple(32),
            },
            ..GroupOptions::default()
        };
        let mut world = World::of(6, &NAMES);
        for node in 0..3 {
            world.join_with(node, chat(), options.clone());
            world.run();
        }
        world.nodes[1].held = true;
        world.send(0, chat(), Service::Agreed, b"original").unwrap();
        let original = sealed(&world)[0].clone();
        let honest = world.nodes[1].inbox.pop_back().unwrap();
        world.nodes[1].held = false;
        world.run();
        let node = 1;
        for at in 0..original.len() {
            let mut flipped = original.to_vec();
            flipped[at] ^= 1 << (at % 8);
            world.inject(0, chat(), Service::Agreed, wire::SEALED, flipped.into());
            let cut = original.slice(..at);
            world.inject(0, chat(), Service::Agreed, wire::SEALED, cut);
        }
        world.run();
        // Those that name a key that is not known may be of a key that is about to come.
        let stats = world.nodes[node].session().stats(&chat()).unwrap();
        let count = 2 * original.len() as u64;
        assert_eq!(stats.rejections.total() + stats.early, count, "{record}");
        assert_eq!(stats.opened, 0);
        world.nodes[node].inbox.push_back(honest);
        world.run();
        assert_eq!(world.nodes[node].payloads(), [b"original"]);
        world.assert_agreed(chat(), &[0, 1, 2]);
        world.send(1, chat(), Service::Agreed, b"next").unwrap();
        world.run();
        assert_eq!(world.nodes[0].payloads().last().unwrap(), b"next");
    }
}

#[test]
fn members_of_two_suites_find_out_at_the_first_message() {
    let mut world = World::of(7, &NAMES);
    let gcm = GroupOptions {
        record: RecordSuite::AES_256_GCM,
        ..GroupOptions::default()
    };
    world.join(0, chat());
    world.run();
    world.join_with(1, chat(), gcm);
    world.run();
    world.send(0, chat(), Service::Agreed, b"x").unwrap();
    world.run();
    let told = SessionEvent::Mismatch {
        group: chat(),
        sender: member("alice"),
        what: ssp_core::Mismatch::RecordSuite {
            ours: RecordSuite::AES_256_GCM,
            theirs: RecordSuite::default(),
        },
    };
    assert_eq!(world.nodes[1].count(|event| *event == told), 1);
    assert_eq!(world.nodes[0].last_view().number, ViewNumber(2));
}
