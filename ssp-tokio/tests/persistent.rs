//! Clients that come back by themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{collections::BTreeSet, time::Duration};

use ssp_tokio::{
    Client, Endpoint, Error, GroupEvent, SendFailure,
    gcs_proto::{
        flush::FlushEvent,
        gcs::{CloseReason, GcsEvent},
        name::GroupName,
        service::Service,
    },
    persistent::{
        Backoff, ConnectionEvent, ConnectionEvents, PersistentClient, PersistentEvent,
        PersistentGroup,
    },
    ssp_core::{FlushMode, GroupOptions, SecureViewEvent},
};
use support::{
    daemon_name, endpoint,
    people::{Person, config, group},
    soon, start_daemon,
};

fn quick() -> Backoff {
    Backoff {
        first: Duration::from_millis(5),
        longest: Duration::from_millis(50),
        attempts: None,
    }
}

/// An endpoint where nobody listens.
fn nobody() -> Endpoint {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().into()
}

async fn change(events: &mut ConnectionEvents) -> ConnectionEvent {
    soon("a change", events.next()).await.unwrap()
}

async fn next(group: &mut PersistentGroup) -> PersistentEvent {
    soon("an event", group.recv()).await.unwrap()
}

async fn view_of(group: &mut PersistentGroup, count: usize) -> SecureViewEvent {
    loop {
        match next(group).await {
            PersistentEvent::Group(GroupEvent::SecureView(view))
                if view.view.members.len() == count =>
            {
                return view;
            }
            PersistentEvent::Group(
                GroupEvent::SecureView(_)
                | GroupEvent::TransitionalSignal
                | GroupEvent::FlushBlocked { .. },
            ) => {}
            other => panic!("{other:?} before a view of {count}"),
        }
    }
}

