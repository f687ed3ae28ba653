//! A daemon that lies: about senders, about who is in a view, about what was sent and in which
//! order. It can keep members from each other, and nothing else; when it is honest again, the next
//! view heals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use cliques::Protocol;
use gcs_proto::{
    gcs::{Cause, GcsEvent, Membership, Refused, View, ViewId},
    name::{GroupName, MemberName},
    service::Service,
};
use rand_core::Rng;
use ssp_core::{
    Confirmation, Fingerprint, GroupFailure, GroupOptions, Phase, SecureViewEvent, SessionEvent,
};
use support::{World, group, member};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// The designs that heal by themselves, which are those that are used where nothing else is asked for.
const PROTOCOLS: [Protocol; 5] = [
    Protocol::GDH,
    Protocol::BD,
    Protocol::CKD,
    Protocol::STR,
    Protocol::TGDH,
];

fn chat() -> GroupName {
    group("chat")
}

fn joined(seed: u64, options: &GroupOptions) -> World {
    let mut world = World::of(seed, &NAMES);
    for node in 0..4 {
        world.join_with(node, chat(), options.clone());
        world.run();
    }
    world.assert_agreed(chat(), &[0, 1, 2, 3]);
    world
}

fn below(world: &mut World, bound: usize) -> usize {
    world.rng.next_u32() as usize % bound
}

/// Whether it lies about what the flush layer says as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    /// No: whoever gives permission to change the view is heard, by itself too.
    Honest,
    Lied,
}

fn is_permission(event: &GcsEvent) -> bool {
    // FLUSH_OK and FLUSH_RECV.
    matches!(event, GcsEvent::Message(message) if message.message_type <= -32_767)
}

