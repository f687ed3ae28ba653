//! The events of `ssp user --json`, as scripts know them and as the README lists them. Every event of
//! every user in these tests is held against this.

use serde_json::Value;

/// Event, and its fields; those with a `?` are there under conditions that the README names.
const EVENTS: [(&str, &str); 27] = [
    ("connected", "private_group mode"),
    ("lost", "reason"),
    ("rejoining", "group private_group"),
    ("closed", "?reason"),
    (
        "view",
        "group view members cause ?member transitional_set ?index ?joined ?left ?epoch \
         ?fingerprint ?protocol ?group_params ?record ?ms",
    ),
    (
        "membership",
        "group view members cause ?member transitional_set",
    ),
    (
        "refresh",
        "group view members cause ?member transitional_set epoch fingerprint protocol \
         group_params record ms",
    ),
    ("confirmed", "group epoch"),
    (
        "message",
        "?group from type service ?data ?data_base64 ?epoch ?signed ?to",
    ),
    (
        "file",
        "?group from type service name size sha256 ?epoch ?signed ?to",
    ),
    ("sent", "group size ?path ?seconds"),
    ("waiting", "group reason messages files"),
    ("cut_off", "group member reason"),
    ("failure", "group member suspects reason"),
    ("identity", "group member reason"),
    ("denied", "group member action reason"),
    ("rejected", "group member reason"),
    ("mismatch", "group member reason"),
    ("blocked", "group members"),
    ("flush_request", "group"),
    ("transitional", "group"),
    ("self_leave", "group"),
    ("members", "group members"),
    ("key", "group label key"),
    ("help", "commands"),
    ("error", "?group error"),
    ("warning", "reason"),
];
/// Nothing in these tests makes a daemon refuse a request.
const REFUSED: (&str, &str) = ("refused", "group request");

/// Holds an event against the list.
pub(crate) fn check(event: &Value) {
    let fields = event.as_object().unwrap();
    let name = fields["event"].as_str().unwrap();
    let listed = EVENTS
        .iter()
        .chain([&REFUSED])
        .find(|(event, _)| *event == name);
    let (_, listed) = listed.unwrap_or_else(|| panic!("unknown event: {event}"));
    let mut known = vec!["event"];
    for field in listed.split_whitespace() {
        match field.strip_prefix('?') {
            Some(field) => known.push(field),
            None => {
                assert!(fields.contains_key(field), "no {field} in {event}");
                known.push(field);
            }
        }
    }
    for field in fields.keys() {
        assert!(known.contains(&field.as_str()), "{field} in {event}");
    }
    let exclusive = ["data", "data_base64"].map(|field| fields.contains_key(field));
    if name == "message" {
        assert_ne!(exclusive[0], exclusive[1], "{event}");
    }
}

#[test]
fn the_readme_lists_every_event_with_its_fields() {
    let readme = include_str!("../../README.md");
    let (_, table) = readme.split_once("## Events of `ssp user --json`").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(rows.len(), EVENTS.len() + 1);
    for (event, fields) in EVENTS.iter().chain([&REFUSED]) {
        let beginning = format!("| `{event}` |");
        let row = rows.iter().find(|row| row.starts_with(&beginning));
        let row = row.unwrap_or_else(|| panic!("no row for {event}"));
        let refers = row.contains("as `");
        for field in fields.split_whitespace() {
            let quoted = format!("`{}`", field.trim_start_matches('?'));
            // What another row tells is not told twice.
            let told = row.contains(&quoted) || (refers && table.contains(&quoted));
            assert!(told, "{event} without {field}");
        }
    }
}
