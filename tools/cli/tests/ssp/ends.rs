//! How the command ends: closed pipes, full disks, interrupts, a daemon that goes away; and input
//! that is no command.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
};

use crate::support::{Process, Scene};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssp"));
    command.args(arguments);
    command
}

#[test]
fn a_demo_that_nobody_reads_ends_without_a_word() {
    let mut demo = command(&["demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Gone before the first line, so that no machine is slow enough to finish first.
    drop(demo.stdout.take());
    let output = demo.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_a_failure() {
    let scene = Scene::open(&["alice"]);
    let key = scene.path("alice.key");
    let full = std::fs::File::create("/dev/full").unwrap();
    let output = command(&["identity", "show", &key, "--name", "alice"])
        .stdout(full)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("ssp: standard output: "), "{text}");
    scene.close();
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_end_is_refused() {
    let output = command(&["identity", "show", "/dev/zero", "--name", "alice"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("ssp: /dev/zero: more than "), "{text}");
}

#[test]
fn what_a_daemon_says_moves_no_cursor() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Its authentication methods.
        stream.write_all(b"\x05\x1b[2J ").unwrap();
        // Until the user has gone.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let arguments = ["user", "--plain", "--name", "a", "--connect", &address];
    let output = command(&arguments).output().unwrap();
    daemon.join().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text:?}");
    assert!(text.contains("\\u{1b}[2J"), "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let scene = Scene::open(&["alice"]);
    let pipe = scene.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    // One after the other: who has no keys keeps the others in the group from having one.
    for layer in [None, Some("--flush"), Some("--plain")] {
        let mut user =
            layer.map_or_else(|| scene.user("alice"), |layer| scene.keyless(layer, "bob"));
        user.type_line(&format!("sendfile g {pipe}"));
        let error = user.wait_event("error");
        assert!(
            error["error"].as_str().unwrap().ends_with("not a file"),
            "{error}"
        );
        user.kill();
    }
    scene.close();
}

#[cfg(unix)]
#[test]
fn interrupts_end_user_and_daemon_in_good_order() {
    let mut scene = Scene::open(&["alice", "bob"]);
    let mut alice = scene.user("alice");
    alice.wait_view(&["#alice#n1"]);
    let bob = scene.user("bob");
    alice.wait_view(&["#alice#n1", "#bob#n1"]);
    for (user, signal) in [(alice, "-INT"), (bob, "-TERM")] {
        user.signal(signal);
        let (said, code) = user.end();
        assert_eq!(code, Some(0), "{signal}: {said:#?}");
        assert_eq!(said.last().unwrap()["event"], "closed");
    }
    scene.daemon().signal("-INT");
    let (said, code) = scene.into_daemon().end();
    assert_eq!(code, Some(0));
    assert_eq!(said.last().unwrap()["event"], "stopped");
}

#[cfg(unix)]
#[test]
fn a_daemon_that_dies_is_told_by_event_and_exit_code() {
    let scene = Scene::open(&["alice"]);
    let mut alice = scene.user_with("alice", &["--attempts", "0"]);
    // A bare member in the group would hold up this view.
    alice.wait_view(&["#alice#n1"]);
    let users = [
        alice,
        scene.keyless("--plain", "bare"),
        scene.keyless("--flush", "flusher"),
    ];
    scene.into_daemon().kill();
    for user in users {
        let (said, code) = user.end();
        assert_eq!(code, Some(1), "{said:#?}");
        let last = said.last().unwrap();
        assert_eq!(last["event"], "closed");
        assert_eq!(last["reason"], "daemon closed the connection");
    }
}

#[cfg(unix)]
#[test]
fn input_that_is_no_command_is_reported_and_never_obeyed() {
    let scene = Scene::open(&["alice"]);
    let mut alice: Process = scene.user("alice");
    alice.wait_view(&["#alice#n1"]);
    let mut long = vec![b'x'; 1 << 20];
    long.extend_from_slice(b"\nsend g \xff\nsend g \x1b[2J\n");
    // What stands behind the longest line that is taken would be a command by itself.
    alice.type_bytes(&long[..1 << 20]);
    alice.type_bytes(b"send g smuggled");
    alice.type_bytes(&long[1 << 20..]);
    let error = alice.wait_event("error");
    let text = error["error"].as_str().unwrap();
    assert!(text.starts_with("line of 1048592 bytes"), "{text}");
    let error = alice.wait_event("error");
    assert!(error["error"].as_str().unwrap().contains("UTF-8"));
    // JSON escapes by itself, so nothing is lost there.
    alice.wait_message("\u{1b}[2J");
    let (said, code) = alice.finish();
    assert_eq!(code, Some(0));
    let all = serde_json::to_string(&said).unwrap();
    assert!(!all.contains("smuggled"), "{all}");
    scene.close();
}
