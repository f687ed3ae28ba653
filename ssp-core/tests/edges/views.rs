//! Views that get no key.

use super::*;

/// Nothing in the group is for a stranger: no token, no sealed message, whatever is asked for.
#[test]
fn nothing_is_said_while_a_stranger_is_in_the_view() {
    let chat = group("chat");
    for seed in 0..20 {
        let mut world = joined(seed, &["alice", "bob"]);
        world.add("mallory", trust(&["alice", "bob", "mallory"]));
        let refresh = {
            let _ = world.refresh(0, chat);
            let sent = world.wire.iter().rfind(|(_, m)| m.message_type == -32_752);
            sent.unwrap().1.clone()
        };
        world.join(2, chat);
        world.run();
        world.wire.clear();
        for node in 0..2 {
            assert!(world.refresh(node, chat).is_err());
            assert!(world.send(node, chat, Service::Fifo, b"x").is_err());
            world.command(2, GcsCommand::Multicast(refresh.clone()));
            world.run();
            world.wait(10_000);
        }
        let said = world.wire.iter().filter(|(name, message)| {
            *name != member("mallory")
                && ReceivedToken::decode(&message.body, Protocol::GDH).is_ok()
                || message.message_type == wire::SEALED
        });
        assert_eq!(said.count(), 0);
        assert!(
            world
                .wire
                .iter()
                .all(|(name, _)| *name == member("mallory"))
        );
    }
}

/// A broken generator of random numbers, and an engine that repeats an identifier.
#[test]
fn a_key_that_comes_back_is_not_used_again() {
    let chat = group("chat");
    let mut world = World::of(10, &["alice", "bob", "carol"]);
    let first = world.next_id;
    world.rng = ChaCha20Rng::seed_from_u64(42);
    world.join(0, chat);
    world.run();
    let alone = world.nodes[0].last_view().clone();
    world.join(1, chat);
    world.run();
    let together = world.nodes[0].last_view().clone();
    world.next_id = first;
    world.rng = ChaCha20Rng::seed_from_u64(42);
    world.crash(1);
    world.run();
    let repeated = SessionEvent::GroupFailed {
        group: chat,
        suspects: vec![member("alice")],
        reason: GroupFailure::KeyRepeated,
    };
    assert_eq!(world.nodes[0].events.last(), Some(&repeated));
    let alice = world.nodes[0].session();
    assert_eq!(alice.group_state(&chat), Some(Phase::Failed));
    assert_eq!(alice.fingerprint(&chat), None);
    for view in [alone.number, together.number] {
        let sent = world.send_as(0, chat, view, Service::Agreed, 1, b"x");
        assert!(sent.is_err(), "{view}");
    }
    assert_eq!(world.refresh(0, chat), Err(Error::GroupNotSecure(chat)));
    world.next_id += 100;
    world.join(2, chat);
    world.run();
    world.assert_agreed(chat, &[0, 2]);
    assert_eq!(world.nodes[0].last_view().number.0, together.number.0 + 1);
}

/// More members than an agreement can have, if a daemon says so: the view fails, and neither it
/// nor the change that ends it is held up.
#[test]
fn a_view_beyond_all_bounds_is_told_and_left_again() {
    let chat = group("chat");
    let mut world = World::of(11, &["alice"]);
    world.join(0, chat);
    world.run();
    let me = member("alice");
    let crowd: Vec<MemberName> = (0..65_535)
        .map(|number| format!("#m{number}#n1").parse().unwrap())
        .collect();
    let mut members = vec![me];
    members.extend(&crowd);
    let (World { nodes, rng, .. }, now) = (&mut world, Timestamp(2_000_000));
    let session = nodes[0].session();
    let membership = |id, members, transitional_set| {
        GcsEvent::Membership(Membership {
            group: chat,
            view: View {
                id: ViewId([id; 12]),
                members,
                cause: Cause::Network,
                transitional_set,
            },
        })
    };
    let acknowledge = |session: &mut Session, rng: &mut ChaCha20Rng, id, sender| {
        let acknowledgement = GcsEvent::Message(Message {
            sender,
            destinations: vec![chat.into()],
            service: Service::Safe,
            self_delivery: SelfDelivery::Deliver,
            scope: Scope::Named,
            message_type: i16::MIN,
            order: ByteOrder::Big,
            body: vec![id; 12].into(),
        });
        session.handle_event(acknowledgement, now, rng);
    };
    session.handle_event(membership(0x11, members.clone(), vec![me]), now, rng);
    for name in &members {
        acknowledge(session, rng, 0x11, *name);
    }
    let told: Vec<SessionEvent> = std::iter::from_fn(|| session.poll_event()).collect();
    assert!(matches!(
        told.last(),
        Some(SessionEvent::GroupFailed {
            reason: GroupFailure::Internal(_),
            ..
        })
    ));
    assert_eq!(session.group_state(&chat), Some(Phase::Failed));
    // The crowd is gone.
    session.handle_event(membership(0x22, vec![me], vec![me]), now, rng);
    acknowledge(session, rng, 0x22, me);
    assert_eq!(session.group_state(&chat), Some(Phase::Secure));
    assert_eq!(session.members(&chat), Some(&[me][..]));
}
