//! Sessions where a change, a call and an attack meet: refused leaves, spoilt refreshes, repeated
//! views, and messages in each phase.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

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

/// While it wants to leave, a member gives neither permission nor tokens. If the engine then does
/// not let it go, the others must not wait for these for ever.
#[test]
fn a_refused_leave_holds_nobody_up() {
    let chat = group("chat");
    for steps in 0..40 {
        let mut world = joined(steps.into(), &["alice", "bob", "carol"]);
        world.add("dave", trust(&["alice", "bob", "carol", "dave"]));
        world.nodes[0].session().leave(&chat).unwrap();
        assert_eq!(
            world.nodes[0].session().poll_command(),
            Some(GcsCommand::Leave(chat)),
            "kept from the engine, for it shall be refused"
        );
        // Dave is not known: this change alone brings no key.
        world.join(3, chat);
        world.steps(steps);
        world.crash(3);
        world.run();
        let refused = Refused::Leave(chat);
        world.nodes[0]
            .inbox
            .push_back(GcsEvent::Refused(refused.clone()));
        world.run();
        let told = SessionEvent::Refused(refused);
        assert_eq!(world.nodes[0].count(|event| *event == told), 1);
        world.assert_agreed(chat, &[0, 1, 2]);
        world.wait(60_000);
        let blocked = |event: &SessionEvent| matches!(event, SessionEvent::FlushBlocked { .. });
        assert_eq!(world.nodes[1].count(blocked), 0);
    }
}

/// The leave comes in the middle of an agreement.
#[test]
fn tokens_withheld_for_a_leave_that_is_refused_are_sent_then() {
    let chat = group("chat");
    let mut withheld = 0;
    for steps in 0..40 {
        let mut world = World::of(1, &["alice", "bob", "carol"]);
        for node in 0..3 {
            world.join(node, chat);
            if node < 2 {
                world.run();
            }
        }
        world.steps(steps);
        for node in 0..2 {
            world.nodes[node].session().leave(&chat).unwrap();
            let leave = world.nodes[node].session().poll_command();
            assert_eq!(leave, Some(GcsCommand::Leave(chat)));
        }
        world.run();
        for node in 0..2 {
            let session = world.nodes[node].session();
            withheld += session.stats(&chat).unwrap().unsent;
            let refused = GcsEvent::Refused(Refused::Leave(chat));
            world.nodes[node].inbox.push_back(refused);
        }
        world.run();
        world.assert_agreed(chat, &[0, 1, 2]);
    }
    assert!(withheld > 0);
}

#[test]
fn who_may_not_leave_learns_again_who_holds_it_up() {
    let chat = group("chat");
    let mut world = joined(2, &["alice", "bob"]);
    let bare = world.add_bare("bare");
    world.bare_join(bare, chat);
    world.run();
    world.nodes[0].session().leave(&chat).unwrap();
    let leave = world.nodes[0].session().poll_command();
    assert_eq!(leave, Some(GcsCommand::Leave(chat)));
    world.wait(4_000);
    let blocked = SessionEvent::FlushBlocked {
        group: chat,
        members: vec![member("bare")],
    };
    assert_eq!(world.nodes[0].count(|event| *event == blocked), 0);
    let refused = GcsEvent::Refused(Refused::Leave(chat));
    world.nodes[0].inbox.push_back(refused);
    world.run();
    world.wait(4_000);
    assert_eq!(world.nodes[0].count(|event| *event == blocked), 1);
}

/// Anybody at the daemon can make it say so.
#[test]
fn a_join_refused_to_a_member_changes_nothing() {
    let chat = group("chat");
    let mut world = joined(2, &["alice", "bob"]);
    for refused in [Refused::Join(chat), Refused::Leave(chat)] {
        world.nodes[0].inbox.push_back(GcsEvent::Refused(refused));
    }
    world.run();
    world.assert_agreed(chat, &[0, 1]);
    world.send(0, chat, Service::Fifo, b"still here").unwrap();
    world.run();
    assert_eq!(world.nodes[1].payloads(), [b"still here"]);
}

