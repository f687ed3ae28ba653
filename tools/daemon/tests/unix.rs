//! Unix sockets: of the daemon, and of its control protocol.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod client;

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use client::{connect, daemon_name, options};
use gcs_daemon::{Daemon, Error, VirtualDaemon};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// A directory of its own for each test.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gcs-daemon-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

struct Console {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Console {
    async fn open(path: &Path) -> Self {
        let (reader, writer) = UnixStream::connect(path).await.unwrap().into_split();
        Self {
            lines: BufReader::new(reader).lines(),
            writer,
        }
    }

    async fn ask(&mut self, line: &str) -> String {
        self.writer
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
        self.lines.next_line().await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn clients_come_in_by_a_unix_socket() {
    let directory = Directory::new("clients");
    let path = directory.path("4803");
    // A socket that a daemon left behind without removing it.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let daemon = Daemon::builder()
        .daemon(VirtualDaemon::new(daemon_name("n1")).unix(&path))
        .start()
        .await
        .unwrap();
    assert_eq!(mode(&path), 0o666);
    let stream = UnixStream::connect(&path).await.unwrap();
    let mut alice = connect(stream, options("alice")).await.unwrap();
    alice.join("g").await;
    daemon.shutdown().await;
    alice.closed().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let directory = Directory::new("file");
    let path = directory.path("precious");
    std::fs::write(&path, "content").unwrap();
    let error = Daemon::builder()
        .daemon(VirtualDaemon::new(daemon_name("n1")).unix(&path))
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert!(error.to_string().contains("precious"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "content");
}

#[tokio::test]
async fn a_socket_in_use_is_not_taken_over() {
    let directory = Directory::new("in-use");
    let path = directory.path("control");
    let start = |name: &str| {
        Daemon::builder()
            .daemon(VirtualDaemon::new(daemon_name(name)))
            .control(&path)
            .start()
    };
    let first = start("n1").await.unwrap();
    let Err(Error::Io { kind, what, .. }) = start("n2").await else {
        panic!("the socket was taken over");
    };
    assert_eq!(kind, std::io::ErrorKind::AddrInUse);
    assert!(what.contains("control"), "{what}");
    let answer = Console::open(&path).await.ask("status").await;
    assert!(answer.contains("n1"), "{answer}");
    first.shutdown().await;
    start("n2").await.unwrap().shutdown().await;
}

#[tokio::test]
async fn the_console_moves_the_network() {
    let directory = Directory::new("console");
    let path = directory.path("control");
    let daemon = Daemon::builder()
        .daemon(daemon_name("n1"))
        .daemon(daemon_name("n2"))
        .control(&path)
        .start()
        .await
        .unwrap();
    assert_eq!(mode(&path), 0o600);
    let mut a = connect(
        daemon.connect_in_process(&daemon_name("n1")).unwrap(),
        options("a"),
    )
    .await
    .unwrap();
    a.join("g").await;
    let mut console = Console::open(&path).await;
    for (line, answer) in [
        ("partition n1 | n2", "ok topology=n1 | n2"),
        ("heal", "ok topology=n1 n2"),
        ("partition n1", "error partition leaves out daemon n2"),
        ("stop n2", "ok topology=n1"),
        ("stop n2", "error daemon n2 is stopped"),
        ("start n2", "ok topology=n1 | n2"),
        ("heal", "ok topology=n1 n2"),
        ("drop #b#n1", "error no session #b#n1 is connected"),
        ("stop n3", "error daemon n3 is not in the configuration"),
        (
            "explode",
            "error \"explode\" is no control command, one of partition, heal, hold, release, stop, start, drop, status, stats",
        ),
    ] {
        assert_eq!(console.ask(line).await, answer, "{line}");
    }
    let status = console.ask("status").await;
    assert!(status.starts_with("ok sessions=1 groups=1 "), "{status}");
    assert!(status.ends_with(" topology=n1 n2"), "{status}");
    assert_eq!(console.ask("drop #a#n1").await, "ok topology=n1 n2");
    a.closed().await;
    // A line without end is not kept without end.
    let mut endless = UnixStream::connect(&path).await.unwrap();
    let _ = endless.write_all(&[b'x'; 10_000]).await;
    let mut rest = Vec::new();
    let end = tokio::io::AsyncReadExt::read_to_end(&mut endless, &mut rest).await;
    assert!(end.is_err() || rest.is_empty());
    daemon.shutdown().await;
    assert!(!path.exists());
    assert_eq!(console.lines.next_line().await.unwrap(), None);
}
