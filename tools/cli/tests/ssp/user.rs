//! `ssp user` processes against one `ssp daemon` process.

use std::collections::BTreeSet;

use crate::support::{Process, Scene, has_members, ssp};

const THREE: [&str; 3] = ["#alice#n1", "#bob#n1", "#carol#n1"];

fn three(scene: &Scene) -> Vec<Process> {
    let mut users = vec![scene.user("alice")];
    users[0].wait_view(&THREE[..1]);
    for (number, name) in ["bob", "carol"].iter().enumerate() {
        users.push(scene.user(name));
        for user in &mut users {
            user.wait_view(&THREE[..number + 2]);
        }
    }
    users
}

fn fingerprints(user: &Process) -> Vec<&str> {
    user.said
        .iter()
        .filter_map(|event| event["fingerprint"].as_str())
        .collect()
}

#[test]
fn three_users_talk_under_keys_that_never_repeat() {
    let scene = Scene::open(&["alice", "bob", "carol"]);
    let mut users = three(&scene);

    users[0].type_line("send g good morning");
    for user in &mut users {
        let message = user.wait_message("good morning");
        assert_eq!(message["from"], "#alice#n1");
        assert_eq!(message["group"], "g");
        assert_eq!(message["service"], "agreed");
    }

    users[1].type_line("refresh g");
    let keys: BTreeSet<String> = users
        .iter_mut()
        .map(|user| {
            let refresh = user.wait_event("refresh");
            assert_eq!(refresh["epoch"], 1);
            refresh["fingerprint"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(keys.len(), 1, "all members have one key: {keys:?}");

    let mut exported = BTreeSet::new();
    for user in &mut users {
        user.type_line("key g label");
        exported.insert(user.wait_event("key")["key"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        exported.len(),
        1,
        "all members export one key: {exported:?}"
    );

    let path = scene.path("file.bin");
    let content: Vec<u8> = (0..100_000_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    std::fs::write(&path, &content).unwrap();
    users[2].type_line(&format!("sendfile g {path}"));
    let digests: BTreeSet<_> = users
        .iter_mut()
        .map(|user| {
            user.wait_event("file")["sha256"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(digests.len(), 1);

    users[0].type_line("leave g");
    users[0].wait_event("self_leave");
    for user in &mut users[1..] {
        user.wait_view(&THREE[1..]);
    }
    users.remove(1).kill();
    users[1].wait_view(&THREE[2..]);
    for user in &users {
        let seen = fingerprints(user);
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "a key came back: {seen:?}");
    }
    for user in users {
        let (_, code) = user.finish();
        assert_eq!(code, Some(0));
    }
    scene.close();
}

#[test]
fn a_stranger_is_named_and_the_group_recovers_by_itself() {
    let scene = Scene::open(&["alice", "bob", "carol"]);
    let mut users = three(&scene);
    let before: BTreeSet<String> = users
        .iter()
        .flat_map(fingerprints)
        .map(str::to_owned)
        .collect();

    scene.make_key("mallory");
    let mut mallory = scene.user("mallory");
    for user in &mut users {
        let failure = user.wait_event("failure");
        assert_eq!(failure["member"], "#mallory#n1");
        assert_eq!(failure["reason"], "unknown identity");
        assert_eq!(failure["group"], "g");
    }
    users[0].type_line("send g not for strangers");
    let waiting = users[0].wait_event("waiting");
    assert_eq!(waiting["group"], "g");

    mallory.type_line("leave g");
    mallory.wait_event("self_leave");
    for user in &mut users {
        let view = user.wait_view(&THREE);
        let key = view["fingerprint"].as_str().unwrap();
        assert!(!before.contains(key), "the key is an old one");
        user.wait_message("not for strangers");
    }
    let (said, _) = mallory.finish();
    assert!(
        said.iter()
            .all(|event| event["event"] != "message" && event["fingerprint"].is_null()),
        "a stranger got a key or a message: {said:#?}"
    );
    scene.close();
}

#[test]
fn a_stolen_name_is_found_out() {
    let scene = Scene::open(&["alice", "bob"]);
    let mut alice = scene.user("alice");
    alice.wait_view(&THREE[..1]);
    scene.make_key("thief");
    let thief = scene.user_with_key("bob", "thief");
    let failure = alice.wait_event("failure");
    assert_eq!(failure["member"], "#bob#n1");
    assert_eq!(failure["reason"], "bad signature");
    thief.kill();
    alice.wait_view(&THREE[..1]);
    scene.close();
}

#[test]
fn a_bare_member_is_named_and_the_group_goes_on_without_it() {
    let scene = Scene::open(&["alice", "bob", "carol"]);
    let mut users = three(&scene);
    let mut bare = scene.keyless("--plain", "bare");
    for user in &mut users {
        let blocked = user.wait_event("blocked");
        assert!(has_members(&blocked, &["#bare#n1"]), "{blocked}");
    }
    bare.type_line("leave g");
    for user in &mut users {
        user.wait_view(&THREE);
    }
    users[2].type_line("send g on we go");
    for user in &mut users {
        user.wait_message("on we go");
    }
    let (said, _) = bare.finish();
    let all = serde_json::to_string(&said).unwrap();
    assert!(!all.contains("on we go"), "{all}");
    scene.close();
}

#[test]
fn bare_users_talk() {
    let scene = Scene::open(&[]);
    let mut alice = scene.keyless("--plain", "alice");
    alice.wait_event("membership");
    let mut bob = scene.keyless("--plain", "bob");
    for user in [&mut alice, &mut bob] {
        let joined = user.wait_event("membership");
        assert!(has_members(&joined, &THREE[..2]));
        assert_eq!(joined["cause"], "join");
        assert_eq!(joined["member"], "#bob#n1");
    }
    alice.type_line("send g hello");
    bob.wait_message("hello");
    alice.wait_message("hello");
    bob.kill();
    assert_eq!(alice.wait_event("membership")["cause"], "disconnect");
    assert_eq!(alice.finish().1, Some(0));
    scene.close();
}

#[test]
fn users_of_the_flush_layer_talk_and_name_a_bare_member() {
    let scene = Scene::open(&[]);
    let mut alice = scene.keyless("--flush", "alice");
    alice.wait_view(&THREE[..1]);
    let mut bob = scene.keyless("--flush", "bob");
    bob.type_line("send g hello");
    for user in [&mut alice, &mut bob] {
        let view = user.wait_view(&THREE[..2]);
        assert!(view["fingerprint"].is_null());
        user.wait_message("hello");
    }
    let bare = scene.keyless("--plain", "bare");
    let blocked = alice.wait_event("blocked");
    assert!(has_members(&blocked, &["#bare#n1"]), "{blocked}");
    bare.kill();
    for user in [&mut alice, &mut bob] {
        user.wait_view(&THREE[..2]);
    }
    scene.close();
}

#[test]
fn a_script_waits_for_its_view_and_ends_in_good_order() {
    let scene = Scene::open(&["alice"]);
    let mut alice = scene.user("alice");
    alice.type_line("send g one");
    alice.type_line("# a comment");
    alice.type_line("sing g two");
    let (said, code) = alice.finish();
    assert_eq!(code, Some(0));
    let names: Vec<_> = said
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"sent"), "{said:#?}");
    let error = said.iter().find(|event| event["event"] == "error").unwrap();
    assert!(
        error["error"].as_str().unwrap().contains("\"sing\""),
        "{error}"
    );
    assert_eq!(names.last(), Some(&"closed"));
    scene.close();
}

/// A file far above the daemon's largest message, and a text above it, while others come and go.
#[test]
fn a_long_file_and_a_long_text_go_through() {
    use sha2::{Digest, Sha256};

    let scene = Scene::open(&["alice", "bob", "carol"]);
    let path = scene.path("long");
    let content: Vec<u8> = (0..20_000_000_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    std::fs::write(&path, &content).unwrap();
    let digest = hex::encode(Sha256::digest(&content));
    let mut users: Vec<_> = ["alice", "bob"].map(|name| scene.user(name)).into();
    for user in &mut users {
        user.wait_view(&["#alice#n1", "#bob#n1"]);
    }
    users[0].type_line(&format!("sendfile g {path}"));
    users[0].type_line("send g behind");
    // A view change cuts the file off, and it begins anew.
    users.push(scene.user("carol"));
    for user in &mut users[..2] {
        let file = user.wait_event("file");
        assert_eq!(file["size"], content.len());
        assert_eq!(file["sha256"], digest.as_str());
        assert_eq!(file["name"], "long");
        assert!(user.said.iter().any(|event| event["data"] == "behind"));
    }
    users[2].wait_view(&["#alice#n1", "#bob#n1", "#carol#n1"]);
    let long = "x".repeat(300_000);
    users[2].type_line(&format!("send g {long}"));
    for user in &mut users {
        user.wait_message(&long);
    }
    users[0].type_line("sendfile g /nowhere");
    users[0].wait("an error", |event| {
        event["error"]
            .as_str()
            .is_some_and(|error| error.contains("/nowhere"))
    });
    users[1].type_line("/help");
    assert!(
        users[1].wait_event("help")["commands"]
            .as_array()
            .unwrap()
            .len()
            > 8
    );
    let (said, code) = users.remove(0).finish();
    assert_eq!(code, Some(0), "{said:#?}");
    scene.close();
}

#[test]
fn a_message_that_could_not_be_sent_is_a_failure() {
    let scene = Scene::open(&["alice"]);
    let bare = scene.keyless("--plain", "bare");
    let mut alice = scene.user("alice");
    alice.type_line("send g nobody will read this");
    alice.wait_event("waiting");
    let (said, code) = alice.finish();
    assert_eq!(code, Some(1), "{said:#?}");
    let error = said.iter().find(|event| event["event"] == "error").unwrap();
    assert_eq!(error["error"], "messages that were not sent: 1");
    bare.kill();
    scene.close();
}

#[test]
fn failures_are_one_line_that_names_the_value() {
    let scene = Scene::open(&["alice"]);
    let connect = scene.address();
    let trust = scene.path("trust");
    let key = scene.path("alice.key");
    let missing = scene.path("missing.key");
    for (arguments, code, part) in [
        (
            vec![
                "user",
                "--name",
                "alice",
                "--plain",
                "--connect",
                "1@localhost",
            ],
            1,
            "1@localhost",
        ),
        (
            vec![
                "user",
                "--name",
                "alice",
                "--connect",
                connect,
                "--identity",
                &missing,
                "--trust",
                &trust,
            ],
            1,
            "missing.key",
        ),
        (
            vec![
                "user",
                "--name",
                "alice",
                "--connect",
                connect,
                "--identity",
                &key,
                "--trust",
                &key,
            ],
            1,
            "line 1",
        ),
        (
            vec!["user", "--name", "alice", "--connect", connect],
            2,
            "--identity",
        ),
        (
            vec!["user", "--name", "far-too-long-a-name", "--plain"],
            2,
            "far-too-long-a-name",
        ),
        (
            vec!["demo", "--protocol", "rsa"],
            2,
            "unknown protocol \"rsa\", there is: bd",
        ),
        (vec!["demo", "--group-params", "modp17"], 2, "modp17"),
        (vec!["daemon", "--listen", "nowhere"], 2, "nowhere"),
        (vec!["identity", "new", &key], 1, "alice.key"),
        (vec!["identity", "show", &key, "--name", "a b"], 2, "a b"),
    ] {
        let output = ssp(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(part), "{arguments:?}: {text}");
        if code == 1 {
            assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
        }
    }
    scene.close();
}

#[cfg(unix)]
#[test]
fn private_keys_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::open(&["alice"]);
    let mode = std::fs::metadata(scene.path("alice.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    scene.close();
}

#[cfg(unix)]
#[test]
fn a_partition_by_the_control_socket_gives_each_side_a_key() {
    use std::{
        io::{BufRead, BufReader, Write},
        os::unix::net::UnixStream,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control").display().to_string();
    let mut daemon = Process::start(&[
        "daemon",
        "--listen",
        "127.0.0.1:0",
        "--virtual",
        "n2=127.0.0.1:0",
        "--control",
        &path,
    ]);
    let [n1, n2] = [0; 2].map(|_| {
        daemon.wait_event("listening")["address"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    daemon.wait_event("control");
    let mut control = BufReader::new(UnixStream::connect(&path).unwrap());
    let mut command = |line: &str| {
        writeln!(control.get_mut(), "{line}").unwrap();
        let mut answer = String::new();
        control.read_line(&mut answer).unwrap();
        answer
    };

    let scene = Scene::open(&["alice", "bob"]);
    let mut alice = scene.user_at(&n1, "alice");
    alice.wait_view(&["#alice#n1"]);
    let mut bob = scene.user_at(&n2, "bob");
    let both = ["#alice#n1", "#bob#n2"];
    let mut keys = BTreeSet::new();
    let mut note = |view: serde_json::Value| {
        assert!(
            keys.insert(view["fingerprint"].as_str().unwrap().to_owned()),
            "{view}"
        );
    };
    note(alice.wait_view(&both));
    bob.wait_view(&both);

    assert!(command("partition n1 | n2").starts_with("ok"));
    note(alice.wait_view(&both[..1]));
    note(bob.wait_view(&both[1..]));
    alice.type_line("send g on this side");
    alice.wait_message("on this side");

    assert!(command("partition n1 | n3").starts_with("error"));
    assert!(command("heal").starts_with("ok"));
    let merged = alice.wait_view(&both);
    assert_eq!(merged["cause"], "network");
    note(merged);
    bob.wait_view(&both);
    bob.type_line("send g together again");
    alice.wait_message("together again");
    let (said, _) = bob.finish();
    let all = serde_json::to_string(&said).unwrap();
    assert!(
        !all.contains("on this side"),
        "a message crossed the partition: {all}"
    );
}

#[test]
fn what_waits_for_a_view_of_a_group_that_is_left_is_told() {
    let scene = Scene::open(&[]);
    let mut alice = scene.flush_by_hand("alice");
    alice.wait_view(&["#alice#n1"]);
    let mut bob = scene.keyless("--flush", "bob");
    alice.wait_event("flush_request");
    // There is no view, because alice does not permit it.
    bob.type_line("send g for nobody");
    bob.type_line("leave g");
    bob.wait_event("self_leave");
    let error = bob.wait_event("error");
    assert_eq!(error["error"], "messages that were not sent: 1");
    assert_eq!(bob.finish().1, Some(1));
    alice.kill();
    scene.close();
}
