//! Keys in groups: confirmed by all members, replaced when a policy says so, for every suite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use cliques::testing::foreign::FOREIGN;
use gcs_proto::{
    gcs::{GcsEvent, Message},
    name::GroupName,
    service::Service,
};
use rand_core::Rng;
use ssp_core::{
    Confirmation, GroupFailure, GroupOptions, Mismatch, Phase, Protocol, RefreshPolicy, SendError,
    SessionEvent, wire,
};
use support::{World, flips, group, member};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

fn chat() -> GroupName {
    group("chat")
}

fn confirmed(world: &World, node: usize) -> usize {
    world.nodes[node].count(|event| matches!(event, SessionEvent::KeyConfirmed { .. }))
}

fn explicit(protocol: Protocol) -> GroupOptions {
    GroupOptions {
        protocol,
        confirmation: Confirmation::Explicit,
        ..GroupOptions::default()
    }
}

#[test]
fn members_confirm_every_key_before_they_send() {
    // Also of a suite that no list has.
    for protocol in Protocol::ALL.iter().chain(&[FOREIGN]) {
        for seed in 0..8 {
            let mut world = World::of(seed, &NAMES);
            for node in 0..3 {
                world.join_with(node, chat(), explicit(*protocol));
                world.run();
            }
            world.assert_agreed(chat(), &[0, 1, 2]);
            assert_eq!(confirmed(&world, 0), 3);
            world.refresh(1, chat()).unwrap();
            let mut waited = false;
            while world.step() {
                if world.nodes[0].session().group_state(&chat()) == Some(Phase::Confirming) {
                    waited = true;
                    assert_eq!(
                        world.send(0, chat(), Service::Agreed, b"early"),
                        Err(SendError::Unconfirmed(chat()))
                    );
                }
            }
            assert!(waited);
            world.assert_agreed(chat(), &[0, 1, 2]);
            world
                .send(0, chat(), Service::Agreed, b"confirmed")
                .unwrap();
            world.run();
            for node in 0..3 {
                assert_eq!(world.nodes[node].payloads(), [b"confirmed"]);
                assert_eq!(confirmed(&world, node), 4 - node);
            }
            // Cascades do not stop it.
            world.leave(2, chat());
            world.steps(seed as u32);
            world.partition(&[&[0], &[1]]);
            world.steps(seed as u32);
            world.heal();
            world.run();
            world.assert_agreed(chat(), &[0, 1]);
        }
    }
}

#[test]
fn a_wrong_or_forged_confirmation_is_told_apart() {
    let wire_type = wire::wire_type(cliques::TokenKind::KEY_CONFIRMATION);
    let mut world = World::of(1, &NAMES);
    for node in 0..3 {
        world.join_with(node, chat(), explicit(Protocol::GDH));
        world.run();
    }
    let old: Vec<_> = world
        .wire
        .iter()
        .filter(|(_, message)| message.message_type == wire_type)
        .map(|(_, message)| message.body.clone())
        .collect();
    assert_eq!(old.len(), 1 + 2 + 3);
    world.refresh(0, chat()).unwrap();
    // Old ones, changed ones, and in others' names, all through the refresh.
    while world.step() {
        let mut body = old[world.rng.next_u32() as usize % old.len()].to_vec();
        let at = world.rng.next_u32() as usize % body.len();
        body[at] ^= (world.rng.next_u32() % 2) as u8;
        let sender = world.rng.next_u32() as usize % 3;
        if world.wire.len() < 200 {
            world.inject(sender, chat(), Service::Agreed, wire_type, body.into());
            world.wire.push(world.wire[0].clone());
        }
    }
    world.assert_agreed(chat(), &[0, 1, 2]);
    let failed = |event: &SessionEvent| matches!(event, SessionEvent::GroupFailed { .. });
    assert_eq!(world.nodes[0].count(failed), 0);
    assert!(world.nodes[0].session().stats(&chat()).unwrap().unconfirmed > 0);
}

/// The daemon brings a confirmation before the token that leads to its key, and before that, all
/// that the confirmation is not, in the same name.
#[test]
fn no_forgery_takes_the_place_of_a_confirmation_that_comes_before_its_key() {
    let wire_type = wire::wire_type(cliques::TokenKind::KEY_CONFIRMATION);
    let key_list = wire::wire_type(cliques::gdh::KEY_LIST);
    for refresh in [false, true] {
        let mut world = World::of(3, &NAMES);
        for node in 0..3 {
            world.join_with(node, chat(), explicit(Protocol::GDH));
            if node < 2 || refresh {
                world.run();
            }
        }
        if refresh {
            world.refresh(2, chat()).unwrap();
        }
        let of_type = |event: &GcsEvent, wanted: i16| matches!(event, GcsEvent::Message(message) if message.message_type == wanted);
        while !matches!(world.nodes[1].inbox.front(), Some(event) if of_type(event, key_list)) {
            assert!(world.step());
        }
        world.nodes[1].held = true;
        world.run();
        let inbox = &mut world.nodes[1].inbox;
        let at = inbox.iter().position(|event| of_type(event, wire_type));
        let Some(GcsEvent::Message(honest)) = inbox.remove(at.unwrap()) else {
            panic!("a confirmation");
        };
        inbox.push_front(GcsEvent::Message(honest.clone()));
        let mut forged = 0;
        for (at, changed) in flips(&honest.body, &[1]) {
            // In front of the honest one, the first of them is there first.
            let body = changed.into();
            inbox.insert(
                at,
                GcsEvent::Message(Message {
                    body,
                    ..honest.clone()
                }),
            );
            forged += 1;
        }
        world.nodes[1].held = false;
        let before = confirmed(&world, 1);
        world.run();
        world.assert_agreed(chat(), &[0, 1, 2]);
        assert_eq!(confirmed(&world, 1), before + 1);
        let stats = world.nodes[1].session().stats(&chat()).unwrap();
        assert_eq!(stats.unconfirmed, forged);
    }
}

