//! Calls and events of each kind of group.

use super::*;

#[test]
fn each_kind_tells_its_own() {
    let mut world = in_all(1, &["alice", "bob", "carol"]);
    let all = [0, 1, 2];
    world.assert_agreed(vault(), &all);
    let members: Vec<MemberName> = ["alice", "bob", "carol"].map(member).into();
    for node in &world.nodes {
        assert_eq!(last_view(node).view.members, members);
        assert_eq!(last_view(node).view.id, last_view(&world.nodes[0]).view.id);
        assert_eq!(last_membership(node).view.members, members);
        // Requests are answered by the session.
        assert!(!flush_events(node).any(|event| matches!(event, FlushEvent::FlushRequest { .. })));
    }
    world
        .send(0, vault(), Service::Agreed, b"sealed for all")
        .unwrap();
    let view = last_view(&world.nodes[0]).view.id;
    send_flush(&mut world, 0, view, "seen in the view").unwrap();
    let both = vec![open().into(), group("elsewhere").into()];
    send_bare(&mut world, 0, to(both, "seen by anybody")).unwrap();
    world.run();
    for node in &mut world.nodes {
        assert_eq!(node.payloads(), [b"sealed for all"]);
        let seen = flush_events(node).filter_map(|event| match event {
            FlushEvent::Message(message) => Some(&message.body[..]),
            _ => None,
        });
        assert_eq!(seen.collect::<Vec<_>>(), [b"seen in the view"]);
        let seen = bare_events(node).filter_map(|event| match event {
            GcsEvent::Message(message) => Some(&message.body[..]),
            _ => None,
        });
        assert_eq!(seen.collect::<Vec<_>>(), [b"seen by anybody"]);
        let session = node.session();
        assert_eq!(session.kind(&vault()), Some(GroupKind::Secure));
        assert_eq!(session.kind(&views()), Some(GroupKind::Flush));
        assert_eq!(session.kind(&open()), Some(GroupKind::Bare));
        assert_eq!(session.kind(&group("elsewhere")), None);
        assert_eq!(session.groups().count(), 3);
        assert_eq!(session.group_state(&views()), None);
    }
    let clear = world
        .wire
        .iter()
        .filter(|(_, sent)| contains(&sent.body, b"sealed for"));
    assert_eq!(clear.count(), 0);
}

#[test]
fn calls_for_another_kind_are_refused_by_name() {
    let mut world = in_all(2, &["alice", "bob"]);
    let view = last_view(&world.nodes[0]).view.id;
    let wrong = |group, kind, wanted| {
        Err(Error::WrongKind {
            group,
            kind,
            wanted,
        })
    };
    let before = world.wire.len();
    // In the clear into a secure group: alone, among others, by reference, by the flush layer.
    for message in [
        to(vec![vault().into()], "x"),
        to(vec![open().into(), vault().into()], "x"),
        subset(vault(), to(vec![member("bob").into()], "x")),
    ] {
        assert_eq!(
            send_bare(&mut world, 0, message),
            wrong(vault(), GroupKind::Secure, GroupKind::Bare)
        );
    }
    let bob = [member("bob")];
    let (now, mut rng) = (world.now, world.rng.clone());
    let alice = world.nodes[0].session();
    let body = Bytes::from_static(b"x");
    for (name, kind) in [(vault(), GroupKind::Secure), (open(), GroupKind::Bare)] {
        let cast = alice.multicast_flush(
            &name,
            view,
            Service::Agreed,
            SelfDelivery::Deliver,
            7,
            body.clone(),
        );
        assert_eq!(cast, wrong(name, kind, GroupKind::Flush));
        let cast = alice.subset_flush(&name, view, &bob, Service::Agreed, 7, body.clone());
        assert_eq!(cast, wrong(name, kind, GroupKind::Flush));
    }
    for (name, kind) in [(views(), GroupKind::Flush), (open(), GroupKind::Bare)] {
        let sealed = alice.multicast(
            &name,
            ViewNumber(1),
            Service::Agreed,
            SelfDelivery::Deliver,
            7,
            &[b"x"],
            &mut rng,
        );
        assert_eq!(sealed, Err(SendError::WrongKind { group: name, kind }));
        assert_eq!(
            alice.refresh(&name, now, &mut rng),
            wrong(name, kind, GroupKind::Secure)
        );
        let export = alice.export(&name, b"label", b"", 16).map(drop);
        assert_eq!(export, wrong(name, kind, GroupKind::Secure));
    }
    assert_eq!(
        alice.flush_ok(&open(), now, &mut rng),
        wrong(open(), GroupKind::Bare, GroupKind::Flush)
    );
    // A name is of one kind.
    for name in [vault(), views(), open()] {
        let joined = Err(Error::AlreadyJoined(name));
        assert_eq!(alice.join(name, GroupOptions::default(), now), joined);
        assert_eq!(alice.join_flush(name, FlushMode::Manual, now), joined);
        assert_eq!(alice.join_bare(name, now), joined);
    }
    // Types that mean something to the layers below go nowhere but into bare groups.
    let mut reserved = to(vec![open().into(), group("elsewhere").into()], "x");
    reserved.message_type = i16::MIN;
    let illegal = gcs_proto::Error::IllegalMessageType(i16::MIN);
    assert_eq!(
        alice.multicast_bare(reserved),
        Err(Error::Engine(illegal.clone()))
    );
    let private = alice.private(bob[0], Service::Agreed, i16::MIN, body);
    assert_eq!(private, Err(Error::Engine(illegal)));
    assert_eq!(private.unwrap_err().code(), -26);
    world.settle(0);
    assert_eq!(world.wire.len(), before, "nothing was sent");
    world.run();
    world.assert_agreed(vault(), &[0, 1]);
}

