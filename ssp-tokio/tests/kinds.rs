//! Secure, flush-only and bare groups of one connection, beside clients of each kind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{
    io::{IoSlice, IoSliceMut},
    time::Duration,
};

use futures_util::StreamExt;
use gcs_daemon::Daemon;
use ssp_tokio::{
    Client, Error, GroupEvent, Received,
    flush::{FlushClient, FlushCommand, FlushGroup},
    gcs_proto::{
        self,
        flush::{FlushEvent, VsView},
        gcs::{Cause, GcsCommand, GcsEvent, Membership, Multicast, SelfDelivery},
        name::{GroupName, MemberName, Name},
        service::Service,
    },
    plain::{BareGroup, PlainClient},
    ssp_core::{self, FlushMode, GroupKind, GroupOptions},
};
use support::{
    endpoint, named,
    people::{Person, config},
    soon, start_daemon,
};

fn vault() -> GroupName {
    "vault".parse().unwrap()
}

fn views() -> GroupName {
    "views".parse().unwrap()
}

fn open() -> GroupName {
    "open".parse().unwrap()
}

fn to(destinations: Vec<Name>, body: &'static str) -> Multicast {
    Multicast {
        destinations,
        ..Multicast::to_group(open(), Service::Agreed, 7, body.into())
    }
}

async fn client(daemon: &Daemon, at: &str, name: &str) -> Client {
    Client::connect(&endpoint(daemon, at), config(name))
        .await
        .unwrap()
}

/// A client that is joining the secure group.
async fn in_vault(daemon: &Daemon, at: &str, name: &str) -> Person {
    let client = client(daemon, at, name).await;
    let options = GroupOptions::default();
    let group = client.join(vault(), options).await.unwrap();
    Person { client, group }
}

