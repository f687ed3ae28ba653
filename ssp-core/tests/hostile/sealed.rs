//! Sealed messages that are repeated, foreign or early.

use super::*;

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
