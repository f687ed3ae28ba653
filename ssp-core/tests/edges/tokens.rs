//! Tokens that come late, again or in parts.

use super::*;

#[test]
fn a_refresh_that_a_member_spoils_takes_the_old_key_with_it() {
    let chat = group("chat");
    let mut world = joined(4, &["alice", "bob", "carol"]);
    assert_eq!(world.nodes[0].last_view().controller, Some(member("carol")));
    world.send(1, chat, Service::Agreed, b"before").unwrap();
    let sealed = last_sealed(&world);
    world.run();
    world.nodes[2].held = true;
    world.refresh(0, chat).unwrap();
    world.run();
    assert_eq!(
        world.nodes[0].session().group_state(&chat),
        Some(Phase::Refreshing)
    );
    let spoilt = signed_by_carol(&mut world, cliques::gdh::KEY_LIST, 1, vec![1, 2, 3]);
    world.inject(2, chat, Service::Agreed, -32_747, spoilt);
    world.inject(1, chat, Service::Agreed, wire::SEALED, sealed);
    world.run();
    for node in 0..2 {
        let node = &mut world.nodes[node];
        assert!(matches!(
            node.events.last(),
            Some(SessionEvent::GroupFailed { suspects, reason: GroupFailure::Protocol(_), .. })
                if *suspects == [member("carol")]
        ));
        assert_eq!(node.payloads(), [b"before"]);
        let session = node.session();
        assert_eq!(session.group_state(&chat), Some(Phase::Failed));
        assert_eq!(session.fingerprint(&chat), None);
        assert_eq!(session.epoch(&chat), None);
        assert_eq!(
            session.export(&chat, b"l", b"", 16),
            Err(Error::GroupNotSecure(chat))
        );
    }
    assert_eq!(
        world.send(0, chat, Service::Agreed, b"x"),
        Err(SendError::GroupNotSecure(chat))
    );
    world.crash(2);
    world.run();
    world.assert_agreed(chat, &[0, 1]);
}

#[test]
fn duration_of_a_refresh_counts_from_the_refresh() {
    let chat = group("chat");
    let mut world = joined(5, &["alice", "bob"]);
    world.wait(1_000_000);
    world.refresh(0, chat).unwrap();
    world.run();
    let view = world.nodes[0].last_view();
    assert_eq!(view.epoch, 1);
    assert!((1..1_000).contains(&view.duration), "{}", view.duration);
}

/// Tokens that the engine cannot carry in one piece go in parts; one too narrow even for those has no
/// key to offer.
#[test]
fn an_engine_too_narrow_for_a_token_gets_it_in_parts() {
    let chat = group("chat");
    for (message, agreed) in [(200, true), (95, true), (60, false)] {
        let mut world = World::new(6);
        let names = ["alice", "bob", "carol"];
        for name in names {
            let mut config = SessionConfig::default();
            config.capabilities.message = message;
            world.add_as(name, signer(name), trust(&names), config);
        }
        for node in 0..3 {
            world.join(node, chat);
            world.run();
        }
        if agreed {
            world.assert_agreed(chat, &[0, 1, 2]);
            let parts = world
                .wire
                .iter()
                .filter(|(_, message)| message.message_type == wire::TOKEN_PART);
            assert!(parts.count() > 10);
            continue;
        }
        let told = SessionEvent::GroupFailed {
            group: chat,
            suspects: vec![member("alice")],
            reason: GroupFailure::Internal("token too long for the engine"),
        };
        assert!(world.nodes[0].count(|event| *event == told) > 0);
        let alice = world.nodes[0].session();
        assert_eq!(alice.group_state(&chat), Some(Phase::Failed));
    }
}

#[test]
fn tokens_of_an_equal_view_are_too_old_where_clocks_are_synchronised() {
    let chat = group("chat");
    for seed in 0..20 {
        let mut world = repeated_view(seed, Some(10_000));
        world.assert_agreed(chat, &[0, 1, 2]);
        let stale: u64 = (0..3)
            .map(|node| world.nodes[node].session().stats(&chat).unwrap())
            .map(|stats| stats.agreement.token_drops.total())
            .sum();
        assert!(stale > 0);
    }
}

#[test]
fn tokens_of_an_equal_view_give_no_old_key_and_the_next_view_heals() {
    let chat = group("chat");
    let mut broken = 0;
    for seed in 0..40 {
        let mut world = repeated_view(seed, None);
        let keys: Vec<_> = (0..3)
            .map(|node| world.nodes[node].session().fingerprint(&chat))
            .collect();
        broken += u32::from(keys[0].is_none() || keys[0] != keys[1] || keys[1] != keys[2]);
        for node in &world.nodes {
            let mut own: Vec<_> = node.views().iter().map(|view| view.fingerprint).collect();
            let count = own.len();
            own.sort();
            own.dedup();
            assert_eq!(own.len(), count, "seed {seed}: a key twice");
        }
        // Another identifier, or the engine would repeat itself twice.
        world.next_id += 100;
        world.leave(2, chat);
        world.run();
        world.assert_agreed(chat, &[0, 1]);
    }
    assert!(broken > 0, "the replay must be one that matters");
}
