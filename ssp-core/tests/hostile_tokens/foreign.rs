//! Tokens of other groups, views and members.

use super::*;

#[test]
fn tokens_of_another_group_view_stay_or_connection_change_nothing() {
    for (seed, design) in DESIGNS.into_iter().enumerate() {
        let names = &NAMES[..3];
        // Another group of the same members, on the same connections.
        let mut world = World::of(seed as u64, names);
        for node in 0..3 {
            world.join_with(node, group("work"), options(design));
            world.run();
        }
        world.refresh(2, group("work")).unwrap();
        world.run();
        let other_group = tokens(&world);
        among(&mut world, design, &other_group);
        let work = |node: &mut support::Node| node.session().export(&group("work"), b"", b"", 8);
        let keys: Vec<_> = world.nodes.iter_mut().map(work).collect();
        assert!(keys[0].is_ok() && keys[0] == keys[1] && keys[0] == keys[2]);
        // All stay away for a while, and come back.
        let earlier = tokens(&world);
        let old = fingerprints(&world);
        for node in 0..2 {
            world.leave(node, chat());
            world.run();
        }
        for node in &mut world.nodes {
            node.events.clear();
        }
        among(&mut world, design, &earlier);
        assert!(old.is_disjoint(&fingerprints(&world)));
        // On new connections, of which nothing but the names and identities is as before.
        let mut later = World::of(100 + seed as u64, names);
        later.next_id = world.next_id;
        among(&mut later, design, &earlier);
        assert!(old.is_disjoint(&fingerprints(&later)));
        for world in [&mut world, &mut later] {
            for node in 0..2 {
                let stats = world.nodes[node].session().stats(&chat()).unwrap();
                let dropped = &stats.agreement.token_drops;
                assert!(dropped.wrong_epoch > 0, "{design:?}");
                // They have right signatures: nobody is accused.
                assert_eq!(dropped.bad_signature, 0);
                let failed =
                    |event: &SessionEvent| matches!(event, SessionEvent::GroupFailed { .. });
                assert_eq!(world.nodes[node].count(failed), 0);
            }
        }
    }
}

/// Carol was a member, has all her keys, and knows everything about the view that she is not in. The
/// daemon delivers what she wants, in her name or in another one.
#[test]
fn a_former_member_signs_nothing_that_counts() {
    for kind in [
        TokenKind::REFRESH_REQUEST,
        cliques::gdh::FINAL_TOKEN,
        cliques::gdh::KEY_LIST,
        TokenKind::KEY_CONFIRMATION,
    ] {
        let mut world = World::of(7, &NAMES[..3]);
        for node in 0..3 {
            world.join_with(node, chat(), options(DESIGNS[0]));
            world.run();
        }
        world.leave(2, chat());
        world.run();
        world.assert_agreed(chat(), &[0, 1]);
        let key = world.nodes[0].session().fingerprint(&chat());
        let before = world.nodes[0].session().stats(&chat()).unwrap();
        let outsiders = world.nodes[0].session().flush_stats().outsiders;
        let epoch = u32::from(kind != TokenKind::REFRESH_REQUEST);
        let wire_type = wire::wire_type(kind);
        // In her own name to the group; in her name inside and bob's outside; in bob's altogether.
        for (sender, of) in [(2, "carol"), (1, "carol"), (1, "bob")] {
            let token = forged(&mut world, of, "carol", kind, epoch);
            world.inject(sender, chat(), Service::Agreed, wire_type, token);
        }
        world.run();
        let alice = world.nodes[0].session();
        let after = alice.stats(&chat()).unwrap();
        assert_eq!(alice.flush_stats().outsiders, outsiders + 1, "{kind}");
        assert_eq!(drops(&after), drops(&before) + 2, "{kind}");
        assert_eq!(
            after.agreement.tokens_accepted,
            before.agreement.tokens_accepted
        );
        assert_eq!(alice.fingerprint(&chat()), key);
        // In the wrong epoch for now, the forgery is not even looked at.
        let accused = SessionEvent::GroupFailed {
            group: chat(),
            suspects: vec![member("bob")],
            reason: GroupFailure::BadSignature,
        };
        let looked_at = kind == TokenKind::REFRESH_REQUEST;
        assert_eq!(
            world.nodes[0].count(|event| *event == accused),
            usize::from(looked_at)
        );
        // A refresh under the same attack.
        world.refresh(0, chat()).unwrap();
        while world.step() {
            if world.wire.len() < 100 {
                for (sender, of) in [(2, "carol"), (1, "carol"), (1, "bob")] {
                    let token = forged(&mut world, of, "carol", kind, 1);
                    world.inject(sender, chat(), Service::Agreed, wire_type, token);
                }
                world.wire.push(world.wire[0].clone());
            }
        }
        world.assert_agreed(chat(), &[0, 1]);
        assert_eq!(world.nodes[0].last_view().epoch, 1, "{kind}");
        assert_eq!(
            world.nodes[0].session().group_state(&chat()),
            Some(Phase::Secure)
        );
        world.send(0, chat(), Service::Agreed, b"next").unwrap();
        world.run();
        assert_eq!(world.nodes[1].payloads(), [b"next"]);
        assert!(world.nodes[2].payloads().is_empty());
    }
}

/// Carol is a member, and signs in bob's name: with an honest daemon, that says that she sent it, and
/// with one that says bob did.
#[test]
fn a_member_signs_nothing_in_the_name_of_another_one() {
    for kind in [
        TokenKind::REFRESH_REQUEST,
        cliques::gdh::FINAL_TOKEN,
        cliques::gdh::FACTOR_OUT,
        cliques::gdh::KEY_LIST,
        TokenKind::KEY_CONFIRMATION,
    ] {
        for lies in [false, true] {
            let mut world = World::of(8, &NAMES[..3]);
            for node in 0..3 {
                world.join_with(node, chat(), options(DESIGNS[0]));
                world.run();
            }
            let key = world.nodes[0].last_view().fingerprint;
            let wire_type = wire::wire_type(kind);
            let sender = if lies { 1 } else { 2 };
            world.refresh(0, chat()).unwrap();
            let epoch = u32::from(kind != TokenKind::REFRESH_REQUEST);
            let mut steps = 0;
            while world.step() {
                steps += 1;
                if steps < 30 {
                    let token = forged(&mut world, "bob", "carol", kind, epoch);
                    world.inject(sender, chat(), Service::Agreed, wire_type, token);
                }
            }
            world.assert_agreed(chat(), &[0, 1, 2]);
            assert_eq!(world.nodes[0].last_view().epoch, 1, "{kind}");
            assert_ne!(world.nodes[0].last_view().fingerprint, key);
            let stats = world.nodes[0].session().stats(&chat()).unwrap();
            assert!(drops(&stats) >= 20, "{kind}: {stats:?}");
            let accused = |event: &SessionEvent| match event {
                SessionEvent::GroupFailed {
                    suspects, reason, ..
                } => {
                    assert_eq!(*suspects, [member("bob")]);
                    assert_eq!(*reason, GroupFailure::BadSignature);
                    true
                }
                _ => false,
            };
            // The honest daemon's word is enough to know that it is not bob's. With the other one, it
            // is told that somebody signs badly in bob's name; a second request is not looked at, and
            // confirmations only count.
            let quiet = matches!(
                kind,
                TokenKind::KEY_CONFIRMATION | TokenKind::REFRESH_REQUEST
            );
            let told = lies && !quiet;
            assert_eq!(
                world.nodes[0].count(accused),
                usize::from(told),
                "{kind} {lies}"
            );
        }
    }
}