#[test]
fn an_authentic_wrong_tag_takes_the_key_away() {
    use cliques::{Envelope, MemberName, Recipient, TokenBinding, TokenKind};
    let wire_type = wire::wire_type(TokenKind::KEY_CONFIRMATION);
    let mut world = World::of(2, &NAMES);
    for node in 0..2 {
        world.join_with(node, chat(), explicit(Protocol::GDH));
        world.run();
    }
    let view = world.nodes[0].last_view().clone();
    let ids: Vec<MemberName> = view
        .view
        .members
        .iter()
        .map(|name| MemberName::new(name.as_bytes()).unwrap())
        .collect();
    let envelope = Envelope {
        kind: TokenKind::KEY_CONFIRMATION,
        epoch: 1,
        timestamp: 0,
        sender: ids[1],
        recipient: Recipient::Group,
        body: vec![7; 16],
    };
    let binding = TokenBinding {
        protocol: Protocol::GDH,
        group_name: "ristretto255".into(),
        group: b"chat".to_vec(),
        view_id: view.view.id.0,
        view_hash: TokenBinding::view_hash(&ids),
    };
    let wrong = envelope.seal(&binding, &support::signer("bob"));
    world.refresh(0, chat()).unwrap();
    while world.nodes[0].session().group_state(&chat()) != Some(Phase::Confirming) {
        assert!(world.step());
    }
    world.inject(1, chat(), Service::Agreed, wire_type, wrong.into());
    // It overtakes the right one at alice.
    let forged = world.nodes[0].inbox.pop_back().unwrap();
    world.nodes[0].inbox.push_front(forged);
    world.run();
    let failed = SessionEvent::GroupFailed {
        group: chat(),
        suspects: vec![member("bob")],
        reason: GroupFailure::Confirmation,
    };
    assert_eq!(world.nodes[0].count(|event| *event == failed), 1);
    let alice = world.nodes[0].session();
    assert_eq!(alice.group_state(&chat()), Some(Phase::Failed));
    assert_eq!(alice.epoch(&chat()), None);
    world.leave(1, chat());
    world.run();
    world.assert_agreed(chat(), &[0]);
}

/// A member breaks a refresh before the others have confirmed the key that it was to replace. Those who
/// confirm late hold the right key, and are not to blame.
#[test]
fn a_key_that_is_gone_is_confirmed_by_nobody() {
    use cliques::{Envelope, MemberName, Recipient, TokenBinding, TokenKind};
    let mut world = World::of(2, &NAMES);
    for node in 0..3 {
        world.join_with(node, chat(), explicit(Protocol::GDH));
        world.run();
    }
    let view = world.nodes[0].last_view().clone();
    let ids: Vec<MemberName> = view
        .view
        .members
        .iter()
        .map(|name| MemberName::new(name.as_bytes()).unwrap())
        .collect();
    let binding = TokenBinding {
        protocol: Protocol::GDH,
        group_name: "ristretto255".into(),
        group: b"chat".to_vec(),
        view_id: view.view.id.0,
        view_hash: TokenBinding::view_hash(&ids),
    };
    world.refresh(0, chat()).unwrap();
    while world.nodes[0].session().group_state(&chat()) != Some(Phase::Confirming) {
        assert!(world.step());
    }
    let now = world.now.0;
    for (kind, epoch, body) in [
        (TokenKind::REFRESH_REQUEST, 1, vec![]),
        (cliques::gdh::KEY_LIST, 2, vec![7; 9]),
    ] {
        let envelope = Envelope {
            kind,
            epoch,
            timestamp: now,
            sender: MemberName::new(member("carol").as_bytes()).unwrap(),
            recipient: Recipient::Group,
            body,
        };
        let token = envelope.seal(&binding, &support::signer("carol"));
        let wire_type = wire::wire_type(kind);
        world.inject(2, chat(), Service::Agreed, wire_type, token.into());
    }
    let inbox = &mut world.nodes[0].inbox;
    let confirmations = inbox.len() - 2;
    assert!(confirmations > 0);
    inbox.rotate_right(2);
    world.run();
    let failed: Vec<_> = world.nodes[0]
        .events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::GroupFailed {
                suspects, reason, ..
            } => Some((suspects[0], *reason)),
            _ => None,
        })
        .collect();
    let [(culprit, GroupFailure::Protocol(_))] = failed[..] else {
        panic!("{failed:?}");
    };
    assert_eq!(culprit, member("carol"));
    world.wait(60_000);
    let unconfirmed = |event: &SessionEvent| {
        matches!(
            event,
            SessionEvent::Mismatch {
                what: Mismatch::Unconfirmed,
                ..
            }
        )
    };
    assert_eq!(world.nodes[0].count(unconfirmed), 0);
}

