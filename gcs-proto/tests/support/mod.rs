//! Recorded conversations: the files of `tests/captures/`, line by line.
//!
//! | line | meaning |
//! |---|---|
//! | `# text` | where the file comes from |
//! | `## who: text` | call or result at the client library of that connection |
//! | `## text` | step of the scenario |
//! | `conn C>D hex`, `conn D>C hex` | one complete frame |
//! | `conn C>D EOF`, `conn D>C EOF` | that side closed its direction |
//! | `...hex~len=N~rest` | frame of N bytes that is cut short, in the file or on the stream |
#![allow(dead_code, unreachable_pub)]

pub mod notes;

use std::{fs, path::Path};

use sha2::{Digest, Sha256};

/// Who wrote a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `C>D`.
    ToDaemon,
    /// `D>C`.
    ToClient,
}

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A complete frame.
    Frame {
        /// Label of the connection.
        conn: String,
        /// Who wrote it.
        direction: Direction,
        /// All its bytes.
        bytes: Vec<u8>,
    },
    /// A frame that is cut short, in the file or on the stream.
    Truncated {
        /// Label of the connection.
        conn: String,
        /// Who wrote it.
        direction: Direction,
        /// Its first bytes.
        start: Vec<u8>,
        /// Its full length.
        length: usize,
        /// SHA-256 of the whole frame, if it was whole.
        digest: Option<Vec<u8>>,
    },
    /// End of one direction.
    End {
        /// Label of the connection.
        conn: String,
        /// Whose direction.
        direction: Direction,
    },
    /// `## text`, or `## who: text` if `who` is a connection of the file.
    Note {
        /// Label of the connection, if the note belongs to one.
        who: Option<String>,
        /// The rest of the line.
        text: String,
    },
}

impl Line {
    /// The connection that the line belongs to.
    pub fn conn(&self) -> Option<&str> {
        match self {
            Self::Frame { conn, .. } | Self::Truncated { conn, .. } | Self::End { conn, .. } => {
                Some(conn)
            }
            Self::Note { who, .. } => who.as_deref(),
        }
    }
}