/// A member whose session is dropped comes back with another key and can talk, twice; the others
/// see it go and come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_member_rejoins_with_a_fresh_key() {
    let daemon = start_daemon(&["n1"]).await;
    let mut stayer = Person::join(&daemon, "n1", "a").await;
    // A seeded client must not repeat itself either.
    let client = PersistentClient::connect(
        [nobody(), endpoint(&daemon, "n1")],
        config("b").insecure_seed([7; 32]),
        quick(),
    )
    .await
    .unwrap();
    let me = client.private_group().unwrap();
    let mut comer = client.join(group(), GroupOptions::default());
    let mut prints = BTreeSet::new();
    let members = [stayer.me(), me];
    for round in 0..3 {
        let view = view_of(&mut comer, 2).await;
        assert!(prints.insert(view.fingerprint.0), "a key came back");
        assert_eq!(stayer.view_of(&members).await.fingerprint, view.fingerprint);
        let text = format!("round {round}");
        comer
            .multicast(Service::Agreed, 0, text.clone())
            .await
            .unwrap();
        assert_eq!(stayer.message().await.payload, text);
        if round == 2 {
            break;
        }
        daemon.control().drop_session(me).await.unwrap();
        loop {
            match next(&mut comer).await {
                PersistentEvent::Lost(reason) => {
                    assert_eq!(reason, CloseReason::EndOfStream);
                    break;
                }
                PersistentEvent::Group(GroupEvent::Message(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        let failed = comer.multicast(Service::Agreed, 0, "away").await;
        let error = failed.unwrap_err();
        assert_eq!(error.failure, SendFailure::Closed);
        assert_eq!(error.payload, "away");
        let rejoining = PersistentEvent::Rejoining { private_group: me };
        assert_eq!(next(&mut comer).await, rejoining);
    }
    client.disconnect().await;
    loop {
        match soon("the end", comer.recv()).await {
            Some(PersistentEvent::Group(GroupEvent::Closed(CloseReason::Disconnected))) => break,
            Some(PersistentEvent::Group(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(soon("the end", comer.recv()).await, None);
    daemon.shutdown().await;
}

/// Where one daemon stops, the next endpoint is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_daemon_is_taken_where_one_stops() {
    let daemon = start_daemon(&["n1", "n2"]).await;
    let endpoints = [endpoint(&daemon, "n1"), endpoint(&daemon, "n2")];
    let client = PersistentClient::connect(endpoints, config("b"), quick())
        .await
        .unwrap();
    let mut changes = client.connection_events();
    let mut comer = client.join(group(), GroupOptions::default());
    let view = view_of(&mut comer, 1).await;
    assert_eq!(view.view.members[0].as_str(), "#b#n1");
    daemon
        .control()
        .stop_daemon(daemon_name("n1"))
        .await
        .unwrap();
    assert!(matches!(next(&mut comer).await, PersistentEvent::Lost(_)));
    let PersistentEvent::Rejoining { private_group } = next(&mut comer).await else {
        panic!("not back");
    };
    assert_eq!(private_group.as_str(), "#b#n2");
    // Both are told, though nobody asked in between.
    let lost = ConnectionEvent::Lost(CloseReason::EndOfStream);
    assert_eq!(change(&mut changes).await, lost);
    let connected = ConnectionEvent::Connected { private_group };
    assert_eq!(change(&mut changes).await, connected);
    assert_eq!(view_of(&mut comer, 1).await.view.members, [private_group]);
    soon("leaving", comer.leave()).await.unwrap();
    client.disconnect().await;
    assert_eq!(soon("the end", changes.next()).await, None);
    daemon.shutdown().await;
}

/// With a bound on attempts the end is told, to the groups and to the client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_that_are_used_up_are_told() {
    let daemon = start_daemon(&["n1"]).await;
    let backoff = Backoff {
        attempts: Some(3),
        ..quick()
    };
    let client = PersistentClient::connect([endpoint(&daemon, "n1")], config("b"), backoff)
        .await
        .unwrap();
    let mut changes = client.connection_events();
    let mut comer = client.join(group(), GroupOptions::default());
    view_of(&mut comer, 1).await;
    daemon.shutdown().await;
    assert!(matches!(next(&mut comer).await, PersistentEvent::Lost(_)));
    match next(&mut comer).await {
        PersistentEvent::GivenUp(Error::Connect { .. } | Error::Stream { .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(soon("the end", comer.recv()).await, None);
    soon("the end", client.given_up()).await;
    assert_eq!(client.private_group(), None);
    assert!(matches!(
        change(&mut changes).await,
        ConnectionEvent::Lost(_)
    ));
    assert!(matches!(
        change(&mut changes).await,
        ConnectionEvent::GivenUp(Error::Connect { .. } | Error::Stream { .. })
    ));
    assert_eq!(soon("the end", changes.next()).await, None);
}

/// Receiving that is cancelled at any moment, also while joining, loses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receiving_is_cancel_safe() {
    let daemon = start_daemon(&["n1"]).await;
    let client = PersistentClient::connect([endpoint(&daemon, "n1")], config("b"), quick())
        .await
        .unwrap();
    let me = client.private_group().unwrap();
    let mut comer = client.join(group(), GroupOptions::default());
    let mut views = 0;
    let mut lost = 0;
    while views < 3 {
        let event = tokio::select! {
            biased;
            event = comer.recv() => event.unwrap(),
            () = tokio::task::yield_now() => continue,
        };
        match event {
            PersistentEvent::Group(GroupEvent::SecureView(_)) => {
                views += 1;
                daemon.control().drop_session(me).await.unwrap();
            }
            PersistentEvent::Lost(_) => lost += 1,
            PersistentEvent::Rejoining { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(lost, 2);
    daemon.shutdown().await;
}

#[tokio::test]
async fn no_endpoint_and_none_that_answers() {
    let error = Client::connect_any(&[], config("a")).await.unwrap_err();
    assert_eq!(error, Error::NoEndpoint);
    let last = nobody();
    let error = Client::connect_any(&[nobody(), last.clone()], config("a")).await;
    match error.unwrap_err() {
        Error::Connect { endpoint, .. } => assert_eq!(endpoint, last),
        other => panic!("{other}"),
    }
}

/// Groups without keys come back as well, each as what it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_all_kinds_are_joined_again() {
    let daemon = start_daemon(&["n1"]).await;
    let client = PersistentClient::connect([endpoint(&daemon, "n1")], config("b"), quick())
        .await
        .unwrap();
    let me = client.private_group().unwrap();
    let names: [GroupName; 2] = ["views", "open"].map(|name| name.parse().unwrap());
    let mut secure = client.join(group(), GroupOptions::default());
    let mut flush = client.join_flush(names[0], FlushMode::Automatic);
    let mut bare = client.join_bare(names[1]);
    for round in 0..3 {
        assert_eq!(view_of(&mut secure, 1).await.view.members, [me]);
        match soon("a view", flush.recv()).await {
            Some(PersistentEvent::Group(FlushEvent::View(view))) => {
                assert_eq!(view.view.members, [me])
            }
            other => panic!("{other:?}"),
        }
        match soon("a membership", bare.recv()).await {
            Some(PersistentEvent::Group(GcsEvent::Membership(membership))) => {
                assert_eq!(membership.view.members, [me]);
            }
            other => panic!("{other:?}"),
        }
        let handle = flush.joined().unwrap();
        handle
            .multicast(Service::Agreed, round, "in a view")
            .await
            .unwrap();
        let handle = bare.joined().unwrap();
        handle
            .multicast(Service::Agreed, round, "bare")
            .await
            .unwrap();
        match soon("a message", flush.recv()).await {
            Some(PersistentEvent::Group(FlushEvent::Message(message))) => {
                assert_eq!(message.message_type, round);
            }
            other => panic!("{other:?}"),
        }
        match soon("a message", bare.recv()).await {
            Some(PersistentEvent::Group(GcsEvent::Message(message))) => {
                assert_eq!(message.message_type, round);
            }
            other => panic!("{other:?}"),
        }
        if round == 2 {
            break;
        }
        daemon.control().drop_session(me).await.unwrap();
        assert!(matches!(next(&mut secure).await, PersistentEvent::Lost(_)));
        let lost = soon("the loss", flush.recv()).await;
        assert!(matches!(lost, Some(PersistentEvent::Lost(_))), "{lost:?}");
        let lost = soon("the loss", bare.recv()).await;
        assert!(matches!(lost, Some(PersistentEvent::Lost(_))), "{lost:?}");
        assert!(flush.joined().is_none() && bare.joined().is_none());
        let rejoining = PersistentEvent::Rejoining { private_group: me };
        assert_eq!(next(&mut secure).await, rejoining);
        let rejoining = soon("the way back", flush.recv()).await;
        assert!(matches!(rejoining, Some(PersistentEvent::Rejoining { .. })));
        let rejoining = soon("the way back", bare.recv()).await;
        assert!(matches!(rejoining, Some(PersistentEvent::Rejoining { .. })));
    }
    soon("leaving", flush.leave()).await.unwrap();
    client.disconnect().await;
    match soon("the end", bare.recv()).await {
        Some(PersistentEvent::Group(GcsEvent::Closed(CloseReason::Disconnected))) => {}
        other => panic!("{other:?}"),
    }
    assert!(soon("the end", bare.recv()).await.is_none());
    daemon.shutdown().await;
}
