//! Counts rounds by what crosses the daemon.
//!
//! A token belongs to the round after the latest token that its sender had received before. The
//! tap shows who was given which token before it sent its own, so no member has to tell.

use std::collections::BTreeMap;

use bytes::Bytes;
use gcs_daemon::{Direction, Tap, TapRecord};
use gcs_proto::{
    codec::{self, Delivery, Frame, FrameDecoder, Layout, Request},
    flush,
    limits::AUTHENTICATION_CHOICE,
    name::MemberName,
};
use ssp_core::wire::Content;

/// Reads one direction of one connection.
#[derive(Debug)]
enum Stream {
    /// Before the first message.
    Handshake(Vec<u8>),
    /// Messages.
    Messages(FrameDecoder),
    /// Not readable: no messages of ours.
    Broken,
}

/// Where rounds are counted.
#[derive(Debug)]
pub(super) struct Meter {
    tap: Tap,
    seen: usize,
    streams: BTreeMap<(u64, bool), Stream>,
    /// Latest round that a connection has received a token of.
    received: BTreeMap<u64, u32>,
    /// Round of each token, by its bytes.
    rounds: BTreeMap<Bytes, u32>,
}

impl Meter {
    pub(super) fn new(tap: Tap) -> Self {
        Self {
            tap,
            seen: 0,
            streams: BTreeMap::new(),
            received: BTreeMap::new(),
            rounds: BTreeMap::new(),
        }
    }

    /// Rounds of tokens since the last call.
    pub(super) fn rounds(&mut self) -> u32 {
        let records = self.tap.records();
        for record in records.iter().skip(self.seen) {
            self.read(record);
        }
        self.seen = records.len();
        let rounds = self.rounds.values().copied().max().unwrap_or(0);
        self.rounds.clear();
        self.received.clear();
        rounds
    }

    fn read(&mut self, record: &TapRecord) {
        let from_client = record.direction == Direction::FromClient;
        let stream = self
            .streams
            .entry((record.connection, from_client))
            .or_insert_with(|| Stream::Handshake(Vec::new()));
        let tokens = stream.push(record.direction, &record.bytes);
        for token in tokens {
            let received = self.received.entry(record.connection).or_default();
            if from_client {
                let round = *received + 1;
                self.rounds.insert(token, round);
            } else if let Some(round) = self.rounds.get(&token) {
                *received = (*received).max(*round);
            }
        }
    }
}

impl Stream {
    /// Takes bytes, gives the tokens that are complete.
    fn push(&mut self, direction: Direction, bytes: &[u8]) -> Vec<Bytes> {
        if let Self::Handshake(start) = self {
            start.extend_from_slice(bytes);
            let Some(length) = handshake_length(direction, start) else {
                return Vec::new();
            };
            let Some(rest) = start.get(length..) else {
                return Vec::new();
            };
            let mut decoder = FrameDecoder::new(match direction {
                Direction::FromClient => codec::Direction::ToDaemon,
                Direction::ToClient => codec::Direction::ToClient,
            });
            decoder.push(rest);
            *self = Self::Messages(decoder);
        } else if let Self::Messages(decoder) = self {
            decoder.push(bytes);
        }
        let mut tokens = Vec::new();
        if let Self::Messages(decoder) = self {
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => tokens.extend(token(direction, frame)),
                    Ok(None) => return tokens,
                    Err(_) => break,
                }
            }
            *self = Self::Broken;
        }
        tokens
    }
}

/// Bytes before the first message, as soon as they can be told.
///
/// Client: version, flags, length of the name, name, choice. Daemon: list of methods, accept
/// record; each with a length byte.
fn handshake_length(direction: Direction, start: &[u8]) -> Option<usize> {
    match direction {
        Direction::FromClient => Some(5 + usize::from(*start.get(4)?) + AUTHENTICATION_CHOICE),
        Direction::ToClient => {
            let list = 1 + usize::from(*start.first()?);
            Some(list + 5 + usize::from(*start.get(list + 4)?))
        }
    }
}

/// The token in a message of this direction, if it is one.
fn token(direction: Direction, frame: Frame) -> Option<Bytes> {
    let message = match direction {
        Direction::FromClient => {
            let session = MemberName::try_from(frame.name).ok()?;
            match Request::decode(frame, &session).ok()? {
                Request::Data(message) => message,
                Request::Join(_) | Request::Leave(_) | Request::Disconnect => return None,
            }
        }
        Direction::ToClient => match Delivery::decode(frame, Layout::Sets).ok()? {
            Delivery::Data { message, .. } => message,
            Delivery::Membership(_)
            | Delivery::Transition { .. }
            | Delivery::SelfLeave { .. }
            | Delivery::Refused(_) => return None,
        },
    };
    let order = message.hint.order();
    let sent = flush::original(message.into_multicast(), order);
    match Content::of(sent.message_type) {
        Content::Token(_) => Some(sent.body),
        Content::Sealed
        | Content::TokenPart
        | Content::Evidence
        | Content::Reserved
        | Content::User => None,
    }
}
