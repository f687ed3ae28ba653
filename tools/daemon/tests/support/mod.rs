//! Recorded conversations: the files of `tests/captures/`, line by line.
//!
//! | line | meaning |
//! |---|---|
//! | `# text` | where the file comes from |
//! | `## text` | step of the scenario, in words |
//! | `!! command` | step of the network, as a control command |
//! | `conn C>D hex`, `conn D>C hex` | one complete frame |
//! | `conn C>D EOF`, `conn D>C EOF` | that side closed its direction |
//! | `...hex~len=N~sha256=H` | a long frame: byte `i` of its body is `7 i + i / 256`, modulo 256; its hash is checked |
//! | `...hex~len=N~incomplete` | the stream ended inside the frame |

#![allow(dead_code)]

pub(crate) mod compare;

use std::{fs, path::Path};

use sha2::{Digest, Sha256};

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
        ("C>D", frame) => Line::ToDaemon(conn, bytes(frame)),
        ("D>C", frame) => Line::ToClient(conn, bytes(frame)),
        _ => panic!("not a line of a capture: {line}"),
    })
}

fn bytes(frame: &str) -> Vec<u8> {
    let parts: Vec<&str> = frame.split('~').collect();
    let mut bytes = hex::decode(parts[0]).unwrap();
    let [_, length, rest] = parts.as_slice() else {
        return bytes;
    };
    let length: usize = length.strip_prefix("len=").unwrap().parse().unwrap();
    if let Some(hash) = rest.strip_prefix("sha256=") {
        // The header and one destination are in front of the body.
        let body = bytes.len() - 80..length - 80;
        bytes.extend(body.map(|at| (at * 7 + at / 256) as u8));
        assert_eq!(hex::encode(Sha256::digest(&bytes)), hash);
    }
    assert_eq!(bytes.len(), length);
    bytes
}
