//! Messages in parts, and padding.

use super::*;

#[test]
fn long_messages_come_out_whole_under_every_suite() {
    for (seed, record) in RecordSuite::ALL.iter().copied().enumerate() {
        for padding in [Padding::None, Padding::Multiple(128), Padding::PowerOfTwo] {
            for signing in [Signing::Off, Signing::Sign] {
                let options = GroupOptions {
                    record,
                    protection: Protection { signing, padding },
                    ..GroupOptions::default()
                };
                let mut world = narrow(seed as u64, &core::array::from_fn(|_| options.clone()));
                let messages = [payload(20_000, 1), payload(5_000, 2), payload(10, 3)];
                for message in &messages {
                    world.send(0, chat(), Service::Agreed, message).unwrap();
                }
                world.send(1, chat(), Service::Fifo, &messages[1]).unwrap();
                world.run();
                for node in &world.nodes {
                    let mut read = node.payloads();
                    read.sort();
                    let mut sent = messages.to_vec();
                    sent.push(messages[1].clone());
                    sent.sort();
                    assert!(read == sent, "{record} {padding:?} {signing:?}");
                    let author = match signing {
                        Signing::Off => Authorship::Group,
                        Signing::Sign | Signing::Require => Authorship::Signed,
                    };
                    assert!(node.messages().iter().all(|m| m.authorship == author));
                    assert!(node.messages().iter().all(|m| m.part.is_none()));
                }
                assert!((0..3).all(|node| rejected(&world, node) == 0));
            }
        }
    }
}

#[test]
fn padding_hides_the_length() {
    for padding in [Padding::Multiple(256), Padding::PowerOfTwo] {
        let mut options = GroupOptions::default();
        options.protection.padding = padding;
        let mut world = narrow(1, &core::array::from_fn(|_| options.clone()));
        for length in 0..60 {
            world
                .send(0, chat(), Service::Fifo, &payload(length, 0))
                .unwrap();
        }
        let mut lengths: Vec<usize> = sealed(&world).iter().map(Bytes::len).collect();
        lengths.dedup();
        assert_eq!(lengths.len(), 1, "{padding:?}");
        world.run();
        let read: Vec<usize> = world.nodes[2].payloads().iter().map(Vec::len).collect();
        assert_eq!(read, (0..60).collect::<Vec<_>>());
    }
}

#[test]
fn a_message_in_parts_can_be_longer_than_memory_for_those_who_take_it_so() {
    let streamed = GroupOptions {
        parts: PartDelivery::Streamed,
        ..GroupOptions::default()
    };
    let mut world = narrow(
        2,
        &[GroupOptions::default(), streamed, GroupOptions::default()],
    );
    let view = world.nodes[0].last_view().number;
    let max = world.nodes[0].session().part_max(&chat()).unwrap();
    let mut streams: Vec<_> = (0..2)
        .map(|kind| {
            let session = world.nodes[0].session();
            session
                .begin_parts(&chat(), view, Service::Agreed, kind)
                .unwrap()
        })
        .collect();
    let mut sent = [vec![], vec![]];
    // Two of them alternate; each is longer than anybody keeps.
    for index in 0..60_u8 {
        for (which, stream) in streams.iter_mut().enumerate() {
            let bytes = payload(max, index);
            let end = if index == 59 {
                PartEnd::Last
            } else {
                PartEnd::More
            };
            let session = world.nodes[0].session.as_mut().unwrap();
            session
                .send_part(stream, end, &[&bytes], &mut world.rng)
                .unwrap();
            sent[which].extend(bytes);
        }
        world
            .send(1, chat(), Service::Agreed, b"in between")
            .unwrap();
        world.settle(0);
        world.steps(4);
    }
    world.run();
    let mut read = [vec![], vec![]];
    for message in world.nodes[1].messages() {
        let Some(Part { index, end, .. }) = message.part else {
            assert_eq!(message.payload, &b"in between"[..]);
            continue;
        };
        assert_eq!(
            index as usize,
            read[message.message_type as usize].len() / max
        );
        assert_eq!(end == PartEnd::Last, index == 59);
        read[message.message_type as usize].extend_from_slice(&message.payload);
    }
    assert!(read == sent);
    // Whoever wants the whole has no room for it, and is told so once for each.
    assert_eq!(rejected(&world, 2), 2);
    assert_eq!(world.nodes[2].session().stats(&chat()).unwrap().broken, 2);
    assert_eq!(world.nodes[2].payloads().len(), 60);

    let session = world.nodes[0].session.as_mut().unwrap();
    let long = payload(max + 1, 0);
    assert_eq!(
        session.send_part(&mut streams[0], PartEnd::More, &[&long], &mut world.rng),
        Err(SendError::TooLong {
            length: max + 1,
            max
        })
    );
    assert_eq!(
        session.begin_parts(&chat(), view, Service::Reliable, 1),
        Err(SendError::Unordered(Service::Reliable))
    );
    // A refresh ends them.
    world.refresh(1, chat()).unwrap();
    world.run();
    let session = world.nodes[0].session.as_mut().unwrap();
    let changed = session.send_part(&mut streams[0], PartEnd::More, &[b"x"], &mut world.rng);
    assert_eq!(changed, Err(SendError::KeyChanged(chat())));
}

/// A new key comes between the parts of a message that was sent whole.
#[test]
fn a_message_in_parts_is_whole_although_a_refresh_comes_between() {
    for between in 1..4 {
        let mut world = narrow(7, &core::array::from_fn(|_| GroupOptions::default()));
        world.nodes[1].held = true;
        let long = payload(3_000, 1);
        world.send(0, chat(), Service::Fifo, &long).unwrap();
        let parts = world.nodes[1].inbox.len();
        assert!(parts > 3);
        for _ in 0..between {
            world.handle_next(1);
        }
        let rest = parts - between;
        world.refresh(2, chat()).unwrap();
        world.run();
        world.nodes[1].inbox.rotate_left(rest);
        let next = payload(2_500, 2);
        world.send(0, chat(), Service::Agreed, &next).unwrap();
        world.send(0, chat(), Service::Fifo, &next).unwrap();
        world.nodes[1].held = false;
        world.run();
        assert_eq!(world.nodes[1].session().epoch(&chat()), Some(1));
        assert!(world.nodes[1].payloads() == [long, next.clone(), next]);
        assert_eq!(rejected(&world, 1), 0);
    }
}

#[test]
fn parts_that_are_missing_or_out_of_order_give_one_error_and_nothing_else() {
    for seed in 0..20 {
        let mut world = narrow(seed, &core::array::from_fn(|_| GroupOptions::default()));
        world.nodes[1].held = true;
        world
            .send(0, chat(), Service::Fifo, &payload(8_000, 1))
            .unwrap();
        world.send(0, chat(), Service::Fifo, b"whole").unwrap();
        // The daemon loses a part, or puts it elsewhere.
        let at = world.rng.next_u32() as usize % 8;
        let part = world.nodes[1].inbox.remove(at).unwrap();
        if seed % 2 == 0 {
            world.nodes[1].inbox.insert(at + 1, part);
        }
        world.nodes[1].held = false;
        world.run();
        assert_eq!(world.nodes[1].payloads(), [b"whole"], "{seed}");
        assert_eq!(rejected(&world, 1), 1, "{seed}");
        assert_eq!(world.nodes[2].payloads().len(), 2);
        world
            .send(0, chat(), Service::Fifo, &payload(8_000, 2))
            .unwrap();
        world.run();
        assert_eq!(world.nodes[1].payloads()[1], payload(8_000, 2));
    }
}