/// Skips what may come between until a view has this many members.
async fn view_of(group: &mut FlushGroup, members: usize) -> VsView {
    loop {
        match soon("a view", group.recv()).await.unwrap() {
            FlushEvent::View(view) if view.view.members.len() == members => return view,
            FlushEvent::View(_) | FlushEvent::TransitionalSignal { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The same at a client of the flush layer, which answers by hand.
async fn view_at(client: &mut FlushClient, members: usize) -> VsView {
    loop {
        match soon("a view", client.recv()).await.unwrap() {
            FlushEvent::View(view) if view.view.members.len() == members => return view,
            FlushEvent::FlushRequest { group } => client.flush_ok(group).await.unwrap(),
            FlushEvent::View(_) | FlushEvent::TransitionalSignal { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn membership_of(group: &mut BareGroup, members: usize) -> Membership {
    loop {
        match soon("a membership", group.recv()).await.unwrap() {
            GcsEvent::Membership(next) if next.view.members.len() == members => return next,
            GcsEvent::Membership(_) | GcsEvent::TransitionalSignal { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn membership_at(client: &mut PlainClient, members: usize) -> Membership {
    loop {
        match soon("a membership", client.recv()).await.unwrap() {
            GcsEvent::Membership(next) if next.view.members.len() == members => return next,
            GcsEvent::Membership(_) | GcsEvent::TransitionalSignal { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Joins as soon as the group is left by the handle before.
async fn when_left<G>(join: impl AsyncFn() -> Result<G, Error>) -> G {
    loop {
        match join().await {
            Ok(group) => return group,
            Err(Error::Session(ssp_core::Error::AlreadyJoined(_))) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// The next message of a bare group: who sent it, and what.
async fn message_in(group: &mut BareGroup) -> (MemberName, Vec<u8>) {
    match soon("a message", group.recv()).await.unwrap() {
        GcsEvent::Message(message) => (message.sender, message.body.to_vec()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_connection_is_in_groups_of_all_kinds() {
    let daemon = start_daemon(&["n1", "n2"]).await;
    let a = client(&daemon, "n1", "a").await;
    let mut secure = a.join(vault(), GroupOptions::default()).await.unwrap();
    let mut flush = a.join_flush(views(), FlushMode::Automatic).await.unwrap();
    let mut bare = a.join_bare(open()).await.unwrap();
    // One of each kind, at the other end of the network.
    let mut b = in_vault(&daemon, "n2", "b").await;
    let n2 = endpoint(&daemon, "n2");
    let mut f = FlushClient::connect(&n2, named("f")).await.unwrap();
    f.command(FlushCommand::Join(views())).await.unwrap();
    let mut p = PlainClient::connect(&n2, named("p")).await.unwrap();
    p.command(GcsCommand::Join(open())).await.unwrap();
    let (me, f_name, p_name) = (*a.private_group(), *f.private_group(), *p.private_group());

    for round in 0..2 {
        if round == 1 {
            daemon
                .control()
                .partition("n1 | n2".parse().unwrap())
                .await
                .unwrap();
            let (at_a, at_f) = tokio::join!(view_of(&mut flush, 1), view_at(&mut f, 1));
            assert_eq!(
                (at_a.view.members, at_f.view.members),
                (vec![me], vec![f_name])
            );
            membership_of(&mut bare, 1).await;
            membership_at(&mut p, 1).await;
            b.view_of(&[b.me()]).await;
            daemon.control().heal().await.unwrap();
        }
        let (at_a, at_f) = tokio::join!(view_of(&mut flush, 2), view_at(&mut f, 2));
        assert_eq!(
            (at_a.view.id, &at_a.view.members),
            (at_f.view.id, &at_f.view.members)
        );
        assert_eq!(flush.members(), [me, f_name]);
        let (at_a, at_p) = tokio::join!(membership_of(&mut bare, 2), membership_at(&mut p, 2));
        assert_eq!(
            (at_a.view.id, &at_a.view.members),
            (at_p.view.id, &at_p.view.members)
        );
        assert_eq!(bare.members(), [me, p_name]);
        let both = [me, b.me()];
        let at_b = b.view_of(&both).await;
        while secure.fingerprint() != Some(&at_b.fingerprint) {
            soon("the key", secure.recv()).await.unwrap();
        }

        // From here to each of them, and back.
        secure
            .multicast(Service::Agreed, 7, "sealed")
            .await
            .unwrap();
        assert_eq!(b.message().await.payload, "sealed");
        flush
            .unicast(f_name, Service::Fifo, 7, "to f alone")
            .await
            .unwrap();
        let parts = [IoSlice::new(b"in "), IoSlice::new(b"a view")];
        flush
            .multicast_vectored(Service::Agreed, 7, &parts)
            .await
            .unwrap();
        for expected in ["to f alone", "in a view"] {
            match soon("a message", f.recv()).await.unwrap() {
                FlushEvent::Message(message) => assert_eq!(message.body, expected),
                other => panic!("{other:?}"),
            }
        }
        bare.multicast(Service::Agreed, -32768, "of any type")
            .await
            .unwrap();
        match soon("a message", p.recv()).await.unwrap() {
            GcsEvent::Message(message) => {
                assert_eq!((message.sender, message.message_type), (me, -32768));
                assert_eq!(message.body, "of any type");
            }
            other => panic!("{other:?}"),
        }
        f.command(FlushCommand::Multicast {
            group: views(),
            service: Service::Agreed,
            self_delivery: SelfDelivery::Discard,
            message_type: 3,
            body: "from f".into(),
        })
        .await
        .unwrap();
        // A stranger in one group and a member of the other: heard in the bare group alone.
        let everywhere = vec![views().into(), vault().into(), open().into()];
        let everywhere = GcsCommand::Multicast(to(everywhere, "from p"));
        p.command(everywhere).await.unwrap();

        // The own message first, into a buffer; one that is too small loses nothing.
        let short = soon("a message", flush.recv_into(&mut [0; 3])).await;
        assert_eq!(short.unwrap_err().needed, 9);
        assert!(flush.pending() > 0);
        let (mut first, mut second) = ([0; 4], [0; 32]);
        let mut buffers = [
            IoSliceMut::new(&mut first),
            IoSliceMut::new(&mut []),
            IoSliceMut::new(&mut second),
        ];
        match flush.recv_vectored(&mut buffers).await.unwrap() {
            Some(Received::Message { sender, length, .. }) => {
                assert_eq!((sender, length), (me, 9));
                assert_eq!((&first, &second[..5]), (b"in a", &b" view"[..]));
            }
            other => panic!("{other:?}"),
        }
        match soon("a message", flush.next()).await.unwrap() {
            FlushEvent::Message(message) => assert_eq!(message.body, "from f"),
            other => panic!("{other:?}"),
        }
        assert_eq!(message_in(&mut bare).await, (me, b"of any type".to_vec()));
        assert_eq!(message_in(&mut bare).await, (p_name, b"from p".to_vec()));
        match soon("a message", secure.recv()).await.unwrap() {
            GroupEvent::Message(message) => assert_eq!(message.payload, "sealed"),
            other => panic!("{other:?}"),
        }
        // The plain client gets its own message for the bare group.
        assert!(matches!(p.recv().await, Some(GcsEvent::Message(_))));
    }
    assert!(secure.try_recv().is_none() && flush.try_recv().is_none() && bare.try_recv().is_none());
    a.disconnect().await;
    assert!(matches!(flush.recv().await, Some(FlushEvent::Closed(_))));
    assert!(matches!(bare.recv().await, Some(GcsEvent::Closed(_))));
    assert_eq!((flush.recv().await, bare.recv().await), (None, None));
    let closed = bare.multicast(Service::Agreed, 7, "x").await;
    assert_eq!(closed, Err(Error::Closed));
    daemon.shutdown().await;
}

#[tokio::test]
async fn nothing_in_the_clear_is_sent_into_a_secure_group() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = in_vault(&daemon, "n1", "a").await;
    let bare = a.client.join_bare(open()).await.unwrap();
    let flush = a
        .client
        .join_flush(views(), FlushMode::Automatic)
        .await
        .unwrap();
    a.view_of(&[a.me()]).await;
    for (group, kind) in [(vault(), GroupKind::Secure), (views(), GroupKind::Flush)] {
        let wrong = Error::Session(ssp_core::Error::WrongKind {
            group,
            kind,
            wanted: GroupKind::Bare,
        });
        let sent = a.client.multicast_bare(to(vec![group.into()], "x")).await;
        assert_eq!(sent.as_ref(), Err(&wrong));
        assert_eq!(wrong.code(), -14);
        let among = vec![open().into(), group.into()];
        assert_eq!(a.client.multicast_bare(to(among, "x")).await, Err(wrong));
        let joined = ssp_core::Error::AlreadyJoined(group);
        let joined = Some(Error::Session(joined));
        assert_eq!(a.client.join_bare(group).await.err(), joined);
        let mode = FlushMode::Manual;
        assert_eq!(a.client.join_flush(group, mode).await.err(), joined);
        let options = GroupOptions::default();
        assert_eq!(a.client.join(group, options).await.err(), joined);
    }
    // What looks like the flush layer's own goes nowhere else either.
    let mut forged = to(vec!["theirs".parse::<GroupName>().unwrap().into()], "x");
    forged.message_type = -32768;
    let illegal = gcs_proto::Error::IllegalMessageType(-32768);
    assert_eq!(
        a.client.multicast_bare(forged).await,
        Err(Error::Protocol(illegal))
    );
    // Refused joins have not touched the groups.
    bare.multicast(Service::Agreed, 1, "x").await.unwrap();
    drop((bare, flush));
    a.group
        .multicast(Service::Agreed, 1, "sealed")
        .await
        .unwrap();
    assert_eq!(a.message().await.payload, "sealed");
    daemon.shutdown().await;
}

#[tokio::test]
async fn private_messages_come_and_go() {
    let daemon = start_daemon(&["n1"]).await;
    let n1 = endpoint(&daemon, "n1");
    let a = client(&daemon, "n1", "a").await;
    let mut p = PlainClient::connect(&n1, named("p")).await.unwrap();
    let mut first = a.private_messages().await.unwrap();
    a.send_private(*p.private_group(), Service::Fifo, 5, "psst")
        .await
        .unwrap();
    match soon("a message", p.recv()).await.unwrap() {
        GcsEvent::Message(message) => {
            assert_eq!(message.sender, *a.private_group());
            assert_eq!((message.message_type, &message.body[..]), (5, &b"psst"[..]));
        }
        other => panic!("{other:?}"),
    }
    let back = |body| GcsCommand::Multicast(to(vec![(*a.private_group()).into()], body));
    p.command(back("heard")).await.unwrap();
    let message = soon("a message", first.recv()).await.unwrap();
    assert_eq!(
        (message.sender, &message.body[..]),
        (*p.private_group(), &b"heard"[..])
    );
    assert_eq!((first.pending(), first.try_recv()), (0, None));
    // A second handle takes over; without any, messages are dropped and nothing waits for them.
    let mut second = a.private_messages().await.unwrap();
    assert_eq!(soon("the end", first.recv()).await, None);
    p.command(back("by the second")).await.unwrap();
    let message = soon("a message", second.next()).await.unwrap();
    assert_eq!(message.body, "by the second");
    drop(second);
    for _ in 0..1000 {
        p.command(back("nobody listens")).await.unwrap();
    }
    let mut bare = a.join_bare(open()).await.unwrap();
    membership_of(&mut bare, 1).await;
    daemon.shutdown().await;
}

#[tokio::test]
async fn requests_are_answered_by_hand() {
    let daemon = start_daemon(&["n1"]).await;
    let a = client(&daemon, "n1", "a").await;
    let b = client(&daemon, "n1", "b").await;
    let mut at_a = a.join_flush(views(), FlushMode::Manual).await.unwrap();
    let unsent = at_a.multicast(Service::Agreed, 1, "too early").await;
    assert_eq!(unsent, Err(Error::Outdated(views())));
    view_of(&mut at_a, 1).await;
    let illegal = ssp_core::Error::IllegalFlushOk(views());
    assert_eq!(at_a.flush_ok().await, Err(Error::Session(illegal)));
    let mut at_b = b.join_flush(views(), FlushMode::Automatic).await.unwrap();
    let request = soon("a request", at_a.recv()).await;
    assert_eq!(request, Some(FlushEvent::FlushRequest { group: views() }));
    while at_b.missing_flush().await.unwrap() != [*a.private_group()] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let messages = (0..600_i16)
        .map(|number| (number, "batch".into()))
        .collect();
    at_a.multicast_all(Service::Fifo, SelfDelivery::Discard, messages)
        .await
        .unwrap();
    at_a.flush_ok().await.unwrap();
    let late = vec![(1, "late".into())];
    let late = at_a
        .multicast_all(Service::Fifo, SelfDelivery::Discard, late)
        .await;
    assert!(matches!(late, Err((0, Error::Protocol(_)))), "{late:?}");
    let (view, _) = tokio::join!(view_of(&mut at_a, 2), view_of(&mut at_b, 2));
    assert_eq!(view.view.cause, Cause::Join(*b.private_group()));
    // Many at once, bound to the view that was taken.
    let messages = (0..600_i16)
        .map(|number| (number, "batch".into()))
        .collect();
    at_a.multicast_all(Service::Fifo, SelfDelivery::Discard, messages)
        .await
        .unwrap();
    let mut events = Vec::new();
    while events.len() < 600 {
        assert!(soon("messages", at_b.recv_many(&mut events, 100)).await > 0);
    }
    let types = events.iter().map(|event| match event {
        FlushEvent::Message(message) => message.message_type,
        other => panic!("{other:?}"),
    });
    assert!(types.eq(0..600));
    let stranger = at_a
        .unicast("#x#n1".parse().unwrap(), Service::Fifo, 1, "x")
        .await;
    assert!(matches!(
        stranger,
        Err(Error::Protocol(gcs_proto::Error::IllegalReceiver(_)))
    ));
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_dropped_handle_leaves_and_the_name_serves_as_another_kind() {
    let daemon = start_daemon(&["n1"]).await;
    let a = client(&daemon, "n1", "a").await;
    let mut p = PlainClient::connect(&endpoint(&daemon, "n1"), named("p"))
        .await
        .unwrap();
    p.command(GcsCommand::Join(open())).await.unwrap();
    membership_at(&mut p, 1).await;
    let left = async |p: &mut PlainClient| {
        let next = membership_at(p, 1).await;
        assert_eq!(next.view.cause, Cause::Leave(*a.private_group()));
    };
    // Dropped, left in good order, and dropped before anything has come.
    drop(a.join_bare(open()).await.unwrap());
    membership_at(&mut p, 2).await;
    left(&mut p).await;
    let mut bare = when_left(async || a.join_bare(open()).await).await;
    membership_of(&mut bare, 2).await;
    soon("leaving", bare.leave()).await.unwrap();
    membership_at(&mut p, 2).await;
    left(&mut p).await;

    // A join that is given up is undone.
    tokio::select! {
        biased;
        _ = a.join_bare(open()) => panic!("joined at once"),
        () = std::future::ready(()) => {}
    }
    membership_at(&mut p, 2).await;
    left(&mut p).await;

    p.command(GcsCommand::Leave(open())).await.unwrap();
    soon("leaving", p.recv()).await;
    let mut flush = when_left(async || a.join_flush(open(), FlushMode::Automatic).await).await;
    view_of(&mut flush, 1).await;
    // A bare member holds the views up, and is named.
    p.command(GcsCommand::Join(open())).await.unwrap();
    membership_at(&mut p, 2).await;
    while flush.missing_flush().await.unwrap() != [*p.private_group()] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    p.command(GcsCommand::Leave(open())).await.unwrap();
    view_of(&mut flush, 1).await;
    soon("leaving", flush.leave()).await.unwrap();

    let mut secure = a.join(open(), GroupOptions::default()).await.unwrap();
    match soon("a secure view", secure.recv()).await.unwrap() {
        GroupEvent::SecureView(view) => assert_eq!(view.view.members, [*a.private_group()]),
        other => panic!("{other:?}"),
    }
    daemon.shutdown().await;
}

/// A group whose handle is not read holds up the others of its connection; nothing is lost, and
/// sending goes on.
#[tokio::test]
async fn a_full_queue_of_any_kind_pauses_reading() {
    const MESSAGES: i16 = 200;
    let daemon = start_daemon(&["n1"]).await;
    let n1 = endpoint(&daemon, "n1");
    let small = config("a").connection(|connection| connection.event_queue(4));
    let a = Client::connect(&n1, small).await.unwrap();
    let mut bare = a.join_bare(open()).await.unwrap();
    let mut flush = a.join_flush(views(), FlushMode::Automatic).await.unwrap();
    let mut private = a.private_messages().await.unwrap();
    membership_of(&mut bare, 1).await;
    view_of(&mut flush, 1).await;
    let p = PlainClient::connect(&n1, named("p")).await.unwrap();
    let me = Name::from(*a.private_group());
    for number in 0..MESSAGES {
        for destination in [Name::from(open()), me] {
            let message = Multicast {
                message_type: number,
                ..to(vec![destination], "flood")
            };
            p.command(GcsCommand::Multicast(message)).await.unwrap();
        }
    }
    // Its own message would come behind all those.
    while bare.pending() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    flush.multicast(Service::Agreed, 7, "behind").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((bare.pending(), flush.pending()), (4, 0));
    assert!(private.pending() <= 4);
    for number in 0..MESSAGES {
        match soon("a message", bare.recv()).await.unwrap() {
            GcsEvent::Message(message) => assert_eq!(message.message_type, number),
            other => panic!("{other:?}"),
        }
        let message = soon("a private message", private.recv()).await.unwrap();
        assert_eq!(message.message_type, number);
    }
    match soon("a message", flush.recv()).await.unwrap() {
        FlushEvent::Message(message) => assert_eq!(message.body, "behind"),
        other => panic!("{other:?}"),
    }
    daemon.shutdown().await;
}

/// A message to several groups of a connection comes in each of them.
#[tokio::test]
async fn one_message_to_several_groups_comes_in_each() {
    let daemon = start_daemon(&["n1"]).await;
    let a = client(&daemon, "n1", "a").await;
    let b = client(&daemon, "n1", "b").await;
    let second: GroupName = "second".parse().unwrap();
    let mut groups = [
        a.join_bare(open()).await.unwrap(),
        a.join_bare(second).await.unwrap(),
    ];
    for group in &mut groups {
        membership_of(group, 1).await;
    }
    // From a client that is in neither of them.
    let sent = to(vec![second.into(), open().into()], "for both");
    b.multicast_bare(sent).await.unwrap();
    for group in &mut groups {
        let message = message_in(group).await;
        assert_eq!(message, (*b.private_group(), b"for both".to_vec()));
    }
    daemon.shutdown().await;
}
