//! Futures dropped after any number of polls: nothing is lost, nothing comes twice, and what is left is
//! as the documentation says.

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
    Client, Error, GroupEvent, Received,
    gcs_proto::{
        gcs::{Cause, GcsCommand, GcsEvent, Multicast, SelfDelivery},
        service::Service,
    },
    persistent::{Backoff, PersistentClient, PersistentEvent},
    plain::PlainClient,
    ssp_core::{self, FlushMode, GroupOptions, PartDelivery, PartEnd, Phase, SecureMessage},
};
use support::{
    endpoint, named,
    people::{Person, agree, config, group},
    polled, soon, start_daemon,
};

/// Numbers of polls, closer together at the beginning, where the awaits are.
fn budgets() -> impl Iterator<Item = u32> {
    (0..8).chain((3..).map(|power| 1 << power))
}

/// Small queues make calls wait in every place where they can.
fn narrow(name: &str) -> ssp_tokio::ClientConfig {
    config(name).connection(|connection| connection.command_queue(1).event_queue(3))
}

async fn pair(daemon: &gcs_daemon::Daemon, options: GroupOptions) -> (Person, Person) {
    let mut people = Vec::new();
    for name in ["a", "b"] {
        people.push(Person::join_with(daemon, "n1", narrow(name), options.clone()).await);
        agree(&mut people).await;
    }
    let b = people.pop().unwrap();
    (people.pop().unwrap(), b)
}

fn number(message: &SecureMessage) -> u32 {
    u32::from_le_bytes(message.payload[..].try_into().unwrap())
}

/// Every way to take events, dropped again and again.
#[tokio::test]
async fn taking_loses_nothing() {
    const MESSAGES: u32 = 400;
    let daemon = start_daemon(&["n1"]).await;
    let (a, mut b) = pair(&daemon, GroupOptions::default()).await;
    let sending = tokio::spawn(async move {
        for number in 0..MESSAGES {
            let bytes = number.to_le_bytes().to_vec();
            let sent = a
                .group
                .multicast_with(Service::Agreed, SelfDelivery::Discard, 0, bytes);
            sent.await.unwrap();
        }
        a
    });
    let mut seen = Vec::new();
    let mut dropped = 0;
    soon("all messages", async {
        for turn in 0_u32.. {
            if seen.len() == MESSAGES as usize {
                break;
            }
            let polls = turn / 5 % 4;
            let before = seen.len();
            let mut note = |event| match event {
                GroupEvent::Message(message) => seen.push(number(&message)),
                other => panic!("{other:?}"),
            };
            match turn % 5 {
                0 => {
                    let event = polled(polls, b.group.recv()).await;
                    event.into_iter().for_each(|event| note(event.unwrap()));
                }
                1 => {
                    let mut events = Vec::new();
                    polled(polls, b.group.recv_many(&mut events, 2)).await;
                    events.into_iter().for_each(note);
                }
                2 => {
                    let event = polled(polls, b.group.next()).await;
                    event.into_iter().for_each(|event| note(event.unwrap()));
                }
                3 => {
                    let mut buffer = [0; 4];
                    match polled(polls, b.group.recv_into(&mut buffer)).await {
                        Some(Ok(Some(Received::Message { length: 4, .. }))) => {
                            seen.push(u32::from_le_bytes(buffer));
                        }
                        None => {}
                        other => panic!("{other:?}"),
                    }
                }
                _ => {
                    // Too short: the message stays where it is.
                    let mut buffer = [0; 3];
                    match polled(polls, b.group.recv_into(&mut buffer)).await {
                        Some(Err(short)) => assert_eq!(short.needed, 4),
                        None => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
            dropped += usize::from(seen.len() == before);
        }
    })
    .await;
    assert_eq!(seen, (0..MESSAGES).collect::<Vec<_>>());
    assert!(dropped > 0);
    sending.await.unwrap();
    daemon.shutdown().await;
}

/// Every way to send, dropped again and again: each message comes once or never, in order; those that
/// were answered come.
#[tokio::test]
async fn a_message_is_sent_once_or_never() {
    let daemon = start_daemon(&["n1"]).await;
    let (a, mut b) = pair(&daemon, GroupOptions::default()).await;
    let service = Service::Agreed;
    let taking = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            match number(&b.message().await) {
                u32::MAX => return (seen, b),
                number => seen.push(number),
            }
        }
    });
    // The own messages come back and have to be taken.
    let mut a = a;
    let drain = |a: &mut Person| while a.group.try_recv().is_some() {};
    let mut answered = BTreeSet::new();
    let mut dropped = 0;
    for turn in 0..400_u32 {
        let polls = turn / 5 % 4;
        let bytes = (2 * turn).to_le_bytes();
        let sent = match turn % 5 {
            0 => polled(polls, a.group.multicast(service, 0, bytes.to_vec()))
                .await
                .map(drop),
            1 => {
                let send =
                    a.group
                        .multicast_with(service, SelfDelivery::Discard, 0, bytes.to_vec());
                polled(polls, send).await.map(drop)
            }
            2 => {
                let parts = [IoSlice::new(&bytes[..1]), IoSlice::new(&bytes[1..])];
                polled(polls, a.group.multicast_vectored(service, 0, &parts))
                    .await
                    .map(drop)
            }
            3 => polled(polls, a.group.multicast_next(service, 0, bytes.to_vec()))
                .await
                .map(drop),
            _ => {
                let second = (2 * turn + 1).to_le_bytes();
                let both = [bytes, second]
                    .map(|bytes| (0, bytes.to_vec().into()))
                    .to_vec();
                let sent = polled(
                    polls,
                    a.group.multicast_all(service, SelfDelivery::Discard, both),
                );
                let sent = sent.await;
                if sent.is_some() {
                    answered.insert(2 * turn + 1);
                }
                sent.map(drop)
            }
        };
        match sent {
            Some(()) => {
                answered.insert(2 * turn);
            }
            None => dropped += 1,
        }
        drain(&mut a);
    }
    let last = u32::MAX.to_le_bytes().to_vec();
    a.group.multicast(service, 0, last).await.unwrap();
    let (seen, _b) = soon("all messages", taking).await.unwrap();
    assert!(dropped > 50 && answered.len() > 50, "{dropped} dropped");
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    let seen: BTreeSet<u32> = seen.into_iter().collect();
    assert!(answered.is_subset(&seen));
    // Of messages sent together a first part is sent.
    let seconds = seen.iter().filter(|number| *number % 2 == 1);
    assert!(seconds.clone().all(|second| seen.contains(&(second - 1))));
    daemon.shutdown().await;
}

