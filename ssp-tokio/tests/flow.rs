//! Sending and receiving under pressure: cancelled calls, slow readers, keys that change meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::time::Duration;

use ssp_tokio::{
    Client, GroupEvent, SendFailure,
    gcs_proto::{gcs::GcsCommand, service::Service},
    plain::PlainClient,
    ssp_core::{Confirmation, FlushMode, GroupOptions, Phase, SecureMessage},
};
use support::{
    daemon_name, endpoint, named,
    people::{Person, agree, config, group},
    polled, soon, start_daemon,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::watch,
};

async fn pair(daemon: &gcs_daemon::Daemon) -> Vec<Person> {
    let mut people = Vec::new();
    for name in ["a", "b"] {
        people.push(Person::join(daemon, "n1", name).await);
        agree(&mut people).await;
    }
    people
}

fn number(message: &SecureMessage) -> u32 {
    u32::from_le_bytes(message.payload[..].try_into().unwrap())
}

/// Both send while the key is refreshed again and again: sends wait for the new key, nothing is
/// refused, nothing is lost, and both see the same messages and keys in one order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_wait_out_a_refresh() {
    const REFRESHES: usize = 5;
    const SENDS: u32 = 20 * (REFRESHES as u32 + 1);
    let daemon = start_daemon(&["n1"]).await;
    let people = pair(&daemon).await;
    let mut running = Vec::new();
    for mut person in people {
        running.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            let mut keys = 0;
            let mut requested = 0;
            let mut sent = 0;
            let refreshes = person.me().as_str().starts_with("#a");
            while seen.len() < 2 * SENDS as usize || keys < REFRESHES {
                // Some with every key, so that no machine is fast enough to send all with one.
                let most = 20 * (keys as u32 + 1);
                if sent < most {
                    let bytes = sent.to_le_bytes().to_vec();
                    person
                        .group
                        .multicast(Service::Agreed, 0, bytes)
                        .await
                        .unwrap();
                    sent += 1;
                }
                if refreshes && requested == keys && keys < REFRESHES {
                    person.group.refresh().await.unwrap();
                    requested += 1;
                }
                let take = if sent < most {
                    person.group.try_recv()
                } else {
                    Some(person.next().await)
                };
                match take {
                    Some(GroupEvent::Message(message)) => {
                        seen.push((message.sender, number(&message), message.epoch));
                    }
                    Some(GroupEvent::KeyRefreshed(_)) => keys += 1,
                    None => {}
                    Some(other) => panic!("{other:?}"),
                }
            }
            (person, seen)
        }));
    }
    let mut all = Vec::new();
    for person in running {
        all.push(soon("all messages", person).await.unwrap());
    }
    let (left, right) = (&all[0].1, &all[1].1);
    assert_eq!(left, right);
    for (person, seen) in &all {
        let own: Vec<u32> = seen
            .iter()
            .filter(|(sender, ..)| *sender == person.me())
            .map(|(_, number, _)| *number)
            .collect();
        assert_eq!(own, (0..SENDS).collect::<Vec<_>>());
    }
    let epochs: std::collections::BTreeSet<u32> = left.iter().map(|(.., epoch)| *epoch).collect();
    assert!(epochs.len() >= REFRESHES, "{epochs:?}");
    daemon.shutdown().await;
}

/// A client whose bytes to the daemon stop while the gate is shut.
async fn gated(daemon: &gcs_daemon::Daemon, name: &str) -> (Client, watch::Sender<bool>) {
    let (gate, mut open) = watch::channel(true);
    let (near, middle) = tokio::io::duplex(1 << 16);
    let far = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let (mut from_client, mut to_client) = tokio::io::split(middle);
    let (mut from_daemon, mut to_daemon) = tokio::io::split(far);
    tokio::spawn(async move { tokio::io::copy(&mut from_daemon, &mut to_client).await });
    tokio::spawn(async move {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = from_client.read(&mut buffer).await.unwrap_or(0);
            if count == 0 || open.wait_for(|open| *open).await.is_err() {
                return;
            }
            to_daemon.write_all(&buffer[..count]).await.unwrap();
        }
    });
    (Client::over(near, config(name)).await.unwrap(), gate)
}

