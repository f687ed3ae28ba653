//! Joins and leaves that the engine refuses.

use super::*;

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
fn tokens_deferred_by_a_leave_are_sent_when_it_is_refused() {
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
fn after_a_refused_leave_members_that_hold_it_up_are_reported_again() {
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
