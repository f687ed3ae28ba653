//! How a group of each kind ends.

use super::*;

#[test]
fn a_refused_join_ends_the_group_and_what_is_refused_besides_does_not() {
    let mut world = World::of(7, &["alice"]);
    join_flush(&mut world, 0, views(), FlushMode::Automatic);
    join_bare(&mut world, 0, open());
    world.nodes[0].inbox.clear();
    let (now, mut rng) = (world.now, world.rng.clone());
    for name in [views(), open()] {
        let alice = world.nodes[0].session();
        for (refused, kind) in [
            (Refused::Leave(name), alice.kind(&name)),
            (Refused::Join(name), None),
        ] {
            let event = GcsEvent::Refused(refused.clone());
            alice.handle_event(event.clone(), now, &mut rng);
            assert_eq!(alice.kind(&name), kind);
            let expected = match name == open() {
                true => SessionEvent::Bare(BareEvent { group: name, event }),
                false => SessionEvent::Flush(FlushEvent::Refused(refused)),
            };
            assert_eq!(alice.poll_event(), Some(expected));
        }
    }
}

/// Who is leaving may not answer a flush request, and is waited for if the engine does not let it go.
#[test]
fn a_refused_leave_is_made_up_for_where_the_session_answers() {
    let mut world = World::of(14, &["alice", "bob", "carol"]);
    for node in 0..2 {
        join_flush(&mut world, node, views(), FlushMode::Automatic);
        world.run();
    }
    let alice = world.nodes[0].session();
    alice.leave(&views()).unwrap();
    // The engine gets to refuse it after somebody else has joined.
    assert!(matches!(alice.poll_command(), Some(GcsCommand::Leave(_))));
    join_flush(&mut world, 2, views(), FlushMode::Automatic);
    world.run();
    assert_eq!(last_view(&world.nodes[1]).view.members.len(), 2);
    let refused = GcsEvent::Refused(Refused::Leave(views()));
    world.nodes[0].inbox.push_back(refused);
    world.run();
    for node in &world.nodes {
        assert_eq!(last_view(node).view.members.len(), 3, "{}", node.name);
    }
    // It is no habit.
    let refused = GcsEvent::Refused(Refused::Leave(views()));
    world.nodes[0].inbox.push_back(refused);
    world.run();
    let view = last_view(&world.nodes[0]).view.id;
    send_flush(&mut world, 0, view, "still here").unwrap();
}

#[test]
fn the_end_of_the_connection_ends_all() {
    let mut world = in_all(9, &["alice", "bob"]);
    world.close(0);
    world.run();
    let now = world.now;
    let alice = world.nodes[0].session();
    assert!(alice.is_closed());
    assert_eq!(alice.groups().count(), 0);
    assert_eq!(alice.join_bare(open(), now), Err(Error::Closed));
    let sent = alice.multicast_bare(to(vec![open().into()], "x"));
    assert_eq!(sent, Err(Error::Closed));
    let private = alice.private(member("bob"), Service::Agreed, 7, Bytes::new());
    assert_eq!(private, Err(Error::Closed));
    // The others go on without.
    world.assert_agreed(vault(), &[1]);
    assert_eq!(last_view(&world.nodes[1]).view.members, [member("bob")]);
    assert_eq!(
        last_membership(&world.nodes[1]).view.members,
        [member("bob")]
    );

    let bob = world.nodes[1].session();
    bob.disconnect().unwrap();
    assert_eq!(bob.kind(&views()), None);
    assert_eq!(bob.leave(&views()), Err(Error::Closed));
    world.settle(1);
    world.run();
    assert!(world.nodes[1].session().is_closed());
}
