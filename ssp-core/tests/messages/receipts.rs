//! Receipts of parts, and the send window.

use super::*;

#[test]
fn a_sender_learns_how_far_the_slowest_member_is() {
    for signing in [Signing::Off, Signing::Require] {
        let mut options = GroupOptions {
            parts: PartDelivery::Streamed,
            ..GroupOptions::default()
        };
        options.protection.signing = signing;
        options.protection.padding = Padding::Multiple(64);
        let mut world = narrow(3, &core::array::from_fn(|_| options.clone()));
        let view = world.nodes[0].last_view().number;
        let session = world.nodes[0].session();
        let mut stream = session
            .begin_parts(&chat(), view, Service::Agreed, 1)
            .unwrap();
        assert_eq!(stream.window(), PARTS_IN_FLIGHT);
        stream.set_window(8);
        // Receipts are asked for after each second part.
        world.nodes[1].held = true;
        send_parts(&mut world, &mut stream, 7);
        assert_eq!(in_flight(&mut world, &stream), 7);
        world.run();
        assert_eq!(in_flight(&mut world, &stream), 7);
        assert_eq!(world.nodes[2].payloads().len(), 7);
        world.nodes[1].held = false;
        world.run();
        assert_eq!(in_flight(&mut world, &stream), 1);
        let session = world.nodes[0].session();
        // Three requests, each answered by two members and come back.
        assert_eq!(session.receipts(&chat()), 9);
        assert_eq!(session.receipts(&group("other")), 0);

        // A member that is gone for good is not waited for for ever.
        world.nodes[2].held = true;
        send_parts(&mut world, &mut stream, 7);
        world.run();
        assert_eq!(in_flight(&mut world, &stream), 8);
        world.nodes[0].session().forgo_receipts(&stream);
        assert_eq!(in_flight(&mut world, &stream), 0);
        world.nodes[2].held = false;
        world.run();
        // No application sees any of it.
        for node in &world.nodes {
            assert_eq!(node.payloads(), vec![b"part".to_vec(); 14]);
        }
        assert!((0..3).all(|node| rejected(&world, node) == 0));

        // With the key goes what was counted.
        send_parts(&mut world, &mut stream, 3);
        assert_eq!(in_flight(&mut world, &stream), 3);
        world.run();
        world.refresh(1, chat()).unwrap();
        world.run();
        assert_eq!(in_flight(&mut world, &stream), 0);
        world.nodes[0].session().forgo_receipts(&stream);
    }
}

/// The sender has all confirmations of a key, and what it sends then overtakes them on the way to
/// somebody else.
#[test]
fn parts_are_confirmed_by_those_who_wait_for_confirmations_of_the_key() {
    let options = GroupOptions {
        confirmation: Confirmation::Explicit,
        ..streamed()
    };
    let mut world = narrow(5, &core::array::from_fn(|_| options.clone()));
    world.refresh(0, chat()).unwrap();
    let state = |world: &mut World, node: usize| world.nodes[node].session().group_state(&chat());
    while state(&mut world, 1) != Some(Phase::Confirming) {
        assert!(world.step());
    }
    world.nodes[1].held = true;
    world.run();
    assert_eq!(state(&mut world, 0), Some(Phase::Secure));
    let overtaken = world.nodes[1].inbox.len();
    let stream = send_window(&mut world);
    world.nodes[1].inbox.rotate_left(overtaken);
    while world.nodes[1].inbox.len() > overtaken {
        world.handle_next(1);
    }
    assert_eq!(state(&mut world, 1), Some(Phase::Confirming));
    world.nodes[1].held = false;
    world.run();
    assert_eq!(world.nodes[1].payloads().len(), 4);
    assert_eq!(in_flight(&mut world, &stream), 0);
}

/// Messages are numbered anew under each key: what a member has of one under the key before says
/// nothing of the one that has its number now.
#[test]
fn receipts_are_of_the_message_of_their_key() {
    let mut world = narrow(6, &core::array::from_fn(|_| streamed()));
    world.nodes[1].held = true;
    let old = send_window(&mut world);
    let overtaken = world.nodes[1].inbox.len();
    world.refresh(2, chat()).unwrap();
    world.run();
    let (key, list) = (world.nodes[0].session().epoch(&chat()), &mut world.nodes[1]);
    assert_eq!(key, Some(1));
    // What others have sent to agree on the key comes before what this one has sent without order.
    list.inbox.rotate_left(overtaken);
    let new = send_window(&mut world);
    assert_eq!(old.message(), new.message());
    let sent = 8;
    assert_eq!(overtaken, sent);
    while world.nodes[1].inbox.len() > sent {
        world.handle_next(1);
    }
    assert_eq!(world.nodes[1].session().epoch(&chat()), Some(1));
    assert_eq!(world.nodes[1].payloads().len(), 4);
    world.run();
    assert_eq!(in_flight(&mut world, &new), 4);
    world.nodes[1].held = false;
    world.run();
    assert_eq!(in_flight(&mut world, &new), 0);
    assert_eq!(world.nodes[1].payloads().len(), 8);
    assert_eq!(rejected(&world, 1), 0);
}

/// Whatever a member seals under a reserved type stays inside the sessions, and moves nothing.
#[test]
fn false_receipts_are_harmless() {
    let options: [_; 3] = core::array::from_fn(|_| GroupOptions {
        parts: PartDelivery::Streamed,
        ..GroupOptions::default()
    });
    let mut world = narrow(4, &options);
    let view = world.nodes[0].last_view().number;
    let session = world.nodes[0].session();
    let mut stream = session
        .begin_parts(&chat(), view, Service::Fifo, 1)
        .unwrap();
    world.nodes[2].held = true;
    send_parts(&mut world, &mut stream, 8);
    world.run();
    let events = world.nodes[0].events.len();
    for kind in [wire::RECEIPT, wire::RECEIPT_REQUEST, wire::SEALED, i16::MIN] {
        // More than was sent, of a message that is not, too short, too long.
        for body in [
            &[0, 0, 0, 0, 255, 255, 255, 255][..],
            &[255; 8],
            &[],
            &[0; 9],
        ] {
            let session = world.nodes[1].session.as_mut().unwrap();
            session
                .send_unruly(&chat(), kind, body, &mut world.rng)
                .unwrap();
            world.settle(1);
        }
    }
    world.run();
    assert_eq!(world.nodes[0].events.len(), events);
    // The one who claims is believed for itself alone.
    assert_eq!(in_flight(&mut world, &stream), 8);
    let stats = world.nodes[0].session().stats(&chat()).unwrap();
    assert_eq!(stats.reserved, 12);
    world.nodes[2].held = false;
    world.run();
    assert_eq!(in_flight(&mut world, &stream), 0);
}
