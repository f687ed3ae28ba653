//! Bytes as the protocol notes and recorded daemons have them.
#![allow(clippy::panic)]

use alloc::{vec, vec::Vec};

use bytes::Bytes;

use super::*;
use crate::{
    error::DecodeError,
    gcs::{ByteOrder, Scope, SelfDelivery, ViewId},
    limits,
    name::{MemberName, Name},
    service::Service,
};

fn alice() -> MemberName {
    "#alice#n1".parse().unwrap()
}

fn bob() -> MemberName {
    "#bob#n1".parse().unwrap()
}

fn slot(text: &str) -> Vec<u8> {
    let mut slot = text.as_bytes().to_vec();
    slot.resize(32, 0);
    slot
}

fn only_frame(direction: Direction, bytes: &[u8]) -> Result<Frame, DecodeError> {
    let mut decoder = FrameDecoder::new(direction);
    decoder.push(bytes);
    decoder.next_frame().map(Option::unwrap)
}

fn text_message(service: Service, self_delivery: SelfDelivery) -> DataMessage {
    DataMessage {
        word: ServiceWord::new(service, self_delivery, Scope::Named),
        hint: Hint::new(-5),
        destinations: vec![Name::new(b"g1").unwrap()],
        body: Bytes::from_static(b"text"),
    }
}

#[test]
fn requests_byte_by_byte() {
    let group = "g1".parse().unwrap();
    for (request, word, name) in [
        (Request::Join(group), [0x80, 0, 1, 0x80], "g1"),
        (Request::Leave(group), [0x80, 0, 2, 0x80], "g1"),
        (Request::Disconnect, [0x80, 0, 4, 0x80], "#alice#n1"),
    ] {
        let bytes = [
            &word[..],
            &slot("#alice#n1"),
            &[1, 0, 0, 0],
            &[0x80, 0, 0, 0x80],
            &[0; 4],
            &slot(name),
        ]
        .concat();
        assert_eq!(request.encode(&alice()), bytes);
        let frame = only_frame(Direction::ToDaemon, &bytes).unwrap();
        assert_eq!(Request::decode(frame, &alice()), Ok(request));
    }
}

#[test]
fn data_type_words() {
    let deliver = SelfDelivery::Deliver;
    for (message, word) in [
        (text_message(Service::Agreed, deliver), [0x90, 0, 0, 0x80]),
        (text_message(Service::Safe, deliver), [0xa0, 0, 0, 0x80]),
        (
            text_message(Service::Agreed, SelfDelivery::Discard),
            [0xd0, 0, 0, 0x80],
        ),
    ] {
        let bytes = Request::Data(message).encode(&alice());
        assert_eq!(bytes[..4], word);
        assert_eq!(
            bytes[36..48],
            [1, 0, 0, 0, 0x80, 0xfb, 0xff, 0x80, 4, 0, 0, 0]
        );
        assert_eq!(bytes[48..], [&slot("g1")[..], b"text"].concat());
    }
}

#[test]
fn big_endian_requests() {
    let bytes = [
        &[0, 0, 0, 0x10][..],
        &slot("#bob#n1"),
        &[0, 0, 0, 1],
        &[0, 0x12, 0x34, 0],
        &[0, 0, 0, 2],
        &slot("g1"),
        b"hi",
    ]
    .concat();
    let frame = only_frame(Direction::ToDaemon, &bytes).unwrap();
    assert_eq!(frame.encode(), bytes);
    let Ok(Request::Data(message)) = Request::decode(frame, &bob()) else {
        panic!("not data");
    };
    assert_eq!(message.word.service(), Service::Agreed);
    assert_eq!(message.hint, Hint::written_in(ByteOrder::Big, 0x1234));
    // On to the receivers: the hint as it is, everything else in our order.
    let forwarded = Delivery::Data {
        sender: bob(),
        message,
    }
    .encode();
    assert_eq!(forwarded[..4], [0x90, 0, 0, 0x80]);
    assert_eq!(
        forwarded[36..48],
        [1, 0, 0, 0, 0, 0x12, 0x34, 0, 2, 0, 0, 0]
    );
}

