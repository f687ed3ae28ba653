//! The bare client, and what all clients have in common: connecting, back pressure, ending.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use ssp_tokio::{
    Endpoint, Error,
    gcs_proto::{
        self,
        codec::Request,
        error::ConnectRefusal,
        gcs::{Cause, CloseReason, GcsCommand, GcsEvent, Membership, Message, Multicast},
        name::GroupName,
        service::Service,
    },
    plain::PlainClient,
};
use support::{daemon_name, endpoint, named, played, soon, start_daemon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn group() -> GroupName {
    "g".parse().unwrap()
}

fn multicast(body: impl Into<Bytes>) -> GcsCommand {
    GcsCommand::Multicast(Multicast::to_group(
        group(),
        Service::Agreed,
        7,
        body.into(),
    ))
}

async fn membership(client: &mut PlainClient) -> Membership {
    match soon("a membership", client.recv()).await {
        Some(GcsEvent::Membership(membership)) => membership,
        other => panic!("{other:?}"),
    }
}

async fn message(client: &mut PlainClient) -> Message {
    match soon("a message", client.recv()).await {
        Some(GcsEvent::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_password_opens_a_door_that_wants_one() {
    let known = gcs_proto::handshake::Credentials::new(b"alice", b"secret").unwrap();
    let daemon = gcs_daemon::Daemon::builder()
        .daemon(daemon_name("n1"))
        .authentication(
            gcs_daemon::access::Authentication::none()
                .allow_password(move |offered| offered.matches(&known)),
        )
        .start()
        .await
        .unwrap();
    let connect = |config| {
        let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
        soon("an answer", PlainClient::over(stream, config))
    };
    let config = || {
        let credentials = gcs_proto::handshake::Credentials::new(b"alice", b"secret");
        named("alice").credentials(credentials.unwrap())
    };
    assert!(!format!("{:?}", config()).contains("secret"));
    let client = connect(config()).await.unwrap();
    client.disconnect().await;
    // The same configuration serves again: it keeps what it needs.
    let again = config();
    for _ in 0..2 {
        connect(again.clone()).await.unwrap().disconnect().await;
    }
    let guess = gcs_proto::handshake::Credentials::new(b"alice", b"guess").unwrap();
    let wrong = named("alice").credentials(guess);
    assert_eq!(
        connect(wrong).await.err(),
        Some(Error::Handshake(ConnectRefusal::Authentication.into()))
    );
    let without = connect(named("alice")).await.err();
    assert!(matches!(without, Some(Error::Handshake(_))), "{without:?}");
    daemon.shutdown().await;
}

/// Many commands and many events at once keep their order, and one beyond a bound stops all.
#[tokio::test]
async fn batches_keep_their_order_and_are_checked_whole() {
    let daemon = start_daemon(&["n1"]).await;
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let mut client = PlainClient::over(stream, named("alice")).await.unwrap();
    client.command(GcsCommand::Join(group())).await.unwrap();
    membership(&mut client).await;
    let long = multicast(vec![0; 200_000]);
    let refused = client
        .command_all(vec![multicast("never"), long.clone()])
        .await;
    assert!(matches!(refused, Err(Error::Protocol(_))), "{refused:?}");
    assert!(matches!(
        client.command(long).await,
        Err(Error::Protocol(_))
    ));
    // More than go to the task at once, longer and shorter ones mixed.
    let body = |number: usize| {
        vec![
            number as u8;
            if number.is_multiple_of(100) {
                30_000
            } else {
                10
            }
        ]
    };
    let commands = (0..600).map(|number| multicast(body(number))).collect();
    let sending = client.command_all(commands);
    soon("they are given", sending).await.unwrap();
    let mut events = Vec::new();
    while events.len() < 600 {
        let count = soon("events", client.recv_many(&mut events, 64)).await;
        assert!((1..=64).contains(&count));
    }
    for (number, event) in events.into_iter().enumerate() {
        match event {
            GcsEvent::Message(message) => assert_eq!(message.body, body(number)),
            other => panic!("{other:?}"),
        }
    }
    daemon.shutdown().await;
    assert!(matches!(
        soon("the end", client.recv()).await,
        Some(GcsEvent::Closed(CloseReason::EndOfStream))
    ));
    assert_eq!(client.recv_many(&mut Vec::new(), 8).await, 0);
}

#[tokio::test]
async fn members_over_tcp_and_in_process_exchange_messages() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = PlainClient::connect(&endpoint(&daemon, "n1"), named("a"))
        .await
        .unwrap();
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let mut b = PlainClient::over(stream, named("b")).await.unwrap();
    assert_eq!(a.private_group().as_str(), "#a#n1");

    a.command(GcsCommand::Join(group())).await.unwrap();
    assert_eq!(membership(&mut a).await.view.members, [*a.private_group()]);
    b.command(GcsCommand::Join(group())).await.unwrap();
    let both = [*a.private_group(), *b.private_group()];
    for client in [&mut a, &mut b] {
        let seen = membership(client).await;
        assert_eq!(seen.view.members, both);
        assert_eq!(seen.view.cause, Cause::Join(both[1]));
    }

    b.command(multicast("hello")).await.unwrap();
    for client in [&mut a, &mut b] {
        let seen = message(client).await;
        assert_eq!(seen.sender, both[1]);
        assert_eq!(&seen.body[..], b"hello");
        assert_eq!((seen.service, seen.message_type), (Service::Agreed, 7));
    }

    b.disconnect().await;
    assert_eq!(
        membership(&mut a).await.view.cause,
        Cause::Disconnect(both[1])
    );
    daemon.shutdown().await;
    assert_eq!(
        soon("the end", a.recv()).await,
        Some(GcsEvent::Closed(CloseReason::EndOfStream))
    );
    assert_eq!(a.recv().await, None);
    assert_eq!(a.closed().await, CloseReason::EndOfStream);
    assert_eq!(a.command(multicast("late")).await, Err(Error::Closed));
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_serves_as_well() {
    let path = std::env::temp_dir().join(format!("ssp-tokio-{}.sock", std::process::id()));
    let n1 = gcs_daemon::VirtualDaemon::new(daemon_name("n1")).unix(&path);
    let daemon = gcs_daemon::Daemon::builder()
        .daemon(n1)
        .start()
        .await
        .unwrap();
    let endpoint: Endpoint = path.to_str().unwrap().parse().unwrap();
    let mut a = PlainClient::connect(&endpoint, named("a")).await.unwrap();
    a.command(GcsCommand::Join(group())).await.unwrap();
    assert_eq!(membership(&mut a).await.view.members, [*a.private_group()]);
    a.disconnect().await;
    daemon.shutdown().await;
}

#[tokio::test]
async fn dropping_a_client_is_a_good_end() {
    let (near, admitted) = played::pipe(1024);
    let (client, mut daemon) = tokio::join!(PlainClient::over(near, named("a")), admitted);
    let client = client.unwrap();
    client.command(multicast("first")).await.unwrap();
    drop(client);
    let request = soon("the message", daemon.request()).await;
    assert!(matches!(request, Some(Request::Data(_))), "{request:?}");
    assert_eq!(
        soon("the goodbye", daemon.request()).await,
        Some(Request::Disconnect)
    );
    assert_eq!(soon("the end", daemon.request()).await, None);
}

#[tokio::test]
async fn what_fails_while_connecting_is_told() {
    let daemon = start_daemon(&["n1"]).await;
    let n1 = endpoint(&daemon, "n1");
    let _first = PlainClient::connect(&n1, named("a")).await.unwrap();
    assert_eq!(
        PlainClient::connect(&n1, named("a")).await.unwrap_err(),
        Error::Handshake(gcs_proto::Error::Refused(ConnectRefusal::NotUnique))
    );
    daemon.shutdown().await;

    match PlainClient::connect(&n1, named("b")).await.unwrap_err() {
        Error::Connect { endpoint, kind, .. } => {
            assert_eq!(endpoint, n1);
            assert_eq!(kind, std::io::ErrorKind::ConnectionRefused);
        }
        other => panic!("{other}"),
    }

    let (near, far) = tokio::io::duplex(1024);
    drop(far);
    let error = PlainClient::over(near, named("a")).await.unwrap_err();
    assert!(matches!(error, Error::Stream { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_daemon_is_given_up() {
    let (near, _far) = tokio::io::duplex(1024);
    let limit = Duration::from_secs(3);
    let error = PlainClient::over(near, named("a").connect_timeout(limit))
        .await
        .unwrap_err();
    let what = "the handshake";
    assert_eq!(error, Error::Timeout { what, after: limit });
}

/// What was commanded before the end is sent, however much of it waits for the task.
#[tokio::test]
async fn everything_commanded_before_the_end_arrives() {
    let daemon = start_daemon(&["n1"]).await;
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let mut reader = PlainClient::over(stream, named("r")).await.unwrap();
    reader.command(GcsCommand::Join(group())).await.unwrap();
    membership(&mut reader).await;
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let config = named("w").command_queue(200).unsent_bytes(1_000);
    let writer = PlainClient::over(stream, config).await.unwrap();
    for _ in 0..200 {
        writer.command(multicast(vec![7; 100_000])).await.unwrap();
    }
    let (count, ()) = tokio::join!(
        async {
            let mut count = 0;
            while count < 200 {
                message(&mut reader).await;
                count += 1;
            }
            count
        },
        writer.disconnect()
    );
    assert_eq!(count, 200);
    daemon.shutdown().await;
}

/// The daemon takes nothing any more: the end comes all the same, after the time set for it.
#[tokio::test(start_paused = true)]
async fn a_stuck_daemon_does_not_hold_up_the_end() {
    let (near, admitted) = played::pipe(512);
    let farewell = Duration::from_secs(2);
    let config = named("a").farewell_timeout(farewell);
    let (client, _daemon) = tokio::join!(PlainClient::over(near, config), admitted);
    let client = client.unwrap();
    client.command(multicast(vec![0; 4000])).await.unwrap();
    let start = tokio::time::Instant::now();
    soon("the end", client.disconnect()).await;
    assert!(start.elapsed() >= farewell);
    assert!(start.elapsed() <= 2 * farewell, "{:?}", start.elapsed());
}

/// The daemon sends more than the client takes: it is no longer read, loses nothing, and still
/// gets what the client writes.
#[tokio::test]
async fn a_slow_application_stops_reading_but_not_writing() {
    const PIPE: usize = 16 << 10;
    const EVENTS: usize = 4;
    const MESSAGES: usize = 400;
    let (near, admitted) = played::pipe(PIPE);
    let config = named("a").event_queue(EVENTS);
    let (client, daemon) = tokio::join!(PlainClient::over(near, config), admitted);
    let mut client = client.unwrap();
    let mut daemon = daemon;

    let frame = played::data("#x#n1", vec![7; 1000]).encode();
    let (mut reader, mut writer) = tokio::io::split(daemon.stream);
    let (sent_sender, sent) = tokio::sync::watch::channel(0usize);
    let sending = tokio::spawn({
        let frame = frame.clone();
        async move {
            for _ in 0..MESSAGES {
                writer.write_all(&frame).await.unwrap();
                sent_sender.send_modify(|count| *count += 1);
            }
            writer
        }
    });

    // The command goes out although nobody takes events.
    client.command(multicast("while stalled")).await.unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 256];
    while !seen.ends_with(b"while stalled") {
        let count = soon("what the client writes", reader.read(&mut buffer)).await;
        seen.extend_from_slice(&buffer[..count.unwrap()]);
    }

    // Once nothing moves any more, no more has been taken than one read, the queue and the pipe.
    let most = (PIPE + (64 << 10)) / frame.len() + EVENTS + 3;
    let mut sent = sent;
    while tokio::time::timeout(Duration::from_millis(200), sent.changed())
        .await
        .is_ok()
    {}
    assert!(*sent.borrow() <= most, "{} of {most}", *sent.borrow());
    assert!(*sent.borrow() < MESSAGES);

    for _ in 0..MESSAGES {
        assert_eq!(message(&mut client).await.body.len(), 1000);
    }
    daemon.stream = reader.unsplit(sending.await.unwrap());
    drop(daemon);
    assert_eq!(
        soon("the end", client.recv()).await,
        Some(GcsEvent::Closed(CloseReason::EndOfStream))
    );
}

/// The daemon writes before it reads, which must not block both.
#[tokio::test]
async fn a_daemon_that_does_not_read_is_still_read() {
    let (near, admitted) = played::pipe(512);
    let config = named("a").unsent_bytes(2000).event_queue(1000);
    let (client, daemon) = tokio::join!(PlainClient::over(near, config), admitted);
    let (mut client, mut daemon) = (client.unwrap(), daemon);

    let sender = async {
        // Senders wait when the mark is reached; nobody reads yet.
        for _ in 0..20 {
            client.command(multicast(vec![1; 1000])).await.unwrap();
        }
        for _ in 0..50 {
            assert_eq!(message(&mut client).await.body.len(), 900);
        }
        client
    };
    let daemon_side = async {
        for _ in 0..50 {
            daemon.deliver(&played::data("#x#n1", vec![2; 900])).await;
        }
        for _ in 0..20 {
            let request = daemon.request().await;
            assert!(matches!(request, Some(Request::Data(data)) if data.body.len() == 1000));
        }
        daemon
    };
    let (client, _daemon) = soon("both sides", async { tokio::join!(sender, daemon_side) }).await;
    drop(client);
}

#[tokio::test]
async fn events_received_before_the_end_are_still_delivered() {
    let (near, admitted) = played::pipe(64 << 10);
    let config = named("a").event_queue(1);
    let (client, daemon) = tokio::join!(PlainClient::over(near, config), admitted);
    let (mut client, mut daemon) = (client.unwrap(), daemon);
    for number in 0..20u8 {
        daemon.deliver(&played::data("#x#n1", vec![number])).await;
    }
    drop(daemon);
    for number in 0..20 {
        assert_eq!(&message(&mut client).await.body[..], &[number]);
    }
    assert!(matches!(
        soon("the end", client.recv()).await,
        Some(GcsEvent::Closed(CloseReason::EndOfStream))
    ));
}

#[tokio::test]
async fn a_dropped_recv_loses_nothing() {
    let (near, admitted) = played::pipe(4096);
    let (client, daemon) = tokio::join!(PlainClient::over(near, named("a")), admitted);
    let (mut client, mut daemon) = (client.unwrap(), daemon);
    let sending = tokio::spawn(async move {
        for number in 0..500u32 {
            let body = number.to_le_bytes().to_vec();
            daemon.deliver(&played::data("#x#n1", body)).await;
            if number % 7 == 0 {
                tokio::task::yield_now().await;
            }
        }
        daemon
    });
    let mut next = 0u32;
    let mut dropped = 0;
    while next < 500 {
        tokio::select! {
            biased;
            event = client.recv() => match event {
                Some(GcsEvent::Message(message)) => {
                    assert_eq!(&message.body[..], &next.to_le_bytes());
                    next += 1;
                }
                other => panic!("{other:?}"),
            },
            () = std::future::ready(()) => {
                dropped += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    assert!(dropped > 0, "no recv was ever dropped");
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn a_command_beyond_a_bound_is_refused_and_the_connection_goes_on() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = PlainClient::connect(&endpoint(&daemon, "n1"), named("a"))
        .await
        .unwrap();
    let error = a.command(multicast(vec![0; 200_000])).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Protocol(gcs_proto::Error::Limit { value: 200_032, .. })
        ),
        "{error}"
    );
    a.command(GcsCommand::Join(group())).await.unwrap();
    membership(&mut a).await;
    daemon.shutdown().await;
}