/// Reads `tests/captures/<name>.txt`.
pub fn load(name: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/captures")
        .join(format!("{name}.txt"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines: Vec<Line> = text.lines().filter_map(parse).collect();
    let names = connections(&lines);
    assert!(!names.is_empty(), "{name} has no frames");
    lines
        .into_iter()
        .map(|line| match line {
            Line::Note {
                who: Some(who),
                text,
            } if !names.contains(&who) => Line::Note {
                text: format!("{who}: {text}"),
                who: None,
            },
            other => other,
        })
        .collect()
}

/// Labels of all connections, in order of appearance.
pub fn connections(lines: &[Line]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in lines {
        let conn = match line {
            Line::Frame { conn, .. } | Line::Truncated { conn, .. } | Line::End { conn, .. } => {
                conn
            }
            Line::Note { .. } => continue,
        };
        if !names.contains(conn) {
            names.push(conn.clone());
        }
    }
    names
}

/// Completes the frames that the file cuts short: byte `i` of a body is `filler(i)`, and the digest
/// must agree.
pub fn complete(lines: Vec<Line>, filler: fn(usize) -> u8) -> Vec<Line> {
    lines
        .into_iter()
        .map(|line| match line {
            Line::Truncated {
                conn,
                direction,
                start,
                length,
                digest: Some(digest),
            } => {
                let groups = u32::from_le_bytes(start[36..40].try_into().unwrap());
                let body = 48 + 32 * groups as usize;
                let rest = (start.len()..length).map(|at| filler(at - body));
                let bytes: Vec<u8> = start.iter().copied().chain(rest).collect();
                assert_eq!(Sha256::digest(&bytes).to_vec(), digest, "{conn}");
                Line::Frame {
                    conn,
                    direction,
                    bytes,
                }
            }
            other => other,
        })
        .collect()
}

/// The complete frames of one connection and direction, in order.
pub fn frames(lines: &[Line], of: &str, way: Direction) -> Vec<Vec<u8>> {
    lines
        .iter()
        .filter_map(|line| match line {
            Line::Frame {
                conn,
                direction,
                bytes,
            } if conn == of && *direction == way => Some(bytes.clone()),
            Line::Truncated {
                conn, direction, ..
            } if conn == of && *direction == way => panic!("frame of {of} is not complete"),
            _ => None,
        })
        .collect()
}

/// The notes of one connection, in order.
pub fn notes(lines: &[Line], of: &str) -> Vec<String> {
    lines
        .iter()
        .filter_map(|line| match line {
            Line::Note {
                who: Some(who),
                text,
            } if who == of => Some(text.clone()),
            _ => None,
        })
        .collect()
}

/// Clears what differs from run to run without meaning: bytes behind the first NUL in the name
/// slots of a message.
pub fn mask_names(message: &[u8]) -> Vec<u8> {
    let mut masked = message.to_vec();
    let count: [u8; 4] = message[36..40].try_into().unwrap();
    let count = match message[0] & 0x80 {
        0 => u32::from_be_bytes(count),
        _ => u32::from_le_bytes(count),
    };
    let starts = std::iter::once(4).chain((0..count as usize).map(|slot| 48 + 32 * slot));
    for start in starts {
        let slot = &mut masked[start..start + 32];
        let end = slot.iter().position(|byte| *byte == 0).unwrap_or(32);
        slot[end..].fill(0);
    }
    masked
}

/// A field `key=value` of a note: the value up to the matching end of its list or quotation, or
/// to the next blank.
pub fn field<'a>(note: &'a str, key: &str) -> Option<&'a str> {
    let start = format!(" {key}=");
    let (_, rest) = note.split_once(start.as_str())?;
    let end = match rest.as_bytes().first()? {
        b'[' => rest.find(']')? + 1,
        b'\'' => rest[1..].find('\'')? + 2,
        b'b' if matches!(rest.as_bytes().get(1), Some(b'\'' | b'"')) => {
            let quote = rest.as_bytes()[1];
            let mut at = 2;
            while rest.as_bytes()[at] != quote {
                at += if rest.as_bytes()[at] == b'\\' { 2 } else { 1 };
            }
            at + 1
        }
        _ => rest.find(' ').unwrap_or(rest.len()),
    };
    Some(&rest[..end])
}

/// The names in `['a', 'b']` or `[a,b]`.
pub fn list(text: &str) -> Vec<String> {
    text.trim_matches(['[', ']'])
        .split(',')
        .map(|item| item.trim().trim_matches('\'').to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

/// The bytes of `b'text'` with the escapes `\\`, `\'`, `\n`, `\r`, `\t` and `\xNN`.
pub fn bytes_literal(text: &str) -> Vec<u8> {
    let inner = &text.as_bytes()[2..text.len() - 1];
    let mut bytes = Vec::new();
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().unwrap() {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    bytes
}

fn parse(line: &str) -> Option<Line> {
    if let Some(note) = line.strip_prefix("## ") {
        return Some(match note.split_once(": ") {
            Some((who, text)) if !who.contains(' ') => Line::Note {
                who: Some(who.to_owned()),
                text: text.to_owned(),
            },
            _ => Line::Note {
                who: None,
                text: note.to_owned(),
            },
        });
    }
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut parts = line.split(' ');
    let (conn, direction, content) = match (parts.next(), parts.next(), parts.next()) {
        (Some(conn), Some("C>D"), Some(content)) => (conn, Direction::ToDaemon, content),
        (Some(conn), Some("D>C"), Some(content)) => (conn, Direction::ToClient, content),
        _ => panic!("not a line of a capture: {line}"),
    };
    let conn = conn.to_owned();
    if content == "EOF" {
        return Some(Line::End { conn, direction });
    }
    Some(match content.split_once('~') {
        None => Line::Frame {
            conn,
            direction,
            bytes: hex::decode(content).unwrap(),
        },
        Some((start, facts)) => {
            let start = hex::decode(start.trim_start_matches('.')).unwrap();
            let fact = |key| facts.split('~').find_map(|fact| fact.strip_prefix(key));
            Line::Truncated {
                conn,
                direction,
                start,
                length: fact("len=").unwrap().parse().unwrap(),
                digest: fact("sha256=").map(|digest| hex::decode(digest).unwrap()),
            }
        }
    })
}
