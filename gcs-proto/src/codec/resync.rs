//! Where a message ends that its sender made to look like a refusal.
//!
//! A refusal has four bytes behind its header that no length counts (see
//! [`refusal`](super::refusal)). Its type never has a service bit, but a 4.4.0 daemon lets any client
//! set the REJECT bit on data, and what it then hands out is not known to have the four bytes or
//! not. A receiver that guesses wrong loses the message boundaries; one that gives up lets any
//! stranger cut it off with a single message.
//!
//! ```text
//!   header | content                  | next header          without the four bytes
//!   header | .... | content           |     | next header    with them
//! ```
//!
//! | place | four bytes too early, a header would have | four bytes too late |
//! |---|---|---|
//! | type word | the end of the body or of the names | the first four bytes of the name |
//! | name | type word and 28 bytes of the name | the name without its first four bytes |
//! | number of names | the end of the name | the hint |
//!
//! So the next header decides. The daemon wrote it, at one of two places, and what stands at the
//! true place always passes the checks made here; if only one place passes, that is the one. If
//! both did, nobody could tell, and the stream would be given up. Whoever chooses the bytes can
//! therefore never shift the stream of a receiver and have it read as something else.
//!
//! Nor can it make both places pass at a little-endian daemon. Four bytes too early, the name begins
//! with the type word, whose first byte is no letter. Four bytes too late, the name has lost the
//! `#` in front that every sender's name has, and if the header is not about a sender the daemon's
//! own hint stands for a count, and is negative.

use super::{
    header::{Direction, Header, check_limits},
    word,
};
use crate::{
    error::DecodeError,
    limits,
    name::{GroupName, MemberName},
};

/// Bytes of the refused type word that a REJECT has behind its header, counted nowhere.
pub(super) const REFUSED_WORD: usize = 4;

