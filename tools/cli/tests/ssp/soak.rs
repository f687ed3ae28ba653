//! `ssp soak`: short, with every suite.

use std::collections::BTreeSet;

use crate::support::ssp;
use serde_json::Value;

#[test]
fn nothing_is_lost_in_a_short_run_of_all_suites() {
    let output = ssp(&[
        "--json",
        "soak",
        "--minutes",
        "0.1",
        "--members",
        "6",
        "--virtual",
        "3",
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let report: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(report["event"], "soak");
    assert_eq!(report["violations"], Value::Array(Vec::new()));
    let suites = report["suites"].as_array().unwrap();
    let names: BTreeSet<_> = suites
        .iter()
        .filter_map(|s| s["protocol"].as_str())
        .collect();
    assert_eq!(
        names,
        ["bd", "ckd", "ckd-aead", "gdh", "str", "tgdh"].into()
    );
    for suite in suites {
        for field in [
            "settled",
            "views_installed",
            "sent",
            "delivered",
            "compared",
        ] {
            assert!(suite[field].as_u64().unwrap() > 0, "{field}: {suite}");
        }
    }
    assert!(report["keys"].as_u64().unwrap() > 0);
}

#[test]
fn a_run_that_cannot_be_is_refused() {
    for arguments in [["soak", "--members", "1"], ["soak", "--virtual", "0"]] {
        assert_eq!(ssp(&arguments).status.code(), Some(2));
    }
}
