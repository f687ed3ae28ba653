//! Sessions over an engine in memory: keys, messages, changes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::collections::BTreeSet;

use gcs_proto::{
    gcs::{Cause, CloseReason, GcsEvent, Refused, SelfDelivery},
    service::Service,
};
use ssp_core::{
    Error, FlushMode, GroupOptions, NamedGroup, Phase, RecordSuite, SendError, SessionConfig,
    SessionEvent, ViewNumber,
    record::Header,
    wire::{self, Content},
};
use support::{World, contains, group, member, signer, trust};

/// Everybody joins, one after the other, at rest in between.
fn joined(seed: u64, names: &[&str]) -> World {
    let mut world = World::of(seed, names);
    for node in 0..names.len() {
        world.join(node, group("chat"));
        world.run();
    }
    world
}

#[test]
fn five_members_agree_after_every_join() {
    let names = ["alice", "bob", "carol", "dave", "eve"];
    let chat = group("chat");
    let mut world = World::of(1, &names);
    let mut keys = BTreeSet::new();
    for (node, name) in names.into_iter().enumerate() {
        world.join(node, chat);
        assert_eq!(
            world.nodes[node].session().group_state(&chat),
            Some(Phase::Joining)
        );
        world.run();
        let all: Vec<usize> = (0..=node).collect();
        world.assert_agreed(chat, &all);
        let view = world.nodes[0].last_view();
        assert_eq!(view.view.cause, Cause::Join(member(name)));
        assert_eq!(view.number, ViewNumber(node as u64 + 1));
        assert!(keys.insert(view.fingerprint), "every view has its own key");
        assert_eq!(
            world.nodes[node].last_view().view.transitional_set,
            [member(name)]
        );
    }
    let view = world.nodes[2].last_view();
    assert!(view.cost.exponentiations() > 0 && view.tokens > 0 && view.duration > 0);
    assert!(view.controller.is_some());
    assert_eq!(view.record, RecordSuite::AES_256_CBC_HMAC_SHA256);
    let stats = world.nodes[0].session().stats(&chat).unwrap();
    assert_eq!((stats.secure_views, stats.refreshes), (5, 0));
    assert_eq!(stats.last_key.cost, world.nodes[0].last_view().cost);
    assert_eq!(stats.agreement.token_drops.total(), 0);
    assert_eq!(stats.agreement.impossible, 0);
}

#[test]
fn everybody_reads_everything_and_nothing_is_in_the_clear() {
    let mut world = joined(2, &["alice", "bob", "carol"]);
    let chat = group("chat");
    let mut sent = BTreeSet::new();
    for (index, service) in Service::ALL.into_iter().enumerate() {
        for node in 0..3 {
            let payload = format!("a secret of {node} sent {service} number {index}");
            world.send(node, chat, service, payload.as_bytes()).unwrap();
            sent.insert(payload.into_bytes());
            world.steps(3);
        }
    }
    world.run();
    for node in &mut world.nodes {
        let payloads = node.payloads();
        assert_eq!(payloads.len(), sent.len());
        assert_eq!(payloads.into_iter().collect::<BTreeSet<_>>(), sent);
        let first = node.messages()[0].clone();
        assert_eq!((first.group, first.message_type, first.epoch), (chat, 7, 0));
        assert_eq!(first.view, node.last_view().number);
        let stats = node.session().stats(&chat).unwrap();
        assert_eq!((stats.sealed, stats.opened), (6, 18));
        assert_eq!(stats.rejections.total(), 0);
    }
    assert_confidential(&world, &sent);
}