/// A part is sent once or never, and the sender can find out which.
#[tokio::test]
async fn a_part_is_sent_once_or_never() {
    const PARTS: u32 = 60;
    let daemon = start_daemon(&["n1"]).await;
    let options = GroupOptions {
        parts: PartDelivery::Streamed,
        ..GroupOptions::default()
    };
    let (mut a, mut b) = pair(&daemon, options).await;
    let taking = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            let message = b.message().await;
            let part = message.part.unwrap();
            assert_eq!(part.index as usize, seen.len());
            if part.end == PartEnd::Last {
                return (seen, b);
            }
            seen.push(number(&message));
        }
    });
    let begun = polled(1, a.group.begin_parts(Service::Fifo, 0)).await;
    assert!(begun.is_none());
    let mut sender = a.group.begin_parts(Service::Fifo, 0).await.unwrap();
    sender.set_window(2);
    let mut dropped = 0;
    for index in 0..PARTS {
        for polls in budgets() {
            let part = index.to_le_bytes().to_vec();
            if let Some(sent) = polled(polls, sender.send(part)).await {
                sent.unwrap();
                break;
            }
            dropped += 1;
            while a.group.try_recv().is_some() {}
            // What is answered now came behind it.
            a.group.state().await.unwrap();
            if sender.parts() > index {
                break;
            }
        }
        assert_eq!(sender.parts(), index + 1);
    }
    let finishing = tokio::spawn(sender.finish("end"));
    let taking = soon("all parts", taking);
    let (seen, _b) = tokio::select! {
        taken = taking => taken.unwrap(),
        () = async { while a.group.recv().await.is_some() {} } => panic!("over"),
    };
    finishing.await.unwrap().unwrap();
    assert!(dropped > 20, "{dropped}");
    assert_eq!(seen, (0..PARTS).collect::<Vec<_>>());
    daemon.shutdown().await;
}