/// Length of what stands between header and content of a data message with the REJECT bit, once
/// enough has come to tell; `rest` is what follows the first header.
///
/// # Errors
/// [`DecodeError::Illegal`] when the bytes fit both lengths, or neither.
pub(super) fn refused_word_length(
    header: &Header,
    rest: &[u8],
) -> Result<Option<usize>, DecodeError> {
    let at = |extra: usize| match rest.get(header.content().saturating_add(extra)..) {
        Some(next) => looks_like_a_header(next),
        None => Guess::Open,
    };
    match (at(0), at(REFUSED_WORD)) {
        (Guess::Yes, Guess::No) => Ok(Some(0)),
        (Guess::No, Guess::Yes) => Ok(Some(REFUSED_WORD)),
        (Guess::Open, _) | (_, Guess::Open) => Ok(None),
        (Guess::Yes, Guess::Yes) | (Guess::No, Guess::No) => Err(DecodeError::Illegal {
            what: "type",
            value: header.word,
        }),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Guess {
    Yes,
    No,
    /// More bytes are needed.
    Open,
}

/// Whether these bytes may be a header that a daemon wrote.
fn looks_like_a_header(bytes: &[u8]) -> Guess {
    // The last word, the length of the body, may be missing: at the place four bytes behind that
    // of a message without content. With 0 for it the other checks are made.
    const ENOUGH: usize = limits::HEADER - 4;
    let Some(start) = bytes.first_chunk::<ENOUGH>() else {
        return Guess::Open;
    };
    let whole = bytes.first_chunk::<{ limits::HEADER }>();
    let mut head = [0; limits::HEADER];
    for (slot, byte) in head.iter_mut().zip(start) {
        *slot = *byte;
    }
    let passes = |head| {
        Header::decode(head).is_ok_and(|header| {
            check_limits(&header, Direction::ToClient).is_ok() && is_named(&header)
        })
    };
    match whole {
        Some(head) if passes(*head) => Guess::Yes,
        None if passes(head) => Guess::Open,
        Some(_) | None => Guess::No,
    }
}

/// Whether the name is that of a session or of a group, as the type wants it.
fn is_named(header: &Header) -> bool {
    if header.word & (word::SERVICES | word::REJECT) == 0 {
        return GroupName::try_from(header.name).is_ok();
    }
    let [b'#', rest @ ..] = header.name.as_bytes() else {
        return false;
    };
    rest.contains(&b'#') && MemberName::try_from(header.name).is_ok()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use bytes::Bytes;

    use super::*;
    use crate::{
        codec::{DataMessage, Delivery, FrameDecoder, Hint, Layout, ServiceWord},
        gcs::{ByteOrder, Scope, SelfDelivery},
        name::Name,
        service::Service,
    };

    fn data(sender: &str, hint: Hint, destinations: &[&str], body: &[u8]) -> Delivery {
        let named = |text: &&str| Name::new(text.as_bytes()).unwrap();
        Delivery::Data {
            sender: sender.parse().unwrap(),
            message: DataMessage {
                word: ServiceWord::new(Service::Agreed, SelfDelivery::Deliver, Scope::Named),
                hint,
                destinations: destinations.iter().map(named).collect(),
                body: Bytes::copy_from_slice(body),
            },
        }
    }

    /// A data message with the REJECT bit, as it would come with and without four bytes more.
    fn forged(body: &[u8]) -> (Delivery, [Vec<u8>; 2]) {
        let delivery = data("#eve#n1", Hint::new(7), &["chat"], body);
        let mut frame = delivery.to_frame(ByteOrder::Little);
        frame.word |= word::REJECT;
        let without = frame.encode().to_vec();
        frame.refused_word = Some(0x10);
        (delivery, [without, frame.encode().to_vec()])
    }

    /// What a daemon may send next; senders, hints and destinations are chosen by an attacker who
    /// wants them to pass for another header when they are read at the wrong place.
    fn followers() -> Vec<Delivery> {
        let group = "chat".parse().unwrap();
        let mut all = alloc::vec![
            Delivery::SelfLeave { group },
            Delivery::Transition {
                group,
                id: crate::gcs::ViewId([3; 12]),
            },
            Delivery::SelfLeave {
                group: "QQQ@rest".parse().unwrap()
            },
        ];
        let hints = [
            Hint::new(0),
            Hint::new(-1),
            Hint::written_in(ByteOrder::Big, 0),
            Hint::written_in(ByteOrder::Big, 0x1234),
        ];
        for sender in [
            "#eve#n1",
            "#aaP#n1",
            "#aQ@#n1",
            "#a#n1",
            "#ab#n1",
            "#abcdefghij#n1",
        ] {
            for hint in hints {
                for destinations in [&["chat"][..], &["", "chat"]] {
                    for body in [&b""[..], b"text"] {
                        all.push(data(sender, hint, destinations, body));
                    }
                }
            }
        }
        all
    }

    #[test]
    fn either_length_is_found_as_soon_as_the_next_message_is_there() {
        let legal_type = b"body\x90\0\0\x80";
        for body in [&b""[..], b"x", &[0; 64], &[0x80; 64], legal_type] {
            let (delivery, both) = forged(body);
            for (forged, next) in both
                .iter()
                .flat_map(|one| followers().into_iter().map(move |next| (one, next)))
            {
                let mut decoder = FrameDecoder::new(Direction::ToClient);
                let mut found = Vec::new();
                for byte in forged.iter().chain(&next.encode()) {
                    decoder.push(&[*byte]);
                    while let Some(frame) = decoder.next_frame().unwrap() {
                        found.push(Delivery::decode(frame, Layout::Sets).unwrap());
                    }
                }
                assert_eq!(found, [delivery.clone(), next]);
            }
        }
    }

    /// No daemon sends this.
    #[test]
    fn bytes_that_fit_both_lengths_end_the_stream() {
        let (_, [without, _]) = forged(b"body");
        let mut next = b"\0\0\0\x10#a#P#b#n1".to_vec();
        next.resize(100, 0);
        let mut decoder = FrameDecoder::new(Direction::ToClient);
        decoder.push(&without);
        decoder.push(&next);
        assert_eq!(
            decoder.next_frame(),
            Err(DecodeError::Illegal {
                what: "type",
                value: word::REJECT | 0x10
            })
        );
    }

    #[test]
    fn bytes_that_fit_neither_length_end_the_stream() {
        let (_, [without, _]) = forged(b"body");
        let mut decoder = FrameDecoder::new(Direction::ToClient);
        decoder.push(&without);
        decoder.push(&[0x80; 100]);
        assert!(decoder.next_frame().is_err());
    }
}
