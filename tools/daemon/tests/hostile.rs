//! Clients that send anything at all: they lose their own session, nobody else notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod client;

use std::sync::Arc;

use bytes::Bytes;
use client::{Client, connect, daemon_name, group, options, tcp};
use gcs_daemon::{Daemon, VirtualDaemon, access::ProofOfIdentity};
use gcs_proto::{
    codec::{DataMessage, Hint, Request, ServiceWord},
    gcs::{Cause, Multicast, Scope, SelfDelivery},
    name::{MemberName, Name},
    service::Service,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use ssp_identity::{JOIN_PROOF, JoinProof, TrustStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// The group `guarded` asks for proof of identity, which nobody has.
async fn daemon() -> Daemon {
    let nobody = ProofOfIdentity::new(Arc::new(TrustStore::new()));
    Daemon::builder()
        .daemon(VirtualDaemon::new(daemon_name("n1")).listen("127.0.0.1:0".parse().unwrap()))
        .proof_of_identity(nobody.for_joins_of([group("guarded")]))
        .start()
        .await
        .unwrap()
}

fn random(rng: &mut ChaCha8Rng, most: u32) -> Vec<u8> {
    let mut bytes = vec![0; (rng.next_u32() % most) as usize + 1];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Writes what the daemon may refuse to read at any point, and waits for its end.
async fn write_and_wait(mut stream: DuplexStream, bytes: &[u8]) {
    if stream.write_all(bytes).await.is_ok() {
        let _ = stream.shutdown().await;
    }
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

/// Some requests of a well-behaved client, as bytes.
fn requests(member: &MemberName) -> Vec<u8> {
    let mut bytes = Vec::new();
    let multicast = Multicast::to_group(
        group("other"),
        Service::Fifo,
        3,
        Bytes::from_static(b"content"),
    );
    let answer = JoinProof {
        group: group("guarded"),
        proof: vec![1; 70],
    };
    let proof = DataMessage {
        word: ServiceWord::new(Service::Fifo, SelfDelivery::Deliver, Scope::Named),
        hint: Hint::new(JOIN_PROOF),
        destinations: vec![(*member).into()],
        body: answer.encode().into(),
    };
    for request in [
        Request::Join(group("other")),
        Request::Data(DataMessage::from(multicast)),
        Request::Leave(group("other")),
        Request::Join(group("guarded")),
        Request::Data(proof),
        Request::Join(group("guarded")),
        Request::Leave(group("guarded")),
    ] {
        bytes.extend_from_slice(&request.encode(member));
    }
    bytes
}

async fn hello(daemon: &Daemon, name: &str) -> Client<DuplexStream> {
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    connect(stream, options(name)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_and_mutated_bytes_end_the_session_that_sent_them_only() {
    let daemon = daemon().await;
    let n1 = daemon_name("n1");
    let mut witness = tcp(&daemon, "n1", "witness").await;
    witness.join("g").await;
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for round in 0..300 {
        match round % 3 {
            // No handshake at all.
            0 => {
                let stream = daemon.connect_in_process(&n1).unwrap();
                write_and_wait(stream, &random(&mut rng, 500)).await;
            }
            // A handshake, then anything.
            1 => {
                let client = hello(&daemon, "eve").await;
                write_and_wait(client.stream, &random(&mut rng, 2_000)).await;
            }
            // A handshake, then legal requests with some bits turned.
            _ => {
                let client = hello(&daemon, "eve").await;
                let mut bytes = requests(&client.name());
                for _ in 0..=rng.next_u32() % 4 {
                    let at = rng.next_u32() as usize % bytes.len();
                    bytes[at] ^= 1 << (rng.next_u32() % 8);
                }
                write_and_wait(client.stream, &bytes).await;
            }
        }
        let text = round.to_string();
        witness.send("g", &text).await;
        assert_eq!(witness.text().await, text);
    }
    // Whoever sent it is gone, and so are its groups.
    let stats = daemon.control().stats().await.unwrap();
    assert_eq!((stats.sessions, stats.groups), (1, 1));
    daemon.shutdown().await;
}

/// A request whose header word, sender, names and lengths are free.
fn raw(word: u32, sender: &[u8], count: i32, names: &[&[u8]], length: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(word | 0x8000_0080).to_le_bytes());
    bytes.extend_from_slice(Name::new(sender).unwrap().slot());
    bytes.extend_from_slice(&count.to_le_bytes());
    bytes.extend_from_slice(&0x8000_0080_u32.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    for name in names {
        bytes.extend_from_slice(Name::new(name).unwrap().slot());
    }
    bytes.extend_from_slice(body);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_illegal_request_closes_its_session() {
    const EVE: &[u8] = b"#eve#n1";
    let daemon = daemon().await;
    let mut witness = tcp(&daemon, "n1", "witness").await;
    witness.join("g").await;
    let illegal = [
        (
            "forged sender",
            raw(0x10, b"#witness#n1", 1, &[b"g"], 1, b"x"),
        ),
        ("no request", raw(0, EVE, 1, &[b"g"], 0, b"")),
        ("two services", raw(0x30, EVE, 1, &[b"g"], 0, b"")),
        ("join and data", raw(0x1_0010, EVE, 1, &[b"g"], 0, b"")),
        ("internal bit", raw(0x8_0010, EVE, 1, &[b"g"], 0, b"")),
        ("reject bit", raw(0x40_0010, EVE, 1, &[b"g"], 0, b"")),
        ("membership bits", raw(0x1110, EVE, 1, &[b"g"], 0, b"")),
        ("header alone", raw(0x30, EVE, 1, &[], 100_000, b"")),
        (
            "header of another sender alone",
            raw(0x10, b"#witness#n1", 1, &[], 100_000, b""),
        ),
        ("join without a name", raw(0x1_0000, EVE, 0, &[], 0, b"")),
        (
            "join with two names",
            raw(0x1_0000, EVE, 2, &[b"g", b"h"], 0, b""),
        ),
        (
            "join of an illegal name",
            raw(0x1_0000, EVE, 1, &[b"a b"], 0, b""),
        ),
        (
            "join of a private group",
            raw(0x1_0000, EVE, 1, &[b"#witness#n1"], 0, b""),
        ),
        ("101 destinations", raw(0x10, EVE, 101, &[], 0, b"")),
        ("negative count", raw(0x10, EVE, -1, &[], 0, b"")),
        ("negative length", raw(0x10, EVE, 0, &[], -1, b"")),
        ("too long", raw(0x10, EVE, 1, &[b"g"], 144_000, b"")),
    ];
    for (what, bytes) in &illegal {
        let mut eve = hello(&daemon, "eve").await;
        eve.join("g").await;
        assert_eq!(
            witness.membership().await.view.cause,
            Cause::Join(eve.name())
        );
        eve.stream.write_all(bytes).await.unwrap();
        eve.closed().await;
        assert_eq!(
            witness.membership().await.view.cause,
            Cause::Disconnect(eve.name()),
            "{what}"
        );
    }
    let stats = daemon.control().stats().await.unwrap();
    assert_eq!(stats.illegal, illegal.len() as u64);
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_legal_messages_arrive() {
    let daemon = daemon().await;
    let mut witness = tcp(&daemon, "n1", "witness").await;
    witness.join("g").await;
    let mut eve = hello(&daemon, "eve").await;
    let body = vec![b'x'; 144_000 - 32];
    let length = i32::try_from(body.len()).unwrap();
    let full = raw(0x10, b"#eve#n1", 1, &[b"g"], length, &body);
    eve.stream.write_all(&full).await.unwrap();
    assert_eq!(witness.message().await.body, body);
    // The last of a hundred destinations is routed like the first.
    let names: Vec<Vec<u8>> = (0..99)
        .map(|number| format!("none{number}").into())
        .collect();
    let mut names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    names.push(b"g");
    let wide = raw(0x10, b"#eve#n1", 100, &names, 4, b"wide");
    eve.stream.write_all(&wide).await.unwrap();
    let message = witness.message().await;
    assert_eq!(&message.body[..], b"wide");
    assert_eq!(message.destinations.len(), 100);
    daemon.shutdown().await;
}