/// A leave that nobody waits for is a leave.
#[tokio::test]
async fn a_dropped_leave_leaves() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join(&daemon, "n1", "a").await;
    a.view_of(&[a.me()]).await;
    for polls in budgets() {
        let mut b = Person::join(&daemon, "n1", "b").await;
        let both = [a.me(), b.me()];
        a.view_of(&both).await;
        b.view_of(&both).await;
        let left = polled(polls, b.group.leave()).await;
        let view = a.view_of(&[a.me()]).await;
        assert_eq!(view.view.cause, Cause::Leave(both[1]));
        b.client.disconnect().await;
        if let Some(left) = left {
            left.unwrap();
            break;
        }
    }
    daemon.shutdown().await;
}

/// A request for a new key is made or not; both members agree which, and nothing else is disturbed.
#[tokio::test]
async fn a_refresh_is_asked_for_or_not() {
    let daemon = start_daemon(&["n1"]).await;
    let (mut a, mut b) = pair(&daemon, GroupOptions::default()).await;
    let mut keys = 0;
    let mut answered = 0;
    for round in 0..12_u32 {
        if let Some(asked) = polled(round % 4, a.group.refresh()).await {
            asked.unwrap();
            answered += 1;
        }
        // The first comes behind the request, if there is one; the second waits for the new key.
        let mut new = [0; 2];
        for mark in [2 * round, 2 * round + 1] {
            let bytes = mark.to_le_bytes().to_vec();
            let sent = a.group.multicast(Service::Agreed, 0, bytes);
            soon("the mark", sent).await.unwrap();
            for (person, new) in [&mut a, &mut b].into_iter().zip(&mut new) {
                loop {
                    match person.next().await {
                        GroupEvent::KeyRefreshed(_) => *new += 1,
                        GroupEvent::Message(message) => {
                            assert_eq!(number(&message), mark);
                            break;
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
        assert!(new[0] == new[1] && new[0] <= 1, "{new:?}");
        keys += new[0];
        assert_eq!(a.group.epoch(), b.group.epoch());
        // Calls that only ask change nothing.
        for polls in 0..3 {
            drop(polled(polls, a.group.export("x", b"", 32)).await);
            drop(polled(polls, a.group.state()).await);
            drop(polled(polls, a.group.stats()).await);
        }
        let at_a = a.group.export("x", b"", 32).await.unwrap();
        assert_eq!(at_a, b.group.export("x", b"", 32).await.unwrap());
        assert_eq!(a.group.state().await, Ok(Some(Phase::Secure)));
    }
    assert!(answered > 0 && answered <= keys, "{answered} {keys}");
    daemon.shutdown().await;
}

/// A permission is given or not, and asking again tells which.
#[tokio::test]
async fn a_flush_is_permitted_or_not() {
    let daemon = start_daemon(&["n1"]).await;
    let manual = GroupOptions {
        flush: FlushMode::Manual,
        ..GroupOptions::default()
    };
    let mut a = Person::join_with(&daemon, "n1", narrow("a"), manual).await;
    a.view_of(&[a.me()]).await;
    let mut given = 0;
    for polls in 0..4 {
        let mut b = Person::join(&daemon, "n1", "b").await;
        let both = [a.me(), b.me()];
        assert_eq!(a.next().await, GroupEvent::FlushRequest);
        if polled(polls, a.group.flush_ok()).await.is_none() {
            match a.group.flush_ok().await {
                Ok(()) => {}
                // It was given before, and the view change may have gone on.
                Err(Error::Session(
                    ssp_core::Error::FlushOkAlreadySent(_) | ssp_core::Error::IllegalFlushOk(_),
                )) => given += 1,
                Err(other) => panic!("{other}"),
            }
        }
        a.view_of(&both).await;
        b.view_of(&both).await;
        drop(b.group);
        b.client.disconnect().await;
        assert_eq!(a.next().await, GroupEvent::FlushRequest);
        a.group.flush_ok().await.unwrap();
        a.view_of(&[a.me()]).await;
    }
    assert!(given > 0);
    daemon.shutdown().await;
}

/// A connection half made is closed, and its name is free again.
#[tokio::test]
async fn a_dropped_connect_leaves_no_session() {
    let daemon = start_daemon(&["n1"]).await;
    let endpoint = endpoint(&daemon, "n1");
    for polls in budgets() {
        let connected = polled(polls, Client::connect(&endpoint, config("a"))).await;
        let done = connected.is_some();
        // Ends in the background.
        drop(connected);
        let again = soon("the name", async {
            loop {
                match Client::connect(&endpoint, config("a")).await {
                    Ok(client) => return client,
                    Err(Error::Handshake(_)) => tokio::task::yield_now().await,
                    Err(other) => panic!("{other}"),
                }
            }
        })
        .await;
        again.disconnect().await;
        if done {
            break;
        }
    }
    soon("nobody", async {
        while daemon.control().stats().await.unwrap().sessions > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    daemon.shutdown().await;
}

/// A client without keys above it, with the same task below.
#[tokio::test]
async fn a_bare_client_loses_nothing_either() {
    let daemon = start_daemon(&["n1"]).await;
    let config = named("a").command_queue(1).event_queue(3);
    let mut client = PlainClient::connect(&endpoint(&daemon, "n1"), config)
        .await
        .unwrap();
    client.command(GcsCommand::Join(group())).await.unwrap();
    assert!(matches!(
        soon("a view", client.recv()).await,
        Some(GcsEvent::Membership(_))
    ));
    let mut given = BTreeSet::new();
    let mut seen = Vec::new();
    let take = |seen: &mut Vec<u32>, event| match event {
        GcsEvent::Message(message) => {
            seen.push(u32::from_le_bytes(message.body[..].try_into().unwrap()));
        }
        other => panic!("{other:?}"),
    };
    let message = |number: u32| {
        let body = number.to_le_bytes().to_vec();
        GcsCommand::Multicast(Multicast::to_group(
            group(),
            Service::Agreed,
            0,
            body.into(),
        ))
    };
    for number in 0..300_u32 {
        if let Some(sent) = polled(number % 4, client.command(message(number))).await {
            sent.unwrap();
            given.insert(number);
        }
        if let Some(event) = polled(number % 3, client.recv()).await {
            take(&mut seen, event.unwrap());
        }
        let mut events = Vec::new();
        polled(number % 3, client.recv_many(&mut events, 2)).await;
        events.into_iter().for_each(|event| take(&mut seen, event));
    }
    client.command(message(u32::MAX)).await.unwrap();
    while seen.last() != Some(&u32::MAX) {
        take(&mut seen, soon("a message", client.recv()).await.unwrap());
    }
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    let seen: BTreeSet<u32> = seen.into_iter().collect();
    assert!(given.is_subset(&seen) && !given.is_empty());
    daemon.shutdown().await;
}

/// A group that comes back tells so once, however often its future is dropped on the way.
#[tokio::test]
async fn a_rejoin_goes_on_with_the_next_call() {
    let daemon = start_daemon(&["n1"]).await;
    let backoff = Backoff {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
        attempts: None,
    };
    let endpoints = [endpoint(&daemon, "n1")];
    let client = PersistentClient::connect(endpoints, narrow("a"), backoff)
        .await
        .unwrap();
    let mut at = client.join(group(), GroupOptions::default());
    let mut told = Vec::new();
    soon("to come back twice", async {
        let mut views = 0;
        for turn in 0_u32.. {
            let Some(event) = polled(turn % 5, at.recv()).await else {
                continue;
            };
            match event.unwrap() {
                PersistentEvent::Group(GroupEvent::SecureView(view)) => {
                    told.push("view");
                    views += 1;
                    if views == 3 {
                        return;
                    }
                    let me = view.view.members[0];
                    daemon.control().drop_session(me).await.unwrap();
                }
                PersistentEvent::Lost(_) => told.push("lost"),
                PersistentEvent::Rejoining { .. } => told.push("rejoining"),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    let back = ["lost", "rejoining", "view"];
    assert_eq!(told, [&["view"][..], &back, &back].concat());
    client.disconnect().await;
    daemon.shutdown().await;
}