/// One lie to one member.
fn lie(world: &mut World, lies: &[Lie], flush: Flush) {
    let kind = lies[below(world, lies.len())];
    let node = below(world, 4);
    let length = world.nodes[node].inbox.len();
    if length == 0 && kind != Lie::Membership && kind != Lie::Signal && kind != Lie::Refusal {
        return;
    }
    let at = below(world, length.max(1));
    let other = below(world, length.max(1));
    let who = below(world, 4);
    let name = world.nodes[who].name;
    let honest = |at: usize| {
        let event = world.nodes[node].inbox.get(at);
        flush == Flush::Honest
            && event.is_some_and(|event| {
                is_permission(event) || matches!(event, GcsEvent::Membership(_))
            })
    };
    if honest(at) || honest(other) {
        return;
    }
    match kind {
        Lie::Withhold => {
            world.nodes[node].inbox.remove(at);
        }
        Lie::Repeat => {
            let event = world.nodes[node].inbox[at].clone();
            world.nodes[node].inbox.insert(other, event);
        }
        Lie::Swap => world.nodes[node].inbox.swap(at, other),
        Lie::Sender => {
            if let GcsEvent::Message(message) = &mut world.nodes[node].inbox[at] {
                message.sender = name;
            }
        }
        Lie::Receiver => {
            let event = world.nodes[node].inbox[at].clone();
            let to = below(world, 4);
            world.nodes[to].inbox.push_back(event);
        }
        Lie::Membership => {
            let membership = membership(world, node);
            world.nodes[node].inbox.push_back(membership);
        }
        Lie::Signal => {
            let signal = GcsEvent::TransitionalSignal { group: chat() };
            world.nodes[node].inbox.push_back(signal);
        }
        Lie::Refusal => {
            let refused = [Refused::Join(chat()), Refused::Leave(chat())][below(world, 2)].clone();
            world.nodes[node]
                .inbox
                .push_back(GcsEvent::Refused(refused));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Withhold,
    Repeat,
    Swap,
    Sender,
    Receiver,
    Membership,
    Signal,
    Refusal,
}

/// A membership that is not: too few members, strangers, nobody that was there, in a wrong order,
/// somebody twice; for somebody else, for a reason of its own.
fn membership(world: &mut World, node: usize) -> GcsEvent {
    let me = world.nodes[node].name;
    let mut members: Vec<MemberName> = world.nodes.iter().map(|node| node.name).collect();
    let number = world.rng.next_u32();
    match below(world, 6) {
        0 => {
            let keep = below(world, 4);
            members.retain(|name| *name == me || name.as_bytes()[1] as usize % 4 == keep);
        }
        1 => members.push(member("mallory")),
        2 => members.reverse(),
        3 => members.push(me),
        4 => members.retain(|name| *name != me),
        _ => {}
    }
    let causes = [
        Cause::Join(members[0]),
        Cause::Leave(member("mallory")),
        Cause::Disconnect(members[0]),
        Cause::Network,
    ];
    let cause = causes[below(world, 4)];
    let together = below(world, members.len() + 1);
    let transitional_set = match cause {
        Cause::Network => members[..together].to_vec(),
        _ => members.clone(),
    };
    let mut id = [9; 12];
    id[..4].copy_from_slice(&number.to_be_bytes());
    GcsEvent::Membership(Membership {
        group: chat(),
        view: View {
            id: ViewId(id),
            members,
            cause,
            transitional_set,
        },
    })
}

/// Says who sent it under which key: what is read must be so.
fn speak(world: &mut World, node: usize, number: u32) {
    let Some(key) = world.nodes[node].session().fingerprint(&chat()) else {
        return;
    };
    let text = format!("{} {key} {number}", world.nodes[node].name);
    let _ = world.send(node, chat(), Service::Agreed, text.as_bytes());
}

/// A view as members know it, and the number of a key in it.
type Place = (ViewId, u32, Vec<MemberName>);

/// What no lie may change: no key is used in two views, with other members, or twice; where members
/// confirm keys, those in one view confirm the same one; what is read was written by who is said to
/// have written it, under a key that both have, and is read once.
fn check(world: &World, what: &str) {
    let mut known: BTreeMap<Fingerprint, Place> = BTreeMap::new();
    let mut confirmed: BTreeMap<Place, Fingerprint> = BTreeMap::new();
    for node in &world.nodes {
        let (mut own, mut read) = (BTreeSet::new(), BTreeSet::new());
        let mut current: Vec<&SecureViewEvent> = Vec::new();
        for event in &node.events {
            match event {
                SessionEvent::SecureView(view) | SessionEvent::KeyRefreshed(view) => {
                    if view.epoch == 0 {
                        current.clear();
                    }
                    current.push(view);
                    assert!(own.insert(view.fingerprint), "{what}: a key twice");
                    let place = (view.view.id, view.epoch, view.view.members.clone());
                    let first = known
                        .entry(view.fingerprint)
                        .or_insert_with(|| place.clone());
                    assert_eq!(*first, place, "{what}: one key, two views");
                }
                SessionEvent::KeyConfirmed { epoch, .. } => {
                    let view = current.last().unwrap();
                    assert_eq!(*epoch, view.epoch);
                    let place = (view.view.id, view.epoch, view.view.members.clone());
                    let first = confirmed.entry(place).or_insert(view.fingerprint);
                    assert_eq!(*first, view.fingerprint, "{what}: two keys confirmed");
                }
                SessionEvent::Message(message) => {
                    let text = String::from_utf8(message.payload.to_vec()).unwrap();
                    assert!(read.insert(text.clone()), "{what}: {text} read twice");
                    let mut words = text.split(' ');
                    let sender = message.sender.to_string();
                    assert_eq!(words.next(), Some(&*sender), "{what}");
                    let key = words.next().unwrap();
                    let is_key = |view: &&SecureViewEvent| view.fingerprint.to_string() == key;
                    assert!(current.iter().rev().take(2).any(is_key), "{what}: {text}");
                }
                SessionEvent::GroupFailed { reason, .. } => assert!(
                    // A daemon that tells members different stories can make honest ones look at
                    // fault for what they build on theirs.
                    matches!(
                        reason,
                        GroupFailure::UnknownIdentity
                            | GroupFailure::BadSignature
                            | GroupFailure::Protocol(_)
                            | GroupFailure::Confirmation
                    ),
                    "{what}: {event:?}"
                ),
                _ => {}
            }
        }
    }
}

/// The daemon is honest again, and the next view heals. Where it withheld permissions to change the
/// view, nobody can know, and members have to come back; in the tree suites, which go on from a tree
/// that not all may have, members have to be told apart.
fn heal(world: &mut World, flush: Flush, options: &GroupOptions, what: &str) {
    let goes_on = options.protocol.survival() == cliques::Survival::Everything;
    if flush == Flush::Honest && !goes_on {
        world.heal();
        world.run();
        world.leave(3, chat());
        world.run();
        world.assert_agreed(chat(), &[0, 1, 2]);
        world.join_with(3, chat(), options.clone());
        world.run();
        world.assert_agreed(chat(), &[0, 1, 2, 3]);
    }
    world.partition(&[&[0], &[1], &[2], &[3]]);
    world.run();
    if flush == Flush::Lied {
        for node in 0..4 {
            world.leave(node, chat());
            world.run();
            world.join_with(node, chat(), options.clone());
            world.run();
        }
    }
    world.heal();
    world.run();
    for node in 0..4 {
        let phase = world.nodes[node].session().group_state(&chat());
        assert_eq!(phase, Some(Phase::Secure), "{what}: {node}");
    }
    world.assert_agreed(chat(), &[0, 1, 2, 3]);
    for node in 0..4 {
        speak(world, node, 1_000_000);
    }
    world.run();
    for node in &world.nodes {
        let last = node.payloads().split_off(node.payloads().len() - 4);
        assert!(
            last.iter().all(|text| text.ends_with(b" 1000000")),
            "{what}"
        );
    }
}

fn storm(lies: &[Lie], flush: Flush, seeds: std::ops::Range<u64>) {
    for protocol in PROTOCOLS {
        for seed in seeds.clone() {
            let what = format!("{protocol} {seed}");
            let options = GroupOptions {
                confirmation: match seed % 2 {
                    0 => Confirmation::Implicit,
                    _ => Confirmation::Explicit,
                },
                ..GroupOptions::of(protocol)
            };
            let mut world = joined(seed, &options);
            for number in 0..60 {
                match below(&mut world, 8) {
                    0 => {
                        let node = below(&mut world, 4);
                        let _ = world.refresh(node, chat());
                    }
                    1 | 2 => {
                        let node = below(&mut world, 4);
                        speak(&mut world, node, number);
                    }
                    3 if number % 10 == 0 => world.partition(&[&[0, 1], &[2, 3]]),
                    4 if number % 10 == 5 => world.heal(),
                    _ => lie(&mut world, lies, flush),
                }
                let steps = world.rng.next_u32() % 6;
                world.steps(steps);
            }
            world.run();
            heal(&mut world, flush, &options, &what);
            check(&world, &what);
        }
    }
}

#[test]
fn lies_about_senders_and_receivers_are_found_out() {
    storm(&[Lie::Sender, Lie::Receiver], Flush::Honest, 0..6);
}

#[test]
fn deliveries_withheld_repeated_and_out_of_order_bring_no_false_word() {
    storm(
        &[Lie::Withhold, Lie::Repeat, Lie::Swap],
        Flush::Honest,
        100..106,
    );
}

#[test]
fn lies_about_members_keep_apart_and_do_no_more() {
    storm(
        &[Lie::Membership, Lie::Signal, Lie::Refusal],
        Flush::Lied,
        200..206,
    );
}

#[test]
fn all_lies_together() {
    let all = [
        Lie::Withhold,
        Lie::Repeat,
        Lie::Swap,
        Lie::Sender,
        Lie::Receiver,
        Lie::Membership,
        Lie::Signal,
        Lie::Refusal,
    ];
    storm(&all, Flush::Lied, 300..306);
}
