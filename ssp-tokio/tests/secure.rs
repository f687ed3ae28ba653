//! Secure groups end to end: through the embedded daemon, over TCP and in-process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{collections::BTreeSet, io::IoSlice, time::Duration};

use futures_util::StreamExt;
use ssp_tokio::{
    Client, ClientConfig, Error, GroupEvent, Received, SendFailure, TooShort,
    gcs_proto::{
        gcs::{Cause, CloseReason, GcsCommand, SelfDelivery},
        service::Service,
    },
    plain::PlainClient,
    ssp_core::{self, FlushMode, GroupFailure, GroupOptions, Phase, SessionConfig},
};
use support::{
    daemon_name, endpoint, named,
    people::{Person, agree, config, group},
    soon, start_daemon,
};

fn manual() -> GroupOptions {
    GroupOptions {
        flush: FlushMode::Manual,
        ..GroupOptions::default()
    }
}

/// Joins of five members at two daemons, traffic, partition, traffic on both sides, merge, crash,
/// leave: all agree at every step and no key comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_members_through_every_event() {
    let daemon = start_daemon(&["n1", "n2"]).await;
    let mut prints = BTreeSet::new();
    let mut fresh = |print: ssp_core::Fingerprint| assert!(prints.insert(print.0), "{print} again");
    let mut people = Vec::new();
    for (name, at) in [
        ("a", "n1"),
        ("b", "n2"),
        ("c", "n1"),
        ("d", "n2"),
        ("e", "n1"),
    ] {
        people.push(Person::join(&daemon, at, name).await);
        fresh(agree(&mut people).await);
    }

    let secret = vec![0x5a; 70_000];
    people[1]
        .group
        .multicast(Service::Agreed, 9, secret.clone())
        .await
        .unwrap();
    let sender = people[1].me();
    for person in &mut people {
        let message = person.message().await;
        assert_eq!(message.sender, sender);
        assert_eq!(message.message_type, 9);
        assert_eq!(message.payload, secret);
    }
    let mut exports = BTreeSet::new();
    for person in &people {
        let key = person.group.export("file", b"1", 32).await.unwrap();
        exports.insert(key.to_vec());
    }
    assert_eq!(exports.len(), 1);

    people[3].group.refresh().await.unwrap();
    let mut refreshed = BTreeSet::new();
    for person in &mut people {
        let view = person.refreshed().await;
        assert_eq!(view.epoch, 1);
        assert_eq!(person.group.epoch(), Some(1));
        refreshed.insert(view.fingerprint.0);
        let key = person.group.export("file", b"1", 32).await.unwrap();
        assert!(!exports.contains(key.as_slice()));
    }
    assert_eq!(refreshed.len(), 1);
    refreshed
        .into_iter()
        .for_each(|print| fresh(ssp_core::Fingerprint(print)));

    daemon
        .control()
        .partition("n1 | n2".parse().unwrap())
        .await
        .unwrap();
    let (mut south, mut north): (Vec<_>, Vec<_>) = people
        .into_iter()
        .partition(|person| person.me().as_str().ends_with("n1"));
    fresh(agree(&mut south).await);
    fresh(agree(&mut north).await);
    for (side, text) in [(&mut south, "south"), (&mut north, "north")] {
        side[0]
            .group
            .multicast(Service::Safe, 0, text)
            .await
            .unwrap();
        for person in side.iter_mut() {
            assert_eq!(person.message().await.payload, text);
        }
    }

    daemon.control().heal().await.unwrap();
    south.append(&mut north);
    let mut people = south;
    fresh(agree(&mut people).await);

    // The socket is gone without a goodbye.
    let crashed = people.pop().unwrap();
    daemon.control().drop_session(crashed.me()).await.unwrap();
    fresh(agree(&mut people).await);
    let mut crashed = crashed;
    loop {
        match crashed.next().await {
            GroupEvent::Closed(reason) => break assert_eq!(reason, CloseReason::EndOfStream),
            GroupEvent::Message(_) | GroupEvent::TransitionalSignal => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(crashed.group.recv().await, None);

    let Person {
        client,
        group: left,
    } = people.pop().unwrap();
    left.leave().await.unwrap();
    fresh(agree(&mut people).await);
    // Who left may come back.
    let again = client.join(group(), GroupOptions::default()).await.unwrap();
    people.push(Person {
        client,
        group: again,
    });
    fresh(agree(&mut people).await);

    // Dropping the handle leaves; dropping the client disconnects.
    let Person { client, group } = people.pop().unwrap();
    drop(group);
    fresh(agree(&mut people).await);
    drop(client);
    let Person { client, group } = people.pop().unwrap();
    drop((client, group));
    fresh(agree(&mut people).await);
    daemon.shutdown().await;
}

#[tokio::test]
async fn in_process_members_see_each_others_cause() {
    let daemon = start_daemon(&["n1"]).await;
    let over = || daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let a = Client::over(over(), config("a")).await.unwrap();
    let b = Client::over(over(), config("b").insecure_seed([1; 32]))
        .await
        .unwrap();
    let mut at_a = a.join(group(), GroupOptions::default()).await.unwrap();
    let first = soon("a view", at_a.next()).await.unwrap();
    assert!(
        matches!(first, GroupEvent::SecureView(view) if view.view.members == [*a.private_group()])
    );
    let mut at_b = b.join(group(), GroupOptions::default()).await.unwrap();
    let seen = soon("a view", at_b.next()).await.unwrap();
    match seen {
        GroupEvent::SecureView(view) => {
            assert_eq!(view.view.cause, Cause::Join(*b.private_group()));
            assert_eq!(view.view.transitional_set, [*b.private_group()]);
            assert_eq!(view.index, 1);
        }
        other => panic!("{other:?}"),
    }
    b.disconnect().await;
    assert_eq!(
        soon("the end", at_b.next()).await,
        Some(GroupEvent::Closed(CloseReason::Disconnected))
    );
    assert_eq!(at_b.next().await, None);
    let error = at_b.multicast(Service::Agreed, 0, "x").await.unwrap_err();
    assert_eq!(error.failure, SendFailure::Closed);
    assert_eq!(at_b.state().await, Err(Error::Closed));
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_message_for_an_old_view_comes_back() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join(&daemon, "n1", "a").await;
    let early = a
        .group
        .multicast(Service::Agreed, 0, "x")
        .await
        .unwrap_err();
    assert_eq!(early.failure, SendFailure::NoView(group()));
    assert_eq!(early.payload, "x");
    a.view_of(&[a.me()]).await;
    let old_key = a.group.export("k", b"", 16).await.unwrap();

    let mut b = Person::join(&daemon, "n1", "b").await;
    let both = [a.me(), b.me()];
    b.view_of(&both).await;
    // The view of both is agreed, but a does not know yet whom it would speak to.
    let error = loop {
        let error = a
            .group
            .multicast(Service::Agreed, 0, "for me")
            .await
            .unwrap_err();
        match error.failure {
            SendFailure::Session(_) => tokio::task::yield_now().await,
            _ => break error,
        }
    };
    assert!(error.is_view_changed(), "{error}");
    assert_eq!(error.payload, "for me");
    assert_eq!(
        a.group.export("k", b"", 16).await,
        Err(Error::Outdated(group()))
    );
    // Who does not mind may send all the same.
    let number = a
        .group
        .multicast_next(Service::Agreed, 0, "for all")
        .await
        .unwrap();
    assert_eq!(b.message().await.payload, "for all");
    assert_eq!(a.view_of(&both).await.number, number);
    assert_eq!(a.message().await.payload, "for all");
    assert_ne!(a.group.export("k", b"", 16).await.unwrap(), old_key);
    a.group
        .multicast(Service::Agreed, 0, "for both")
        .await
        .unwrap();
    assert_eq!(b.message().await.payload, "for both");
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_send_for_the_next_view_waits_for_it() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join_with(&daemon, "n1", config("a"), manual()).await;
    a.view_of(&[a.me()]).await;
    let mut b = Person::join(&daemon, "n1", "b").await;
    assert_eq!(a.next().await, GroupEvent::FlushRequest);
    a.group
        .multicast(Service::Agreed, 0, "last words")
        .await
        .unwrap();
    a.group.flush_ok().await.unwrap();
    let refused = a
        .group
        .multicast(Service::Agreed, 0, "x")
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused.failure,
            SendFailure::Session(ssp_core::SendError::NotAllowedToSend(_))
                | SendFailure::ViewChanged { .. }
        ),
        "{refused}"
    );
    assert!(
        a.group.flush_ok().await.is_err(),
        "one permission is enough"
    );
    let sent = soon(
        "the next view",
        a.group.multicast_next(Service::Agreed, 0, "hello"),
    );
    let view = sent.await.unwrap();
    assert_eq!(a.message().await.payload, "last words");
    assert_eq!(a.view_of(&[a.me(), b.me()]).await.number, view);
    b.view_of(&[a.me(), b.me()]).await;
    assert_eq!(b.message().await.payload, "hello");
    daemon.shutdown().await;
}

