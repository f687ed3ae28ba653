//! Tokens that are forged, repeated or foreign.

use super::*;

/// Tokens of earlier views, cut, changed, and in others' names, thrown in at every point.
#[test]
fn forged_and_repeated_tokens_stop_nothing() {
    let chat = group("chat");
    for seed in 0..40 {
        let names = ["alice", "bob", "carol", "dave"];
        let mut world = World::of(seed, &names);
        for node in 0..3 {
            world.join(node, chat);
            world.run();
        }
        let old: Vec<(i16, Bytes)> = world
            .wire
            .iter()
            .filter_map(|(_, message)| match Content::of(message.message_type) {
                Content::Token(_) => Some((message.message_type, message.body.clone())),
                Content::Sealed
                | Content::TokenPart
                | Content::Evidence
                | Content::Reserved
                | Content::User => None,
            })
            .collect();
        assert!(!old.is_empty());
        world.join(3, chat);
        for _ in 0..60 {
            world.step();
            let (message_type, body) = &old[world.rng.next_u32() as usize % old.len()];
            let mut body = body.to_vec();
            match world.rng.next_u32() % 4 {
                0 => {}
                1 => body.truncate(world.rng.next_u32() as usize % body.len()),
                2 => {
                    let at = world.rng.next_u32() as usize % body.len();
                    body[at] ^= 1 << (world.rng.next_u32() % 8);
                }
                _ => body.push(0),
            }
            let sender = world.rng.next_u32() as usize % 4;
            world.inject(sender, chat, Service::Agreed, *message_type, body.into());
        }
        world.run();
        world.assert_agreed(chat, &[0, 1, 2, 3]);
        let drops: u64 = (0..4)
            .map(|node| {
                let stats = world.nodes[node].session().stats(&chat).unwrap();
                stats.agreement.token_drops.total() + stats.agreement.ignored
            })
            .sum();
        assert!(drops > 0, "seed {seed}");
        // Nobody honest is accused of anything but a bad signature, which anybody can make.
        for node in &world.nodes {
            for event in &node.events {
                if let SessionEvent::GroupFailed { reason, .. } = event {
                    assert!(
                        matches!(
                            reason,
                            GroupFailure::BadSignature | GroupFailure::SuiteMismatch(_)
                        ),
                        "seed {seed}: {event:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_token_of_another_suite_is_reported_with_its_sender() {
    let chat = group("chat");
    let mut world = World::of(4, &["alice", "bob"]);
    let other = GroupOptions {
        mathematical_group: ssp_core::NamedGroup::Schnorr2048.into(),
        ..GroupOptions::default()
    };
    world.join(0, chat);
    world.run();
    world.join_with(1, chat, other.clone());
    world.run();
    let mismatch = |node: usize, world: &World| {
        world.nodes[node].count(|event| {
            matches!(
                event,
                SessionEvent::GroupFailed {
                    reason: GroupFailure::SuiteMismatch(_),
                    ..
                }
            )
        })
    };
    assert!(mismatch(0, &world) + mismatch(1, &world) > 0);
    world.leave(1, chat);
    world.run();
    world.assert_agreed(chat, &[0]);
}

/// The daemon changes one byte of a token, or cuts it, while a member joins: it is dropped and told
/// apart from what an honest member sends, and a further view heals everything.
#[test]
fn every_byte_of_a_token_can_be_wrong() {
    let chat = group("chat");
    // One token of each kind on the way to a key among three.
    for which in 0..6 {
        let mut length = None;
        let mut at = 0;
        while length.is_none_or(|length| at < length) {
            let mut world = World::of(9, &["alice", "bob", "carol"]);
            for node in 0..2 {
                world.join(node, chat);
                world.run();
            }
            world.join(2, chat);
            let mut seen = std::collections::BTreeSet::new();
            let mut changed = false;
            loop {
                for node in 0..3 {
                    let me = world.nodes[node].name;
                    let last = world.nodes[node].inbox.back_mut();
                    let Some(GcsEvent::Message(message)) = last else {
                        continue;
                    };
                    // FIFO ones come in the flush layer's wrapping.
                    let is_token = matches!(Content::of(message.message_type), Content::Token(_))
                        || message.message_type == -32_766;
                    let is_new = is_token && message.sender != me;
                    if changed || !is_new || !seen.insert((node, message.body.as_ptr() as usize)) {
                        continue;
                    }
                    if seen.len() == which + 1 {
                        let mut body = message.body.to_vec();
                        length = Some(body.len());
                        if at % 2 == 0 {
                            body[at] ^= 1 << (at % 8);
                        } else {
                            body.truncate(at);
                        }
                        message.body = body.into();
                        changed = true;
                    }
                }
                if !world.step() {
                    break;
                }
            }
            if !changed {
                // So many tokens there are not.
                break;
            }
            for node in 0..3 {
                let failed = |event: &SessionEvent| {
                    matches!(event,
                    SessionEvent::GroupFailed { reason, .. }
                        if !matches!(reason, GroupFailure::BadSignature | GroupFailure::SuiteMismatch(_)))
                };
                assert_eq!(world.nodes[node].count(failed), 0, "{which} {at}");
            }
            // Whoever goes, the others agree.
            world.crash(2);
            world.run();
            world.assert_agreed(chat, &[0, 1]);
            at += 1 + at / 40;
        }
    }
}
