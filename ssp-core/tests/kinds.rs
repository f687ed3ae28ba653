//! Secure, flush-only and bare groups of one session.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

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

#[test]
fn each_kind_tells_its_own() {
    let mut world = in_all(1, &["alice", "bob", "carol"]);
    let all = [0, 1, 2];
    world.assert_agreed(vault(), &all);
    let members: Vec<MemberName> = ["alice", "bob", "carol"].map(member).into();
    for node in &world.nodes {
        assert_eq!(last_view(node).view.members, members);
        assert_eq!(last_view(node).view.id, last_view(&world.nodes[0]).view.id);
        assert_eq!(last_membership(node).view.members, members);
        // Requests are answered by the session.
        assert!(!flush_events(node).any(|event| matches!(event, FlushEvent::FlushRequest { .. })));
    }
    world
        .send(0, vault(), Service::Agreed, b"sealed for all")
        .unwrap();
    let view = last_view(&world.nodes[0]).view.id;
    send_flush(&mut world, 0, view, "seen in the view").unwrap();
    let both = vec![open().into(), group("elsewhere").into()];
    send_bare(&mut world, 0, to(both, "seen by anybody")).unwrap();
    world.run();
    for node in &mut world.nodes {
        assert_eq!(node.payloads(), [b"sealed for all"]);
        let seen = flush_events(node).filter_map(|event| match event {
            FlushEvent::Message(message) => Some(&message.body[..]),
            _ => None,
        });
        assert_eq!(seen.collect::<Vec<_>>(), [b"seen in the view"]);
        let seen = bare_events(node).filter_map(|event| match event {
            GcsEvent::Message(message) => Some(&message.body[..]),
            _ => None,
        });
        assert_eq!(seen.collect::<Vec<_>>(), [b"seen by anybody"]);
        let session = node.session();
        assert_eq!(session.kind(&vault()), Some(GroupKind::Secure));
        assert_eq!(session.kind(&views()), Some(GroupKind::Flush));
        assert_eq!(session.kind(&open()), Some(GroupKind::Bare));
        assert_eq!(session.kind(&group("elsewhere")), None);
        assert_eq!(session.groups().count(), 3);
        assert_eq!(session.group_state(&views()), None);
    }
    let clear = world
        .wire
        .iter()
        .filter(|(_, sent)| contains(&sent.body, b"sealed for"));
    assert_eq!(clear.count(), 0);
}

#[test]
fn calls_for_another_kind_are_refused_by_name() {
    let mut world = in_all(2, &["alice", "bob"]);
    let view = last_view(&world.nodes[0]).view.id;
    let wrong = |group, kind, wanted| {
        Err(Error::WrongKind {
            group,
            kind,
            wanted,
        })
    };
    let before = world.wire.len();
    // In the clear into a secure group: alone, among others, by reference, by the flush layer.
    for message in [
        to(vec![vault().into()], "x"),
        to(vec![open().into(), vault().into()], "x"),
        subset(vault(), to(vec![member("bob").into()], "x")),
    ] {
        assert_eq!(
            send_bare(&mut world, 0, message),
            wrong(vault(), GroupKind::Secure, GroupKind::Bare)
        );
    }
    let bob = [member("bob")];
    let (now, mut rng) = (world.now, world.rng.clone());
    let alice = world.nodes[0].session();
    let body = Bytes::from_static(b"x");
    for (name, kind) in [(vault(), GroupKind::Secure), (open(), GroupKind::Bare)] {
        let cast = alice.multicast_flush(
            &name,
            view,
            Service::Agreed,
            SelfDelivery::Deliver,
            7,
            body.clone(),
        );
        assert_eq!(cast, wrong(name, kind, GroupKind::Flush));
        let cast = alice.subset_flush(&name, view, &bob, Service::Agreed, 7, body.clone());
        assert_eq!(cast, wrong(name, kind, GroupKind::Flush));
    }
    for (name, kind) in [(views(), GroupKind::Flush), (open(), GroupKind::Bare)] {
        let sealed = alice.multicast(
            &name,
            ViewNumber(1),
            Service::Agreed,
            SelfDelivery::Deliver,
            7,
            &[b"x"],
            &mut rng,
        );
        assert_eq!(sealed, Err(SendError::WrongKind { group: name, kind }));
        assert_eq!(
            alice.refresh(&name, now, &mut rng),
            wrong(name, kind, GroupKind::Secure)
        );
        let export = alice.export(&name, b"label", b"", 16).map(drop);
        assert_eq!(export, wrong(name, kind, GroupKind::Secure));
    }
    assert_eq!(
        alice.flush_ok(&open(), now, &mut rng),
        wrong(open(), GroupKind::Bare, GroupKind::Flush)
    );
    // A name is of one kind.
    for name in [vault(), views(), open()] {
        let joined = Err(Error::AlreadyJoined(name));
        assert_eq!(alice.join(name, GroupOptions::default(), now), joined);
        assert_eq!(alice.join_flush(name, FlushMode::Manual, now), joined);
        assert_eq!(alice.join_bare(name, now), joined);
    }
    // Types that mean something to the layers below go nowhere but into bare groups.
    let mut reserved = to(vec![open().into(), group("elsewhere").into()], "x");
    reserved.message_type = i16::MIN;
    let illegal = gcs_proto::Error::IllegalMessageType(i16::MIN);
    assert_eq!(
        alice.multicast_bare(reserved),
        Err(Error::Engine(illegal.clone()))
    );
    let private = alice.private(bob[0], Service::Agreed, i16::MIN, body);
    assert_eq!(private, Err(Error::Engine(illegal)));
    assert_eq!(private.unwrap_err().code(), -26);
    world.settle(0);
    assert_eq!(world.wire.len(), before, "nothing was sent");
    world.run();
    world.assert_agreed(vault(), &[0, 1]);
}

