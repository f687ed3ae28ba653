//! `ssp demo`: the main job, and a daemon that is parted by its control socket.

use std::collections::BTreeSet;

use crate::support::ssp;
use serde_json::Value;

fn demo(arguments: &[&str]) -> Vec<Value> {
    let output = ssp(&[&["--json", "demo"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}{errors}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn check(events: &[Value], group: &str) {
    let keys: Vec<_> = events
        .iter()
        .filter_map(|event| event["fingerprint"].as_str())
        .collect();
    let distinct: BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "{group}: a key came back");
    for name in [
        "join",
        "file",
        "leave",
        "crash",
        "recover",
        "partition",
        "traffic",
        "merge",
        "refresh",
    ] {
        assert!(
            events.iter().any(|event| event["event"] == name),
            "{group}: no {name}"
        );
    }
    let sides = events
        .iter()
        .filter(|event| event["event"] == "partition")
        .count();
    assert_eq!(sides, 2, "{group}: both sides have a key");
    let done = events.last().unwrap();
    assert_eq!(done["event"], "done");
    assert_eq!(done["keys"], keys.len());
}

#[test]
fn all_events_over_ristretto255() {
    check(&demo(&[]), "ristretto255");
}

#[test]
fn all_events_over_ffdhe2048() {
    check(
        &demo(&["--group-params", "ffdhe2048", "--members", "3"]),
        "ffdhe2048",
    );
}

#[test]
fn all_events_with_every_suite() {
    for suite in ["gdh", "bd", "ckd", "ckd-aead", "str", "tgdh"] {
        let events = demo(&["--protocol", suite]);
        check(&events, suite);
        let join = events.iter().find(|event| event["event"] == "join");
        assert_eq!(join.unwrap()["protocol"], suite);
    }
}

#[test]
fn groups_of_every_family_and_a_chosen_algorithm() {
    for arguments in [
        &["--protocol", "tgdh", "--group-params", "p256"][..],
        &["--protocol", "bd", "--group-params", "ffdhe2048+abs"],
        &["--protocol", "gdh", "--algorithm", "optimized"],
        &["--protocol", "tgdh", "--algorithm", "restart"],
    ] {
        let arguments = [arguments, &["--members", "3"]].concat();
        check(&demo(&arguments), &arguments.join(" "));
    }
    let output = ssp(&["demo", "--protocol", "bd", "--algorithm", "optimized"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.contains("no algorithm \"optimized\" for suite bd"),
        "{error}"
    );
}

#[test]
fn messages_sealed_signed_padded_and_keys_confirmed() {
    let events = demo(&[
        "--members=3",
        "--record=aes-256-gcm",
        "--require-signatures",
        "--pad=64",
        "--confirm",
    ]);
    check(&events, "ristretto255");
}

#[test]
fn a_file_of_many_messages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, vec![7; 1_000_000]).unwrap();
    let events = demo(&["--file", path.to_str().unwrap()]);
    let file = events
        .iter()
        .find(|event| event["event"] == "file")
        .unwrap();
    assert_eq!(file["size"], 1_000_000);
    assert_eq!(file["members"], 4);
}

#[test]
fn people_read_a_table() {
    let output = ssp(&["demo", "--members", "3"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let last = text.lines().last().unwrap();
    assert_eq!(last, "all members agreed on 10 keys", "{text}");
    assert!(text.contains("fingerprint"), "{text}");
}
