//! Messages that arrive in parts: of files only length and digest are kept, of texts the text.

use std::collections::BTreeMap;

use gcs_proto::name::MemberName;
use sha2::{Digest, Sha256};
use ssp_core::{Part, PartEnd, SecureMessage};

use super::{FILE, split_file};

/// Longest text that is put together, in bytes: the longest line that `ssp user` reads.
const TEXT_MAX: usize = 1 << 20;

/// What a message in parts is, once it is complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whole {
    File {
        name: String,
        size: u64,
        sha256: [u8; 32],
    },
    Text(Vec<u8>),
    /// More than is kept.
    TooLong,
}

#[derive(Debug)]
enum Growing {
    File {
        name: String,
        size: u64,
        hasher: Sha256,
    },
    Text(Vec<u8>),
    TooLong,
}

/// Messages of which parts are missing. The session allows each sender a few at a time, in order and
/// without gap, and drops what a new key cuts off.
#[derive(Debug, Default)]
pub(super) struct Incoming(BTreeMap<(MemberName, u32), Growing>);

impl Incoming {
    /// Takes a part; tells the whole with the last one.
    pub(super) fn push(&mut self, message: &SecureMessage, part: &Part) -> Option<Whole> {
        let key = (message.sender, part.message);
        let payload = &message.payload;
        if part.index == 0 {
            let file = (message.message_type == FILE).then(|| split_file(payload));
            let growing = match file.flatten() {
                Some((name, content)) => Growing::File {
                    name,
                    size: content.len() as u64,
                    hasher: Sha256::new_with_prefix(content),
                },
                None => Growing::Text(payload.to_vec()),
            };
            self.0.insert(key, growing);
        } else {
            let growing = self.0.get_mut(&key)?;
            match growing {
                Growing::File { size, hasher, .. } => {
                    *size += payload.len() as u64;
                    hasher.update(payload);
                }
                Growing::Text(text) if text.len() + payload.len() <= TEXT_MAX => {
                    text.extend_from_slice(payload);
                }
                Growing::Text(_) => *growing = Growing::TooLong,
                Growing::TooLong => {}
            }
        }
        if part.end == PartEnd::More {
            return None;
        }
        self.0.remove(&key).map(|growing| match growing {
            Growing::File { name, size, hasher } => Whole::File {
                name,
                size,
                sha256: hasher.finalize().into(),
            },
            Growing::Text(text) => Whole::Text(text),
            Growing::TooLong => Whole::TooLong,
        })
    }

    /// There is another key: nothing that is incomplete will be completed. Tells whose they were.
    pub(super) fn cut_off(&mut self) -> Vec<MemberName> {
        let lost = std::mem::take(&mut self.0);
        lost.into_keys().map(|(sender, _)| sender).collect()
    }
}
