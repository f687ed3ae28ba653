//! Every byte of a token changed.

use super::*;

/// What the attack is measured by is the same story without it: the same keys in the same order.
#[test]
fn every_byte_of_every_kind_of_token_can_be_wrong() {
    let mut kinds = BTreeSet::new();
    for design in DESIGNS {
        let undisturbed = story(&mut World::of(1, &NAMES), design, World::run);
        let mut attacker = Attacker::new();
        let attacked = story(&mut World::of(1, &NAMES), design, |world| {
            attacker.run(world)
        });
        assert_eq!(attacked, undisturbed, "{design:?}");
        assert!(
            attacker.changed > 1_000 && attacker.signed > 100,
            "{design:?}"
        );
        kinds.extend(attacker.kinds);
    }
    let of_suites = DESIGNS.iter().flat_map(|(suite, _)| suite.suite().kinds);
    let common = [TokenKind::REFRESH_REQUEST, TokenKind::KEY_CONFIRMATION];
    let all = of_suites.chain(&common).copied();
    let missing: Vec<TokenKind> = all.filter(|kind| !kinds.contains(kind)).collect();
    assert_eq!(missing, []);
}

/// Of a refresh in which each byte of each part in turn is another one, alice gets no key; the next
/// view has a key for both.
#[test]
fn every_byte_of_every_part_of_a_token_can_be_wrong() {
    let mut world = narrow(2);
    let (mut part, mut at) = (0, 0);
    let (mut spoilt, mut counted) = (0, 0);
    let count = |stats: &GroupStats| stats.broken + drops(stats);
    loop {
        world.refresh(1, chat()).unwrap();
        let Some(place) = next_part(&mut world, part) else {
            break;
        };
        let before = world.nodes[0].session().stats(&chat()).unwrap();
        let GcsEvent::Message(message) = &mut world.nodes[0].inbox[place] else {
            unreachable!()
        };
        let mut body = message.body.to_vec();
        body[at] ^= if spoilt % 2 == 0 { 0xff } else { 1 << (at % 8) };
        at += 1;
        if at == body.len() {
            (part, at) = (part + 1, 0);
        }
        message.body = body.into();
        spoilt += 1;
        world.nodes[0].held = false;
        world.run();
        let after = world.nodes[0].session().stats(&chat()).unwrap();
        assert_eq!(after.refreshes, before.refreshes, "{part} {at}");
        assert_eq!(world.nodes[0].session().epoch(&chat()), Some(0));
        counted += u64::from(count(&after) > count(&before));
        // A new view, as after any change.
        world.partition(&[&[0], &[1]]);
        world.run();
        world.heal();
        world.run();
        world.assert_agreed(chat(), &[0, 1]);
    }
    // A last part that does not say so is waited for, and not counted.
    assert!(
        spoilt > 300 && counted + 10 > spoilt,
        "{counted} of {spoilt}"
    );
}