#[test]
fn a_group_is_joined_again_as_another_kind() {
    let mut world = World::of(3, &["alice", "bob"]);
    let chat = group("chat");
    let kinds = [
        GroupKind::Bare,
        GroupKind::Flush,
        GroupKind::Secure,
        GroupKind::Flush,
        GroupKind::Bare,
    ];
    for kind in kinds {
        for node in 0..2 {
            match kind {
                GroupKind::Secure => world.join(node, chat),
                GroupKind::Flush => join_flush(&mut world, node, chat, FlushMode::Automatic),
                GroupKind::Bare => join_bare(&mut world, node, chat),
            }
            world.run();
        }
        let members = [member("alice"), member("bob")];
        match kind {
            GroupKind::Secure => world.assert_agreed(chat, &[0, 1]),
            GroupKind::Flush => assert_eq!(last_view(&world.nodes[0]).view.members, members),
            GroupKind::Bare => assert_eq!(last_membership(&world.nodes[0]).view.members, members),
        }
        for node in 0..2 {
            world.leave(node, chat);
            assert_eq!(
                world.nodes[node].session().leave(&chat),
                Err(Error::Leaving(chat))
            );
            world.run();
            let session = world.nodes[node].session();
            assert_eq!(session.kind(&chat), None);
            assert_eq!(session.leave(&chat), Err(Error::NotJoined(chat)));
        }
    }
    for node in &world.nodes {
        let secure = node.count(|event| matches!(event, SessionEvent::SelfLeave { .. }));
        let flush = flush_events(node)
            .filter(|event| matches!(event, FlushEvent::SelfLeave { .. }))
            .count();
        let bare = bare_events(node)
            .filter(|event| matches!(event, GcsEvent::SelfLeave { .. }))
            .count();
        assert_eq!((secure, flush, bare), (1, 2, 2));
    }
}

#[test]
fn flush_requests_are_answered_by_hand_where_that_was_asked_for() {
    let mut world = World::of(4, &["alice", "bob"]);
    join_flush(&mut world, 0, views(), FlushMode::Manual);
    world.run();
    let first = last_view(&world.nodes[0]).view.id;
    let early = world.flush_ok(0, views());
    assert_eq!(early, Err(Error::IllegalFlushOk(views())), "nobody asked");
    join_flush(&mut world, 1, views(), FlushMode::Automatic);
    world.run();
    let request = FlushEvent::FlushRequest { group: views() };
    assert_eq!(flush_events(&world.nodes[0]).last(), Some(&request));
    assert_eq!(
        world.nodes[1].session().missing_flush(&views()),
        [member("alice")]
    );
    send_flush(&mut world, 0, first, "last words").unwrap();
    world.flush_ok(0, views()).unwrap();
    let closed = send_flush(&mut world, 0, first, "too late");
    assert!(matches!(closed, Err(Error::Engine(_))), "{closed:?}");
    assert_eq!(closed.unwrap_err().code(), -27);
    world.run();
    assert_eq!(last_view(&world.nodes[0]).view.members.len(), 2);
    let old = send_flush(&mut world, 0, first, "x");
    assert_eq!(old, Err(Error::Outdated(views())));
    let second = last_view(&world.nodes[0]).view.id;
    let bob = [member("bob")];
    let to_bob = |world: &mut World, receivers: &[MemberName]| {
        let session = world.nodes[0].session();
        let body = Bytes::from_static(b"for bob");
        let sent = session.subset_flush(&views(), second, receivers, Service::Fifo, 7, body);
        world.settle(0);
        sent
    };
    to_bob(&mut world, &bob).unwrap();
    let stranger = to_bob(&mut world, &[member("carol")]);
    assert!(matches!(stranger, Err(Error::Engine(_))));
    world.run();
    let bodies = |node: &Node| -> Vec<Bytes> {
        let messages = flush_events(node).filter_map(|event| match event {
            FlushEvent::Message(message) => Some(message.body.clone()),
            _ => None,
        });
        messages.collect()
    };
    assert_eq!(bodies(&world.nodes[0]), ["last words"]);
    assert_eq!(bodies(&world.nodes[1]), ["for bob"]);
    let automatic = world.flush_ok(1, views());
    assert_eq!(automatic, Err(Error::IllegalFlushOk(views())));
}

