//! Sessions among strangers, liars and forgers.

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

#[test]
fn a_stranger_gets_nothing_and_when_it_is_gone_a_key_is_agreed() {
    let chat = group("chat");
    let mut world = with_stranger(1);
    let before = world.nodes[0].last_view().fingerprint;
    world.wire.clear();
    world.join(3, chat);
    world.run();
    for node in 0..3 {
        let node = &mut world.nodes[node];
        let failures = node.count(|event| matches!(event, SessionEvent::GroupFailed { .. }));
        assert_eq!(failures, 1);
        assert_eq!(
            node.events.last(),
            Some(&failed("mallory", GroupFailure::UnknownIdentity))
        );
        assert_eq!(node.session().group_state(&chat), Some(Phase::Failed));
        assert_eq!(node.session().fingerprint(&chat), None);
        assert_eq!(
            node.session().export(&chat, b"l", b"", 16),
            Err(Error::GroupNotSecure(chat))
        );
    }
    // Nothing but what the stranger itself says.
    assert!(
        tokens_on_the_wire(&world)
            .iter()
            .all(|sender| *sender == member("mallory"))
    );
    assert_eq!(
        world.send(0, chat, Service::Agreed, b"x"),
        Err(SendError::GroupNotSecure(chat))
    );
    assert_eq!(world.refresh(0, chat), Err(Error::GroupNotSecure(chat)));
    world.leave(3, chat);
    world.run();
    world.assert_agreed(chat, &[0, 1, 2]);
    assert_ne!(world.nodes[0].last_view().fingerprint, before);
    assert!(world.nodes[3].views().is_empty());
    world.send(0, chat, Service::Agreed, b"among us").unwrap();
    world.run();
    assert_eq!(world.nodes[1].payloads(), [b"among us"]);
    assert!(world.nodes[3].payloads().is_empty());
}

/// Alice alone does not know mallory. When mallory is gone, alice is back. Only in the tree suites,
/// whose others had a key without her contribution and go on from there, she has to join again.
#[test]
fn a_stranger_to_one_member_only_keeps_that_one_apart() {
    let chat = group("chat");
    let names = ["alice", "bob", "carol", "mallory"];
    for protocol in ssp_core::Protocol::ALL {
        let goes_on = protocol.survival() == cliques::Survival::Everything;
        for order in [[0, 1, 2, 3], [0, 1, 3, 2]] {
            let mut world = World::new(9);
            world.add("alice", trust(&names[..3]));
            for name in &names[1..] {
                world.add(name, trust(&names));
            }
            for node in order {
                world.join_with(node, chat, GroupOptions::of(*protocol));
                world.run();
            }
            let named = failed("mallory", GroupFailure::UnknownIdentity);
            let alice = &mut world.nodes[0];
            assert!(alice.count(|event| *event == named) > 0);
            assert_eq!(alice.session().group_state(&chat), Some(Phase::Failed));
            world.leave(3, chat);
            world.run();
            if goes_on {
                let alice = world.nodes[0].session();
                assert_eq!(alice.group_state(&chat), Some(Phase::Agreeing));
                assert_eq!(alice.fingerprint(&chat), None);
                world.leave(0, chat);
                world.run();
                world.join_with(0, chat, GroupOptions::of(*protocol));
                world.run();
            }
            world.assert_agreed(chat, &[0, 1, 2]);
            world.send(0, chat, Service::Agreed, b"back").unwrap();
            world.run();
            assert_eq!(world.nodes[1].payloads(), [b"back"], "{protocol}");
        }
    }
}

#[test]
fn several_strangers_are_each_named() {
    let chat = group("chat");
    let mut world = with_stranger(2);
    let names = ["alice", "bob", "carol", "mallory", "oscar"];
    world.add("oscar", trust(&names));
    world.partition(&[&[0, 1, 2], &[3, 4]]);
    world.join(3, chat);
    world.join(4, chat);
    world.run();
    world.heal();
    world.run();
    for name in ["mallory", "oscar"] {
        let failure = failed(name, GroupFailure::UnknownIdentity);
        assert_eq!(world.nodes[0].count(|event| *event == failure), 1);
    }
    world.crash(3);
    world.run();
    let again = failed("oscar", GroupFailure::UnknownIdentity);
    assert_eq!(world.nodes[0].count(|event| *event == again), 2);
    world.crash(4);
    world.run();
    world.assert_agreed(chat, &[0, 1, 2]);
}

