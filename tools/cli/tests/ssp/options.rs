//! What `ssp user` offers of a group's options, and how it comes back.

use std::collections::BTreeSet;

use crate::support::{Process, Scene, ssp};

const TWO: [&str; 2] = ["#alice#n1", "#bob#n1"];

/// Alice and bob in a group, each with options of their own.
fn two(scene: &Scene, alice: &[&str], bob: &[&str]) -> [Process; 2] {
    let mut alice = scene.user_with("alice", alice);
    alice.wait_view(&TWO[..1]);
    let mut bob = scene.user_with("bob", bob);
    alice.wait_view(&TWO);
    bob.wait_view(&TWO);
    [alice, bob]
}

#[test]
fn what_the_policy_denies_is_an_event_and_changes_nothing_for_others() {
    let scene = Scene::open(&["alice", "bob"]);
    let policy = scene.path("policy");
    std::fs::write(
        &policy,
        "allow join,admit,send g *\nallow receive g alice\nallow join,receive mute *\n\
         allow * club alice\n",
    )
    .unwrap();
    let [mut alice, mut bob] = two(&scene, &["--policy", &policy], &[]);
    let denied = |user: &mut Process, group: &str, action: &str, member: &str| {
        let event = user.wait_event("denied");
        assert_eq!(event["group"], group, "{event}");
        assert_eq!(event["action"], action, "{event}");
        assert_eq!(event["member"], member, "{event}");
        assert!(event["reason"].as_str().unwrap().contains("policy"));
    };

    alice.type_line("join secret");
    denied(&mut alice, "secret", "join", "#alice#n1");

    bob.type_line("send g alice does not hear this");
    denied(&mut alice, "g", "receive", "#bob#n1");
    bob.wait_message("alice does not hear this");
    alice.type_line("send g but bob hears this");
    bob.wait_message("but bob hears this");

    alice.type_line("join mute");
    alice.wait_view(&TWO[..1]);
    alice.type_line("send mute no");
    denied(&mut alice, "mute", "send", "#alice#n1");
    alice.type_line(&format!("sendfile mute {policy}"));
    denied(&mut alice, "mute", "send", "#alice#n1");

    alice.type_line("join club");
    alice.wait_view(&TWO[..1]);
    bob.type_line("join club");
    denied(&mut alice, "club", "admit", "#bob#n1");

    let (said, code) = alice.finish();
    assert_eq!(code, Some(0));
    let all = serde_json::to_string(&said).unwrap();
    assert!(!all.contains("does not hear"), "{all}");
    bob.kill();
    scene.close();
}

#[test]
fn messages_are_sealed_signed_padded_and_keys_confirmed_as_asked() {
    let scene = Scene::open(&["alice", "bob"]);
    let options = [
        "--suite",
        "tgdh",
        "--record",
        "chacha20-poly1305",
        "--sign",
        "--pad=256",
        "--confirm",
        "--refresh-messages",
        "3",
    ];
    let [mut alice, mut bob] = two(&scene, &options, &options);
    for user in [&mut alice, &mut bob] {
        assert_eq!(user.wait_event("confirmed")["group"], "g");
        let view = user.said.iter().rfind(|event| event["event"] == "view");
        let view = view.unwrap();
        assert_eq!(view["protocol"], "tgdh");
        assert_eq!(view["record"], "chacha20-poly1305");
    }
    for text in ["one", "two", "three"] {
        alice.type_line(&format!("send g {text}"));
        let message = bob.wait_message(text);
        assert_eq!(message["signed"], true, "{message}");
    }
    for user in [&mut alice, &mut bob] {
        assert_eq!(user.wait_event("refresh")["epoch"], 1);
        assert_eq!(user.wait_event("confirmed")["epoch"], 1);
    }
    for user in [alice, bob] {
        assert_eq!(user.finish().1, Some(0));
    }
    scene.close();
}

#[test]
fn members_that_seal_otherwise_are_told() {
    let scene = Scene::open(&["alice", "bob"]);
    let [mut alice, bob] = two(&scene, &["--record", "aes-256-gcm"], &[]);
    let mut bob = bob;
    alice.type_line("send g hello");
    let mismatch = bob.wait_event("mismatch");
    assert_eq!(mismatch["member"], "#alice#n1");
    let reason = mismatch["reason"].as_str().unwrap();
    assert!(reason.contains("aes-256-gcm"), "{reason}");
    bob.kill();
    alice.kill();
    scene.close();
}

