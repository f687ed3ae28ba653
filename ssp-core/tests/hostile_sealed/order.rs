//! Sealed messages late, early, repeated or from another view.

use super::*;

/// A daemon can change the order of one sender's messages within the window, as SAFE messages among
/// others may come late honestly; it can neither repeat one nor bring one in after that.
#[test]
fn messages_in_any_order_are_read_once_each() {
    for seed in 0..10 {
        let mut world = joined(seed);
        let mut events = numbered(&mut world, 50);
        let mut expected: Vec<Vec<u8>> = (0_u32..50).map(|n| n.to_be_bytes().to_vec()).collect();
        for at in (1..events.len()).rev() {
            let other = world.rng.next_u32() as usize % (at + 1);
            events.swap(at, other);
            expected.swap(at, other);
        }
        // Every other one twice, at once or at the end.
        let repeated: Vec<GcsEvent> = events.iter().step_by(2).cloned().collect();
        world.nodes[1].inbox.extend(events);
        world.nodes[1].inbox.extend(repeated);
        world.run();
        assert_eq!(world.nodes[1].payloads(), expected);
        assert_eq!(rejected(&world, 1), 25);
        let stats = world.nodes[1].session().stats(&chat()).unwrap();
        assert_eq!(
            (stats.rejections.replay, stats.rejections.total()),
            (25, 25)
        );
        world.assert_agreed(chat(), &[0, 1, 2]);
        world.send(0, chat(), Service::Fifo, b"next").unwrap();
        world.run();
        assert_eq!(world.nodes[1].payloads().last().unwrap(), b"next");
    }
}

#[test]
fn what_comes_later_than_the_window_is_lost_and_told() {
    let mut world = joined(3);
    let mut events = numbered(&mut world, 1_030);
    let first: Vec<GcsEvent> = events.drain(..4).collect();
    world.nodes[1].inbox.extend(events);
    world.nodes[1].inbox.extend(first);
    world.run();
    // Numbers 1 to 4; 1030 - 1024 = 6 is the newest one behind the window.
    assert_eq!(world.nodes[1].payloads().len(), 1_026);
    assert_eq!(rejected(&world, 1), 4);
    let stats = world.nodes[1].session().stats(&chat()).unwrap();
    assert_eq!((stats.rejections.old, stats.rejections.total()), (4, 4));
}

/// In the same view and key, after one refresh, after two, and in the next view.
#[test]
fn a_message_is_read_once_whatever_becomes_of_its_key() {
    let mut world = joined(4);
    world.send(0, chat(), Service::Agreed, b"once").unwrap();
    let message = sealed(&world).pop().unwrap();
    world.run();
    let again = |world: &mut World| {
        world.inject(
            0,
            chat(),
            Service::Agreed,
            wire::SEALED,
            message.body.clone(),
        );
        world.run();
    };
    let counts = |world: &mut World| {
        let stats = world.nodes[1].session().stats(&chat()).unwrap();
        (
            stats.rejections.replay,
            stats.rejections.total(),
            stats.early,
        )
    };
    again(&mut world);
    assert_eq!(counts(&mut world), (1, 1, 0));
    // The key of the epoch before is known still, and so is what was read under it.
    world.refresh(1, chat()).unwrap();
    world.run();
    again(&mut world);
    assert_eq!(counts(&mut world), (2, 2, 0));
    // Then the name of a key that is gone may as well be that of one to come.
    world.refresh(1, chat()).unwrap();
    world.run();
    again(&mut world);
    assert_eq!(counts(&mut world), (2, 2, 1));
    world.leave(2, chat());
    world.run();
    again(&mut world);
    assert_eq!(counts(&mut world), (2, 2, 2));
    world.assert_agreed(chat(), &[0, 1]);
    // Whoever is said to go on like that is named, once.
    world.wait(5_000);
    let told = SessionEvent::Mismatch {
        group: chat(),
        sender: member("alice"),
        what: Mismatch::Key,
    };
    assert_eq!(world.nodes[1].count(|event| *event == told), 1);
    assert_eq!(world.nodes[1].payloads(), [b"once"]);
    world.send(0, chat(), Service::Agreed, b"next").unwrap();
    world.run();
    assert_eq!(world.nodes[1].payloads(), [b"once", b"next"]);
}

/// Both leave the group, or lose their connections, and come back under the same names; the daemon
/// repeats the identifiers of the views and all that was ever sealed.
#[test]
fn nothing_of_an_earlier_stay_or_connection_opens() {
    let names = ["alice", "bob"];
    let mut first = World::of(5, &names);
    let join = |world: &mut World| {
        for node in 0..2 {
            world.join(node, chat());
            world.run();
        }
        world.assert_agreed(chat(), &[0, 1]);
    };
    let id = first.next_id;
    join(&mut first);
    first.send(0, chat(), Service::Agreed, b"then").unwrap();
    first.run();
    let old = sealed(&first);
    let fingerprint = first.nodes[0].session().fingerprint(&chat());
    // Of another connection: sessions that know nothing of the first ones.
    let mut other = World::of(6, &names);
    // Of the same one.
    for node in 0..2 {
        first.leave(node, chat());
        first.run();
    }
    first.next_id = id;
    for world in [&mut first, &mut other] {
        join(world);
        assert_ne!(world.nodes[0].session().fingerprint(&chat()), fingerprint);
        let before = world.nodes[1].payloads();
        for message in &old {
            for sender in 0..2 {
                let body = message.body.clone();
                world.inject(sender, chat(), message.service, wire::SEALED, body);
            }
        }
        world.send(0, chat(), Service::Agreed, b"now").unwrap();
        world.run();
        let read = world.nodes[1].payloads();
        assert_eq!(read[..before.len()], before);
        assert_eq!(read[before.len()..], [b"now"]);
        world.assert_agreed(chat(), &[0, 1]);
    }
}

/// The bounds of the sequence numbers, at the session: forged by a member, for nobody honest gets
/// there.
#[test]
fn sequence_numbers_at_the_bounds() {
    let record = RecordSuite::AES_256_GCM;
    let last = |sequence| {
        let epoch = EpochKeys::new(schedule(), 0).counted(sequence, 0);
        let members = ["alice", "bob"].map(member).to_vec();
        ViewKeys::new(chat(), member("alice"), members, record, 1_024, epoch)
    };
    let mut bob = keys("bob", record);
    for (sequence, expected) in [
        (0, Err(OpenError::Replay(Replay::OutOfRange(0)))),
        (SEQUENCE_MAX, Ok(())),
        (
            SEQUENCE_MAX,
            Err(OpenError::Replay(Replay::Repeated(SEQUENCE_MAX))),
        ),
        (
            SEQUENCE_MAX + 1,
            Err(OpenError::Replay(Replay::OutOfRange(SEQUENCE_MAX + 1))),
        ),
    ] {
        let forged = last(sequence)
            .seal_raw(Service::Agreed, 0, b"\x00\x05x", &mut joined_rng())
            .unwrap();
        let opened = bob.open(&member("alice"), Service::Agreed, &forged);
        assert_eq!(opened.map(|_| ()), expected, "{sequence}");
    }
}
