//! Reassembly of messages in parts, and of tokens that are too long for one message of the engine.
//!
//! Parts of one message arrive in order and without gaps, because all of them have the same service,
//! FIFO or stronger. A part out of order is therefore a fault or an attack: the message is dropped and
//! reported once. Memory is bounded: in bytes over all senders, and in incomplete messages per sender.

use alloc::{collections::BTreeMap, vec::Vec};

use bytes::Bytes;
use gcs_proto::{name::MemberName, service::Service};

use crate::record::{Part, PartEnd};

/// Messages of one sender that may be incomplete at once.
const OPEN_MAX: usize = 4;

/// A part as it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) sender: MemberName,
    pub(super) service: Service,
    pub(super) kind: Kind,
    /// Number of the key it was sealed under, under which messages are numbered; 0 for tokens.
    pub(super) epoch: u32,
    pub(super) part: Part,
    pub(super) bytes: &'a [u8],
}

/// What all parts of a message have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message of this type, not signed.
    Group(i16),
    /// A message of this type, each part signed.
    Signed(i16),
    /// A token of this type.
    Token(i16),
}

/// The result of taking a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reassembled {
    /// More parts are to come.
    Incomplete,
    /// It was the last part: the whole message, if its bytes were kept.
    Complete(Vec<u8>),
    /// The message is given up; reported once per message.
    Broken,
    /// It belongs to a message that was given up.
    Late,
}

/// Whether parts are put together or only checked for order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Bytes,
    /// The application takes each part as it arrives.
    Nothing,
}

#[derive(Debug)]
enum Assembly {
    Growing {
        service: Service,
        kind: Kind,
        next: u32,
        bytes: Vec<u8>,
    },
    /// Given up; remembered until its last part arrives.
    Broken,
}

impl Assembly {
    /// Bytes kept.
    const fn held(&self) -> usize {
        match self {
            Self::Growing { bytes, .. } => bytes.len(),
            Self::Broken => 0,
        }
    }

    fn is_of(&self, wanted: Service) -> bool {
        match self {
            Self::Growing { service, .. } => *service == wanted,
            Self::Broken => false,
        }
    }
}

/// Sender, epoch of the key under which messages are numbered, and number.
type Key = (MemberName, u32, u32);

/// Incomplete messages of all senders.
#[derive(Debug)]
pub(super) struct Reassembly {
    open: BTreeMap<Key, Assembly>,
    /// Bytes kept.
    held: usize,
    /// Most bytes kept, over all senders.
    bound: usize,
}

impl Reassembly {
    pub(super) const fn new(bound: usize) -> Self {
        Self {
            open: BTreeMap::new(),
            held: 0,
            bound,
        }
    }

    /// A refresh: messages under the previous key may still be completed, older ones may not.
    pub(super) fn refresh(&mut self, epoch: u32) {
        let held = &mut self.held;
        self.open.retain(|(_, of, _), assembly| {
            let stays = of.saturating_add(1) >= epoch;
            if !stays {
                *held = held.saturating_sub(assembly.held());
            }
            stays
        });
    }

    /// A sender that seals under a later key has ended what it began under earlier ones with the same
    /// service, because parts of one service arrive in order.
    fn forget_before(&mut self, piece: &Piece<'_>) {
        let earlier = (piece.sender, 0, 0)..(piece.sender, piece.epoch, 0);
        let ended: Vec<Key> = self
            .open
            .range(earlier)
            .filter(|(_, assembly)| assembly.is_of(piece.service))
            .map(|(key, _)| *key)
            .collect();
        for key in ended {
            let assembly = self.open.remove(&key);
            self.held = self
                .held
                .saturating_sub(assembly.map_or(0, |assembly| assembly.held()));
        }
    }

    /// Takes the next part.
    pub(super) fn take(&mut self, piece: &Piece<'_>, keep: Keep) -> Reassembled {
        self.forget_before(piece);
        let key = (piece.sender, piece.epoch, piece.part.message);
        let last = piece.part.end == PartEnd::Last;
        match self.open.remove(&key) {
            None if piece.part.index == 0 => {
                self.make_room(piece.sender);
                self.grow(key, piece, Vec::new(), keep)
            }
            Some(Assembly::Growing {
                service,
                kind,
                next,
                bytes,
            }) if next == piece.part.index && service == piece.service && kind == piece.kind => {
                self.held = self.held.saturating_sub(bytes.len());
                self.grow(key, piece, bytes, keep)
            }
            Some(Assembly::Broken) => {
                if !last {
                    self.open.insert(key, Assembly::Broken);
                }
                Reassembled::Late
            }
            Some(Assembly::Growing { bytes, .. }) => {
                self.held = self.held.saturating_sub(bytes.len());
                self.give_up(key, last)
            }
            None => self.give_up(key, last),
        }
    }

