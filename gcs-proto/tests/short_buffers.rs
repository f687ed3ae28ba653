//! Receiving into buffers of the caller: what the C library did with buffers too small, and that a
//! message that waits loses nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

#[path = "support/strategies.rs"]
mod strategies;
mod support;

use bytes::BytesMut;
use gcs_proto::{
    code::Code,
    codec::{DataMessage, Delivery, Hint, Refusal, RefusedRequest, ServiceWord, word},
    connection::Connection,
    gcs::{ByteOrder, Scope, SelfDelivery},
    handshake::{ClientHandshake, ConnectOptions, Version},
    name::{MemberName, Name},
    receive::{Inbox, Overlong, Receipt},
    service::Service,
};
use proptest::{collection::vec, prelude::*};
use support::{Direction, Line, bytes_literal, field, list, load};

const FLAGS: [(&str, u32); 6] = [
    ("AGREED", 0x10),
    ("SAFE", 0x20),
    ("REG_MEMB", word::REGULAR_MEMBERSHIP),
    ("CAUSED_BY_JOIN", word::CAUSED_BY_JOIN),
    ("CAUSED_BY_LEAVE", word::CAUSED_BY_LEAVE),
    ("CAUSED_BY_DISCONNECT", word::CAUSED_BY_DISCONNECT),
];

/// Makes a noted receive call on our inbox and compares all that it returned.
fn check(note: &str, inbox: &mut Inbox, connection: &mut Connection) {
    let (call, result) = note.split_once(" -> ").unwrap();
    let arguments = call.replace(['(', ',', ')'], " ");
    let size = |key, default| field(&arguments, key).map_or(default, |text| text.parse().unwrap());
    let mut names = vec![Name::new(b"").unwrap(); size("max_groups", 100)];
    let mut body = vec![0; size("buffer", 1000)];
    let overlong = if call.contains("DROP_RECV") {
        Overlong::Drop
    } else {
        Overlong::Keep
    };
    let receipt = inbox
        .receive(connection, &mut names, &mut body, overlong)
        .unwrap_or_else(|| panic!("nothing for {note}"));

    let result = format!(" {result}");
    let number = |key| field(&result, key).unwrap().parse::<i64>().unwrap();
    let code = match receipt.result() {
        Ok(length) => i64::try_from(length).unwrap(),
        Err(code) => i64::from(code.number()),
    };
    assert_eq!(code, number("ret"), "{note}");
    let (Receipt::Taken(shown) | Receipt::Kept(shown)) = receipt;
    let flags = field(&result, "service").unwrap().split('|');
    let expected = flags.map(|flag| FLAGS.iter().find(|(name, _)| *name == flag).unwrap().1);
    assert_eq!(shown.service_type, expected.sum::<u32>(), "{note}");
    let sender = field(&result, "sender").unwrap().trim_matches('\'');
    assert_eq!(shown.sender.as_bytes(), sender.as_bytes(), "{note}");
    assert_eq!(i64::from(shown.message_type), number("mess_type"), "{note}");

    // Lengths that do not fit are shown negative, the others not at all while a message waits.
    let needed = |extent: gcs_proto::receive::Extent| i64::try_from(extent.length).unwrap();
    let (groups, mismatch) = match receipt {
        Receipt::Kept(_) => (
            if shown.names.fits() {
                0
            } else {
                -needed(shown.names)
            },
            if shown.body.fits() {
                0
            } else {
                -needed(shown.body)
            },
        ),
        Receipt::Taken(_) => (
            needed(shown.names) * if shown.names.fits() { 1 } else { -1 },
            i64::from(shown.order != ByteOrder::Little),
        ),
    };
    assert_eq!(groups, number("num_groups"), "{note}");
    assert_eq!(mismatch, number("endian_mismatch"), "{note}");

    if let Receipt::Taken(_) = receipt {
        let copied = names.iter().take(shown.names.length);
        let copied: Vec<String> = copied.map(ToString::to_string).collect();
        assert_eq!(copied, list(field(&result, "groups").unwrap()), "{note}");
        if let (Ok(length), Some(data)) = (receipt.result(), field(&result, "data")) {
            let data = bytes_literal(data);
            assert_eq!(body[..data.len()], data, "{note}");
            // Long bodies are noted by their beginning.
            assert!(data.len() == length || data.len() == 40, "{note}");
        }
    }
}