/// Everything that was given to the engine is an acknowledgement of the flush layer, a readable
/// token or a sealed message, and none has a payload or a part of one in it.
fn assert_confidential(world: &World, payloads: &BTreeSet<Vec<u8>>) {
    let (mut tokens, mut sealed) = (0, 0);
    for (_, message) in &world.wire {
        let body = match message.message_type {
            // Acknowledgements of the flush layer.
            i16::MIN | -32_767 => {
                assert_eq!(message.body.len(), 12);
                continue;
            }
            // With the tag of its view: type and view id behind the body.
            -32_766 => &message.body[..message.body.len() - 14],
            _ => &message.body[..],
        };
        for payload in payloads {
            assert!(payload.len() < 16 || !contains(body, &payload[..16]));
        }
        match Content::of(message.message_type) {
            Content::Token(_) => {
                tokens += 1;
                let end = body.len() - reference(message);
                cliques::ReceivedToken::decode(&body[..end], cliques::Protocol::GDH)
                    .expect("a token");
            }
            Content::Sealed => {
                sealed += 1;
                assert_eq!(Header::accept(body).unwrap().suite, 2);
            }
            Content::Evidence | Content::TokenPart => panic!("none of these here"),
            Content::Reserved => {
                let end = body.len() - reference(message);
                match cliques::ReceivedToken::decode(&body[..end], cliques::Protocol::GDH) {
                    Ok(_) => tokens += 1,
                    Err(_) => {
                        sealed += 1;
                        assert_eq!(Header::accept(body).unwrap().suite, 2);
                    }
                }
            }
            Content::User => panic!("message type {}", message.message_type),
        }
    }
    assert!(tokens > 0 && sealed >= payloads.len());
}

/// Bytes of the reference group behind a subset cast.
fn reference(message: &gcs_proto::gcs::Multicast) -> usize {
    match message.scope {
        gcs_proto::gcs::Scope::Named => 0,
        gcs_proto::gcs::Scope::Subset => 32,
    }
}

#[test]
fn refresh_gives_all_a_new_key_in_the_same_view() {
    let mut world = joined(3, &["alice", "bob", "carol"]);
    let chat = group("chat");
    let before = world.nodes[0].last_view().clone();
    let numbers = world.nodes.iter().map(|node| node.last_view().number);
    let numbers: Vec<ViewNumber> = numbers.collect();
    // On its way while the key changes.
    world
        .send(2, chat, Service::Reliable, b"sent before")
        .unwrap();
    world.refresh(1, chat).unwrap();
    world.run();
    world.assert_agreed(chat, &[0, 1, 2]);
    for (node, number) in world.nodes.iter().zip(numbers) {
        let SessionEvent::KeyRefreshed(view) = node
            .events
            .iter()
            .rfind(|event| matches!(event, SessionEvent::KeyRefreshed(_)))
            .unwrap()
        else {
            panic!()
        };
        assert_eq!((view.number, view.epoch), (number, 1));
        assert_eq!(view.view.id, before.view.id);
        assert_ne!(view.fingerprint, before.fingerprint);
    }
    // The view that senders name is still the same.
    world
        .send_as(0, chat, before.number, Service::Agreed, 1, b"sent after")
        .unwrap();
    world.run();
    for node in &world.nodes {
        assert_eq!(node.payloads(), [&b"sent before"[..], b"sent after"]);
        assert_eq!(node.messages()[0].epoch, 0);
        assert_eq!(node.messages()[1].epoch, 1);
    }
    world.refresh(0, chat).unwrap();
    world.run();
    assert_eq!(world.nodes[1].last_view().epoch, 2);
}

#[test]
fn nothing_is_sent_while_the_key_is_refreshed() {
    let mut world = joined(4, &["alice", "bob", "carol"]);
    let chat = group("chat");
    let view = world.nodes[0].last_view().number;
    world.refresh(0, chat).unwrap();
    let mut refused = 0;
    let mut sent = 0;
    while world.step() {
        if world.nodes[0].session().group_state(&chat) == Some(Phase::Refreshing) {
            let error = world
                .send_as(0, chat, view, Service::Fifo, 1, b"x")
                .unwrap_err();
            assert_eq!(error, SendError::Refreshing(chat));
            assert!(error.is_retryable());
            assert_eq!(
                world.nodes[0].session().export(&chat, b"l", b"", 16),
                Err(Error::Refreshing(chat))
            );
            assert_eq!(world.refresh(0, chat), Err(Error::Refreshing(chat)));
            refused += 1;
        } else if sent == 0 && world.nodes[0].last_view().epoch == 1 {
            world
                .send_as(0, chat, view, Service::Fifo, 1, b"again")
                .unwrap();
            sent += 1;
        }
    }
    assert!(refused > 0);
    world.assert_agreed(chat, &[0, 1, 2]);
    for node in &world.nodes {
        assert_eq!(node.payloads(), [b"again"]);
    }
}

