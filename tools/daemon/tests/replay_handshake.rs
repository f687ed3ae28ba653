//! Recordings 02 and 03: refusals and authentication methods, played to a daemon over a stream.
//!
//! Left out are the faults of the recorded daemon that ours does not have: it wants each record in
//! one piece (`short`, `extra`, `split`) and lets a silent client block all others for a second
//! (`silent`). What ours does with those is tested here as well.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::collections::BTreeMap;

use gcs_daemon::{Daemon, VirtualDaemon, access::Authentication};
use gcs_proto::handshake::Method;
use support::Line;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Duration, timeout},
};

const FAULTS: [&str; 4] = ["short", "extra", "split", "silent"];

async fn daemon(authentication: Authentication) -> Daemon {
    let listening =
        VirtualDaemon::new("n1".parse().unwrap()).listen("127.0.0.1:0".parse().unwrap());
    Daemon::builder()
        .daemon(listening)
        .authentication(authentication)
        .start()
        .await
        .unwrap()
}

async fn connect(daemon: &Daemon) -> TcpStream {
    let address = daemon.local_addr(&"n1".parse().unwrap()).unwrap();
    TcpStream::connect(address).await.unwrap()
}

async fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let read = timeout(Duration::from_secs(5), stream.read_exact(&mut bytes));
    read.await.expect("an answer comes").unwrap();
    bytes
}

async fn ended(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let end = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest));
    // A reset ends it as well.
    let _ = end.await.expect("the stream ends");
    assert_eq!(rest, Vec::<u8>::new());
}

/// Plays every connection of some lines; how many records of the daemon were compared.
async fn play(lines: &[Line], daemon: &Daemon) -> usize {
    let mut streams: BTreeMap<&str, TcpStream> = BTreeMap::new();
    let mut compared = 0;
    for line in lines {
        let (Line::ToDaemon(conn, _)
        | Line::ToClient(conn, _)
        | Line::ClientEnds(conn)
        | Line::DaemonEnds(conn)) = line
        else {
            panic!("no network here");
        };
        if FAULTS.contains(&conn.as_str()) {
            continue;
        }
        if !streams.contains_key(conn.as_str()) {
            streams.insert(conn, connect(daemon).await);
        }
        let stream = streams.get_mut(conn.as_str()).unwrap();
        match line {
            Line::ToDaemon(_, bytes) => stream.write_all(bytes).await.unwrap(),
            Line::ToClient(_, bytes) => {
                assert_eq!(read(stream, bytes.len()).await, *bytes, "{conn}");
                compared += 1;
            }
            // Either end may have been first in the file; ours has to follow the other.
            Line::ClientEnds(_) => {
                let _ = stream.shutdown().await;
            }
            Line::DaemonEnds(_) => {
                let _ = stream.shutdown().await;
                ended(stream).await;
            }
            Line::Control(_) => {}
        }
    }
    compared
}

#[tokio::test]
async fn connect_rejected() {
    let daemon = daemon(Authentication::anybody()).await;
    let lines = support::load("02-connect-rejected");
    assert_eq!(play(&lines, &daemon).await, 12);
    daemon.shutdown().await;
}

#[tokio::test]
async fn connect_auth_methods() {
    let lines = support::load("03-connect-auth-methods");
    let (allowed, denied): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| {
        !matches!(line, Line::ToDaemon(conn, _) | Line::ToClient(conn, _)
            | Line::ClientEnds(conn) | Line::DaemonEnds(conn) if conn == "denied")
    });
    let methods = || Authentication::anybody().require(Method::Ip);
    let listed = daemon(methods().allow_ip("local".parse().unwrap())).await;
    assert_eq!(play(&allowed, &listed).await, 8);
    listed.shutdown().await;
    // Restarted without its access file: everybody is refused.
    let unlisted = daemon(methods().allow_ip("".parse().unwrap())).await;
    assert_eq!(play(&denied, &unlisted).await, 2);
    unlisted.shutdown().await;
}

#[tokio::test]
async fn records_may_come_in_pieces_and_together() {
    let daemon = daemon(Authentication::anybody()).await;
    let mut silent = connect(&daemon).await;
    let mut choice = [0; 90];
    choice[..4].copy_from_slice(b"NULL");
    // Byte by byte while another client says nothing at all.
    let mut split = connect(&daemon).await;
    split.set_nodelay(true).unwrap();
    for byte in b"\x04\x04\x00\x01\x05split" {
        split.write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(read(&mut split, 6).await, b"\x05NULL ");
    split.write_all(&choice[..45]).await.unwrap();
    split.write_all(&choice[45..]).await.unwrap();
    assert_eq!(read(&mut split, 14).await, b"\x01\x04\x04\x00\x09#split#n1");
    // Both records at once.
    let mut extra = connect(&daemon).await;
    extra
        .write_all(&[&b"\x04\x04\x00\x01\x02zy"[..], &choice].concat())
        .await
        .unwrap();
    assert_eq!(
        read(&mut extra, 17).await,
        b"\x05NULL \x01\x04\x04\x00\x06#zy#n1"
    );
    silent.write_all(b"\x04").await.unwrap();
    daemon.shutdown().await;
}

#[tokio::test]
async fn passwords_open_the_door_to_those_who_know_them() {
    let known = gcs_proto::handshake::Credentials::new(b"alice", b"secret").unwrap();
    let daemon =
        daemon(Authentication::none().allow_password(move |offered| offered.matches(&known))).await;
    let mut choice = [0; 130];
    choice[..5].copy_from_slice(b"PWORD");
    choice[90..95].copy_from_slice(b"alice");
    for (password, answer) in [
        (b"secret", &b"\x06PWORD \x01\x01\x04\x04\x00\x05#a#n1"[..]),
        (b"Secret", b"\x06PWORD \x00\xf7"),
    ] {
        let mut stream = connect(&daemon).await;
        stream.write_all(b"\x04\x04\x00\x01\x01a").await.unwrap();
        choice[122..128].copy_from_slice(password);
        stream.write_all(&choice).await.unwrap();
        assert_eq!(read(&mut stream, answer.len()).await, answer);
    }
    daemon.shutdown().await;
}
