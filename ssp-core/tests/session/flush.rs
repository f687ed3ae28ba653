//! Flush requests, and who holds up a view.

use super::*;

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
fn members_that_hold_up_a_view_change_are_reported() {
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
fn a_joining_member_learns_who_holds_it_up() {
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