#[test]
fn leave_crash_partition_and_merge_each_bring_a_new_key() {
    let names = ["alice", "bob", "carol", "dave", "eve", "frank"];
    let mut world = joined(5, &names);
    let chat = group("chat");
    let mut keys = BTreeSet::from([world.nodes[0].last_view().fingerprint]);

    world.leave(1, chat);
    assert_eq!(
        world.nodes[1].session().group_state(&chat),
        Some(Phase::Leaving)
    );
    world.run();
    world.assert_agreed(chat, &[0, 2, 3, 4, 5]);
    assert_eq!(
        world.nodes[0].last_view().view.cause,
        Cause::Leave(member("bob"))
    );
    assert!(keys.insert(world.nodes[0].last_view().fingerprint));
    assert_eq!(
        world.nodes[1].events.last(),
        Some(&SessionEvent::SelfLeave { group: chat })
    );
    assert_eq!(world.nodes[1].session().group_state(&chat), None);
    assert_eq!(
        world.nodes[1].session().export(&chat, b"l", b"", 16),
        Err(Error::NotJoined(chat))
    );

    world.crash(0);
    world.run();
    world.assert_agreed(chat, &[2, 3, 4, 5]);
    assert_eq!(
        world.nodes[2].last_view().view.cause,
        Cause::Disconnect(member("alice"))
    );
    assert!(keys.insert(world.nodes[2].last_view().fingerprint));

    world.partition(&[&[2, 4], &[3, 5]]);
    world.run();
    world.assert_agreed(chat, &[2, 4]);
    world.assert_agreed(chat, &[3, 5]);
    assert!(keys.insert(world.nodes[2].last_view().fingerprint));
    assert!(keys.insert(world.nodes[3].last_view().fingerprint));
    assert_eq!(world.nodes[2].last_view().view.cause, Cause::Network);
    let mut came_along = world.nodes[2].last_view().view.transitional_set.clone();
    came_along.sort();
    assert_eq!(came_along, [member("carol"), member("eve")]);
    assert!(
        world.nodes[2].count(|event| matches!(event, SessionEvent::TransitionalSignal { .. })) > 0
    );
    world
        .send(2, chat, Service::Agreed, b"on one side")
        .unwrap();
    world.run();
    assert!(world.nodes[3].payloads().is_empty());
    assert_eq!(world.nodes[4].payloads(), [b"on one side"]);

    world.heal();
    world.run();
    world.assert_agreed(chat, &[2, 3, 4, 5]);
    assert!(keys.insert(world.nodes[2].last_view().fingerprint));

    // Back under the old name.
    world.join(1, chat);
    world.run();
    world.assert_agreed(chat, &[1, 2, 3, 4, 5]);
    assert!(keys.insert(world.nodes[1].last_view().fingerprint));
    assert_eq!(keys.len(), 7);
}

#[test]
fn two_groups_of_one_connection_do_not_meddle() {
    let mut world = World::of(6, &["alice", "bob"]);
    let (chat, work) = (group("chat"), group("work"));
    let other = GroupOptions {
        mathematical_group: NamedGroup::Schnorr2048.into(),
        ..GroupOptions::default()
    };
    for node in 0..2 {
        world.join(node, chat);
        world.join_with(node, work, other.clone());
    }
    world.run();
    let session = world.nodes[0].session();
    assert_eq!(session.groups().count(), 2);
    assert_ne!(session.fingerprint(&chat), session.fingerprint(&work));
    assert_eq!(
        session.secure_view(&work).unwrap().mathematical_group,
        NamedGroup::Schnorr2048.into()
    );
    assert_eq!(
        session.members(&work).unwrap(),
        [member("alice"), member("bob")]
    );
    let fingerprint = session.fingerprint(&chat);
    world.send(0, work, Service::Fifo, b"for work").unwrap();
    world.leave(0, work);
    world.run();
    assert_eq!(world.nodes[0].session().fingerprint(&chat), fingerprint);
    assert_eq!(world.nodes[1].messages()[0].group, work);
}