#[test]
fn a_known_name_with_another_key_is_found_out() {
    let chat = group("chat");
    let names = ["alice", "bob", "mallory"];
    for seed in 0..10 {
        let mut world = World::new(seed);
        // They know a mallory, but another one.
        for name in &names[..2] {
            world.add(name, trust(&names));
        }
        let other = Ed25519Signer::from_seed(&[0x66; 32]);
        let mut own = trust(&names);
        own.insert("mallory", other.public_key()).unwrap();
        world.add_as("mallory", other, own, SessionConfig::default());
        for node in 0..3 {
            world.join(node, chat);
            world.run();
        }
        let failure = failed("mallory", GroupFailure::BadSignature);
        assert!(
            world.nodes[..2]
                .iter()
                .any(|node| node.count(|event| *event == failure) > 0),
            "seed {seed}"
        );
        assert!(world.nodes.iter().all(|node| {
            !node.views().iter().any(|view| {
                view.view.members.contains(&member("mallory")) && view.view.members.len() > 1
            })
        }));
        world.leave(2, chat);
        world.run();
        world.assert_agreed(chat, &[0, 1]);
    }
}

#[test]
fn own_credentials_can_be_checked_before() {
    let check = |signed: &str, trusted: &str| {
        let mut store = trust(&["bob"]);
        store.insert(trusted, signer("alice").public_key()).unwrap();
        let credentials = Credentials {
            signer: Arc::new(signer(signed)),
            trust: Arc::new(store),
        };
        credentials.check(&member("alice"), Timestamp(0))
    };
    assert_eq!(check("alice", "alice"), Ok(()));
    assert_eq!(check("alice", "carol"), Err(Distrust::Unknown));
    assert_eq!(check("bob", "alice"), Err(Distrust::OtherKey));
}

/// Who does not even know itself is alone with its keys.
#[test]
fn who_is_not_known_to_itself_harms_nobody() {
    let chat = group("chat");
    let mut world = World::of(3, &["alice", "bob"]);
    let lost = world.add("lost", trust(&["alice", "bob"]));
    for node in [0, lost, 1] {
        world.join(node, chat);
        world.run();
    }
    let unknown = failed("lost", GroupFailure::UnknownIdentity);
    for node in 0..3 {
        assert!(world.nodes[node].count(|event| *event == unknown) > 0);
    }
    world.crash(lost);
    world.run();
    world.assert_agreed(chat, &[0, 1]);
}