    fn grow(&mut self, key: Key, piece: &Piece<'_>, mut bytes: Vec<u8>, keep: Keep) -> Reassembled {
        let last = piece.part.end == PartEnd::Last;
        if keep == Keep::Bytes {
            let total = bytes.len().saturating_add(piece.bytes.len());
            if self.held.saturating_add(total) > self.bound {
                return self.give_up(key, last);
            }
            bytes.extend_from_slice(piece.bytes);
        }
        if last {
            return Reassembled::Complete(bytes);
        }
        let Some(next) = piece.part.index.checked_add(1) else {
            return self.give_up(key, last);
        };
        self.held += bytes.len();
        self.open.insert(
            key,
            Assembly::Growing {
                service: piece.service,
                kind: piece.kind,
                next,
                bytes,
            },
        );
        Reassembled::Incomplete
    }

    fn give_up(&mut self, key: Key, last: bool) -> Reassembled {
        if !last {
            self.make_room(key.0);
            self.open.insert(key, Assembly::Broken);
        }
        Reassembled::Broken
    }

    /// Forgets the sender's oldest message if it has too many open.
    fn make_room(&mut self, sender: MemberName) {
        let mut open = self
            .open
            .range((sender, 0, 0)..=(sender, u32::MAX, u32::MAX))
            .map(|(key, _)| *key);
        let oldest = open.next();
        if 1 + open.count() < OPEN_MAX {
            return;
        }
        let forgotten = oldest.and_then(|key| self.open.remove(&key));
        self.held = self
            .held
            .saturating_sub(forgotten.map_or(0, |assembly| assembly.held()));
    }
}

/// Bytes in front of a part of a token: type of the token, message, index, last.
pub(super) const TOKEN_PART: usize = 2 + 4 + 4 + 1;

/// A part of a token on the wire: `i16 type || u32 message || u32 index || u8 last || bytes`.
pub(super) fn token_part(message_type: i16, part: Part, bytes: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(TOKEN_PART + bytes.len());
    out.extend_from_slice(&message_type.to_be_bytes());
    out.extend_from_slice(&part.message.to_be_bytes());
    out.extend_from_slice(&part.index.to_be_bytes());
    out.push(match part.end {
        PartEnd::More => 0,
        PartEnd::Last => 1,
    });
    out.extend_from_slice(bytes);
    out.into()
}