#[test]
fn timers_end_at_the_end_of_time_and_pile_nothing_up() {
    let chat = group("chat");
    let mut world = joined(3, &["alice", "bob"]);
    let bare = world.add_bare("bare");
    world.bare_join(bare, chat);
    world.run();
    let session = world.nodes[0].session.as_mut().unwrap();
    for now in [10_000_000, 20_000_000, u64::MAX - 1, u64::MAX, u64::MAX] {
        session.handle_timeout(Timestamp(now), &mut world.rng);
        assert_eq!(session.pending_events(), 1);
    }
    assert!(matches!(
        session.poll_event(),
        Some(SessionEvent::FlushBlocked { .. })
    ));
    // Once taken, it is told again.
    session.handle_timeout(Timestamp(u64::MAX), &mut world.rng);
    assert_eq!(session.pending_events(), 1);
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

#[test]
fn a_refresh_that_a_member_spoils_takes_the_old_key_with_it() {
    let chat = group("chat");
    let mut world = joined(4, &["alice", "bob", "carol"]);
    assert_eq!(world.nodes[0].last_view().controller, Some(member("carol")));
    world.send(1, chat, Service::Agreed, b"before").unwrap();
    let sealed = last_sealed(&world);
    world.run();
    world.nodes[2].held = true;
    world.refresh(0, chat).unwrap();
    world.run();
    assert_eq!(
        world.nodes[0].session().group_state(&chat),
        Some(Phase::Refreshing)
    );
    let spoilt = signed_by_carol(&mut world, cliques::gdh::KEY_LIST, 1, vec![1, 2, 3]);
    world.inject(2, chat, Service::Agreed, -32_747, spoilt);
    world.inject(1, chat, Service::Agreed, wire::SEALED, sealed);
    world.run();
    for node in 0..2 {
        let node = &mut world.nodes[node];
        assert!(matches!(
            node.events.last(),
            Some(SessionEvent::GroupFailed { suspects, reason: GroupFailure::Protocol(_), .. })
                if *suspects == [member("carol")]
        ));
        assert_eq!(node.payloads(), [b"before"]);
        let session = node.session();
        assert_eq!(session.group_state(&chat), Some(Phase::Failed));
        assert_eq!(session.fingerprint(&chat), None);
        assert_eq!(session.epoch(&chat), None);
        assert_eq!(
            session.export(&chat, b"l", b"", 16),
            Err(Error::GroupNotSecure(chat))
        );
    }
    assert_eq!(
        world.send(0, chat, Service::Agreed, b"x"),
        Err(SendError::GroupNotSecure(chat))
    );
    world.crash(2);
    world.run();
    world.assert_agreed(chat, &[0, 1]);
}

#[test]
fn duration_of_a_refresh_counts_from_the_refresh() {
    let chat = group("chat");
    let mut world = joined(5, &["alice", "bob"]);
    world.wait(1_000_000);
    world.refresh(0, chat).unwrap();
    world.run();
    let view = world.nodes[0].last_view();
    assert_eq!(view.epoch, 1);
    assert!((1..1_000).contains(&view.duration), "{}", view.duration);
}

/// Tokens that the engine cannot carry in one piece go in parts; one too narrow even for those has no
/// key to offer.
#[test]
fn an_engine_too_narrow_for_a_token_gets_it_in_parts() {
    let chat = group("chat");
    for (message, agreed) in [(200, true), (95, true), (60, false)] {
        let mut world = World::new(6);
        let names = ["alice", "bob", "carol"];
        for name in names {
            let mut config = SessionConfig::default();
            config.capabilities.message = message;
            world.add_as(name, signer(name), trust(&names), config);
        }
        for node in 0..3 {
            world.join(node, chat);
            world.run();
        }
        if agreed {
            world.assert_agreed(chat, &[0, 1, 2]);
            let parts = world
                .wire
                .iter()
                .filter(|(_, message)| message.message_type == wire::TOKEN_PART);
            assert!(parts.count() > 10);
            continue;
        }
        let told = SessionEvent::GroupFailed {
            group: chat,
            suspects: vec![member("alice")],
            reason: GroupFailure::Internal("token too long for the engine"),
        };
        assert!(world.nodes[0].count(|event| *event == told) > 0);
        let alice = world.nodes[0].session();
        assert_eq!(alice.group_state(&chat), Some(Phase::Failed));
    }
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

#[test]
fn tokens_of_an_equal_view_are_too_old_where_clocks_are_synchronised() {
    let chat = group("chat");
    for seed in 0..20 {
        let mut world = repeated_view(seed, Some(10_000));
        world.assert_agreed(chat, &[0, 1, 2]);
        let stale: u64 = (0..3)
            .map(|node| world.nodes[node].session().stats(&chat).unwrap())
            .map(|stats| stats.agreement.token_drops.total())
            .sum();
        assert!(stale > 0);
    }
}

#[test]
fn tokens_of_an_equal_view_give_no_old_key_and_the_next_view_heals() {
    let chat = group("chat");
    let mut broken = 0;
    for seed in 0..40 {
        let mut world = repeated_view(seed, None);
        let keys: Vec<_> = (0..3)
            .map(|node| world.nodes[node].session().fingerprint(&chat))
            .collect();
        broken += u32::from(keys[0].is_none() || keys[0] != keys[1] || keys[1] != keys[2]);
        for node in &world.nodes {
            let mut own: Vec<_> = node.views().iter().map(|view| view.fingerprint).collect();
            let count = own.len();
            own.sort();
            own.dedup();
            assert_eq!(own.len(), count, "seed {seed}: a key twice");
        }
        // Another identifier, or the engine would repeat itself twice.
        world.next_id += 100;
        world.leave(2, chat);
        world.run();
        world.assert_agreed(chat, &[0, 1]);
    }
    assert!(broken > 0, "the replay must be one that matters");
}

#[test]
fn another_record_suite_is_told_at_once_even_under_an_unknown_key() {
    let chat = group("chat");
    let mut world = joined(7, &["alice", "bob"]);
    world.send(1, chat, Service::Agreed, b"x").unwrap();
    let mut sealed = last_sealed(&world).to_vec();
    world.run();
    sealed[1] = RecordSuite::CHACHA20_POLY1305.number();
    sealed[4] ^= 1;
    world.inject(1, chat, Service::Agreed, wire::SEALED, sealed.into());
    world.run();
    let mismatch = SessionEvent::Mismatch {
        group: chat,
        sender: member("bob"),
        what: Mismatch::RecordSuite {
            ours: RecordSuite::AES_256_CBC_HMAC_SHA256,
            theirs: RecordSuite::CHACHA20_POLY1305,
        },
    };
    assert_eq!(world.nodes[0].events.last(), Some(&mismatch));
    assert_eq!(world.nodes[0].session().stats(&chat).unwrap().early, 0);
}

#[test]
fn a_mismatch_is_told_once_for_each_key() {
    let chat = group("chat");
    let mut world = joined(7, &["alice", "bob"]);
    for told in [1, 2] {
        world.send(1, chat, Service::Agreed, b"x").unwrap();
        let mut sealed = last_sealed(&world).to_vec();
        sealed[1] = RecordSuite::AES_256_GCM.number();
        for _ in 0..3 {
            let body = Bytes::copy_from_slice(&sealed);
            world.inject(1, chat, Service::Agreed, wire::SEALED, body);
        }
        world.run();
        let mismatch = |event: &SessionEvent| matches!(event, SessionEvent::Mismatch { .. });
        assert_eq!(world.nodes[0].count(mismatch), told);
        world.refresh(0, chat).unwrap();
        world.run();
    }
}

#[test]
fn each_suspect_has_the_whole_patience() {
    let chat = group("chat");
    let mut world = joined(7, &["alice", "bob", "carol"]);
    world.send(1, chat, Service::Agreed, b"x").unwrap();
    let mut sealed = last_sealed(&world).to_vec();
    world.run();
    sealed[4] ^= 1;
    let body = Bytes::from(sealed);
    let named = |name| SessionEvent::Mismatch {
        group: chat,
        sender: member(name),
        what: Mismatch::Key,
    };
    world.inject(1, chat, Service::Fifo, wire::SEALED, body.clone());
    world.run();
    world.wait(2_500);
    world.inject(1, chat, Service::Fifo, wire::SEALED, body.clone());
    world.inject(2, chat, Service::Fifo, wire::SEALED, body);
    world.run();
    for (wait, bob, carol) in [(1_000, 1, 0), (1_000, 1, 0), (1_000, 1, 1), (9_000, 1, 1)] {
        world.wait(wait);
        let alice = &world.nodes[0];
        let counts = ["bob", "carol"].map(|name| alice.count(|event| *event == named(name)));
        assert_eq!(counts, [bob, carol]);
    }
}

/// A short message may have come in a long buffer, whose length nobody bounds while it is kept.
#[test]
fn what_is_kept_does_not_keep_the_buffer_it_came_in() {
    let chat = group("chat");
    let mut world = joined(8, &["alice", "bob"]);
    world.send(1, chat, Service::Agreed, b"x").unwrap();
    let mut sealed = last_sealed(&world).to_vec();
    world.run();
    sealed[4] ^= 1;
    let length = sealed.len();
    sealed.resize(100_000, 0);
    let buffer = Bytes::from(sealed);
    let body = buffer.slice(..length);
    world.inject(1, chat, Service::Fifo, wire::SEALED, body);
    world.run();
    assert_eq!(world.nodes[0].session().stats(&chat).unwrap().early, 1);
    assert!(buffer.is_unique());
}

/// The same message, authentic in the view of alice and bob, comes to alice in each phase.
#[test]
fn a_message_opens_in_the_phases_that_have_its_key_and_in_no_other() {
    for phase in [
        Phase::Secure,
        Phase::Refreshing,
        Phase::Flushing,
        Phase::Leaving,
        Phase::Agreeing,
        Phase::Failed,
    ] {
        let chat = group("chat");
        let names = ["alice", "bob", "carol"];
        let mut world = World::of(9, &names);
        world.add("mallory", trust(&["alice", "bob", "mallory"]));
        let manual = GroupOptions {
            flush: FlushMode::Manual,
            ..GroupOptions::default()
        };
        world.join_with(0, chat, manual);
        world.run();
        world.join(1, chat);
        world.run();
        world.flush_ok(0, chat).unwrap();
        world.run();
        // Bob's message is on its way for as long as it takes.
        world.nodes[0].held = true;
        world.send(1, chat, Service::Agreed, b"slow").unwrap();
        let message = world.nodes[0].inbox.pop_back().unwrap();
        world.nodes[0].held = false;
        let opens = match phase {
            Phase::Secure | Phase::Joining => true,
            Phase::Confirming => unreachable!("not asked for here"),
            Phase::Refreshing => {
                world.nodes[1].held = true;
                world.refresh(0, chat).unwrap();
                world.run();
                true
            }
            Phase::Flushing => {
                world.join(2, chat);
                world.nodes[1].held = true;
                world.run();
                world.flush_ok(0, chat).unwrap();
                world.run();
                true
            }
            Phase::Leaving => {
                world.nodes[0].session().leave(&chat).unwrap();
                true
            }
            Phase::Agreeing => {
                world.join(2, chat);
                world.run();
                world.flush_ok(0, chat).unwrap();
                while world.nodes[0].session().group_state(&chat) != Some(Phase::Agreeing) {
                    assert!(world.step());
                }
                false
            }
            Phase::Failed => {
                world.join(3, chat);
                world.run();
                world.flush_ok(0, chat).unwrap();
                world.run();
                false
            }
        };
        let session = world.nodes[0].session();
        assert_eq!(session.group_state(&chat), Some(phase));
        let exported = session.export(&chat, b"l", b"", 16).map(|_| ());
        assert_eq!(
            exported,
            match phase {
                Phase::Secure | Phase::Confirming | Phase::Flushing => Ok(()),
                Phase::Refreshing => Err(Error::Refreshing(chat)),
                Phase::Leaving => Err(Error::Leaving(chat)),
                Phase::Joining | Phase::Agreeing | Phase::Failed =>
                    Err(Error::GroupNotSecure(chat)),
            }
        );
        // The view that had the key is gone, and the key with it, before there is another.
        let held = match phase {
            Phase::Joining | Phase::Agreeing | Phase::Failed => None,
            Phase::Secure
            | Phase::Confirming
            | Phase::Refreshing
            | Phase::Flushing
            | Phase::Leaving => Some(0),
        };
        assert_eq!(session.epoch(&chat), held, "{phase}");
        assert_eq!(session.fingerprint(&chat).is_some(), held.is_some());
        let refused = match phase {
            Phase::Secure => None,
            Phase::Refreshing => Some(SendError::Refreshing(chat)),
            // The view that was permitted to end, until the next secure one.
            Phase::Flushing | Phase::Agreeing => Some(SendError::NotAllowedToSend(chat)),
            Phase::Leaving => Some(SendError::NotJoined(chat)),
            Phase::Joining | Phase::Confirming | Phase::Failed => {
                Some(SendError::GroupNotSecure(chat))
            }
        };
        if let Some(refused) = refused {
            let sent = world.send(0, chat, Service::Agreed, b"not now");
            assert_eq!(sent, Err(refused), "{phase}");
        }
        world.nodes[0].inbox.push_front(message);
        world.run();
        let read = world.nodes[0].payloads();
        assert_eq!(read.len(), usize::from(opens), "{phase}");
    }
}

/// Nothing in the group is for a stranger: no token, no sealed message, whatever is asked for.
#[test]
fn nothing_is_said_while_a_stranger_is_in_the_view() {
    let chat = group("chat");
    for seed in 0..20 {
        let mut world = joined(seed, &["alice", "bob"]);
        world.add("mallory", trust(&["alice", "bob", "mallory"]));
        let refresh = {
            let _ = world.refresh(0, chat);
            let sent = world.wire.iter().rfind(|(_, m)| m.message_type == -32_752);
            sent.unwrap().1.clone()
        };
        world.join(2, chat);
        world.run();
        world.wire.clear();
        for node in 0..2 {
            assert!(world.refresh(node, chat).is_err());
            assert!(world.send(node, chat, Service::Fifo, b"x").is_err());
            world.command(2, GcsCommand::Multicast(refresh.clone()));
            world.run();
            world.wait(10_000);
        }
        let said = world.wire.iter().filter(|(name, message)| {
            *name != member("mallory")
                && ReceivedToken::decode(&message.body, Protocol::GDH).is_ok()
                || message.message_type == wire::SEALED
        });
        assert_eq!(said.count(), 0);
        assert!(
            world
                .wire
                .iter()
                .all(|(name, _)| *name == member("mallory"))
        );
    }
}

/// A broken generator of random numbers, and an engine that repeats an identifier.
#[test]
fn a_key_that_comes_back_is_not_used_again() {
    let chat = group("chat");
    let mut world = World::of(10, &["alice", "bob", "carol"]);
    let first = world.next_id;
    world.rng = ChaCha20Rng::seed_from_u64(42);
    world.join(0, chat);
    world.run();
    let alone = world.nodes[0].last_view().clone();
    world.join(1, chat);
    world.run();
    let together = world.nodes[0].last_view().clone();
    world.next_id = first;
    world.rng = ChaCha20Rng::seed_from_u64(42);
    world.crash(1);
    world.run();
    let repeated = SessionEvent::GroupFailed {
        group: chat,
        suspects: vec![member("alice")],
        reason: GroupFailure::KeyRepeated,
    };
    assert_eq!(world.nodes[0].events.last(), Some(&repeated));
    let alice = world.nodes[0].session();
    assert_eq!(alice.group_state(&chat), Some(Phase::Failed));
    assert_eq!(alice.fingerprint(&chat), None);
    for view in [alone.number, together.number] {
        let sent = world.send_as(0, chat, view, Service::Agreed, 1, b"x");
        assert!(sent.is_err(), "{view}");
    }
    assert_eq!(world.refresh(0, chat), Err(Error::GroupNotSecure(chat)));
    world.next_id += 100;
    world.join(2, chat);
    world.run();
    world.assert_agreed(chat, &[0, 2]);
    assert_eq!(world.nodes[0].last_view().number.0, together.number.0 + 1);
}

/// More members than an agreement can have, if a daemon says so: the view fails, and neither it
/// nor the change that ends it is held up.
#[test]
fn a_view_beyond_all_bounds_is_told_and_left_again() {
    let chat = group("chat");
    let mut world = World::of(11, &["alice"]);
    world.join(0, chat);
    world.run();
    let me = member("alice");
    let crowd: Vec<MemberName> = (0..65_535)
        .map(|number| format!("#m{number}#n1").parse().unwrap())
        .collect();
    let mut members = vec![me];
    members.extend(&crowd);
    let (World { nodes, rng, .. }, now) = (&mut world, Timestamp(2_000_000));
    let session = nodes[0].session();
    let membership = |id, members, transitional_set| {
        GcsEvent::Membership(Membership {
            group: chat,
            view: View {
                id: ViewId([id; 12]),
                members,
                cause: Cause::Network,
                transitional_set,
            },
        })
    };
    let acknowledge = |session: &mut Session, rng: &mut ChaCha20Rng, id, sender| {
        let acknowledgement = GcsEvent::Message(Message {
            sender,
            destinations: vec![chat.into()],
            service: Service::Safe,
            self_delivery: SelfDelivery::Deliver,
            scope: Scope::Named,
            message_type: i16::MIN,
            order: ByteOrder::Big,
            body: vec![id; 12].into(),
        });
        session.handle_event(acknowledgement, now, rng);
    };
    session.handle_event(membership(0x11, members.clone(), vec![me]), now, rng);
    for name in &members {
        acknowledge(session, rng, 0x11, *name);
    }
    let told: Vec<SessionEvent> = std::iter::from_fn(|| session.poll_event()).collect();
    assert!(matches!(
        told.last(),
        Some(SessionEvent::GroupFailed {
            reason: GroupFailure::Internal(_),
            ..
        })
    ));
    assert_eq!(session.group_state(&chat), Some(Phase::Failed));
    // The crowd is gone.
    session.handle_event(membership(0x22, vec![me], vec![me]), now, rng);
    acknowledge(session, rng, 0x22, me);
    assert_eq!(session.group_state(&chat), Some(Phase::Secure));
    assert_eq!(session.members(&chat), Some(&[me][..]));
}

/// Members of another component may have finished a refresh that was given up here. What they
/// sealed under its key is a gap in the order of messages, and the signal must stand before it.
#[test]
fn a_message_under_a_later_key_is_lost_behind_a_signal() {
    let chat = group("chat");
    let mut world = World::of(7, &["alice", "bob"]);
    let manual = GroupOptions {
        flush: FlushMode::Manual,
        ..GroupOptions::default()
    };
    for node in 0..2 {
        world.join_with(node, chat, manual.clone());
        world.run();
        let _ = world.flush_ok(0, chat);
        world.run();
    }
    world.send(1, chat, Service::Agreed, b"x").unwrap();
    let mut sealed = last_sealed(&world).to_vec();
    world.run();
    sealed[4] ^= 1;

    // A third member joins: the change waits for Alice, who may still send and receive.
    let third = world.add("carol", trust(&["alice", "bob", "carol"]));
    world.join_with(third, chat, manual);
    world.run();
    world.inject(1, chat, Service::Agreed, wire::SEALED, sealed.into());
    world.run();
    let events = &world.nodes[0].events;
    let signal = events
        .iter()
        .position(|event| *event == SessionEvent::TransitionalSignal { group: chat });
    let rejected = events
        .iter()
        .position(|event| matches!(event, SessionEvent::MessageRejected { .. }));
    assert!(signal.is_some() && signal < rejected, "{events:#?}");
}