#[test]
fn deliveries_have_the_types_of_the_protocol_notes() {
    let group = "g1".parse().unwrap();
    let id = ViewId::from(GroupId {
        representative: 0x7f00_000b,
        time: 1_795_335_701,
        index: 2,
    });
    let membership = |change| {
        Delivery::Membership(MembershipMessage {
            group,
            id,
            members: vec![alice(), bob()],
            change,
        })
    };
    let network = Change::Network {
        sets: vec![vec![alice()], vec![bob()]],
        own: 1,
    };
    for (delivery, word) in [
        (membership(Change::Join(bob())), [0x80, 0x11, 0, 0x80]),
        (membership(Change::Leave(bob())), [0x80, 0x12, 0, 0x80]),
        (membership(Change::Disconnect(bob())), [0x80, 0x14, 0, 0x80]),
        (membership(network), [0x80, 0x18, 0, 0x80]),
        (Delivery::Transition { group, id }, [0x80, 0x20, 0, 0x80]),
        (Delivery::SelfLeave { group }, [0x80, 2, 0, 0x80]),
    ] {
        let bytes = delivery.encode();
        assert_eq!(bytes[..4], word);
        let wire_id = [0x0b, 0, 0, 0x7f, 0x15, 0xa6, 2, 0x6b, 2, 0, 0, 0];
        match delivery {
            Delivery::Membership(_) => assert_eq!(bytes[112..124], wire_id),
            Delivery::Transition { .. } => assert_eq!(bytes[48..], wire_id),
            Delivery::SelfLeave { .. } => assert_eq!(bytes.len(), 48),
            Delivery::Data { .. } | Delivery::Refused(_) => unreachable!(),
        }
        let frame = only_frame(Direction::ToClient, &bytes).unwrap();
        assert_eq!(Delivery::decode(frame, Layout::Sets), Ok(delivery));
    }
    // The neutral form is big-endian whatever the hop.
    assert_eq!(id.0, [0x7f, 0, 0, 0x0b, 0x6b, 2, 0xa6, 0x15, 0, 0, 0, 2]);
}

#[test]
fn own_set_is_found_by_its_offset() {
    let body = MembershipBody {
        id: ViewId([7; 12]),
        sets: vec![vec![alice(), bob()], vec![], vec!["#c#n2".parse().unwrap()]],
        own: 2,
    };
    let mut bytes = body.encode(ByteOrder::Little).to_vec();
    assert_eq!(bytes[12..20], [3, 0, 0, 0, 72, 0, 0, 0]);
    let decode = |bytes: &[u8]| MembershipBody::decode(bytes, ByteOrder::Little, Layout::Sets);
    assert_eq!(decode(&bytes), Ok(body));
    for offset in [4, 71, 104, 255] {
        bytes[16] = offset;
        assert_eq!(
            decode(&bytes),
            Err(DecodeError::Illegal {
                what: "offset of own set",
                value: offset.into()
            })
        );
    }
}

#[test]
fn forbidden_type_bits_of_requests() {
    let request = |word| Frame {
        word,
        hop: ByteOrder::Little,
        name: alice().into(),
        hint: Hint::new(0),
        refused_word: None,
        names: vec![Name::new(b"g1").unwrap()],
        body: Bytes::new(),
    };
    for word in [
        0,
        0x30,
        word::JOIN | 0x10,
        word::JOIN | word::LEAVE,
        0x10 | word::REGULAR_MEMBERSHIP,
        0x10 | word::TRANSITION,
        0x10 | word::CAUSED_BY_LEAVE,
        0x10 | word::REJECT,
        0x10 | 0x8_0000,
        0x10 | 0x4000,
    ] {
        assert_eq!(
            Request::decode(request(word), &alice()),
            Err(DecodeError::Illegal {
                what: "type",
                value: word
            })
        );
    }
    let upper = Request::decode(request(0x10 | word::UPPER | word::SELF_DISCARD), &alice());
    assert!(matches!(upper, Ok(Request::Data(_))));
}

#[test]
fn stray_bits_in_the_hint_of_a_request() {
    let message = DataMessage {
        hint: Hint::from_bytes([0x81, 0, 0, 0x80]),
        ..text_message(Service::Agreed, SelfDelivery::Deliver)
    };
    let frame = message.to_frame(&alice());
    assert_eq!(
        Request::decode(frame.clone(), &alice()),
        Err(DecodeError::Illegal {
            what: "hint",
            value: 0x8000_0081
        })
    );
    // A daemon that lets them pass must not cost its clients their connections.
    assert!(Delivery::decode(frame, Layout::Sets).is_ok());
}

