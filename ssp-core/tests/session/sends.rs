//! Sending in a view.

use super::*;

#[test]
fn sends_are_bound_to_the_view_that_was_taken() {
    let mut world = World::of(7, &["alice", "bob", "carol"]);
    let chat = group("chat");
    let send = |world: &mut World, view, message_type| {
        world.send_as(
            0,
            chat,
            ViewNumber(view),
            Service::Agreed,
            message_type,
            b"payload",
        )
    };
    assert_eq!(send(&mut world, 1, 1), Err(SendError::NotJoined(chat)));
    world.join(0, chat);
    assert_eq!(send(&mut world, 1, 1), Err(SendError::GroupNotSecure(chat)));
    world.run();
    send(&mut world, 1, 1).unwrap();
    assert_eq!(
        send(&mut world, 1, wire::HIGHEST_RESERVED),
        Err(SendError::IllegalMessageType(-32_738))
    );
    send(&mut world, 1, wire::HIGHEST_RESERVED + 1).unwrap();
    world.run();
    world.join(1, chat);
    // The flush request is answered at once, and from there to the next secure view nothing goes.
    let mut refused = 0;
    while world.step() {
        if world.nodes[0].last_view().number == ViewNumber(1) {
            match send(&mut world, 1, 1) {
                Ok(()) => assert_eq!(refused, 0, "no sending after the flush"),
                Err(SendError::NotAllowedToSend(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(refused > 0);
    assert_eq!(
        send(&mut world, 1, 1),
        Err(SendError::ViewChanged {
            wanted: ViewNumber(1),
            installed: ViewNumber(2)
        })
    );
    send(&mut world, 2, 1).unwrap();
    world.leave(0, chat);
    assert_eq!(send(&mut world, 2, 1), Err(SendError::NotJoined(chat)));
    assert_eq!(
        world.nodes[0].session().leave(&chat),
        Err(Error::Leaving(chat))
    );
    assert_eq!(world.refresh(0, chat), Err(Error::Leaving(chat)));
    world.run();
}

#[test]
fn longest_payload_fits_and_one_more_byte_goes_in_parts() {
    let mut world = joined(8, &["alice", "bob"]);
    let chat = group("chat");
    let max = world.nodes[0].session().payload_max(RecordSuite::default());
    assert_eq!(max, 143_151 - 32 - 46 - 86);
    let bound = SessionConfig::default().message_bytes;
    let payload = vec![0x5a; bound + 1];
    for (service, length, max) in [
        (Service::Fifo, bound + 1, bound),
        // Parts need an order.
        (Service::Reliable, max + 1, max),
    ] {
        assert_eq!(
            world.send(0, chat, service, &payload[..length]),
            Err(SendError::TooLong { length, max })
        );
    }
    let sealed = |world: &World| {
        let sealed = world
            .wire
            .iter()
            .filter(|(_, m)| m.message_type == wire::SEALED);
        sealed.count()
    };
    for (length, messages) in [(max, 1), (max + 1, 2), (0, 1)] {
        let before = sealed(&world);
        world
            .send(0, chat, Service::Fifo, &payload[..length])
            .unwrap();
        assert_eq!(sealed(&world) - before, messages, "{length}");
    }
    world.run();
    for node in &world.nodes {
        let lengths: Vec<usize> = node.payloads().iter().map(Vec::len).collect();
        assert_eq!(lengths, [max, max + 1, 0]);
    }
}

#[test]
fn a_weaker_engine_refuses_what_it_does_not_have() {
    let mut config = SessionConfig::default();
    config.capabilities.strongest_service = Service::Agreed;
    let mut world = World::new(9);
    world.add_as("alice", signer("alice"), trust(&["alice"]), config);
    let chat = group("chat");
    world.join(0, chat);
    world.run();
    assert_eq!(
        world.send(0, chat, Service::Safe, b"x"),
        Err(SendError::Service {
            wanted: Service::Safe,
            strongest: Service::Agreed
        })
    );
    world.send(0, chat, Service::Agreed, b"x").unwrap();
}

#[test]
fn own_messages_can_be_left_out() {
    let mut world = joined(10, &["alice", "bob"]);
    let chat = group("chat");
    let view = world.nodes[0].last_view().number;
    let World { nodes, rng, .. } = &mut world;
    nodes[0]
        .session()
        .multicast(
            &chat,
            view,
            Service::Fifo,
            SelfDelivery::Discard,
            1,
            &[b"hi"],
            rng,
        )
        .unwrap();
    world.settle(0);
    world.run();
    assert!(world.nodes[0].payloads().is_empty());
    assert_eq!(world.nodes[1].payloads(), [b"hi"]);
}
