//! Errors, leaves and the end of the connection.

use super::*;

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