#[test]
fn joins_need_exactly_one_legal_name() {
    for names in [
        vec![],
        vec![Name::new(b"a").unwrap(), Name::new(b"b").unwrap()],
        vec![Name::new(b"#a#n1").unwrap()],
        vec![Name::new(b"").unwrap()],
        vec![Name::new(&[b'x'; 32]).unwrap()],
    ] {
        for word in [word::JOIN, word::LEAVE] {
            let frame = Frame {
                word,
                hop: ByteOrder::Little,
                name: alice().into(),
                hint: Hint::new(0),
                refused_word: None,
                names: names.clone(),
                body: Bytes::new(),
            };
            assert!(Request::decode(frame, &alice()).is_err(), "{names:?}");
        }
    }
}

#[test]
fn limits_of_either_direction() {
    let header = |word: u32, names: usize, body: usize| {
        let mut bytes = endian::write_marked(word, ByteOrder::Little).to_vec();
        bytes.extend_from_slice(&slot("#alice#n1"));
        bytes.extend_from_slice(&u32::try_from(names).unwrap().to_le_bytes());
        bytes.extend_from_slice(&[0x80, 0, 0, 0x80]);
        bytes.extend_from_slice(&u32::try_from(body).unwrap().to_le_bytes());
        bytes
    };
    let accepts = |direction, word, names, body| {
        let mut decoder = FrameDecoder::new(direction);
        decoder.push(&header(word, names, body));
        decoder.next_frame().is_ok()
    };
    let (data, memb) = (0x10, word::REGULAR_MEMBERSHIP | word::CAUSED_BY_NETWORK);
    for direction in [Direction::ToDaemon, Direction::ToClient] {
        assert!(accepts(direction, data, 100, limits::MESSAGE - 3_200));
        assert!(!accepts(direction, data, 100, limits::MESSAGE - 3_199));
        assert!(!accepts(direction, data, 101, 0));
    }
    assert!(accepts(
        Direction::ToClient,
        memb,
        limits::MEMBERS,
        limits::MEMBERSHIP_BODY
    ));
    assert!(!accepts(Direction::ToClient, memb | data, 101, 0));
    assert!(!accepts(Direction::ToDaemon, memb, 101, 0));
    assert!(accepts(
        Direction::ToClient,
        word::REJECT,
        101,
        limits::MESSAGE - 3_200
    ));
    assert!(!accepts(Direction::ToClient, word::REJECT, 102, 0));
    assert!(accepts(Direction::ToClient, word::REJECT | data, 100, 0));
    assert!(!accepts(Direction::ToClient, word::REJECT | data, 101, 0));
}

#[test]
fn refused_message_with_all_destinations_loses_the_last() {
    let message = DataMessage {
        destinations: (0..100)
            .map(|i| Name::new(alloc::format!("g{i}").as_bytes()).unwrap())
            .collect(),
        ..text_message(Service::Fifo, SelfDelivery::Deliver)
    };
    let bytes = Delivery::Refused(Refusal {
        requester: alice(),
        request: RefusedRequest::Data(message.clone()),
    })
    .encode();
    assert_eq!(bytes.len(), 52 + 32 * 100 + 4);
    assert_eq!(bytes[..4], [0x80, 0, 0x40, 0x80]);
    assert_eq!(bytes[48..52], [0x84, 0, 0, 0x80]);
    let frame = only_frame(Direction::ToClient, &bytes).unwrap();
    let Ok(Delivery::Refused(refusal)) = Delivery::decode(frame, Layout::Sets) else {
        panic!("not refused");
    };
    let RefusedRequest::Data(returned) = refusal.request else {
        panic!("not data");
    };
    assert_eq!(returned.destinations[..], message.destinations[..99]);
}

#[test]
fn bodies_are_not_copied() {
    let bytes =
        Request::Data(text_message(Service::Agreed, SelfDelivery::Deliver)).encode(&alice());
    let mut decoder = FrameDecoder::new(Direction::ToDaemon);
    decoder.push(&[&bytes[..], &bytes[..]].concat());
    let first = decoder.next_frame().unwrap().unwrap();
    let second = decoder.next_frame().unwrap().unwrap();
    let distance = second.body.as_ptr() as usize - first.body.as_ptr() as usize;
    assert_eq!(distance, bytes.len());
}