#[tokio::test]
async fn patience_is_bounded() {
    let daemon = start_daemon(&["n1"]).await;
    let limit = Duration::from_millis(50);
    let impatient = config("a").connection(|connection| connection.wait_limit(limit));
    let mut a = Person::join_with(&daemon, "n1", impatient, manual()).await;
    a.view_of(&[a.me()]).await;
    let _bare = bare_member(&daemon).await;
    assert_eq!(a.next().await, GroupEvent::FlushRequest);
    a.group.flush_ok().await.unwrap();
    let error = a
        .group
        .multicast_next(Service::Agreed, 0, "x")
        .await
        .unwrap_err();
    assert_eq!(error.failure, SendFailure::Timeout(limit));
    assert_eq!(error.payload, "x");
    daemon.shutdown().await;
}

async fn bare_member(daemon: &gcs_daemon::Daemon) -> PlainClient {
    let bare = PlainClient::connect(&endpoint(daemon, "n1"), named("bare"))
        .await
        .unwrap();
    bare.command(GcsCommand::Join(group())).await.unwrap();
    bare
}

#[tokio::test]
async fn a_bare_member_is_named_and_the_group_goes_on_without_it() {
    let daemon = start_daemon(&["n1"]).await;
    let session = SessionConfig {
        flush_timeout: 50,
        ..SessionConfig::default()
    };
    let mut people = Vec::new();
    for name in ["a", "b"] {
        let config: ClientConfig = config(name).session(session);
        people.push(Person::join_with(&daemon, "n1", config, GroupOptions::default()).await);
        agree(&mut people).await;
    }
    let bare = bare_member(&daemon).await;
    for person in &mut people {
        // At first the other one may be missing too, if it is slow.
        let blame = async {
            loop {
                match person.next().await {
                    GroupEvent::FlushBlocked { members } if members.len() == 1 => return members,
                    GroupEvent::FlushBlocked { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!(soon("the blame", blame).await, [*bare.private_group()]);
        assert_eq!(person.group.state().await.unwrap(), Some(Phase::Flushing));
    }
    bare.disconnect().await;
    agree(&mut people).await;
    people[0]
        .group
        .multicast(Service::Agreed, 0, "on")
        .await
        .unwrap();
    assert_eq!(people[1].message().await.payload, "on");
    daemon.shutdown().await;
}

#[tokio::test]
async fn an_unknown_identity_stops_the_group_until_it_is_gone() {
    let daemon = start_daemon(&["n1"]).await;
    let mut people = Vec::new();
    for name in ["a", "b"] {
        people.push(Person::join(&daemon, "n1", name).await);
        agree(&mut people).await;
    }
    let before = *people[0].group.fingerprint().unwrap();
    let stranger = Person::join(&daemon, "n1", "mallory").await;
    for person in &mut people {
        match person.next().await {
            GroupEvent::Failed { suspects, reason } => {
                assert_eq!(suspects, [stranger.me()]);
                assert_eq!(reason, GroupFailure::UnknownIdentity);
            }
            other => panic!("{other:?}"),
        }
        let error = person
            .group
            .multicast(Service::Agreed, 0, "x")
            .await
            .unwrap_err();
        assert!(matches!(error.failure, SendFailure::Session(_)), "{error}");
        assert_eq!(person.group.state().await.unwrap(), Some(Phase::Failed));
    }
    drop(stranger);
    assert_ne!(agree(&mut people).await, before);
    people[1]
        .group
        .multicast(Service::Agreed, 0, "on")
        .await
        .unwrap();
    assert_eq!(people[0].message().await.payload, "on");
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_buffer_too_short_loses_nothing() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join(&daemon, "n1", "a").await;
    let mut buffer = [0; 8];
    let first = a.group.recv_into(&mut buffer).await.unwrap();
    assert!(matches!(
        first,
        Some(Received::Event(GroupEvent::SecureView(_)))
    ));
    let parts = [
        IoSlice::new(b"in three"),
        IoSlice::new(b""),
        IoSlice::new(b" parts"),
    ];
    a.group
        .multicast_vectored(Service::Agreed, 4, &parts)
        .await
        .unwrap();
    a.group
        .multicast(Service::Agreed, 5, "short")
        .await
        .unwrap();
    let short = TooShort {
        needed: 14,
        room: 8,
    };
    assert_eq!(a.group.recv_into(&mut buffer).await, Err(short));
    assert_eq!(a.group.recv_into(&mut buffer).await, Err(short));
    assert!(a.group.pending() >= 1);
    match a.group.try_recv() {
        Some(GroupEvent::Message(message)) => assert_eq!(message.payload, "in three parts"),
        other => panic!("{other:?}"),
    }
    match soon("a message", a.group.recv_into(&mut buffer))
        .await
        .unwrap()
    {
        Some(Received::Message {
            sender,
            message_type,
            length,
            service,
        }) => {
            assert_eq!(
                (sender, message_type, service),
                (a.me(), 5, Service::Agreed)
            );
            assert_eq!(&buffer[..length], b"short");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(a.group.try_recv(), None);
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_discarded_own_message_does_not_come_back() {
    let daemon = start_daemon(&["n1"]).await;
    let mut people = Vec::new();
    for name in ["a", "b"] {
        people.push(Person::join(&daemon, "n1", name).await);
        agree(&mut people).await;
    }
    let a = &people[0].group;
    a.multicast_with(Service::Fifo, SelfDelivery::Discard, 0, "away")
        .await
        .unwrap();
    a.multicast(Service::Fifo, 0, "both").await.unwrap();
    assert_eq!(people[0].message().await.payload, "both");
    assert_eq!(people[1].message().await.payload, "away");
    assert_eq!(people[1].message().await.payload, "both");
    let stats = people[1].group.stats().await.unwrap().unwrap();
    assert_eq!((stats.opened, stats.rejections.total()), (2, 0));
    daemon.shutdown().await;
}

#[tokio::test]
async fn calls_out_of_place_are_refused_with_their_numbers() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join(&daemon, "n1", "a").await;
    a.view_of(&[a.me()]).await;
    let twice = a
        .client
        .join(group(), GroupOptions::default())
        .await
        .unwrap_err();
    assert_eq!(
        twice,
        Error::Session(ssp_core::Error::AlreadyJoined(group()))
    );
    assert_eq!(
        a.group.flush_ok().await,
        Err(Error::Session(ssp_core::Error::IllegalFlushOk(group())))
    );
    let reserved = a
        .group
        .multicast(Service::Agreed, -32_750, "x")
        .await
        .unwrap_err();
    assert_eq!(reserved.code(), ssp_core::error::code::ILLEGAL_MESSAGE_TYPE);
    let long = a
        .group
        .multicast(Service::Agreed, 0, vec![0; (4 << 20) + 1])
        .await
        .unwrap_err();
    assert_eq!(long.code(), ssp_core::error::code::MESSAGE_TOO_LONG);
    assert_eq!(long.payload.len(), (4 << 20) + 1);
    // The failed join of a group that is held did not leave it.
    a.group
        .multicast(Service::Agreed, 0, "still")
        .await
        .unwrap();
    assert_eq!(a.message().await.payload, "still");
    daemon.shutdown().await;
}

/// Leaving does not wait for a first view that a bare member prevents.
#[tokio::test]
async fn a_group_can_be_left_before_its_first_view() {
    let daemon = start_daemon(&["n1"]).await;
    let mut bare = bare_member(&daemon).await;
    soon("own membership", bare.recv()).await;
    let a = Person::join(&daemon, "n1", "a").await;
    soon("leaving", a.group.leave()).await.unwrap();
    daemon.shutdown().await;
}