#[test]
fn sends_are_bound_to_the_view_that_was_taken() {
    let mut world = World::of(7, &["alice", "bob", "carol"]);
    let chat = group("chat");
    let send = |world: &mut World, view, message_type| {
        world.send_as(
            0,
            chat,
            ViewNumber(view),
            Service::Agreed,
            message_type,
            b"payload",
        )
    };
    assert_eq!(send(&mut world, 1, 1), Err(SendError::NotJoined(chat)));
    world.join(0, chat);
    assert_eq!(send(&mut world, 1, 1), Err(SendError::GroupNotSecure(chat)));
    world.run();
    send(&mut world, 1, 1).unwrap();
    assert_eq!(
        send(&mut world, 1, wire::HIGHEST_RESERVED),
        Err(SendError::IllegalMessageType(-32_738))
    );
    send(&mut world, 1, wire::HIGHEST_RESERVED + 1).unwrap();
    world.run();
    world.join(1, chat);
    // The flush request is answered at once, and from there to the next secure view nothing goes.
    let mut refused = 0;
    while world.step() {
        if world.nodes[0].last_view().number == ViewNumber(1) {
            match send(&mut world, 1, 1) {
                Ok(()) => assert_eq!(refused, 0, "no sending after the flush"),
                Err(SendError::NotAllowedToSend(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(refused > 0);
    assert_eq!(
        send(&mut world, 1, 1),
        Err(SendError::ViewChanged {
            wanted: ViewNumber(1),
            installed: ViewNumber(2)
        })
    );
    send(&mut world, 2, 1).unwrap();
    world.leave(0, chat);
    assert_eq!(send(&mut world, 2, 1), Err(SendError::NotJoined(chat)));
    assert_eq!(
        world.nodes[0].session().leave(&chat),
        Err(Error::Leaving(chat))
    );
    assert_eq!(world.refresh(0, chat), Err(Error::Leaving(chat)));
    world.run();
}

#[test]
fn longest_payload_fits_and_one_more_byte_goes_in_parts() {
    let mut world = joined(8, &["alice", "bob"]);
    let chat = group("chat");
    let max = world.nodes[0].session().payload_max(RecordSuite::default());
    assert_eq!(max, 143_151 - 32 - 46 - 86);
    let bound = SessionConfig::default().message_bytes;
    let payload = vec![0x5a; bound + 1];
    for (service, length, max) in [
        (Service::Fifo, bound + 1, bound),
        // Parts need an order.
        (Service::Reliable, max + 1, max),
    ] {
        assert_eq!(
            world.send(0, chat, service, &payload[..length]),
            Err(SendError::TooLong { length, max })
        );
    }
    let sealed = |world: &World| {
        let sealed = world
            .wire
            .iter()
            .filter(|(_, m)| m.message_type == wire::SEALED);
        sealed.count()
    };
    for (length, messages) in [(max, 1), (max + 1, 2), (0, 1)] {
        let before = sealed(&world);
        world
            .send(0, chat, Service::Fifo, &payload[..length])
            .unwrap();
        assert_eq!(sealed(&world) - before, messages, "{length}");
    }
    world.run();
    for node in &world.nodes {
        let lengths: Vec<usize> = node.payloads().iter().map(Vec::len).collect();
        assert_eq!(lengths, [max, max + 1, 0]);
    }
}

#[test]
fn a_weaker_engine_refuses_what_it_does_not_have() {
    let mut config = SessionConfig::default();
    config.capabilities.strongest_service = Service::Agreed;
    let mut world = World::new(9);
    world.add_as("alice", signer("alice"), trust(&["alice"]), config);
    let chat = group("chat");
    world.join(0, chat);
    world.run();
    assert_eq!(
        world.send(0, chat, Service::Safe, b"x"),
        Err(SendError::Service {
            wanted: Service::Safe,
            strongest: Service::Agreed
        })
    );
    world.send(0, chat, Service::Agreed, b"x").unwrap();
}

#[test]
fn own_messages_can_be_left_out() {
    let mut world = joined(10, &["alice", "bob"]);
    let chat = group("chat");
    let view = world.nodes[0].last_view().number;
    let World { nodes, rng, .. } = &mut world;
    nodes[0]
        .session()
        .multicast(
            &chat,
            view,
            Service::Fifo,
            SelfDelivery::Discard,
            1,
            &[b"hi"],
            rng,
        )
        .unwrap();
    world.settle(0);
    world.run();
    assert!(world.nodes[0].payloads().is_empty());
    assert_eq!(world.nodes[1].payloads(), [b"hi"]);
}

#[test]
fn manual_flush_waits_for_the_application() {
    let mut world = World::of(11, &["alice", "bob", "carol"]);
    let chat = group("chat");
    let manual = GroupOptions {
        flush: FlushMode::Manual,
        ..GroupOptions::default()
    };
    world.join_with(0, chat, manual);
    world.run();
    assert_eq!(world.flush_ok(0, chat), Err(Error::IllegalFlushOk(chat)));
    world.join(1, chat);
    world.run();
    let request = SessionEvent::FlushRequest { group: chat };
    assert_eq!(world.nodes[0].count(|event| *event == request), 1);
    assert_eq!(world.nodes[0].last_view().number, ViewNumber(1));
    // Still the old view, still allowed to send.
    assert_eq!(
        world.nodes[0].session().group_state(&chat),
        Some(Phase::Secure)
    );
    world.send(0, chat, Service::Agreed, b"last words").unwrap();
    world.run();
    assert_eq!(world.nodes[0].payloads(), [b"last words"]);
    assert!(world.nodes[1].payloads().is_empty());
    world.flush_ok(0, chat).unwrap();
    assert_eq!(
        world.nodes[0].session().group_state(&chat),
        Some(Phase::Flushing)
    );
    assert_eq!(
        world.flush_ok(0, chat),
        Err(Error::FlushOkAlreadySent(chat))
    );
    assert_eq!(
        world.send(0, chat, Service::Agreed, b"too late"),
        Err(SendError::NotAllowedToSend(chat))
    );
    world.run();
    world.assert_agreed(chat, &[0, 1]);
    // Nobody is asked where the session answers.
    assert_eq!(world.nodes[1].count(|event| *event == request), 0);
    assert_eq!(world.flush_ok(1, chat), Err(Error::IllegalFlushOk(chat)));
}

#[test]
fn leave_before_the_first_view_goes_out_at_once() {
    let mut world = World::of(12, &["alice", "bob"]);
    let chat = group("chat");
    let bare = world.add_bare("bare");
    world.bare_join(bare, chat);
    world.join(0, chat);
    world.run();
    assert_eq!(
        world.nodes[0].session().group_state(&chat),
        Some(Phase::Joining)
    );
    world.leave(0, chat);
    world.run();
    assert_eq!(
        world.nodes[0].events,
        [SessionEvent::SelfLeave { group: chat }]
    );
    assert_eq!(world.members_in(chat, 0), [bare]);
    // And before the membership has come.
    world.join(1, chat);
    world.leave(1, chat);
    world.run();
    assert_eq!(
        world.nodes[1].events.last(),
        Some(&SessionEvent::SelfLeave { group: chat })
    );
    world.join(1, chat);
    world.bare_leave(bare, chat);
    world.run();
    world.assert_agreed(chat, &[1]);
}

#[test]
fn who_holds_up_a_view_change_is_named() {
    let mut world = joined(13, &["alice", "bob"]);
    let chat = group("chat");
    let bare = world.add_bare("bare");
    world.bare_join(bare, chat);
    world.run();
    world.wait(2_900);
    let blocked = SessionEvent::FlushBlocked {
        group: chat,
        members: vec![member("bare")],
    };
    assert_eq!(world.nodes[0].count(|event| *event == blocked), 0);
    world.wait(200);
    for node in 0..2 {
        assert_eq!(world.nodes[node].events.last(), Some(&blocked));
        assert_eq!(
            world.nodes[node].session().missing_flush(&chat),
            [member("bare")]
        );
    }
    world.wait(3_000);
    assert_eq!(world.nodes[0].count(|event| *event == blocked), 2);
    world.bare_leave(bare, chat);
    world.run();
    world.assert_agreed(chat, &[0, 1]);
    world.wait(60_000);
    assert_eq!(world.nodes[0].count(|event| *event == blocked), 2);
    assert_eq!(world.nodes[0].session().poll_timeout(), None);
}

#[test]
fn a_joiner_learns_as_well_who_holds_it_up() {
    let mut world = World::of(14, &["alice"]);
    let chat = group("chat");
    let bare = world.add_bare("bare");
    world.bare_join(bare, chat);
    world.join(0, chat);
    world.run();
    world.wait(3_100);
    assert!(matches!(
        world.nodes[0].events.last(),
        Some(SessionEvent::FlushBlocked { members, .. }) if *members == [member("bare")]
    ));
}

#[test]
fn calls_that_do_not_fit_change_nothing() {
    let mut world = joined(15, &["alice", "bob"]);
    let chat = group("chat");
    let none = group("none");
    let now = world.now;
    let session = world.nodes[0].session();
    assert_eq!(
        session.join(chat, GroupOptions::default(), now),
        Err(Error::AlreadyJoined(chat))
    );
    assert_eq!(session.leave(&none), Err(Error::NotJoined(none)));
    assert_eq!(session.group_state(&none), None);
    assert!(session.stats(&none).is_none() && session.fingerprint(&none).is_none());
    assert!(matches!(
        session.export(&chat, b"l", b"", 8_161),
        Err(Error::ExportLength {
            length: 8_161,
            max: 8_160
        })
    ));
    assert!(matches!(
        session.export(&chat, &[0; 65_536], b"", 1),
        Err(Error::ExportLabel { .. })
    ));
    assert_eq!(session.poll_command(), None);
    assert_eq!(session.group_state(&none), None);
    world.assert_agreed(chat, &[0, 1]);
}

#[test]
fn a_lost_connection_erases_everything() {
    let mut world = joined(16, &["alice", "bob"]);
    let chat = group("chat");
    world.close(0);
    world.run();
    assert_eq!(
        world.nodes[0].events.last(),
        Some(&SessionEvent::Closed(CloseReason::EndOfStream))
    );
    let now = world.now;
    let session = world.nodes[0].session();
    assert!(session.is_closed());
    assert_eq!(session.groups().count(), 0);
    assert_eq!(session.fingerprint(&chat), None);
    assert_eq!(
        session.join(chat, GroupOptions::default(), now),
        Err(Error::Closed)
    );
    assert_eq!(session.leave(&chat), Err(Error::Closed));
    assert_eq!(session.disconnect(), Err(Error::Closed));
    assert_eq!(
        world.send(0, chat, Service::Fifo, b"x"),
        Err(SendError::Closed)
    );
    world.assert_agreed(chat, &[1]);
}

#[test]
fn disconnect_ends_in_good_order() {
    let mut world = joined(17, &["alice", "bob"]);
    let chat = group("chat");
    world.nodes[0].session().disconnect().unwrap();
    // What it could not say any more it does not seem to say.
    let (view, rng) = (ViewNumber(2), &mut world.rng);
    let session = world.nodes[0].session.as_mut().unwrap();
    let parts: &[&[u8]] = &[b"lost"];
    assert_eq!(
        session.multicast(
            &chat,
            view,
            Service::Fifo,
            SelfDelivery::Deliver,
            1,
            parts,
            rng
        ),
        Err(SendError::Closed)
    );
    assert_eq!(session.leave(&chat), Err(Error::Closed));
    assert_eq!(session.disconnect(), Err(Error::Closed));
    assert_eq!(session.fingerprint(&chat), None);
    assert!(!session.is_closed());
    world.settle(0);
    world.run();
    assert_eq!(
        world.nodes[0].events.last(),
        Some(&SessionEvent::Closed(CloseReason::Disconnected))
    );
    world.assert_agreed(chat, &[1]);
}

#[test]
fn a_refused_join_can_be_tried_again() {
    let mut world = World::of(18, &["alice"]);
    let chat = group("chat");
    let now = world.now;
    let World { nodes, rng, .. } = &mut world;
    let session = nodes[0].session();
    session.join(chat, GroupOptions::default(), now).unwrap();
    while session.poll_command().is_some() {}
    session.handle_event(GcsEvent::Refused(Refused::Join(chat)), now, rng);
    assert_eq!(
        session.poll_event(),
        Some(SessionEvent::Refused(Refused::Join(chat)))
    );
    assert_eq!(session.group_state(&chat), None);
    assert_eq!(session.poll_timeout(), None);
    world.join(0, chat);
    world.run();
    world.assert_agreed(chat, &[0]);
}