#[test]
fn a_group_is_joined_again_as_another_kind() {
    let mut world = World::of(3, &["alice", "bob"]);
    let chat = group("chat");
    let kinds = [
        GroupKind::Bare,
        GroupKind::Flush,
        GroupKind::Secure,
        GroupKind::Flush,
        GroupKind::Bare,
    ];
    for kind in kinds {
        for node in 0..2 {
            match kind {
                GroupKind::Secure => world.join(node, chat),
                GroupKind::Flush => join_flush(&mut world, node, chat, FlushMode::Automatic),
                GroupKind::Bare => join_bare(&mut world, node, chat),
            }
            world.run();
        }
        let members = [member("alice"), member("bob")];
        match kind {
            GroupKind::Secure => world.assert_agreed(chat, &[0, 1]),
            GroupKind::Flush => assert_eq!(last_view(&world.nodes[0]).view.members, members),
            GroupKind::Bare => assert_eq!(last_membership(&world.nodes[0]).view.members, members),
        }
        for node in 0..2 {
            world.leave(node, chat);
            assert_eq!(
                world.nodes[node].session().leave(&chat),
                Err(Error::Leaving(chat))
            );
            world.run();
            let session = world.nodes[node].session();
            assert_eq!(session.kind(&chat), None);
            assert_eq!(session.leave(&chat), Err(Error::NotJoined(chat)));
        }
    }
    for node in &world.nodes {
        let secure = node.count(|event| matches!(event, SessionEvent::SelfLeave { .. }));
        let flush = flush_events(node)
            .filter(|event| matches!(event, FlushEvent::SelfLeave { .. }))
            .count();
        let bare = bare_events(node)
            .filter(|event| matches!(event, GcsEvent::SelfLeave { .. }))
            .count();
        assert_eq!((secure, flush, bare), (1, 2, 2));
    }
}