/// A refresh that a flush request overtakes ends without a key of its own, and what waits for its
/// end is sent under the old key, long before its time limit ends.
#[tokio::test]
async fn a_send_goes_on_when_the_refresh_is_given_up() {
    let daemon = start_daemon(&["n1"]).await;
    let manual = GroupOptions {
        flush: FlushMode::Manual,
        ..GroupOptions::default()
    };
    let patient = |name: &str| {
        config(name).connection(|connection| connection.wait_limit(Duration::from_secs(3600)))
    };
    let mut a = Person::join_with(&daemon, "n1", patient("a"), manual).await;
    a.view_of(&[a.me()]).await;
    let (client, gate) = gated(&daemon, "b").await;
    let at_b = client.join(group(), GroupOptions::default()).await.unwrap();
    let mut b = Person {
        client,
        group: at_b,
    };
    assert_eq!(a.next().await, GroupEvent::FlushRequest);
    a.group.flush_ok().await.unwrap();
    let both = [a.me(), b.me()];
    a.view_of(&both).await;
    b.view_of(&both).await;

    // The newest member makes the new key, and nothing of it gets through.
    gate.send_replace(false);
    a.group.refresh().await.unwrap();
    soon("the refresh", async {
        while a.group.state().await != Ok(Some(Phase::Refreshing)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut send = Box::pin(a.group.multicast(Service::Agreed, 0, "old key"));
    assert!(
        tokio::time::timeout(Duration::from_millis(50), &mut send)
            .await
            .is_err(),
        "nothing is sent during a refresh"
    );
    let bare = PlainClient::connect(&endpoint(&daemon, "n1"), named("bare"))
        .await
        .unwrap();
    bare.command(GcsCommand::Join(group())).await.unwrap();
    soon("the old key", send).await.unwrap();
    assert_eq!(a.next().await, GroupEvent::FlushRequest);
    assert_eq!(a.message().await.epoch, 0);
    daemon.shutdown().await;
}

/// Members confirm each key, and whoever sends meanwhile waits for that: no send fails, whenever it
/// comes.
#[tokio::test]
async fn sends_wait_for_confirmations() {
    const KEYS: u32 = 8;
    let daemon = start_daemon(&["n1"]).await;
    let explicit = GroupOptions {
        confirmation: Confirmation::Explicit,
        ..GroupOptions::default()
    };
    let mut a = Person::join_with(&daemon, "n1", config("a"), explicit.clone()).await;
    assert!(matches!(a.next().await, GroupEvent::SecureView(_)));
    let mut b = Person::join_with(&daemon, "n1", config("b"), explicit).await;
    for key in 0..KEYS {
        // The key is there, and nobody has yet seen a confirmation of it.
        for person in [&mut a, &mut b] {
            soon("the key", async {
                loop {
                    match person.next().await {
                        GroupEvent::SecureView(view) if view.view.members.len() == 2 => return,
                        GroupEvent::KeyRefreshed(_) => return,
                        GroupEvent::KeyConfirmed { .. }
                        | GroupEvent::Message(_)
                        | GroupEvent::TransitionalSignal => {}
                        other => panic!("{other:?}"),
                    }
                }
            })
            .await;
        }
        let bytes = key.to_le_bytes().to_vec();
        let sent = match key % 3 {
            0 => a.group.multicast(Service::Agreed, 0, bytes).await.err(),
            1 => {
                let next = a.group.multicast_next(Service::Agreed, 0, bytes);
                next.await.err()
            }
            _ => {
                let parts = a.group.begin_parts(Service::Agreed, 0).await.unwrap();
                parts.finish(bytes).await.err()
            }
        };
        assert_eq!(sent, None);
        soon("the message", async {
            loop {
                if let GroupEvent::Message(message) = b.next().await {
                    assert_eq!((number(&message), message.epoch), (key, key));
                    return;
                }
            }
        })
        .await;
        a.group.refresh().await.unwrap();
    }
    daemon.shutdown().await;
}

/// The first key of a view with so many members is confirmed.
async fn confirmed(person: &mut Person, members: usize) {
    soon("the confirmed key", async {
        loop {
            let event = person.next().await;
            let there = person.group.members().len() == members;
            if there && matches!(event, GroupEvent::KeyConfirmed { .. }) {
                return;
            }
        }
    })
    .await;
}

/// What waits for the last confirmation is woken by it, whatever those who waited before have seen.
#[tokio::test]
async fn the_last_confirmation_wakes_those_who_wait() {
    let daemon = start_daemon(&["n1"]).await;
    let explicit = GroupOptions {
        confirmation: Confirmation::Explicit,
        ..GroupOptions::default()
    };
    let patient = |name: &str| {
        config(name).connection(|connection| connection.wait_limit(Duration::from_secs(3600)))
    };
    let mut a = Person::join_with(&daemon, "n1", patient("a"), explicit.clone()).await;
    a.view_of(&[a.me()]).await;
    let (client, gate) = gated(&daemon, "b").await;
    let at_b = client.join(group(), explicit.clone()).await.unwrap();
    let mut b = Person {
        client,
        group: at_b,
    };
    confirmed(&mut a, 2).await;
    confirmed(&mut b, 2).await;
    // The newest member makes the keys.
    let mut c = Person::join_with(&daemon, "n1", config("c"), explicit).await;
    for person in [&mut a, &mut b, &mut c] {
        confirmed(person, 3).await;
    }
    for epoch in 1..3 {
        gate.send_replace(false);
        a.group.refresh().await.unwrap();
        while a.group.epoch() != Some(epoch) {
            a.next().await;
        }
        // All confirmations but one have come.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(a.group.state().await, Ok(Some(Phase::Confirming)));
        let mut send = Box::pin(a.group.multicast(Service::Agreed, 0, "confirmed"));
        assert!(polled(100, &mut send).await.is_none());
        gate.send_replace(true);
        soon("the last confirmation", send).await.unwrap();
        loop {
            if let GroupEvent::Message(message) = a.next().await {
                assert_eq!(
                    (&message.payload[..], message.epoch),
                    (&b"confirmed"[..], epoch)
                );
                break;
            }
        }
    }
    daemon.shutdown().await;
}

/// A member that never confirms makes sends wait as long as their time limit and no longer, and they go
/// on at once when it is gone.
#[tokio::test]
async fn a_missing_confirmation_is_waited_for_in_patience() {
    let daemon = start_daemon(&["n1"]).await;
    let explicit = GroupOptions {
        confirmation: Confirmation::Explicit,
        ..GroupOptions::default()
    };
    let wait_limit = Duration::from_millis(200);
    let short = config("a").connection(|connection| connection.wait_limit(wait_limit));
    let long =
        config("b").connection(|connection| connection.wait_limit(Duration::from_secs(3600)));
    let mut a = Person::join_with(&daemon, "n1", short, explicit.clone()).await;
    assert!(matches!(a.next().await, GroupEvent::SecureView(_)));
    let mut b = Person::join_with(&daemon, "n1", long, explicit).await;
    let silent = Person::join(&daemon, "n1", "c").await;
    let all = [a.me(), b.me(), silent.me()];
    for person in [&mut a, &mut b] {
        soon("the view", async {
            while person.group.members() != all {
                person.next().await;
            }
        })
        .await;
    }
    let failed = a.group.multicast(Service::Agreed, 0, "x").await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.failure, SendFailure::Timeout(wait_limit));
    assert_eq!(failed.payload, "x");
    let failed = a.group.begin_parts(Service::Agreed, 0).await;
    assert_eq!(failed.unwrap_err(), SendFailure::Timeout(wait_limit));
    let mut next = Box::pin(b.group.multicast_next(Service::Agreed, 0, "to both"));
    assert!(polled(100, &mut next).await.is_none());
    soon("leaving", silent.group.leave()).await.unwrap();
    soon("the next view", async {
        while a.group.members().len() != 2 {
            a.next().await;
        }
    })
    .await;
    soon("the message", next).await.unwrap();
    loop {
        if let GroupEvent::Message(message) = a.next().await {
            assert_eq!(message.payload, "to both");
            break;
        }
    }
    daemon.shutdown().await;
}

/// A multicast whose future is dropped is sent once or never; those that were answered are sent.
#[tokio::test]
async fn a_dropped_multicast_is_sent_once_or_never() {
    let daemon = start_daemon(&["n1"]).await;
    // A queue of one command makes the calls wait in both of their places.
    let narrow = |name: &str| config(name).connection(|connection| connection.command_queue(1));
    let mut a = Person::join_with(&daemon, "n1", narrow("a"), GroupOptions::default()).await;
    a.view_of(&[a.me()]).await;
    let mut answered = Vec::new();
    let mut dropped = 0;
    for number in 0..300u32 {
        let bytes = number.to_le_bytes().to_vec();
        match polled(number % 4, a.group.multicast(Service::Agreed, 0, bytes)).await {
            Some(sent) => {
                sent.unwrap();
                answered.push(number);
            }
            None => dropped += 1,
        }
    }
    let last = 1000u32.to_le_bytes().to_vec();
    a.group.multicast(Service::Agreed, 0, last).await.unwrap();
    let mut seen = Vec::new();
    loop {
        match number(&a.message().await) {
            1000 => break,
            number => seen.push(number),
        }
    }
    assert!(dropped > 0 && !answered.is_empty(), "{dropped} dropped");
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    assert!(answered.iter().all(|number| seen.contains(number)));
    daemon.shutdown().await;
}

/// A member that takes no events stops being read, keeps its bound, can send meanwhile, and finds
/// everything in order afterwards.
#[tokio::test]
async fn a_slow_member_keeps_its_bound_and_loses_nothing() {
    const EVENTS: usize = 8;
    const MESSAGES: u32 = 600;
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join(&daemon, "n1", "a").await;
    a.view_of(&[a.me()]).await;
    let small = config("b").connection(|connection| connection.event_queue(EVENTS));
    let mut b = Person::join_with(&daemon, "n1", small, GroupOptions::default()).await;
    let both = [a.me(), b.me()];
    b.view_of(&both).await;
    a.view_of(&both).await;

    for expected in 0..MESSAGES {
        let bytes = expected.to_le_bytes().to_vec();
        a.group.multicast(Service::Agreed, 0, bytes).await.unwrap();
        assert_eq!(number(&a.message().await), expected);
        assert!(b.group.pending() <= EVENTS);
    }
    // Its queue is full, and it can still speak.
    soon("room", async {
        while b.group.pending() < EVENTS {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let word = u32::MAX.to_le_bytes().to_vec();
    b.group.multicast(Service::Agreed, 0, word).await.unwrap();
    assert_eq!(number(&a.message().await), u32::MAX);
    for expected in (0..MESSAGES).chain([u32::MAX]) {
        assert_eq!(number(&b.message().await), expected);
    }
    daemon.shutdown().await;
}

/// A join that nobody waits for any more is undone.
#[tokio::test]
async fn a_dropped_join_leaves_no_member_behind() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join(&daemon, "n1", "a").await;
    a.view_of(&[a.me()]).await;
    let b = Client::connect(&endpoint(&daemon, "n1"), config("b"))
        .await
        .unwrap();
    for polls in 0..4 {
        drop(polled(polls, b.join(group(), GroupOptions::default())).await);
        // The name is free again as soon as the leave is done.
        let again = soon("the group", async {
            loop {
                match b.join(group(), GroupOptions::default()).await {
                    Ok(group) => return group,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        })
        .await;
        soon("leaving", again.leave()).await.unwrap();
    }
    b.disconnect().await;
    let mut c = Person::join(&daemon, "n1", "c").await;
    let both = [a.me(), c.me()];
    a.view_of(&both).await;
    c.view_of(&both).await;
    daemon.shutdown().await;
}
