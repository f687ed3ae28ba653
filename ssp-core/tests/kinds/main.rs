//! Secure, flush-only and bare groups of one session.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod calls;
mod ends;
mod random;
#[path = "../support/mod.rs"]
mod support;

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use gcs_proto::{
    flush::{BareEvent, FlushEvent, VsView},
    gcs::{
        ByteOrder, Cause, GcsCommand, GcsEvent, Membership, Message, Multicast, Refused, Scope,
        SelfDelivery, View, ViewId,
    },
    limits,
    name::{GroupName, MemberName, Name},
    service::Service,
};
use proptest::prelude::*;
use ssp_core::{
    Credentials, Error, FlushMode, GroupKind, GroupOptions, Phase, SendError, Session,
    SessionConfig, SessionEvent, ViewNumber,
    access::{AccessPolicy, Action, Decision, Request},
};
use support::{Node, World, contains, group, member, signer, trust};

fn vault() -> GroupName {
    group("vault")
}

fn views() -> GroupName {
    group("views")
}

fn open() -> GroupName {
    group("open")
}

fn to(destinations: Vec<Name>, body: impl Into<Bytes>) -> Multicast {
    Multicast {
        destinations,
        service: Service::Agreed,
        self_delivery: SelfDelivery::Deliver,
        scope: Scope::Named,
        message_type: 7,
        body: body.into(),
    }
}

/// The cast to some members of `group` that `sent` would be.
fn subset(group: GroupName, sent: Multicast) -> Multicast {
    let mut body = sent.body.to_vec();
    body.extend_from_slice(group.as_bytes());
    body.resize(sent.body.len() + limits::NAME_SLOT, 0);
    Multicast {
        scope: Scope::Subset,
        body: body.into(),
        ..sent
    }
}

fn join_flush(world: &mut World, node: usize, name: GroupName, mode: FlushMode) {
    let now = world.now;
    world.nodes[node]
        .session()
        .join_flush(name, mode, now)
        .unwrap();
    world.settle(node);
}

fn join_bare(world: &mut World, node: usize, name: GroupName) {
    let now = world.now;
    world.nodes[node].session().join_bare(name, now).unwrap();
    world.settle(node);
}

/// Everybody is in a group of each kind.
fn in_all(seed: u64, names: &[&str]) -> World {
    let mut world = World::of(seed, names);
    for node in 0..names.len() {
        world.join(node, vault());
        join_flush(&mut world, node, views(), FlushMode::Automatic);
        join_bare(&mut world, node, open());
        world.run();
    }
    world
}

fn flush_events(node: &Node) -> impl Iterator<Item = &FlushEvent> {
    node.events.iter().filter_map(|event| match event {
        SessionEvent::Flush(event) => Some(event),
        _ => None,
    })
}

fn bare_events(node: &Node) -> impl Iterator<Item = &GcsEvent> {
    node.events.iter().filter_map(|event| match event {
        SessionEvent::Bare(BareEvent { event, .. }) => Some(event),
        _ => None,
    })
}

fn last_view(node: &Node) -> &VsView {
    let views = flush_events(node).filter_map(|event| match event {
        FlushEvent::View(view) => Some(view),
        _ => None,
    });
    views.last().expect("a view")
}

fn last_membership(node: &Node) -> &Membership {
    let memberships = bare_events(node).filter_map(|event| match event {
        GcsEvent::Membership(membership) => Some(membership),
        _ => None,
    });
    memberships.last().expect("a membership")
}

fn send_flush(
    world: &mut World,
    node: usize,
    view: ViewId,
    body: impl Into<Bytes>,
) -> Result<(), Error> {
    let result = world.nodes[node].session().multicast_flush(
        &views(),
        view,
        Service::Agreed,
        SelfDelivery::Deliver,
        7,
        body.into(),
    );
    world.settle(node);
    result
}

fn send_bare(world: &mut World, node: usize, message: Multicast) -> Result<(), Error> {
    let result = world.nodes[node].session().multicast_bare(message);
    world.settle(node);
    result
}

/// Allows no group but one.
#[derive(Debug)]
struct Only(GroupName);

impl AccessPolicy for Only {
    fn decide(&self, request: &Request<'_>) -> Decision {
        assert_eq!(request.action, Action::Join);
        assert!(request.identity.is_some());
        match *request.group == self.0 {
            true => Decision::Allow,
            false => Decision::Deny("not that one".into()),
        }
    }
}

/// What everybody was sent in the clear, and in which view.
#[derive(Default)]
struct Log {
    sealed: BTreeSet<Vec<u8>>,
    in_views: Vec<(ViewId, Vec<u8>)>,
    bare: BTreeSet<Vec<u8>>,
}

