//! Recorded conversations: the files of `tests/captures/`, line by line.
//!
//! | line | meaning |
//! |---|---|
//! | `# text` | where the file comes from |
//! | `## text` | step of the scenario, in words |
//! | `!! command` | step of the network, as a control command |
//! | `conn C>D hex`, `conn D>C hex` | one complete frame |
//! | `conn C>D EOF`, `conn D>C EOF` | that side closed its direction |

use std::{fs, path::Path};

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A client wrote this.
    ToDaemon(String, Vec<u8>),
    /// A client closed its side.
    ClientEnds(String),
    /// The daemon wrote this.
    ToClient(String, Vec<u8>),
    /// The daemon closed its side.
    DaemonEnds(String),
    /// The network changes.
    Control(String),
}

/// Reads `tests/captures/<name>.txt`.
pub(crate) fn load(name: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/captures")
        .join(format!("{name}.txt"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines: Vec<Line> = text.lines().filter_map(parse).collect();
    assert!(lines.len() > 10, "{name} has hardly a line");
    lines
}

fn parse(line: &str) -> Option<Line> {
    if let Some(command) = line.strip_prefix("!! ") {
        return Some(Line::Control(command.to_owned()));
    }
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let parts: Vec<&str> = line.split(' ').collect();
    let [conn, way, content] = parts.as_slice() else {
        panic!("not a line of a capture: {line}");
    };
    let conn = (*conn).to_owned();
    Some(match (*way, *content) {
        ("C>D", "EOF") => Line::ClientEnds(conn),
        ("D>C", "EOF") => Line::DaemonEnds(conn),
        ("C>D", frame) => Line::ToDaemon(conn, hex::decode(frame).unwrap()),
        ("D>C", frame) => Line::ToClient(conn, hex::decode(frame).unwrap()),
        _ => panic!("not a line of a capture: {line}"),
    })
}
