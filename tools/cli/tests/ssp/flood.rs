//! `ssp flood`: every field of its report, in both modes, and what it refuses.

use crate::support::{Process, ssp};
use serde_json::Value;

fn flood(arguments: &[&str]) -> Value {
    let output = ssp(&[&["--json", "flood", "--count", "600"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}{errors}");
    let last = serde_json::from_str::<Value>(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "flood");
    assert_eq!(last["count"], 600);
    for field in [
        "seconds",
        "messages_per_second",
        "bytes_per_second",
        "round_trip_us_p50",
        "round_trip_us_p99",
        "echo_messages_per_second",
        "echo_bytes_per_second",
        "echo_round_trip_us_p50",
        "echo_round_trip_us_p99",
        "throughput_to_echo",
        "round_trip_to_echo",
    ] {
        assert!(last[field].as_f64().unwrap() > 0.0, "{field}: {last}");
    }
    last
}

#[test]
fn bare_messages_to_the_sender_itself() {
    let report = flood(&[]);
    assert_eq!(report["mode"], "plain");
    assert_eq!(
        (&report["size"], &report["receivers"]),
        (&100.into(), &0.into())
    );
}

#[test]
fn bare_messages_to_receivers() {
    let report = flood(&["--plain", "--size", "20000", "--receivers", "2"]);
    assert_eq!(report["size"], 20_000);
    assert_eq!(report["receivers"], 2);
}

#[test]
fn views_are_measured_as_members_join() {
    let report = flood(&[
        "--flush",
        "--receivers",
        "2",
        "--members",
        "5",
        "--rounds",
        "2",
        "--service",
        "fifo",
    ]);
    assert_eq!(report["mode"], "flush");
    let joins = report["joins"].as_array().unwrap();
    let members: Vec<_> = joins.iter().map(|join| join["members"].as_u64()).collect();
    assert_eq!(members, [Some(2), Some(5)]);
    assert!(joins.iter().all(|join| join["ms"].as_f64().unwrap() > 0.0));
}

#[test]
fn sealed_messages_are_measured_against_bare_ones() {
    let report = flood(&[
        "--secure",
        "--receivers",
        "1",
        "--members",
        "2",
        "--rounds=1",
    ]);
    assert_eq!(report["mode"], "secure");
    assert_eq!(report["record"], "aes-256-cbc-hmac-sha256");
    assert_eq!(report["protocol"], "gdh");
    assert!(report["plain_messages_per_second"].as_f64().unwrap() > 0.0);
    assert!(report["added_us_per_message"].is_number());
    let layers = |report: &Value| -> Vec<String> {
        let joins = report["joins"].as_array().unwrap().iter();
        joins
            .map(|join| join["layer"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(layers(&report), ["flush", "tgdh", "gdh", "gdh-basic"]);

    // As it is asked for.
    let report = flood(&[
        "--secure",
        "--suite=str",
        "--record=aes-256-gcm",
        "--sign",
        "--pad",
        "--confirm",
        "--members=2",
        "--rounds=1",
    ]);
    assert_eq!(report["record"], "aes-256-gcm");
    assert_eq!(report["protocol"], "str");
    assert_eq!(report["signed"], true);
    assert_eq!(report["padded"], true);
    assert_eq!(layers(&report), ["flush", "str"]);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for (arguments, code) in [
        (&["flood", "--plain", "--flush"][..], 2),
        (&["flood", "--count", "0"], 2),
        (&["flood", "--members", "3"], 2),
        (&["flood", "--count", "10", "--size", "200000"], 1),
        (&["flood", "--connect", "/nonexistent/daemon"], 1),
    ] {
        let output = ssp(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!errors.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_daemon_serves_the_addresses_it_was_told_to() {
    for (list, code) in [("local", 0), ("unix,10.0.0.0/8", 1)] {
        let mut daemon = Process::start(&["daemon", "--listen", "127.0.0.1:0", "--allow", list]);
        let listening = daemon.wait_event("listening");
        let address = listening["address"].as_str().unwrap();
        let output = ssp(&["flood", "--connect", address, "--count", "100"]);
        assert_eq!(output.status.code(), Some(code), "{list}");
    }
    let output = ssp(&["daemon", "--allow", "localhost"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("localhost")
    );
}