/// A random history of partitions, merges, leaves and joins, with messages of all kinds.
fn history(seed: u64) -> Log {
    let names = ["alice", "bob", "carol", "dave"];
    let mut world = in_all(seed, &names);
    let mut log = Log::default();
    for step in 0..60_u32 {
        let node = world.rng.next_u32() as usize % names.len();
        match world.rng.next_u32() % 16 {
            0 => {
                let side: Vec<usize> = (0..names.len())
                    .filter(|_| world.rng.next_u32().is_multiple_of(2))
                    .collect();
                world.partition(&[&side]);
            }
            1 => world.heal(),
            2 => {
                // Leaves one of them, and comes back when that is done.
                let name = [vault(), views(), open()][world.rng.next_u32() as usize % 3];
                let kind = world.nodes[node].session().kind(&name).unwrap();
                world.leave(node, name);
                world.run();
                match kind {
                    GroupKind::Secure => world.join(node, name),
                    GroupKind::Flush => join_flush(&mut world, node, name, FlushMode::Automatic),
                    GroupKind::Bare => join_bare(&mut world, node, name),
                }
            }
            3..7 => {
                let payload = format!("sealed message {step} of {seed}").into_bytes();
                if world.send(node, vault(), Service::Agreed, &payload).is_ok() {
                    log.sealed.insert(payload);
                }
            }
            7..11 => {
                let body = format!("message {step} of {seed} in a view").into_bytes();
                let view = last_view(&world.nodes[node]).view.id;
                if send_flush(&mut world, node, view, body.clone()).is_ok() {
                    log.in_views.push((view, body));
                }
            }
            11..14 => {
                let body = format!("bare message {step} of {seed}").into_bytes();
                let destinations = vec![open().into(), member("bob").into()];
                send_bare(&mut world, node, to(destinations, body.clone())).unwrap();
                log.bare.insert(body);
            }
            _ => {}
        }
        world.steps(6);
    }
    world.heal();
    world.run();

    let all: Vec<usize> = (0..names.len()).collect();
    world.assert_agreed(vault(), &all);
    for node in &world.nodes {
        assert_eq!(last_view(node).view.id, last_view(&world.nodes[0]).view.id);
        assert_eq!(last_view(node).view.members, names.map(member));
        assert_eq!(
            last_membership(node).view.id,
            last_membership(&world.nodes[0]).view.id
        );
        assert_eq!(last_membership(node).view.members, names.map(member));
        check(node, &log);
    }
    for (_, sent) in &world.wire {
        assert!(!contains(&sent.body, b"sealed message"), "in the clear");
    }
    log
}

