//! `ssp daemon --trust`, and users who prove who they are or cannot.

use std::process::Output;

use crate::support::{Process, Scene, ssp};

/// A daemon that trusts whom this file of the scene names, and where it listens.
fn daemon(scene: &Scene, trust: &str, more: &[&str]) -> (Process, String) {
    let trust = scene.path(trust);
    let mut arguments = vec!["daemon", "--listen", "127.0.0.1:0", "--trust", &trust];
    arguments.extend(more);
    let mut daemon = Process::start(&arguments);
    let listening = daemon.wait_event("listening");
    let address = listening["address"].as_str().unwrap().to_owned();
    (daemon, address)
}

/// Runs a user to its end, which has to be the refusal of its connection.
fn turned_away(address: &str, name: &str, more: &[&str]) -> String {
    let mut arguments = vec!["user", "--connect", address, "--name", name];
    arguments.extend(more);
    let Output { status, stderr, .. } = ssp(&arguments);
    assert_eq!(status.code(), Some(1), "{arguments:?}");
    String::from_utf8(stderr).unwrap()
}

/// Nobody has come or gone between two messages.
fn in_peace(one: &mut Process, other: &mut Process, text: &str) {
    let before = other.said.len();
    one.type_line(&format!("send g {text}"));
    other.wait_message(text);
    let said = &other.said[before..];
    let changes = [
        "view",
        "transitional",
        "flush_request",
        "blocked",
        "failure",
    ];
    assert!(
        said.iter()
            .all(|event| !changes.contains(&event["event"].as_str().unwrap())),
        "{said:#?}"
    );
}

#[test]
fn a_daemon_that_asks_lets_members_in_and_strangers_disturb_nobody() {
    let scene = Scene::open(&["alice", "bob"]);
    let (_daemon, address) = daemon(&scene, "trust", &[]);
    let mut alice = scene.user_at(&address, "alice");
    alice.wait_view(&["#alice#n1"]);
    let mut bob = scene.user_at(&address, "bob");
    for user in [&mut alice, &mut bob] {
        user.wait_view(&["#alice#n1", "#bob#n1"]);
    }
    scene.make_key("mallory");
    let (key, trust) = (scene.path("mallory.key"), scene.path("trust"));
    let secure = ["--identity", &key, "--trust", &trust, "--group", "g"];
    for name in ["mallory", "bob"] {
        assert_eq!(
            turned_away(&address, name, &secure),
            "ssp: connection refused: authentication was refused\n"
        );
    }
    for layer in ["--plain", "--flush"] {
        assert_eq!(
            turned_away(&address, "mallory", &[layer, "--group", "g"]),
            "ssp: daemon asks for proof of identity (it offers \"SSP-PROOF \"), none is there\n"
        );
        assert_eq!(
            turned_away(&address, "mallory", &[layer, "--identity", &key]),
            "ssp: connection refused: authentication was refused\n"
        );
    }
    in_peace(&mut alice, &mut bob, "undisturbed");
    // Without keys, and known.
    for (layer, name) in [("--plain", "alice"), ("--flush", "bob")] {
        let key = scene.path(&format!("{name}.key"));
        // Their own names are in use.
        assert_eq!(
            turned_away(&address, name, &[layer, "--identity", &key]),
            "ssp: connection refused: private name is in use\n"
        );
    }
    let (said, code) = bob.finish();
    assert_eq!(code, Some(0), "{said:#?}");
    let key = scene.path("bob.key");
    let mut bob = Process::start(&[
        "user",
        "--connect",
        &address,
        "--name",
        "bob",
        "--plain",
        "--identity",
        &key,
    ]);
    bob.wait_event("connected");
    scene.close();
}

#[cfg(unix)]
#[test]
fn groups_are_guarded_by_files_that_are_read_again() {
    let scene = Scene::open(&["alice", "bob"]);
    scene.make_key("carol");
    scene.write_trust("trust", &["alice", "bob", "carol"]);
    scene.write_trust("few", &["alice", "carol"]);
    let (mut daemon, address) = daemon(&scene, "few", &["--guard", "g"]);
    let mut alice = scene.user_at(&address, "alice");
    alice.wait_view(&["#alice#n1"]);
    let mut carol = scene.user_at(&address, "carol");
    for user in [&mut alice, &mut carol] {
        user.wait_view(&["#alice#n1", "#carol#n1"]);
    }
    // Connected, out of the guarded group, and in another one.
    let mut bob = scene.user_at(&address, "bob");
    let refused = bob.wait_event("refused");
    assert_eq!(
        (&refused["group"], &refused["request"]),
        (&"g".into(), &"join".into())
    );
    bob.type_line("join open");
    bob.wait_view(&["#bob#n1"]);
    in_peace(&mut carol, &mut alice, "undisturbed");
    // Known from now on; a file that cannot be used changes nothing.
    scene.write_trust("few", &["alice", "bob", "carol"]);
    daemon.signal("-HUP");
    daemon.wait_event("reloaded");
    std::fs::write(scene.path("few"), "nonsense\n").unwrap();
    daemon.signal("-HUP");
    let error = daemon.wait_event("error");
    assert!(
        error["error"].as_str().unwrap().contains("few: line 1"),
        "{error}"
    );
    bob.type_line("join g");
    for user in [&mut alice, &mut bob, &mut carol] {
        user.wait_view(&["#alice#n1", "#bob#n1", "#carol#n1"]);
    }
    daemon.signal("-INT");
    daemon.wait_event("stopped");
    scene.close();
}

/// Certificates, and one of them taken back while the daemon runs.
#[cfg(unix)]
#[test]
fn a_revocation_reaches_a_daemon_that_runs() {
    let scene = Scene::open(&[]);
    let ca = scene.path("ca.pem");
    let run = |arguments: &[&str]| {
        let output = ssp(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    run(&["cert", "ca", &ca, "--name", "Example CA"]);
    let file = scene.path("alice.pem");
    run(&["cert", "issue", &file, "--ca", &ca, "--name", "alice"]);
    let list = scene.path("revoked.pem");
    run(&["cert", "revoke", "--ca", &ca, "--list", &list]);
    let (mut daemon, address) = daemon(&scene, "ca.crt", &["--trust", &list]);
    let alice = ["--plain", "--identity", &file];
    let mut user = Process::start(
        &[
            &["user", "--connect", &address, "--name", "alice"][..],
            &alice,
        ]
        .concat(),
    );
    user.wait_event("connected");
    run(&["cert", "revoke", &file, "--ca", &ca, "--list", &list]);
    daemon.signal("-HUP");
    daemon.wait_event("reloaded");
    // Judged anew at a join, and at the next connection.
    user.type_line("join g");
    user.wait_event("refused");
    user.kill();
    assert_eq!(
        turned_away(&address, "alice", &alice),
        "ssp: connection refused: authentication was refused\n"
    );
    scene.close();
}