/// Reads a part of a token.
pub(super) fn read_token_part(body: &[u8]) -> Option<(i16, Part, &[u8])> {
    let (front, bytes) = body.split_first_chunk::<TOKEN_PART>()?;
    let [t0, t1, m0, m1, m2, m3, i0, i1, i2, i3, last] = *front;
    let end = match last {
        0 => PartEnd::More,
        1 => PartEnd::Last,
        _ => return None,
    };
    let part = Part {
        message: u32::from_be_bytes([m0, m1, m2, m3]),
        index: u32::from_be_bytes([i0, i1, i2, i3]),
        end,
    };
    Some((i16::from_be_bytes([t0, t1]), part, bytes))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn piece(message: u32, index: u32, end: PartEnd, bytes: &[u8]) -> Piece<'_> {
        Piece {
            sender: "#a#n1".parse().unwrap(),
            service: Service::Fifo,
            kind: Kind::Group(1),
            epoch: 0,
            part: Part {
                message,
                index,
                end,
            },
            bytes,
        }
    }

    #[test]
    fn gaps_changes_and_excess_give_a_message_up_once() {
        use PartEnd::{Last, More};
        type Change = fn(&mut Piece<'_>);
        let changes: [Change; 5] = [
            |p| p.part.index = 2,
            |p| p.part.index = 0,
            |p| p.service = Service::Agreed,
            |p| p.kind = Kind::Group(2),
            |p| p.kind = Kind::Signed(1),
        ];
        for change in changes {
            let mut reassembly = Reassembly::new(100);
            assert_eq!(
                reassembly.take(&piece(1, 0, More, b"ab"), Keep::Bytes),
                Reassembled::Incomplete
            );
            let mut wrong = piece(1, 1, More, b"cd");
            change(&mut wrong);
            assert_eq!(reassembly.take(&wrong, Keep::Bytes), Reassembled::Broken);
            assert_eq!(reassembly.held, 0);
            assert_eq!(
                reassembly.take(&piece(1, 1, More, b"cd"), Keep::Bytes),
                Reassembled::Late
            );
            assert_eq!(
                reassembly.take(&piece(1, 2, Last, b"cd"), Keep::Bytes),
                Reassembled::Late
            );
            assert!(reassembly.open.is_empty());
        }
        let mut reassembly = Reassembly::new(5);
        assert_eq!(
            reassembly.take(&piece(1, 0, More, b"abc"), Keep::Bytes),
            Reassembled::Incomplete
        );
        assert_eq!(
            reassembly.take(&piece(2, 0, More, b"abc"), Keep::Bytes),
            Reassembled::Broken
        );
        assert_eq!(
            reassembly.take(&piece(1, 1, Last, b"de"), Keep::Bytes),
            Reassembled::Complete(b"abcde".to_vec())
        );
        // A message that begins in the middle.
        assert_eq!(
            reassembly.take(&piece(3, 4, Last, b"x"), Keep::Bytes),
            Reassembled::Broken
        );
    }

    #[test]
    fn messages_are_told_apart_by_their_keys() {
        use PartEnd::{Last, More};
        fn under(epoch: u32, piece: Piece<'_>) -> Piece<'_> {
            Piece { epoch, ..piece }
        }
        let mut reassembly = Reassembly::new(8);
        let mut take = |piece: Piece<'_>| (reassembly.take(&piece, Keep::Bytes), reassembly.held);
        let agreed = |piece: Piece<'static>| Piece {
            service: Service::Agreed,
            ..piece
        };
        assert_eq!(take(piece(0, 0, More, b"ab")), (Reassembled::Incomplete, 2));
        assert_eq!(
            take(agreed(piece(1, 0, More, b"cd"))),
            (Reassembled::Incomplete, 4)
        );
        // What was begun with the same service under the key before ends here, and makes room.
        let begun = take(under(1, piece(0, 0, More, b"efghij")));
        assert_eq!(begun, (Reassembled::Incomplete, 8));
        let whole = Reassembled::Complete(b"cd".to_vec());
        assert_eq!(take(agreed(piece(1, 1, Last, b""))), (whole, 6));
        reassembly.refresh(2);
        assert_eq!(reassembly.held, 6);
        reassembly.refresh(3);
        assert_eq!((reassembly.held, reassembly.open.len()), (0, 0));
    }

    #[test]
    fn a_sender_has_few_messages_open() {
        let mut reassembly = Reassembly::new(1_000);
        for message in 0..50 {
            let begun = reassembly.take(&piece(message, 0, PartEnd::More, b"abc"), Keep::Bytes);
            assert_eq!(begun, Reassembled::Incomplete);
            let broken = reassembly.take(&piece(100 + message, 7, PartEnd::More, b""), Keep::Bytes);
            assert_eq!(broken, Reassembled::Broken);
        }
        assert!(reassembly.open.len() <= OPEN_MAX);
        assert!(reassembly.held <= 3 * OPEN_MAX);
    }

    proptest! {
        #[test]
        fn interleaved_messages_come_out_whole(
            cuts in proptest::collection::vec(1..40_usize, 1..20),
            other in 0..3_u32,
        ) {
            let mut reassembly = Reassembly::new(10_000);
            let mut whole = vec![];
            for (index, length) in cuts.iter().enumerate() {
                let bytes = vec![index as u8; *length];
                whole.extend_from_slice(&bytes);
                let end = if index + 1 == cuts.len() { PartEnd::Last } else { PartEnd::More };
                let joined = reassembly.take(&piece(9, index as u32, end, &bytes), Keep::Bytes);
                match end {
                    PartEnd::More => prop_assert_eq!(joined, Reassembled::Incomplete),
                    PartEnd::Last => prop_assert_eq!(joined, Reassembled::Complete(whole.clone())),
                }
                reassembly.take(&piece(10 + other, index as u32, PartEnd::More, b"z"), Keep::Bytes);
            }
        }

        #[test]
        fn any_parts_keep_within_the_bound(
            parts in proptest::collection::vec((0..6_u32, 0..4_u32, any::<bool>(), 0..9_usize), 0..200),
        ) {
            let mut reassembly = Reassembly::new(20);
            for (message, index, last, length) in parts {
                let end = if last { PartEnd::Last } else { PartEnd::More };
                reassembly.take(&piece(message, index, end, &[7; 9][..length]), Keep::Bytes);
                let held: usize = reassembly.open.values().map(|assembly| match assembly {
                    Assembly::Growing { bytes, .. } => bytes.len(),
                    Assembly::Broken => 0,
                }).sum();
                prop_assert_eq!(held, reassembly.held);
                prop_assert!(held <= 20 && reassembly.open.len() <= OPEN_MAX);
            }
        }

        #[test]
        fn token_parts_lead_back(message_type: i16, message: u32, index: u32, last: bool, bytes: Vec<u8>) {
            let end = if last { PartEnd::Last } else { PartEnd::More };
            let part = Part { message, index, end };
            let body = token_part(message_type, part, &bytes);
            prop_assert_eq!(read_token_part(&body), Some((message_type, part, &bytes[..])));
        }
    }
}