/// Whatever a member was told, each kind told its own, and nothing twice.
fn check(node: &Node, log: &Log) {
    let (mut sealed, mut in_view, mut bare) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut view = None;
    for event in &node.events {
        match event {
            SessionEvent::Message(message) => {
                assert!(log.sealed.contains(&message.payload[..]));
                assert!(sealed.insert(message.payload.clone()));
            }
            SessionEvent::Flush(FlushEvent::View(next)) => view = Some(next.view.id),
            SessionEvent::Flush(FlushEvent::SelfLeave { .. }) => view = None,
            SessionEvent::Flush(FlushEvent::Message(message)) => {
                let sent = (view.expect("in a view"), message.body.to_vec());
                assert!(log.in_views.contains(&sent), "delivered in its view");
                assert!(in_view.insert(message.body.clone()));
            }
            SessionEvent::Bare(BareEvent {
                event: GcsEvent::Message(message),
                ..
            }) => {
                assert!(log.bare.contains(&message.body[..]));
                assert!(bare.insert(message.body.clone()));
            }
            // Where the group named first was left.
            SessionEvent::Private(_)
            | SessionEvent::SecureView(_)
            | SessionEvent::KeyRefreshed(_)
            | SessionEvent::TransitionalSignal { .. }
            | SessionEvent::SelfLeave { .. }
            | SessionEvent::Flush(_)
            | SessionEvent::Bare(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// What a daemon that lies, and an application that tries everything, may do.
#[derive(Clone, Debug)]
enum Step {
    Join(GroupName, GroupKind),
    Leave(GroupName),
    FlushOk(GroupName),
    Bare(Vec<Name>, Option<GroupName>, i16),
    Flush(GroupName, u8),
    Membership(GroupName, u8, bool),
    Signal(GroupName),
    SelfLeave(GroupName),
    Refused(Refused),
    Message(Vec<Name>, i16),
    /// What was sent last comes back.
    Echo,
}

fn step() -> impl Strategy<Value = Step> {
    let name = || prop::sample::select(vec![vault(), views(), open()]);
    let kind = prop::sample::select(vec![GroupKind::Secure, GroupKind::Flush, GroupKind::Bare]);
    let destination = || {
        prop_oneof![
            4 => name().prop_map(Name::from),
            1 => Just(Name::from(member("alice"))),
            1 => Just(Name::from(member("bob"))),
        ]
    };
    let destinations = move || prop::collection::vec(destination(), 0..4);
    let message_type =
        || prop::sample::select(vec![7, i16::MIN, i16::MIN + 1, i16::MIN + 2, -32765]);
    prop_oneof![
        3 => (name(), kind).prop_map(|(name, kind)| Step::Join(name, kind)),
        1 => name().prop_map(Step::Leave),
        1 => name().prop_map(Step::FlushOk),
        4 => (destinations(), prop::option::of(name()), message_type())
            .prop_map(|(to, reference, kind)| Step::Bare(to, reference, kind)),
        2 => (name(), 0..4_u8).prop_map(|(name, view)| Step::Flush(name, view)),
        4 => (name(), 0..4_u8, any::<bool>())
            .prop_map(|(name, id, both)| Step::Membership(name, id, both)),
        1 => name().prop_map(Step::Signal),
        1 => name().prop_map(Step::SelfLeave),
        1 => name().prop_map(|name| Step::Refused(Refused::Join(name))),
        1 => name().prop_map(|name| Step::Refused(Refused::Leave(name))),
        3 => (destinations(), message_type()).prop_map(|(to, kind)| Step::Message(to, kind)),
        8 => Just(Step::Echo),
    ]
}

const CLEAR: &[u8] = b"in the clear";

fn run(step: Step, session: &mut Session, wire: &mut Vec<Multicast>, world: &mut World) {
    let (now, rng) = (world.now, &mut world.rng);
    let event = match step {
        Step::Join(name, kind) => {
            let before = session.kind(&name);
            let joined = match kind {
                GroupKind::Secure => session.join(name, GroupOptions::default(), now),
                GroupKind::Flush => session.join_flush(name, FlushMode::Manual, now),
                GroupKind::Bare => session.join_bare(name, now),
            };
            assert!(before.is_none() || joined.is_err());
            let after = if joined.is_ok() { Some(kind) } else { before };
            assert_eq!(session.kind(&name), after);
            return;
        }
        Step::Leave(name) => {
            let left = session.leave(&name);
            assert!(left.is_err() || session.kind(&name).is_some());
            return;
        }
        Step::FlushOk(name) => {
            // Nobody may have asked.
            let _ = session.flush_ok(&name, now, rng);
            return;
        }
        Step::Bare(destinations, reference, message_type) => {
            let mut message = to(destinations, CLEAR);
            message.message_type = message_type;
            if let Some(group) = reference {
                message = subset(group, message);
            }
            let named = message.destinations.iter().copied();
            let closed = named
                .filter_map(|name| GroupName::try_from(name).ok())
                .chain(reference)
                .any(|group| {
                    let kind = session.kind(&group);
                    matches!(kind, Some(GroupKind::Secure | GroupKind::Flush))
                });
            let sent = session.multicast_bare(message);
            assert!(sent.is_err() || !closed, "into a view");
            return;
        }
        Step::Flush(name, view) => {
            let kind = session.kind(&name);
            let body = Bytes::from_static(CLEAR);
            let sent = session.multicast_flush(
                &name,
                ViewId([view; 12]),
                Service::Agreed,
                SelfDelivery::Deliver,
                7,
                body,
            );
            assert!(sent.is_err() || kind == Some(GroupKind::Flush));
            return;
        }
        Step::Membership(group, id, both) => {
            let mut members = vec![member("alice")];
            if both {
                members.push(member("bob"));
            }
            GcsEvent::Membership(Membership {
                group,
                view: View {
                    id: ViewId([id; 12]),
                    transitional_set: vec![member("alice")],
                    members,
                    cause: Cause::Network,
                },
            })
        }
        Step::Signal(group) => GcsEvent::TransitionalSignal { group },
        Step::SelfLeave(group) => GcsEvent::SelfLeave { group },
        Step::Refused(refused) => GcsEvent::Refused(refused),
        Step::Message(destinations, message_type) => {
            let mut message = to(destinations, &b"twelve bytes"[..]);
            message.message_type = message_type;
            delivered(member("bob"), message)
        }
        Step::Echo => match wire.pop() {
            Some(sent) => delivered(member("alice"), sent),
            None => return,
        },
    };
    session.handle_event(event, now, rng);
}

fn delivered(sender: MemberName, sent: Multicast) -> GcsEvent {
    GcsEvent::Message(Message {
        sender,
        destinations: sent.destinations,
        service: sent.service,
        self_delivery: sent.self_delivery,
        scope: sent.scope,
        message_type: sent.message_type,
        order: ByteOrder::Little,
        body: sent.body,
    })
}