#[test]
fn capture_23() {
    let lines = load("23-short-buffers");
    let mut handshake = ClientHandshake::new(ConnectOptions::new());
    let mut connection = None;
    let mut inbox = Inbox::new();
    let mut compared = (0, 0);
    for line in lines.iter().filter(|line| line.conn() == Some("alice")) {
        match (line, &mut connection) {
            (
                Line::Frame {
                    direction, bytes, ..
                },
                open,
            ) if *direction == Direction::ToClient => match open {
                None => connection = handshake.handle_bytes(bytes).unwrap(),
                Some(open) => open.handle_bytes(bytes),
            },
            (Line::Note { text, .. }, Some(open)) if text.contains("mailbox") => {
                open.handle_end_of_stream();
            }
            (Line::Note { text, .. }, Some(open)) if text.starts_with("SP_receive") => {
                check(text, &mut inbox, open);
                compared.0 += 1;
            }
            (Line::Note { text, .. }, Some(open)) if text.starts_with("SP_poll") => {
                let (_, bytes) = text.rsplit_once(' ').unwrap();
                assert_eq!(inbox.buffered(open).to_string(), bytes);
                compared.1 += 1;
            }
            _ => {}
        }
    }
    assert_eq!(compared, (13, 7), "receive and poll calls");
}

fn me() -> MemberName {
    "#alice#n1".parse().unwrap()
}

fn fed(deliveries: &[Delivery]) -> Connection {
    let mut connection = Connection::new(me(), Version::CURRENT, BytesMut::new());
    for delivery in deliveries {
        connection.handle_bytes(&delivery.encode());
    }
    connection
}

#[test]
fn refused_requests_show_type_names_and_body_as_sent() {
    let request = DataMessage {
        word: ServiceWord::new(Service::Safe, SelfDelivery::Deliver, Scope::Named),
        hint: Hint::written_in(ByteOrder::Big, -3),
        destinations: vec![Name::new(b"g").unwrap(), Name::new(b"h").unwrap()],
        body: bytes::Bytes::from_static(b"no"),
    };
    let refusal = |request| {
        Delivery::Refused(Refusal {
            requester: me(),
            request,
        })
    };
    let mut connection = fed(&[
        refusal(RefusedRequest::Data(request)),
        refusal(RefusedRequest::Join("g".parse().unwrap())),
    ]);
    let mut inbox = Inbox::new();
    let mut names = [Name::new(b"").unwrap(); 3];
    let mut body = [0; 2];
    let kept = inbox.receive(&mut connection, &mut names[..2], &mut body, Overlong::Keep);
    assert_eq!(
        kept.unwrap().result(),
        Err(Code::GroupsTooShort),
        "one name more than sent"
    );
    let receipt = inbox.receive(&mut connection, &mut names, &mut body, Overlong::Keep);
    let Some(Receipt::Taken(shown)) = receipt else {
        panic!("{receipt:?}");
    };
    assert_eq!(shown.service_type, 0x0040_0020);
    assert_eq!((shown.message_type, shown.order), (-3, ByteOrder::Big));
    assert_eq!(shown.sender, *me().as_name());
    assert_eq!(names.map(|name| name.to_string()), ["g", "h", "#alice#n1"]);
    assert_eq!(&body, b"no");
    let receipt = inbox.receive(&mut connection, &mut names, &mut body, Overlong::Keep);
    let Some(Receipt::Taken(shown)) = receipt else {
        panic!("{receipt:?}");
    };
    assert_eq!(shown.service_type, 0x0040_0100);
}

proptest! {
    /// However often the room is too small: what is taken in the end is everything, in order.
    #[test]
    fn a_receive_without_room_loses_nothing(
        deliveries in vec(strategies::delivery(), 1..8),
        rooms in vec((0_usize..6, 0_usize..80), 1..60),
    ) {
        let mut connection = fed(&deliveries);
        let mut inbox = Inbox::new();
        let mut taken = Vec::new();
        let generous = std::iter::repeat_n((200, 4 << 20), deliveries.len());
        for (groups, bytes) in rooms.into_iter().chain(generous) {
            let mut names = vec![Name::new(b"").unwrap(); groups];
            let mut body = vec![0; bytes];
            let receipt = inbox.receive(&mut connection, &mut names, &mut body, Overlong::Keep);
            match receipt {
                Some(Receipt::Taken(shown)) => {
                    prop_assert!(shown.names.fits() && shown.body.fits());
                    names.truncate(shown.names.length);
                    body.truncate(shown.body.length);
                    taken.push((shown.service_type & !word::REJECT, shown.sender, names, body));
                }
                Some(Receipt::Kept(shown)) => {
                    prop_assert!(!shown.names.fits() || !shown.body.fits());
                    prop_assert!(names.iter().all(|name| name.as_bytes().is_empty()));
                    prop_assert!(body.iter().all(|byte| *byte == 0));
                }
                None => break,
            }
        }
        let expected: Vec<_> = deliveries
            .iter()
            .map(|delivery| {
                let frame = delivery.to_frame(ByteOrder::Little);
                let shown = frame.refused_word.unwrap_or(frame.word);
                (shown & !word::REJECT, frame.name, frame.names.clone(), frame.body.to_vec())
            })
            .collect();
        prop_assert_eq!(taken, expected);
        prop_assert!(!connection.is_closed());
        prop_assert_eq!(inbox.buffered(&connection), 0);
    }
}