#[test]
fn who_is_not_configured_to_confirm_is_named() {
    let mut world = World::of(3, &NAMES);
    world.join_with(0, chat(), explicit(Protocol::GDH));
    world.run();
    world.join(1, chat());
    world.run();
    world.wait(5_000);
    let told = SessionEvent::Mismatch {
        group: chat(),
        sender: member("bob"),
        what: Mismatch::Unconfirmed,
    };
    assert_eq!(world.nodes[0].count(|event| *event == told), 1);
    // Bob knows nothing of it.
    world.send(1, chat(), Service::Agreed, b"x").unwrap();
    world.run();
    assert_eq!(world.nodes[0].payloads(), [b"x"]);
}

fn with(refresh: RefreshPolicy) -> GroupOptions {
    GroupOptions {
        refresh,
        ..GroupOptions::default()
    }
}

#[test]
fn keys_are_replaced_by_age() {
    let options = with(RefreshPolicy {
        age: Some(60_000),
        ..RefreshPolicy::default()
    });
    let mut world = World::of(4, &NAMES);
    for node in 0..3 {
        world.join_with(node, chat(), options.clone());
        world.run();
    }
    for epoch in 0..5 {
        assert_eq!(world.nodes[2].session().epoch(&chat()), Some(epoch));
        world.wait(60_000);
        world.run();
        world.assert_agreed(chat(), &[0, 1, 2]);
    }
    // One of them asks, and the others wait for their turn.
    let requests = world.wire.iter().filter(|(_, m)| m.message_type == -32_752);
    assert_eq!(requests.count(), 5);
    // Nobody asks for a key that is not there.
    world.leave(0, chat());
    world.run();
    world.wait(10);
    world.assert_agreed(chat(), &[1, 2]);
}

#[test]
fn keys_are_replaced_by_use() {
    for refresh in [
        RefreshPolicy {
            messages: Some(10),
            ..RefreshPolicy::default()
        },
        RefreshPolicy {
            bytes: Some(10 * 200),
            ..RefreshPolicy::default()
        },
    ] {
        let mut world = World::of(5, &NAMES);
        world.join_with(0, chat(), with(refresh));
        world.run();
        world.join(1, chat());
        world.run();
        let mut epochs = vec![];
        for _ in 0..35 {
            // Who may not send just now tries again.
            while world.send(0, chat(), Service::Agreed, &[7; 114]).is_err() {
                assert!(world.step());
            }
            world.wait(1);
            world.run();
            epochs.push(world.nodes[0].session().epoch(&chat()).unwrap());
        }
        assert_eq!(epochs.last(), Some(&3), "{refresh:?} {epochs:?}");
        assert_eq!(world.nodes[1].payloads().len(), 35);
        world.assert_agreed(chat(), &[0, 1]);
    }
}

#[test]
fn the_name_of_a_group_chooses_its_suite() {
    let choose = |name: &str| GroupOptions::by_prefix(&group(name)).protocol.as_str();
    for (prefix, suite) in ["bd", "ckd", "gdh", "str", "tgdh"].iter().enumerate() {
        assert_eq!(choose(&format!("{}chat", prefix + 1)), *suite);
    }
    for name in ["chat", "0", "6six", "x1", "33"] {
        assert_eq!(choose(name), "gdh");
    }
}

/// All suites that there are, each in a group of its own on the same connections.
#[test]
fn groups_of_all_suites_live_side_by_side() {
    let mut world = World::of(6, &NAMES);
    let groups: Vec<(GroupName, Protocol)> = Protocol::ALL
        .iter()
        .map(|protocol| {
            (
                group(&format!("{}-{protocol}", protocol.number())),
                *protocol,
            )
        })
        .collect();
    for node in 0..3 {
        for (name, protocol) in &groups {
            // Prefixes exist for the first five suites. Two modes of a suite share its number; the
            // name chooses the first.
            let chosen = GroupOptions::by_prefix(name);
            if protocol.number() <= 5 {
                assert_eq!(chosen.protocol.number(), protocol.number());
            }
            world.join_with(node, *name, GroupOptions::of(*protocol));
        }
        world.run();
    }
    for (name, protocol) in &groups {
        world.refresh(1, *name).unwrap();
        world.run();
        for node in 0..3 {
            let session = world.nodes[node].session();
            let view = session.secure_view(name).unwrap();
            assert_eq!((view.protocol, view.epoch), (*protocol, 1));
        }
        world
            .send(2, *name, Service::Agreed, name.as_bytes())
            .unwrap();
    }
    world.run();
    assert_eq!(world.nodes[0].payloads().len(), groups.len());
}