#[test]
fn flush_requests_are_answered_by_hand_where_that_was_asked_for() {
    let mut world = World::of(4, &["alice", "bob"]);
    join_flush(&mut world, 0, views(), FlushMode::Manual);
    world.run();
    let first = last_view(&world.nodes[0]).view.id;
    let early = world.flush_ok(0, views());
    assert_eq!(early, Err(Error::IllegalFlushOk(views())), "nobody asked");
    join_flush(&mut world, 1, views(), FlushMode::Automatic);
    world.run();
    let request = FlushEvent::FlushRequest { group: views() };
    assert_eq!(flush_events(&world.nodes[0]).last(), Some(&request));
    assert_eq!(
        world.nodes[1].session().missing_flush(&views()),
        [member("alice")]
    );
    send_flush(&mut world, 0, first, "last words").unwrap();
    world.flush_ok(0, views()).unwrap();
    let closed = send_flush(&mut world, 0, first, "too late");
    assert!(matches!(closed, Err(Error::Engine(_))), "{closed:?}");
    assert_eq!(closed.unwrap_err().code(), -27);
    world.run();
    assert_eq!(last_view(&world.nodes[0]).view.members.len(), 2);
    let old = send_flush(&mut world, 0, first, "x");
    assert_eq!(old, Err(Error::Outdated(views())));
    let second = last_view(&world.nodes[0]).view.id;
    let bob = [member("bob")];
    let to_bob = |world: &mut World, receivers: &[MemberName]| {
        let session = world.nodes[0].session();
        let body = Bytes::from_static(b"for bob");
        let sent = session.subset_flush(&views(), second, receivers, Service::Fifo, 7, body);
        world.settle(0);
        sent
    };
    to_bob(&mut world, &bob).unwrap();
    let stranger = to_bob(&mut world, &[member("carol")]);
    assert!(matches!(stranger, Err(Error::Engine(_))));
    world.run();
    let bodies = |node: &Node| -> Vec<Bytes> {
        let messages = flush_events(node).filter_map(|event| match event {
            FlushEvent::Message(message) => Some(message.body.clone()),
            _ => None,
        });
        messages.collect()
    };
    assert_eq!(bodies(&world.nodes[0]), ["last words"]);
    assert_eq!(bodies(&world.nodes[1]), ["for bob"]);
    let automatic = world.flush_ok(1, views());
    assert_eq!(automatic, Err(Error::IllegalFlushOk(views())));
}

#[test]
fn messages_to_one_member_are_in_the_clear_and_said_to_be() {
    let mut world = World::of(5, &["alice", "bob"]);
    let body = Bytes::from_static(b"psst");
    let alice = world.nodes[0].session();
    alice
        .private(member("bob"), Service::Agreed, 7, body.clone())
        .unwrap();
    world.settle(0);
    let to_bob = vec![member("bob").into()];
    send_bare(&mut world, 0, to(to_bob, body.clone())).unwrap();
    world.run();
    let private = world.nodes[1].events.iter().filter(|event| match event {
        SessionEvent::Private(message) => {
            assert_eq!((message.sender, &message.body), (member("alice"), &body));
            true
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(private.count(), 2);
}

#[test]
fn a_stranger_is_heard_in_a_bare_group_only() {
    let mut world = in_all(6, &["alice", "bob"]);
    let stranger = world.add_bare("stranger");
    for name in [vault(), views(), open()] {
        let message = to(vec![name.into()], "let me in");
        world.command(stranger, GcsCommand::Multicast(message));
    }
    let all = to(vec![views().into(), vault().into(), open().into()], "all");
    world.command(stranger, GcsCommand::Multicast(all));
    world.run();
    for node in &world.nodes[..2] {
        assert_eq!(node.messages().len(), 0);
        assert_eq!(
            flush_events(node)
                .filter(|event| matches!(event, FlushEvent::Message(_)))
                .count(),
            0
        );
        assert_eq!(
            bare_events(node)
                .filter(|event| matches!(event, GcsEvent::Message(_)))
                .count(),
            2
        );
    }
}

#[test]
fn the_policy_is_asked_before_a_join_of_any_kind() {
    let mut world = World::new(8);
    let credentials = Credentials {
        signer: Arc::new(signer("alice")),
        trust: Arc::new(trust(&["alice"])),
    };
    let session = Session::new(member("alice"), credentials, SessionConfig::default());
    let alice = world.add_session("alice", session.with_policy(Arc::new(Only(open()))));
    let now = world.now;
    let session = world.nodes[alice].session();
    let denied = |result| matches!(result, Err(Error::Denied { group, .. }) if group == views());
    assert!(denied(session.join_bare(views(), now)));
    assert!(denied(session.join_flush(
        views(),
        FlushMode::Automatic,
        now
    )));
    session.join_bare(open(), now).unwrap();
    world.settle(alice);
    world.run();
    assert_eq!(last_membership(&world.nodes[alice]).view.members.len(), 1);
}

#[test]
fn a_secure_group_has_a_phase_and_others_have_none() {
    let mut world = in_all(10, &["alice"]);
    let alice = world.nodes[0].session();
    assert_eq!(alice.group_state(&vault()), Some(Phase::Secure));
    for name in [views(), open()] {
        assert_eq!(alice.group_state(&name), None);
        assert!(alice.secure_view(&name).is_none() && alice.fingerprint(&name).is_none());
    }
}
