//! Random schedules: joins, leaves, crashes, partitions, merges, refreshes and messages, many of
//! them while an agreement is under way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use gcs_proto::{name::MemberName, service::Service};
use rand_core::Rng;
use ssp_core::{Fingerprint, Phase, SessionEvent};
use support::{World, group};

const NAMES: [&str; 6] = ["alice", "bob", "carol", "dave", "eve", "frank"];

fn schedule(seed: u64) -> World {
    let chat = group("chat");
    let mut world = World::of(seed, &NAMES);
    let mut sent = 0_u32;
    for _ in 0..60 {
        let node = world.rng.next_u32() as usize % NAMES.len();
        let state = world.nodes[node].session().group_state(&chat);
        match (world.rng.next_u32() % 16, state) {
            (0..4, None) => world.join(node, chat),
            (0, Some(phase)) if phase != Phase::Leaving => world.leave(node, chat),
            (4, _) => {
                let half: Vec<usize> = (0..NAMES.len())
                    .filter(|_| world.rng.next_u32().is_multiple_of(2))
                    .collect();
                world.partition(&[&half]);
            }
            (5, _) => world.heal(),
            (6, Some(_)) => {
                let _ = world.refresh(node, chat);
            }
            (7..12, Some(_)) => {
                let service = [
                    Service::Fifo,
                    Service::Agreed,
                    Service::Safe,
                    Service::Causal,
                ][world.rng.next_u32() as usize % 4];
                let payload = format!("message {sent} of {node}, not for strangers");
                sent += 1;
                let _ = world.send(node, chat, service, payload.as_bytes());
            }
            _ => {
                let steps = world.rng.next_u32() % 60;
                world.steps(steps);
            }
        }
    }
    world.run();
    world.heal();
    world.run();
    world
}

/// At rest the members of the group share a view and a key; on the way no two views or epochs had
/// the same key; everything delivered was delivered under the same key to all who got it, and to
/// those who went on together the same was delivered.
#[test]
fn all_agree_at_rest_and_never_disagreed() {
    let chat = group("chat");
    let mut views = 0;
    let mut messages = 0;
    for seed in 0..150 {
        let mut world = schedule(seed);
        let members = world.members_in(chat, 0);
        if !members.is_empty() {
            world.assert_agreed(chat, &members);
        }
        let mut keys: BTreeMap<Fingerprint, (Vec<MemberName>, u32)> = BTreeMap::new();
        for node in &world.nodes {
            let mut own = BTreeSet::new();
            for view in node.views() {
                views += 1;
                assert!(own.insert(view.fingerprint), "seed {seed}: a key twice");
                let known = keys
                    .entry(view.fingerprint)
                    .or_insert_with(|| (view.view.members.clone(), view.epoch));
                assert_eq!(
                    known,
                    &(view.view.members.clone(), view.epoch),
                    "seed {seed}"
                );
                assert!(view.view.transitional_set.contains(&node.name));
            }
            let mut seen = BTreeSet::new();
            for event in &node.events {
                match event {
                    SessionEvent::Message(message) => {
                        messages += 1;
                        assert!(seen.insert(message.payload.clone()), "seed {seed}: twice");
                    }
                    SessionEvent::MessageRejected { .. }
                    | SessionEvent::Mismatch { .. }
                    | SessionEvent::GroupFailed { .. } => panic!("seed {seed}: {event:?}"),
                    _ => {}
                }
            }
        }
        for (_, message) in &world.wire {
            assert!(!support::contains(&message.body, b"not for strangers"));
        }
        together(&world, seed);
    }
    assert!(
        views > 2_000 && messages > 500,
        "{views} views, {messages} messages"
    );
}

/// Members that go together from a secure view to the next have delivered the same in it.
fn together(world: &World, seed: u64) {
    type Key = (Fingerprint, Fingerprint);
    /// Who moved, with whom, and what it had read before.
    type Move = (MemberName, Vec<MemberName>, BTreeSet<Vec<u8>>);
    let mut delivered: BTreeMap<Key, Vec<Move>> = BTreeMap::new();
    for node in &world.nodes {
        let mut current = None;
        let mut seen = BTreeSet::new();
        for event in &node.events {
            match event {
                SessionEvent::SecureView(view) => {
                    if let Some(before) = current.replace(view.fingerprint) {
                        delivered
                            .entry((before, view.fingerprint))
                            .or_default()
                            .push((
                                node.name,
                                view.view.transitional_set.clone(),
                                std::mem::take(&mut seen),
                            ));
                    }
                    seen.clear();
                }
                SessionEvent::Message(message) => {
                    seen.insert(message.payload.to_vec());
                }
                SessionEvent::SelfLeave { .. } => {
                    current = None;
                    seen.clear();
                }
                _ => {}
            }
        }
    }
    for moves in delivered.values() {
        for (_, set, seen) in moves {
            for (other, other_set, other_seen) in moves {
                if set.contains(other) {
                    assert_eq!(seen, other_seen, "seed {seed}");
                    assert_eq!(set, other_set, "seed {seed}");
                }
            }
        }
    }
}
