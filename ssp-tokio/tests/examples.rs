//! The examples, run as a user would: as processes, over TCP, with keys from files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use ssp_tokio::{Endpoint, ssp_core::identity::Ed25519Signer};
use support::{endpoint, start_daemon};
use tempfile::TempDir;

const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The program of an example. `cargo test` has built it; a run of this test alone builds it now.
fn program(package: &str, name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().unwrap().parent().unwrap();
    let path = folder
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    if !path.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", package, "--example", name]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        build.arg("--target-dir").arg(folder.parent().unwrap());
        assert!(build.status().unwrap().success(), "{name} does not build");
    }
    path
}

/// An example under way, with the lines that it prints; killed when dropped.
struct Run {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    printed: Vec<String>,
}

impl Run {
    fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (tell, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            lines,
            printed: Vec::new(),
        }
    }

    /// Waits for a line that has these words in it.
    fn says(&mut self, words: &str) -> String {
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("not printed: {words:?}, but {:#?}", self.printed);
            };
            self.printed.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for its end in good order.
    fn ends(mut self) -> Vec<String> {
        let deadline = Instant::now() + TIME_LIMIT;
        while self.child.try_wait().unwrap().is_none() {
            assert!(
                Instant::now() < deadline,
                "does not end: {:#?}",
                self.printed
            );
            thread::sleep(Duration::from_millis(5));
        }
        assert!(self.child.wait().unwrap().success());
        let rest = self.lines.iter();
        std::mem::take(&mut self.printed)
            .into_iter()
            .chain(rest)
            .collect()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with the keys of `alice` and `bob` and the file of whom they trust.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut trust = String::new();
        for (name, seed) in [("alice", 1), ("bob", 2)] {
            let signer = Ed25519Signer::from_seed(&[seed; 32]);
            trust += &format!("{name} ed25519 {}\n", signer.public_key());
            let pem = signer.to_pem().unwrap();
            fs::write(folder.path().join(name), pem.as_bytes()).unwrap();
        }
        fs::write(folder.path().join("trust"), trust).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn counter() {
    let printed = Run::start(&program("ssp-tokio", "counter"), &[]).ends();
    assert_eq!(printed.last().unwrap(), "  all have 14");
}

#[test]
fn custom_identity() {
    let mut run = Run::start(&program("ssp-tokio", "custom_identity"), &[]);
    run.says("alice and bob share ");
    run.says("[\"#mallory#n1\"] is told by her own client: ");
    run.says("#mallory#n1 is refused: ");
    run.says("again 2 members share a key");
    run.ends();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chat() {
    let daemon = start_daemon(&["n1"]).await;
    let at = endpoint(&daemon, "n1").to_string();
    tokio::task::spawn_blocking(move || {
        let folder = Folder::new();
        let program = program("ssp-tokio", "chat");
        let start = |name: &str| {
            let (key, trust) = (folder.file(name), folder.file("trust"));
            let mut run = Run::start(&program, &[&at, name, "chat", &key, &trust]);
            run.says(&format!("connected as #{name}#n1"));
            run.says("shared by");
            run
        };
        let mut alice = start("alice");
        let mut bob = start("bob");
        let shared = alice.says("#bob#n1");
        assert!(shared.starts_with("key "), "{shared}");
        alice.type_line("hello");
        assert_eq!(bob.says("hello"), "#alice#n1: hello");
        assert_eq!(alice.says("hello"), "#alice#n1: hello");
        bob.type_line("/refresh");
        assert_ne!(alice.says("shared by"), shared);
        bob.says("shared by");
        bob.type_line("/quit");
        bob.ends();
        let alone = alice.says("shared by");
        assert!(!alone.contains("#bob#n1"), "{alone}");
        // The end of the input is an end as well.
        drop(alice.input.take());
        alice.ends();
    })
    .await
    .unwrap();
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_drop() {
    let daemon = start_daemon(&["n1"]).await;
    let at = endpoint(&daemon, "n1").to_string();
    tokio::task::spawn_blocking(move || {
        let folder = Folder::new();
        let program = program("ssp-tokio", "file_drop");
        let [key_a, key_b, trust] = ["alice", "bob", "trust"].map(|name| folder.file(name));
        let [inbox, other] = ["inbox", "other"].map(|name| folder.file(name));
        let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at >> 3) as u8).collect();
        let names = ["a file (1).bin", "empty"];
        let files = names.map(|name| folder.file(name));
        fs::write(&files[0], &content).unwrap();
        fs::write(&files[1], b"").unwrap();

        let mut bob = Run::start(&program, &[&at, "bob", "drop", &key_b, &trust, &inbox]);
        bob.says("members: ");
        let arguments = [
            &at, "alice", "drop", &key_a, &trust, &other, &files[0], &files[1],
        ];
        let mut alice = Run::start(&program, &arguments);
        for name in names {
            alice.says(&format!("{name}, "));
            bob.says(&format!("#alice#n1 dropped {inbox}/{name}"));
        }
        alice.ends();
        assert_eq!(fs::read(Path::new(&inbox).join(names[0])).unwrap(), content);
        assert_eq!(fs::read(Path::new(&inbox).join(names[1])).unwrap(), b"");
        assert_eq!(fs::read_dir(&inbox).unwrap().count(), 2);
    })
    .await
    .unwrap();
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bare() {
    let daemon = start_daemon(&["n1"]).await;
    let Endpoint::Tcp { host, port } = endpoint(&daemon, "n1") else {
        panic!("not TCP");
    };
    tokio::task::spawn_blocking(move || {
        let folder = Folder::new();
        let program = program("ssp-core", "bare");
        let at = format!("{host}:{port}");
        let start = |name: &str| {
            let (key, trust) = (folder.file(name), folder.file("trust"));
            Run::start(&program, &[&at, name, &key, &trust])
        };
        let mut alice = start("alice");
        let mut bob = start("bob");
        for run in [&mut alice, &mut bob] {
            run.says("2 members, key ");
        }
        for run in [alice, bob] {
            let printed = run.ends();
            for name in ["alice", "bob"] {
                let greeting = format!("#{name}#n1: {name} greets 2");
                assert!(printed.contains(&greeting), "{printed:#?}");
            }
        }
    })
    .await
    .unwrap();
    daemon.shutdown().await;
}