#[test]
fn messages_to_one_member_are_in_the_clear_and_said_to_be() {
    let mut world = World::of(5, &["alice", "bob"]);
    let body = Bytes::from_static(b"psst");
    let alice = world.nodes[0].session();
    alice
        .private(member("bob"), Service::Agreed, 7, body.clone())
        .unwrap();
    world.settle(0);
    let to_bob = vec![member("bob").into()];
    send_bare(&mut world, 0, to(to_bob, body.clone())).unwrap();
    world.run();
    let private = world.nodes[1].events.iter().filter(|event| match event {
        SessionEvent::Private(message) => {
            assert_eq!((message.sender, &message.body), (member("alice"), &body));
            true
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(private.count(), 2);
}

#[test]
fn a_stranger_is_heard_in_a_bare_group_only() {
    let mut world = in_all(6, &["alice", "bob"]);
    let stranger = world.add_bare("stranger");
    for name in [vault(), views(), open()] {
        let message = to(vec![name.into()], "let me in");
        world.command(stranger, GcsCommand::Multicast(message));
    }
    let all = to(vec![views().into(), vault().into(), open().into()], "all");
    world.command(stranger, GcsCommand::Multicast(all));
    world.run();
    for node in &world.nodes[..2] {
        assert_eq!(node.messages().len(), 0);
        assert_eq!(
            flush_events(node)
                .filter(|event| matches!(event, FlushEvent::Message(_)))
                .count(),
            0
        );
        assert_eq!(
            bare_events(node)
                .filter(|event| matches!(event, GcsEvent::Message(_)))
                .count(),
            2
        );
    }
}

#[test]
fn a_refused_join_ends_the_group_and_what_is_refused_besides_does_not() {
    let mut world = World::of(7, &["alice"]);
    join_flush(&mut world, 0, views(), FlushMode::Automatic);
    join_bare(&mut world, 0, open());
    world.nodes[0].inbox.clear();
    let (now, mut rng) = (world.now, world.rng.clone());
    for name in [views(), open()] {
        let alice = world.nodes[0].session();
        for (refused, kind) in [
            (Refused::Leave(name), alice.kind(&name)),
            (Refused::Join(name), None),
        ] {
            let event = GcsEvent::Refused(refused.clone());
            alice.handle_event(event.clone(), now, &mut rng);
            assert_eq!(alice.kind(&name), kind);
            let expected = match name == open() {
                true => SessionEvent::Bare(BareEvent { group: name, event }),
                false => SessionEvent::Flush(FlushEvent::Refused(refused)),
            };
            assert_eq!(alice.poll_event(), Some(expected));
        }
    }
}

/// Who is leaving may not answer a flush request, and is waited for if the engine does not let it go.
#[test]
fn a_refused_leave_is_made_up_for_where_the_session_answers() {
    let mut world = World::of(14, &["alice", "bob", "carol"]);
    for node in 0..2 {
        join_flush(&mut world, node, views(), FlushMode::Automatic);
        world.run();
    }
    let alice = world.nodes[0].session();
    alice.leave(&views()).unwrap();
    // The engine gets to refuse it after somebody else has joined.
    assert!(matches!(alice.poll_command(), Some(GcsCommand::Leave(_))));
    join_flush(&mut world, 2, views(), FlushMode::Automatic);
    world.run();
    assert_eq!(last_view(&world.nodes[1]).view.members.len(), 2);
    let refused = GcsEvent::Refused(Refused::Leave(views()));
    world.nodes[0].inbox.push_back(refused);
    world.run();
    for node in &world.nodes {
        assert_eq!(last_view(node).view.members.len(), 3, "{}", node.name);
    }
    // It is no habit.
    let refused = GcsEvent::Refused(Refused::Leave(views()));
    world.nodes[0].inbox.push_back(refused);
    world.run();
    let view = last_view(&world.nodes[0]).view.id;
    send_flush(&mut world, 0, view, "still here").unwrap();
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

#[test]
fn the_policy_is_asked_before_a_join_of_any_kind() {
    let mut world = World::new(8);
    let credentials = Credentials {
        signer: Arc::new(signer("alice")),
        trust: Arc::new(trust(&["alice"])),
    };
    let session = Session::new(member("alice"), credentials, SessionConfig::default());
    let alice = world.add_session("alice", session.with_policy(Arc::new(Only(open()))));
    let now = world.now;
    let session = world.nodes[alice].session();
    let denied = |result| matches!(result, Err(Error::Denied { group, .. }) if group == views());
    assert!(denied(session.join_bare(views(), now)));
    assert!(denied(session.join_flush(
        views(),
        FlushMode::Automatic,
        now
    )));
    session.join_bare(open(), now).unwrap();
    world.settle(alice);
    world.run();
    assert_eq!(last_membership(&world.nodes[alice]).view.members.len(), 1);
}

#[test]
fn the_end_of_the_connection_ends_all() {
    let mut world = in_all(9, &["alice", "bob"]);
    world.close(0);
    world.run();
    let now = world.now;
    let alice = world.nodes[0].session();
    assert!(alice.is_closed());
    assert_eq!(alice.groups().count(), 0);
    assert_eq!(alice.join_bare(open(), now), Err(Error::Closed));
    let sent = alice.multicast_bare(to(vec![open().into()], "x"));
    assert_eq!(sent, Err(Error::Closed));
    let private = alice.private(member("bob"), Service::Agreed, 7, Bytes::new());
    assert_eq!(private, Err(Error::Closed));
    // The others go on without.
    world.assert_agreed(vault(), &[1]);
    assert_eq!(last_view(&world.nodes[1]).view.members, [member("bob")]);
    assert_eq!(
        last_membership(&world.nodes[1]).view.members,
        [member("bob")]
    );

    let bob = world.nodes[1].session();
    bob.disconnect().unwrap();
    assert_eq!(bob.kind(&views()), None);
    assert_eq!(bob.leave(&views()), Err(Error::Closed));
    world.settle(1);
    world.run();
    assert!(world.nodes[1].session().is_closed());
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

#[test]
fn all_kinds_go_through_partitions_and_merges_together() {
    let mut total = (0, 0, 0);
    for seed in 100..140 {
        let log = history(seed);
        total.0 += log.sealed.len();
        total.1 += log.in_views.len();
        total.2 += log.bare.len();
    }
    // A history that sends nothing proves nothing.
    assert!(total.0 > 100 && total.1 > 100 && total.2 > 100, "{total:?}");
}

#[test]
fn a_secure_group_has_a_phase_and_others_have_none() {
    let mut world = in_all(10, &["alice"]);
    let alice = world.nodes[0].session();
    assert_eq!(alice.group_state(&vault()), Some(Phase::Secure));
    for name in [views(), open()] {
        assert_eq!(alice.group_state(&name), None);
        assert!(alice.secure_view(&name).is_none() && alice.fingerprint(&name).is_none());
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_nothing_in_the_clear_goes_into_a_secure_group(
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut world = World::new(1);
        let credentials = Credentials {
            signer: Arc::new(signer("alice")),
            trust: Arc::new(trust(&["alice", "bob"])),
        };
        let mut session = Session::new(member("alice"), credentials, SessionConfig::default());
        let mut wire = Vec::new();
        for step in steps {
            let secure: Vec<GroupName> = [vault(), views(), open()]
                .into_iter()
                .filter(|name| session.kind(name) == Some(GroupKind::Secure))
                .collect();
            run(step, &mut session, &mut wire, &mut world);
            while let Some(command) = session.poll_command() {
                let GcsCommand::Multicast(sent) = command else {
                    continue;
                };
                let clear = contains(&sent.body, CLEAR);
                let to_secure = secure
                    .iter()
                    .any(|group| sent.destinations.contains(group.as_name()));
                prop_assert!(!(clear && to_secure));
                wire.push(sent);
            }
            while let Some(event) = session.poll_event() {
                let kind = event.group().and_then(|group| session.kind(group));
                // Of a group that is still there: in the words of its kind.
                match &event {
                    SessionEvent::Bare(_) => prop_assert!(
                        matches!(kind, None | Some(GroupKind::Bare))
                    ),
                    SessionEvent::Flush(_) => prop_assert!(
                        matches!(kind, None | Some(GroupKind::Flush))
                    ),
                    SessionEvent::SecureView(_) | SessionEvent::Message(_) => prop_assert!(
                        matches!(kind, Some(GroupKind::Secure))
                    ),
                    _ => {}
                }
            }
        }
    }
}