/// Tokens of earlier views, cut, changed, and in others' names, thrown in at every point.
#[test]
fn forged_and_repeated_tokens_stop_nothing() {
    let chat = group("chat");
    for seed in 0..40 {
        let names = ["alice", "bob", "carol", "dave"];
        let mut world = World::of(seed, &names);
        for node in 0..3 {
            world.join(node, chat);
            world.run();
        }
        let old: Vec<(i16, Bytes)> = world
            .wire
            .iter()
            .filter_map(|(_, message)| match Content::of(message.message_type) {
                Content::Token(_) => Some((message.message_type, message.body.clone())),
                Content::Sealed
                | Content::TokenPart
                | Content::Evidence
                | Content::Reserved
                | Content::User => None,
            })
            .collect();
        assert!(!old.is_empty());
        world.join(3, chat);
        for _ in 0..60 {
            world.step();
            let (message_type, body) = &old[world.rng.next_u32() as usize % old.len()];
            let mut body = body.to_vec();
            match world.rng.next_u32() % 4 {
                0 => {}
                1 => body.truncate(world.rng.next_u32() as usize % body.len()),
                2 => {
                    let at = world.rng.next_u32() as usize % body.len();
                    body[at] ^= 1 << (world.rng.next_u32() % 8);
                }
                _ => body.push(0),
            }
            let sender = world.rng.next_u32() as usize % 4;
            world.inject(sender, chat, Service::Agreed, *message_type, body.into());
        }
        world.run();
        world.assert_agreed(chat, &[0, 1, 2, 3]);
        let drops: u64 = (0..4)
            .map(|node| {
                let stats = world.nodes[node].session().stats(&chat).unwrap();
                stats.agreement.token_drops.total() + stats.agreement.ignored
            })
            .sum();
        assert!(drops > 0, "seed {seed}");
        // Nobody honest is accused of anything but a bad signature, which anybody can make.
        for node in &world.nodes {
            for event in &node.events {
                if let SessionEvent::GroupFailed { reason, .. } = event {
                    assert!(
                        matches!(
                            reason,
                            GroupFailure::BadSignature | GroupFailure::SuiteMismatch(_)
                        ),
                        "seed {seed}: {event:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_token_of_another_suite_is_reported_with_its_sender() {
    let chat = group("chat");
    let mut world = World::of(4, &["alice", "bob"]);
    let other = GroupOptions {
        mathematical_group: ssp_core::NamedGroup::Schnorr2048.into(),
        ..GroupOptions::default()
    };
    world.join(0, chat);
    world.run();
    world.join_with(1, chat, other.clone());
    world.run();
    let mismatch = |node: usize, world: &World| {
        world.nodes[node].count(|event| {
            matches!(
                event,
                SessionEvent::GroupFailed {
                    reason: GroupFailure::SuiteMismatch(_),
                    ..
                }
            )
        })
    };
    assert!(mismatch(0, &world) + mismatch(1, &world) > 0);
    world.leave(1, chat);
    world.run();
    world.assert_agreed(chat, &[0]);
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

#[test]
fn repeated_reflected_and_plain_messages_are_rejected_once_each() {
    let chat = group("chat");
    let mut world = agreed(5);
    world.send(0, chat, Service::Agreed, b"original").unwrap();
    let sealed = last_sealed(&world);
    world.run();
    // Again, as somebody else's, with another service, changed.
    world.inject(0, chat, Service::Agreed, wire::SEALED, sealed.clone());
    world.inject(1, chat, Service::Agreed, wire::SEALED, sealed.clone());
    world.inject(0, chat, Service::Safe, wire::SEALED, sealed.clone());
    let mut changed = sealed.to_vec();
    changed[40] ^= 1;
    world.inject(0, chat, Service::Agreed, wire::SEALED, changed.into());
    world.inject(0, chat, Service::Agreed, wire::SEALED, Bytes::new());
    // In the clear, under a user's type; and under a reserved one.
    world.inject(1, chat, Service::Agreed, 7, Bytes::from_static(b"plain"));
    world.inject(
        1,
        chat,
        Service::Agreed,
        -32_760,
        Bytes::from_static(b"plain"),
    );
    world.run();
    for node in 0..3 {
        assert_eq!(world.nodes[node].payloads(), [b"original"]);
        assert_eq!(
            (
                rejected(&world, node, "alice"),
                rejected(&world, node, "bob")
            ),
            (4, 2)
        );
        let stats = world.nodes[node].session().stats(&chat).unwrap();
        assert_eq!(stats.rejections.replay, 1);
        assert_eq!(stats.rejections.tag, 3);
        assert_eq!(stats.rejections.malformed, 1);
        assert_eq!(stats.rejections.plaintext, 1);
        assert_eq!(stats.reserved, 1);
        assert_eq!(stats.rejections.total(), 6);
    }
    // None of it does harm.
    world.send(0, chat, Service::Agreed, b"next").unwrap();
    world.run();
    assert_eq!(world.nodes[2].payloads(), [&b"original"[..], b"next"]);
}

#[test]
fn another_record_suite_is_reported_once_with_both_names() {
    let chat = group("chat");
    let mut world = agreed(6);
    world.send(1, chat, Service::Agreed, b"x").unwrap();
    let mut sealed = last_sealed(&world).to_vec();
    world.run();
    sealed[1] = RecordSuite::AES_256_GCM.number();
    for _ in 0..3 {
        world.inject(
            1,
            chat,
            Service::Agreed,
            wire::SEALED,
            sealed.clone().into(),
        );
    }
    world.run();
    let mismatch = SessionEvent::Mismatch {
        group: chat,
        sender: member("bob"),
        what: Mismatch::RecordSuite {
            ours: RecordSuite::AES_256_CBC_HMAC_SHA256,
            theirs: RecordSuite::AES_256_GCM,
        },
    };
    assert_eq!(world.nodes[0].count(|event| *event == mismatch), 1);
    assert_eq!(rejected(&world, 0, "bob"), 3);
}

#[test]
fn another_key_is_reported_after_a_while_with_the_senders_name() {
    let chat = group("chat");
    let mut world = agreed(7);
    world.send(1, chat, Service::Agreed, b"x").unwrap();
    let mut sealed = last_sealed(&world).to_vec();
    world.run();
    // A key that does not exist here, and for all we know may be on its way.
    sealed[4] ^= 1;
    world.inject(1, chat, Service::Agreed, wire::SEALED, sealed.into());
    world.run();
    let mismatch = SessionEvent::Mismatch {
        group: chat,
        sender: member("bob"),
        what: Mismatch::Key,
    };
    assert_eq!(world.nodes[0].count(|event| *event == mismatch), 0);
    world.wait(3_001);
    assert_eq!(world.nodes[0].count(|event| *event == mismatch), 1);
    assert_eq!(world.nodes[0].session().stats(&chat).unwrap().early, 1);
    world.wait(10_000);
    assert_eq!(world.nodes[0].count(|event| *event == mismatch), 1);
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

#[test]
fn messages_that_overtake_the_key_list_of_a_view_are_kept_for_it() {
    let names = ["alice", "bob", "carol", "dave"];
    let mut world = World::of(8, &names);
    for node in 0..names.len() {
        if node == 3 {
            world.run();
        }
        world.join(node, group("chat"));
    }
    while !world.nodes[1].inbox.iter().any(is_key_list) || world.nodes[1].inbox.len() > 1 {
        assert!(world.step());
    }
    overtake(world, 0);
}

#[test]
fn messages_that_overtake_the_key_list_of_a_refresh_are_kept_for_it() {
    for distance in [0, 1] {
        let mut world = agreed(8);
        assert_eq!(world.nodes[0].last_view().controller, Some(member("carol")));
        world.nodes[1].held = true;
        world.refresh(0, group("chat")).unwrap();
        // At distance 1 it comes before the request for the refresh.
        overtake(world, distance);
    }
}

#[test]
fn nothing_of_a_view_opens_in_the_next() {
    let chat = group("chat");
    let mut world = agreed(9);
    world.send(0, chat, Service::Agreed, b"old").unwrap();
    let sealed = last_sealed(&world);
    world.run();
    world.leave(2, chat);
    world.run();
    let key = Header::accept(&sealed).unwrap().key_id;
    world.send(0, chat, Service::Agreed, b"new").unwrap();
    assert_ne!(Header::accept(&last_sealed(&world)).unwrap().key_id, key);
    world.inject(0, chat, Service::Agreed, wire::SEALED, sealed);
    world.run();
    assert_eq!(world.nodes[1].payloads(), [b"old", b"new"]);
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

proptest! {
    #[test]
    fn no_sequence_of_events_and_calls_panics(acts in acts()) {
        let chat = group("chat");
        let mut world = World::of(10, &["alice", "bob"]);
        world.join(0, chat);
        for act in acts {
            world.now = world.now.after(100);
            let now = world.now;
            match act {
                Act::Event(event) => world.nodes[0].inbox.push_back(event),
                Act::Echo => {}
                Act::Join => {
                    let _ = world.nodes[0].session().join(chat, GroupOptions::default(), now);
                }
                Act::Leave => {
                    let _ = world.nodes[0].session().leave(&chat);
                }
                Act::Refresh => {
                    let _ = world.refresh(0, chat);
                }
                Act::FlushOk => {
                    let _ = world.flush_ok(0, chat);
                }
                Act::Send => {
                    let _ = world.send(0, chat, Service::Fifo, b"never in the clear, never");
                }
                Act::Wait => world.nodes[0]
                    .session
                    .as_mut()
                    .unwrap()
                    .handle_timeout(Timestamp(now.0 + 5_000), &mut world.rng),
            }
            while world.step() {}
        }
        for (_, message) in &world.wire {
            prop_assert!(!support::contains(&message.body, b"never in the clear"));
        }
    }
}

/// The daemon changes one byte of a token, or cuts it, while a member joins: it is dropped and told
/// apart from what an honest member sends, and a further view heals everything.
#[test]
fn every_byte_of_a_token_can_be_wrong() {
    let chat = group("chat");
    // One token of each kind on the way to a key among three.
    for which in 0..6 {
        let mut length = None;
        let mut at = 0;
        while length.is_none_or(|length| at < length) {
            let mut world = World::of(9, &["alice", "bob", "carol"]);
            for node in 0..2 {
                world.join(node, chat);
                world.run();
            }
            world.join(2, chat);
            let mut seen = std::collections::BTreeSet::new();
            let mut changed = false;
            loop {
                for node in 0..3 {
                    let me = world.nodes[node].name;
                    let last = world.nodes[node].inbox.back_mut();
                    let Some(GcsEvent::Message(message)) = last else {
                        continue;
                    };
                    // FIFO ones come in the flush layer's wrapping.
                    let is_token = matches!(Content::of(message.message_type), Content::Token(_))
                        || message.message_type == -32_766;
                    let is_new = is_token && message.sender != me;
                    if changed || !is_new || !seen.insert((node, message.body.as_ptr() as usize)) {
                        continue;
                    }
                    if seen.len() == which + 1 {
                        let mut body = message.body.to_vec();
                        length = Some(body.len());
                        if at % 2 == 0 {
                            body[at] ^= 1 << (at % 8);
                        } else {
                            body.truncate(at);
                        }
                        message.body = body.into();
                        changed = true;
                    }
                }
                if !world.step() {
                    break;
                }
            }
            if !changed {
                // So many tokens there are not.
                break;
            }
            for node in 0..3 {
                let failed = |event: &SessionEvent| {
                    matches!(event,
                    SessionEvent::GroupFailed { reason, .. }
                        if !matches!(reason, GroupFailure::BadSignature | GroupFailure::SuiteMismatch(_)))
                };
                assert_eq!(world.nodes[node].count(failed), 0, "{which} {at}");
            }
            // Whoever goes, the others agree.
            world.crash(2);
            world.run();
            world.assert_agreed(chat, &[0, 1]);
            at += 1 + at / 40;
        }
    }
}