#[test]
fn messages_without_a_signature_are_refused_on_request() {
    let scene = Scene::open(&["alice", "bob"]);
    let [mut alice, mut bob] = two(&scene, &["--require-signatures"], &[]);
    bob.type_line("send g unsigned");
    assert_eq!(alice.wait_event("rejected")["member"], "#bob#n1");
    alice.type_line("send g signed");
    assert_eq!(bob.wait_message("signed")["signed"], true);
    let (said, _) = alice.finish();
    let all = serde_json::to_string(&said).unwrap();
    assert!(!all.contains("unsigned"), "{all}");
    bob.kill();
    scene.close();
}

#[test]
fn a_daemon_that_comes_back_has_its_users_again() {
    let mut scene = Scene::open(&["alice", "bob"]);
    let [mut alice, mut bob] = two(&scene, &[], &[]);
    scene.stop_daemon();
    for user in [&mut alice, &mut bob] {
        let lost = user.wait_event("lost");
        assert_eq!(lost["reason"], "daemon closed the connection");
    }
    // Kept for the next key.
    alice.type_line("send g said while away");
    alice.wait_event("waiting");
    alice.type_line("key g label");
    assert_eq!(alice.wait_event("error")["error"], "connection is closed");
    scene.start_daemon_again();
    let mut keys = BTreeSet::new();
    for user in [&mut alice, &mut bob] {
        user.wait_view(&TWO);
        // Told by the connection and by the group, each for itself.
        let count = |name: &str| {
            let named = user.said.iter().filter(|event| event["event"] == name);
            named.count()
        };
        assert_eq!(count("rejoining"), 1);
        if count("connected") < 2 {
            user.wait_event("connected");
        }
        let seen = user.said.iter();
        keys.extend(seen.filter_map(|event| event["fingerprint"].as_str().map(str::to_owned)));
    }
    bob.type_line("send g together again");
    alice.wait_message("together again");
    let said = alice.said.iter();
    let own = said.filter(|event| event["data"] == "said while away");
    assert_eq!(own.count(), 1, "sent once, with the first key there was");
    // Both had at most one view alone before and one behind.
    assert!((2..=6).contains(&keys.len()), "{keys:?}");
    for user in [alice, bob] {
        assert_eq!(user.finish().1, Some(0));
    }
    scene.close();
}

#[test]
fn the_next_daemon_is_taken_where_one_does_not_answer() {
    let scene = Scene::open(&["alice"]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = nobody.local_addr().unwrap().to_string();
    let (key, trust) = (scene.path("alice.key"), scene.path("trust"));
    for layer in [
        &["--identity", &key, "--trust", &trust][..],
        &["--flush"],
        &["--plain"],
    ] {
        let usual = [
            "user",
            "--name",
            "alice",
            "--connect",
            &nobody,
            "--connect",
            scene.address(),
        ];
        let mut alice = Process::start(&[&usual[..], layer].concat());
        assert_eq!(
            alice.wait_event("connected")["private_group"],
            "#alice#n1",
            "{layer:?}"
        );
        assert_eq!(alice.finish().1, Some(0));
    }
    scene.close();
}

#[test]
fn attempts_that_are_used_up_end_the_program() {
    let mut scene = Scene::open(&["alice"]);
    let mut alice = scene.user_with("alice", &["--attempts", "2"]);
    alice.wait_view(&TWO[..1]);
    scene.stop_daemon();
    alice.wait_event("lost");
    let closed = alice.wait_event("closed");
    let reason = closed["reason"].as_str().unwrap();
    assert!(reason.contains("cannot be reached"), "{reason}");
    assert_eq!(alice.end().1, Some(1));
    scene.close();
}

#[test]
fn a_group_is_joined_once_and_again_behind_a_leave() {
    let scene = Scene::open(&["alice"]);
    let mut alice = scene.user("alice");
    let first = alice.wait_view(&TWO[..1]);
    alice.type_line("join g");
    assert_eq!(alice.wait_event("error")["error"], "joined already");
    alice.type_line("leave g");
    alice.type_line("join g");
    alice.wait_event("self_leave");
    let second = alice.wait_view(&TWO[..1]);
    assert_ne!(first["fingerprint"], second["fingerprint"]);
    assert_eq!(alice.finish().1, Some(0));
    scene.close();
}

#[test]
fn options_of_secure_groups_are_for_secure_groups() {
    for arguments in [
        &["user", "--name", "a", "--plain", "--record", "aes-256-gcm"][..],
        &["user", "--name", "a", "--flush", "--sign"],
        &["user", "--name", "a", "--plain", "--policy", "p"],
        &["user", "--name", "a", "--plain", "--attempts", "1"],
        &["flood", "--plain", "--protocol", "bd"],
        &["flood", "--pad"],
    ] {
        let output = ssp(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    }
    let output = ssp(&[
        "user",
        "--name",
        "a",
        "--identity",
        "x",
        "--trust",
        "x",
        "--record",
        "rot13",
    ]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("unknown record suite \"rot13\""), "{text}");
}
