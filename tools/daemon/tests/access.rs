//! Policies at a running daemon, and clients that run ahead of what they receive.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod client;

use std::time::Duration;

use bytes::Bytes;
use client::{connect, daemon_name, group, options, tcp};
use gcs_daemon::{
    Builder, Daemon, QueueBounds, VirtualDaemon,
    access::{ClosurePolicy, Decision, IpList, Question},
};
use gcs_proto::{
    codec::Request,
    error::ConnectRefusal,
    gcs::{GcsCommand, GcsEvent, Multicast, Refused, SelfDelivery},
    service::Service,
};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

fn builder() -> Builder {
    let any_port = "127.0.0.1:0".parse().unwrap();
    Daemon::builder().daemon(VirtualDaemon::new(daemon_name("n1")).listen(any_port))
}

fn message(text: &str) -> Multicast {
    let body = Bytes::copy_from_slice(text.as_bytes());
    Multicast::to_group(group("open"), Service::Agreed, 1, body)
}

#[tokio::test]
async fn a_closure_is_asked_at_every_point_and_what_it_refuses_comes_back() {
    let policy = ClosurePolicy::new(|user, question| {
        let denied = match question {
            Question::Connect => user.member.as_str() == "#mallory#n1",
            Question::Join(group) => group.as_str() == "closed",
            Question::Leave(group) => group.as_str() == "jail",
            Question::SendToGroups(sending) => sending.body() == b"secret",
            Question::SendPrivate(sending) => sending.service() == Service::Safe,
            _ => false,
        };
        if denied {
            Decision::Deny("test")
        } else {
            Decision::Allow
        }
    });
    let daemon = builder().policy(policy).start().await.unwrap();
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    assert_eq!(
        connect(stream, options("mallory")).await.err(),
        Some(ConnectRefusal::Authentication.into())
    );
    let mut alice = tcp(&daemon, "n1", "alice").await;
    let mut bob = tcp(&daemon, "n1", "bob").await;
    bob.join("open").await;
    alice.command(GcsCommand::Join(group("closed"))).await;
    assert_eq!(
        alice.event().await,
        GcsEvent::Refused(Refused::Join(group("closed")))
    );
    alice.join("jail").await;
    alice.command(GcsCommand::Leave(group("jail"))).await;
    assert_eq!(
        alice.event().await,
        GcsEvent::Refused(Refused::Leave(group("jail")))
    );
    let secret = message("secret");
    alice.command(GcsCommand::Multicast(secret.clone())).await;
    assert_eq!(
        alice.event().await,
        GcsEvent::Refused(Refused::Multicast(secret.clone()))
    );
    // Refused without a word: the sender does not want its own messages.
    let silent = Multicast {
        self_delivery: SelfDelivery::Discard,
        ..secret
    };
    alice.command(GcsCommand::Multicast(silent)).await;
    let private = GcsCommand::Unicast {
        to: bob.name(),
        service: Service::Safe,
        message_type: 7,
        body: Bytes::from_static(b"p"),
    };
    alice.command(private).await;
    match alice.event().await {
        GcsEvent::Refused(Refused::Multicast(refused)) => {
            assert_eq!(refused.destinations, [bob.name().into()]);
            assert_eq!((refused.message_type, &refused.body[..]), (7, &b"p"[..]));
        }
        other => panic!("{other:?}"),
    }
    // Of a message to both kinds of destinations one refusal is enough.
    let mut both = message("to both");
    both.destinations.push(bob.name().into());
    both.service = Service::Safe;
    alice.command(GcsCommand::Multicast(both.clone())).await;
    assert_eq!(
        alice.event().await,
        GcsEvent::Refused(Refused::Multicast(both))
    );
    alice.command(GcsCommand::Multicast(message("free"))).await;
    assert_eq!(
        bob.text().await,
        "free",
        "nothing of all that was delivered"
    );
    let stats = daemon.control().stats().await.unwrap();
    assert_eq!((stats.refused, stats.sessions), (5, 2));
    assert!(stats.to_json().contains(r#""refused":5"#));
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_list_of_addresses_admits_by_where_a_client_comes_from() {
    for (list, remote, local) in [
        ("local", true, true),
        ("unix", false, true),
        ("10.0.0.0/8", false, false),
    ] {
        let list: IpList = list.parse().unwrap();
        let daemon = builder().policy(list).start().await.unwrap();
        let address = daemon.local_addr(&daemon_name("n1")).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(connect(stream, options("a")).await.is_ok(), remote);
        let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
        assert_eq!(connect(stream, options("b")).await.is_ok(), local);
        daemon.shutdown().await;
    }
}

/// A client that sends to itself and does not read, as the original pair hangs for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_only_sends_to_itself_is_closed_and_never_hangs() {
    for size in [10, 10_000] {
        let daemon = builder().start().await.unwrap();
        let mut alice = tcp(&daemon, "n1", "alice").await;
        alice.join("open").await;
        let request = Request::Data(message(&"x".repeat(size)).into());
        let piece = request.encode(&alice.name()).repeat(64);
        let closed = async { while alice.stream.write_all(&piece).await.is_ok() {} };
        timeout(Duration::from_secs(15), closed)
            .await
            .expect("it is closed");
        assert_eq!(daemon.control().stats().await.unwrap().too_slow, 1);
        daemon.shutdown().await;
    }
}

/// One that reads in the end gets everything, however far it was ahead within the bounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_runs_ahead_and_then_reads_gets_everything() {
    const COUNT: usize = 5_000;
    let bounds = QueueBounds {
        messages: COUNT,
        ..QueueBounds::default()
    };
    let daemon = builder().queue_bounds(bounds).start().await.unwrap();
    let mut alice = tcp(&daemon, "n1", "alice").await;
    alice.join("open").await;
    let text = "x".repeat(1_000);
    for number in 0..COUNT {
        alice.send("open", &format!("{number} {text}")).await;
    }
    for number in 0..COUNT {
        assert!(alice.text().await.starts_with(&format!("{number} ")));
    }
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_writes_what_waits_for_clients_that_read() {
    let daemon = builder().start().await.unwrap();
    let mut alice = tcp(&daemon, "n1", "alice").await;
    let mut bob = tcp(&daemon, "n1", "bob").await;
    alice.join("open").await;
    let text = "x".repeat(100_000);
    for _ in 0..20 {
        bob.send("open", &text).await;
    }
    // Carried out, and far more than the system's buffers of a stream that is not read.
    while daemon.control().stats().await.unwrap().requests < 21 {
        tokio::task::yield_now().await;
    }
    let stopping = tokio::spawn(daemon.shutdown());
    for _ in 0..20 {
        assert_eq!(alice.text().await.len(), text.len());
    }
    alice.closed().await;
    stopping.await.unwrap();
}
