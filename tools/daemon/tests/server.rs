//! The daemon on real sockets, with clients of `gcs-proto`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod client;

use std::time::Duration;

use client::{connect, daemon_name, group, options, tcp};
use gcs_daemon::{Cut, Daemon, Direction, Error, VirtualDaemon};
use gcs_proto::{
    codec::Request,
    error::ConnectRefusal,
    gcs::{Cause, GcsCommand, GcsEvent, Multicast},
    handshake::MembershipMessages,
    name::MemberName,
    service::Service,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

async fn daemon(names: &[&str]) -> Daemon {
    let mut builder = Daemon::builder();
    for name in names {
        let any_port = "127.0.0.1:0".parse().unwrap();
        builder = builder.daemon(VirtualDaemon::new(daemon_name(name)).listen(any_port));
    }
    builder.start().await.unwrap()
}

fn members(names: &[&str]) -> Vec<MemberName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn join_send_leave() {
    let daemon = daemon(&["n1"]).await;
    let mut alice = tcp(&daemon, "n1", "alice").await;
    let mut bob = tcp(&daemon, "n1", "bob").await;
    alice.join("g").await;
    bob.join("g").await;
    let seen = alice.membership().await;
    assert_eq!(seen.view.members, members(&["#alice#n1", "#bob#n1"]));
    assert_eq!(seen.view.cause, Cause::Join(bob.name()));
    bob.send("g", "hello").await;
    assert_eq!(alice.text().await, "hello");
    let own = bob.message().await;
    assert_eq!((own.sender, &own.body[..]), (bob.name(), &b"hello"[..]));
    bob.command(GcsCommand::Leave(group("g"))).await;
    assert_eq!(bob.event().await, GcsEvent::SelfLeave { group: group("g") });
    let seen = alice.membership().await;
    assert_eq!(seen.view.cause, Cause::Leave(bob.name()));
    assert_eq!(seen.view.members, members(&["#alice#n1"]));
    let stats = daemon.control().stats().await.unwrap();
    assert_eq!((stats.sessions, stats.groups), (2, 1));
    daemon.shutdown().await;
    alice.closed().await;
}

#[tokio::test]
async fn a_crash_is_a_disconnect_and_frees_the_name() {
    let daemon = daemon(&["n1"]).await;
    let mut alice = tcp(&daemon, "n1", "alice").await;
    alice.join("g").await;
    for _ in 0..20 {
        let mut bob = tcp(&daemon, "n1", "bob").await;
        bob.join("g").await;
        bob.send("g", "last words").await;
        assert_eq!(alice.membership().await.view.cause, Cause::Join(bob.name()));
        let name = bob.name();
        drop(bob);
        assert_eq!(alice.text().await, "last words");
        assert_eq!(alice.membership().await.view.cause, Cause::Disconnect(name));
    }
    daemon.shutdown().await;
}

#[tokio::test]
async fn goodbye_comes_after_all_that_was_sent() {
    let daemon = daemon(&["n1"]).await;
    let mut alice = tcp(&daemon, "n1", "alice").await;
    alice.join("g").await;
    for _ in 0..20 {
        let mut bob = tcp(&daemon, "n1", "bob").await;
        for number in 0..10 {
            bob.send("g", &number.to_string()).await;
        }
        bob.command(GcsCommand::Disconnect).await;
        for number in 0..10 {
            assert_eq!(alice.text().await, number.to_string());
        }
        // The daemon closes its side when the name is free again.
        let mut rest = Vec::new();
        let end = bob.stream.read_to_end(&mut rest);
        timeout(Duration::from_secs(10), end)
            .await
            .unwrap()
            .unwrap();
    }
    daemon.shutdown().await;
}

/// The daemon cannot write to this client any more while it still has much of it to read.
#[tokio::test]
async fn what_a_client_sent_counts_though_it_is_gone() {
    const COUNT: usize = 3_000;
    let daemon = daemon(&["n1"]).await;
    let mut alice = tcp(&daemon, "n1", "alice").await;
    alice.join("g").await;
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let mut bob = connect(stream, options("bob")).await.unwrap();
    bob.join("g").await;
    assert_eq!(alice.membership().await.view.cause, Cause::Join(bob.name()));
    let name = bob.name();
    let mut requests = Vec::new();
    for number in 0..COUNT {
        let body = format!("{number:04}").into();
        let multicast = Multicast::to_group(group("g"), Service::Agreed, 1, body);
        requests.extend_from_slice(&Request::Data(multicast.into()).encode(&name));
    }
    requests.extend_from_slice(&Request::Disconnect.encode(&name));
    // One write, and the stream has room for it: the daemon has read nothing when the client goes.
    bob.stream.write_all(&requests).await.unwrap();
    drop(bob);
    for number in 0..COUNT {
        assert_eq!(alice.text().await, format!("{number:04}"));
    }
    assert_eq!(alice.membership().await.view.cause, Cause::Disconnect(name));
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_said_goodbye_may_come_back_at_once() {
    let daemon = daemon(&["n1"]).await;
    for _ in 0..300 {
        let mut alice = tcp(&daemon, "n1", "alice").await;
        alice.command(GcsCommand::Disconnect).await;
        // Nothing waits for the daemon to have read the goodbye.
        drop(alice);
    }
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_dropped_session_gets_no_goodbye() {
    let daemon = daemon(&["n1"]).await;
    let mut alice = tcp(&daemon, "n1", "alice").await;
    let mut bob = tcp(&daemon, "n1", "bob").await;
    alice.join("g").await;
    bob.join("g").await;
    alice.membership().await;
    daemon.control().drop_session(bob.name()).await.unwrap();
    bob.closed().await;
    assert_eq!(
        alice.membership().await.view.cause,
        Cause::Disconnect(bob.name())
    );
    assert_eq!(
        daemon.control().drop_session(bob.name()).await,
        Err(Error::UnknownMember(bob.name()))
    );
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partition_and_heal() {
    let daemon = daemon(&["n1", "n2", "n3"]).await;
    let mut a = tcp(&daemon, "n1", "a").await;
    let mut b = tcp(&daemon, "n2", "b").await;
    let mut c = tcp(&daemon, "n3", "c").await;
    a.join("g").await;
    b.join("g").await;
    c.join("g").await;
    a.membership().await;
    a.membership().await;
    b.membership().await;

    let control = daemon.control();
    control
        .partition("n1 | n2 n3".parse().unwrap())
        .await
        .unwrap();
    for (client, side) in [
        (&mut a, &["#a#n1"][..]),
        (&mut b, &["#b#n2", "#c#n3"]),
        (&mut c, &["#b#n2", "#c#n3"]),
    ] {
        client.signal().await;
        let view = client.membership().await;
        assert_eq!(view.view.cause, Cause::Network);
        assert_eq!(view.view.members, members(side));
        assert_eq!(view.view.transitional_set, members(side));
    }
    a.send("g", "here").await;
    b.send("g", "there").await;
    assert_eq!(a.text().await, "here");
    assert_eq!(b.text().await, "there");
    assert_eq!(c.text().await, "there");

    control.heal().await.unwrap();
    let mut ids = Vec::new();
    for (client, side) in [
        (&mut a, &["#a#n1"][..]),
        (&mut b, &["#b#n2", "#c#n3"]),
        (&mut c, &["#b#n2", "#c#n3"]),
    ] {
        let view = client.membership().await;
        assert_eq!(view.view.members, members(&["#a#n1", "#b#n2", "#c#n3"]));
        assert_eq!(view.view.transitional_set, members(side));
        ids.push(view.view.id);
    }
    assert!(ids.iter().all(|id| *id == ids[0]));
    a.send("g", "together").await;
    for client in [&mut a, &mut b, &mut c] {
        assert_eq!(client.text().await, "together");
    }
    assert_eq!(
        control.partition("n1 | n3".parse().unwrap()).await,
        Err(Error::LeftOut(daemon_name("n2")))
    );
    daemon.shutdown().await;
}

/// What is held is ordered and not delivered; a partition cuts through it.
#[tokio::test]
async fn held_operations_wait_for_their_release_or_for_a_change() {
    let daemon = daemon(&["n1", "n2"]).await;
    let mut a = tcp(&daemon, "n1", "a").await;
    let mut b = tcp(&daemon, "n2", "b").await;
    a.join("g").await;
    b.join("g").await;
    a.membership().await;
    let control = daemon.control();
    let held = async |count| {
        while control.stats().await.unwrap().held < count {
            tokio::task::yield_now().await;
        }
    };
    control.hold().await.unwrap();
    a.send("g", "held").await;
    held(1).await;
    control.release().await.unwrap();
    assert_eq!(control.stats().await.unwrap().held, 0);
    assert_eq!(
        (a.text().await, b.text().await),
        ("held".into(), "held".into())
    );

    control.hold().await.unwrap();
    for text in ["before", "behind"] {
        a.send("g", text).await;
        held(if text == "before" { 1 } else { 2 }).await;
    }
    let cut = Cut { prefix: 1, seed: 0 };
    let sides = "n1 | n2".parse().unwrap();
    control.partition_at(sides, cut).await.unwrap();
    assert_eq!(a.text().await, "before");
    a.signal().await;
    assert_eq!(a.text().await, "behind");
    assert_eq!(a.membership().await.view.members, members(&["#a#n1"]));
    assert_eq!(b.text().await, "before");
    b.signal().await;
    assert_eq!(b.membership().await.view.members, members(&["#b#n2"]));
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_stopped_daemon_closes_its_port_and_gets_it_back() {
    let daemon = daemon(&["n1", "n2"]).await;
    let mut a = tcp(&daemon, "n1", "a").await;
    let mut b = tcp(&daemon, "n2", "b").await;
    a.join("g").await;
    b.join("g").await;
    a.membership().await;
    let control = daemon.control();
    control.stop_daemon(daemon_name("n2")).await.unwrap();
    b.closed().await;
    a.signal().await;
    assert_eq!(a.membership().await.view.members, members(&["#a#n1"]));
    let address = daemon.local_addr(&daemon_name("n2")).unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    control.start_daemon(daemon_name("n2")).await.unwrap();
    assert_eq!(daemon.local_addr(&daemon_name("n2")), Some(address));
    let mut b = tcp(&daemon, "n2", "b").await;
    assert_eq!(b.join("g").await.view.members, members(&["#b#n2"]));
    control.heal().await.unwrap();
    let view = a.membership().await;
    assert_eq!(view.view.members, members(&["#a#n1", "#b#n2"]));
    assert_eq!(view.view.transitional_set, members(&["#a#n1"]));
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_closed_and_holds_nobody_up() {
    // Bounded by the number of messages, then by their bytes: 32 MiB are 335 of the long ones.
    for (length, least) in [(10_000, 1_000), (100_000, 335)] {
        does_not_read(length, least).await;
    }
}

async fn does_not_read(length: usize, least: usize) {
    let daemon = daemon(&["n1"]).await;
    let mut alice = tcp(&daemon, "n1", "alice").await;
    let mut bob = tcp(&daemon, "n1", "bob").await;
    let mut sleeper = tcp(&daemon, "n1", "sleeper").await;
    alice.join("g").await;
    sleeper.join("g").await;
    alice.membership().await;
    // More than queue and system buffers of one session can hold.
    let text = "x".repeat(length);
    let mut sent = 0;
    let gone = loop {
        bob.send("g", &text).await;
        sent += 1;
        assert!(sent < 20_000, "the sleeper is still there");
        match alice.event().await {
            GcsEvent::Message(_) => {}
            GcsEvent::Membership(membership) => break membership,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(gone.view.cause, Cause::Disconnect(sleeper.name()));
    let stats = daemon.control().stats().await.unwrap();
    assert_eq!((stats.too_slow, stats.sessions), (1, 2));
    assert!(sent > least, "closed after {sent} messages");
    bob.send("g", "goes on").await;
    while alice.text().await != "goes on" {}
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_does_not_close_a_client_that_reads() {
    const COUNT: usize = 20_000;
    let daemon = daemon(&["n1"]).await;
    let mut alice = tcp(&daemon, "n1", "alice").await;
    let mut bob = tcp(&daemon, "n1", "bob").await;
    alice.join("g").await;
    let sender = tokio::spawn(async move {
        for number in 0..COUNT {
            bob.send("g", &number.to_string()).await;
        }
        bob
    });
    for number in 0..COUNT {
        assert_eq!(alice.text().await, number.to_string());
    }
    drop(sender.await.unwrap());
    assert_eq!(daemon.control().stats().await.unwrap().too_slow, 0);
    daemon.shutdown().await;
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let daemon = daemon(&["n1"]).await;
    let _alice = tcp(&daemon, "n1", "alice").await;
    let n1 = daemon_name("n1");
    let stream = daemon.connect_in_process(&n1).unwrap();
    let refused = connect(stream, options("alice")).await.err();
    assert_eq!(
        refused,
        Some(gcs_proto::Error::Refused(ConnectRefusal::NotUnique))
    );
    for (record, code) in [
        (&b"\x02\x09\x00\x01\x01x"[..], 0xf9),
        (b"\x04\x04\x00\x01\x03a#b", 0xfb),
        (b"\x04\x04\x00\x01\x0b", 0xfb),
        (b"\x04\x04\x00\x01\x05alice", 0xfa),
    ] {
        let mut stream = daemon.connect_in_process(&n1).unwrap();
        stream.write_all(record).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, [code], "{record:?}");
    }
    // A wrong choice of methods frees the name.
    for _ in 0..2 {
        let mut stream = daemon.connect_in_process(&n1).unwrap();
        stream.write_all(b"\x04\x04\x00\x01\x03bob").await.unwrap();
        let mut choice = [0; 90];
        choice[..2].copy_from_slice(b"IP");
        stream.write_all(&choice).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"\x05NULL \xf7");
    }
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_handshake_may_come_byte_by_byte_beside_silent_ones() {
    let daemon = daemon(&["n1"]).await;
    let n1 = daemon_name("n1");
    let _silent = daemon.connect_in_process(&n1).unwrap();
    let address = daemon.local_addr(&n1).unwrap();
    let _also_silent = TcpStream::connect(address).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut bytes = b"\x04\x04\x00\x01\x05aliceNULL".to_vec();
    bytes.resize(10 + 90, 0);
    for byte in bytes {
        stream.write_all(&[byte]).await.unwrap();
    }
    let mut answer = [0; 6 + 14];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"\x05NULL \x01\x04\x04\x00\x09#alice#n1");
    daemon.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_handshake_ends() {
    let n1 = daemon_name("n1");
    let daemon = Daemon::builder().daemon(n1).start().await.unwrap();
    for said in [&b""[..], b"\x04\x04\x00", b"\x04\x04\x00\x01\x03bob"] {
        let begin = tokio::time::Instant::now();
        let mut stream = daemon.connect_in_process(&n1).unwrap();
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(begin.elapsed() >= gcs_daemon::server::HANDSHAKE_TIME);
        assert_eq!(answer.is_empty(), said.len() < 5);
    }
    assert_eq!(daemon.control().stats().await.unwrap().sessions, 0);
    daemon.shutdown().await;
}

#[tokio::test]
async fn data_only_sessions_are_members_without_notices() {
    let daemon = daemon(&["n1"]).await;
    let n1 = daemon_name("n1");
    let mut alice = tcp(&daemon, "n1", "alice").await;
    alice.join("g").await;
    let quiet = options("quiet").membership(MembershipMessages::Unwanted);
    let stream = daemon.connect_in_process(&n1).unwrap();
    let mut quiet = connect(stream, quiet).await.unwrap();
    quiet.command(GcsCommand::Join(group("g"))).await;
    assert_eq!(
        alice.membership().await.view.members,
        members(&["#alice#n1", "#quiet#n1"])
    );
    alice.send("g", "for all").await;
    assert_eq!(quiet.text().await, "for all");
    quiet.command(GcsCommand::Leave(group("g"))).await;
    alice.text().await;
    assert_eq!(
        alice.membership().await.view.cause,
        Cause::Leave(quiet.name())
    );
    alice
        .command(GcsCommand::Unicast {
            to: quiet.name(),
            service: Service::Fifo,
            message_type: -7,
            body: "in private".into(),
        })
        .await;
    let message = quiet.message().await;
    assert_eq!(message.message_type, -7);
    assert_eq!(&message.body[..], b"in private");
    daemon.shutdown().await;
}

#[tokio::test]
async fn the_tap_records_both_ways() {
    let daemon = daemon(&["n1"]).await;
    let tap = daemon.tap();
    let mut alice = tcp(&daemon, "n1", "alice").await;
    alice.join("g").await;
    alice.send("g", "needle").await;
    alice.text().await;
    for direction in [Direction::FromClient, Direction::ToClient] {
        let streams = tap.streams(direction);
        assert_eq!(streams.len(), 1);
        let (_, bytes) = &streams[0];
        assert!(bytes.windows(6).any(|window| window == b"needle"));
    }
    let records = tap.records();
    assert_eq!(&records[0].bytes[..], b"\x04\x04\x00\x01\x05alice");
    assert_eq!(records[0].member, None);
    assert_eq!(records.last().unwrap().member, Some(alice.name()));
    assert_eq!(tap.lost(), 0);
    daemon.shutdown().await;
}

#[tokio::test]
async fn shutdown_ends_all_and_frees_the_port() {
    let daemon = daemon(&["n1"]).await;
    let n1 = daemon_name("n1");
    let address = daemon.local_addr(&n1).unwrap();
    let mut alice = tcp(&daemon, "n1", "alice").await;
    let mut silent = daemon.connect_in_process(&n1).unwrap();
    let control = daemon.control();
    timeout(Duration::from_secs(10), daemon.shutdown())
        .await
        .unwrap();
    alice.closed().await;
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(control.heal().await, Err(Error::ShutDown));
    let again = Daemon::builder()
        .daemon(VirtualDaemon::new(n1).listen(address))
        .start()
        .await
        .unwrap();
    tcp(&again, "n1", "alice").await;
    again.shutdown().await;
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_it() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = Daemon::builder()
        .daemon(VirtualDaemon::new(daemon_name("n1")).listen(address))
        .start()
        .await
        .unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
