//! Sealed messages in every phase.

use super::*;

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
fn each_member_has_the_whole_timeout() {
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
