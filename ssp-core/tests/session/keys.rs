//! A key for every view and refresh.

use super::*;

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
