//! The client connection: what it refuses to send, how it reports memberships, how it closes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    codec::{
        Change, DataMessage, Delivery, Direction, FrameDecoder, Hint, MembershipMessage, Request,
        ServiceWord,
    },
    connection::Connection,
    error::{DecodeError, Error},
    gcs::{Cause, CloseReason, GcsCommand, GcsEvent, Multicast, Scope, SelfDelivery, ViewId},
    handshake::Version,
    limits,
    name::{GroupName, MemberName, Name},
    service::Service,
};

fn member(text: &str) -> MemberName {
    text.parse().unwrap()
}

fn group() -> GroupName {
    "g".parse().unwrap()
}

fn me() -> MemberName {
    member("#me#n1")
}

fn connection() -> Connection {
    Connection::new(me(), Version::CURRENT, BytesMut::new())
}

fn multicast(destinations: usize, body: usize) -> GcsCommand {
    GcsCommand::Multicast(Multicast {
        destinations: vec![Name::from(group()); destinations],
        service: Service::Agreed,
        self_delivery: SelfDelivery::Deliver,
        scope: Scope::Named,
        message_type: 1,
        body: vec![0; body].into(),
    })
}

fn sent(connection: &mut Connection) -> Vec<Request> {
    let mut decoder = FrameDecoder::new(Direction::ToDaemon);
    while let Some(bytes) = connection.poll_transmit() {
        decoder.push(&bytes);
    }
    let requests = std::iter::from_fn(|| decoder.next_frame().unwrap())
        .map(|frame| Request::decode(frame, &me()).unwrap())
        .collect();
    assert_eq!(decoder.buffered(), 0);
    requests
}

fn events(connection: &mut Connection) -> Vec<GcsEvent> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

#[test]
fn messages_that_harm_a_daemon_are_not_sent() {
    let mut connection = connection();
    let bounds = connection.capabilities();
    assert_eq!((bounds.destinations, bounds.message), (43, 143_151));
    connection.command(multicast(0, 0)).unwrap();
    connection
        .command(multicast(43, 143_151 - 43 * 32))
        .unwrap();
    assert_eq!(
        connection.command(multicast(44, 0)),
        Err(Error::Limit {
            what: "number of destinations",
            value: 44,
            max: 43
        })
    );
    assert_eq!(
        connection.command(multicast(1, 143_151 - 31)),
        Err(Error::Limit {
            what: "message length",
            value: 143_152,
            max: 143_151
        })
    );
    assert_eq!(sent(&mut connection).len(), 2);
    assert!(!connection.is_closed());
}

#[test]
fn short_messages_leave_together_and_long_ones_are_not_copied() {
    let mut connection = connection();
    let long = Bytes::from(vec![9; limits::COPIED_BODY + 1]);
    let GcsCommand::Multicast(mut message) = multicast(1, limits::COPIED_BODY) else {
        unreachable!();
    };
    for _ in 0..3 {
        connection.command(GcsCommand::Join(group())).unwrap();
    }
    connection
        .command(GcsCommand::Multicast(message.clone()))
        .unwrap();
    message.body = long.clone();
    connection.command(GcsCommand::Multicast(message)).unwrap();
    connection.command(GcsCommand::Leave(group())).unwrap();
    let pieces: Vec<_> = std::iter::from_fn(|| connection.poll_transmit()).collect();
    let head = 48 + 32;
    let lengths: Vec<_> = pieces.iter().map(Bytes::len).collect();
    let first = 3 * head + head + limits::COPIED_BODY + head;
    assert_eq!(lengths, [first, limits::COPIED_BODY + 1, head]);
    assert_eq!(pieces[1].as_ptr(), long.as_ptr(), "shared with the command");
    assert_eq!(connection.transmit_backlog(), 0);
}

#[test]
fn bytes_may_be_read_into_the_connection() {
    let message = Delivery::Data {
        sender: member("#bob#n1"),
        message: DataMessage {
            word: ServiceWord::new(Service::Agreed, SelfDelivery::Deliver, Scope::Named),
            hint: Hint::new(7),
            destinations: vec![group().into()],
            body: vec![1; 100_000].into(),
        },
    };
    let stream = message.encode().repeat(3);
    let mut connection = connection();
    let mut rest = stream.as_slice();
    let mut taken = 0;
    let mut reads = 0;
    while !rest.is_empty() {
        let buffer = connection.read_buffer();
        let room = buffer.capacity() - buffer.len();
        assert!(room >= limits::READ_ROOM);
        let (now, later) = rest.split_at(room.min(rest.len()));
        buffer.extend_from_slice(now);
        rest = later;
        reads += 1;
        for event in events(&mut connection) {
            let GcsEvent::Message(message) = event else {
                panic!("{event:?}");
            };
            assert_eq!(message.body, vec![1; 100_000]);
            taken += 1;
        }
    }
    assert_eq!(taken, 3);
    assert!(reads <= 6, "room for the rest of a message: {reads}");
}

#[test]
fn backlog_is_bounded_but_never_holds_up_the_end() {
    let mut connection = connection();
    let refused = loop {
        if let Err(error) = connection.command(multicast(1, 100_000)) {
            break error;
        }
        assert!(connection.transmit_backlog() <= limits::TRANSMIT_BUFFER);
    };
    assert!(matches!(
        refused,
        Error::Limit {
            what: "transmit backlog",
            ..
        }
    ));
    connection.command(GcsCommand::Disconnect).unwrap();
    assert_eq!(sent(&mut connection).last(), Some(&Request::Disconnect));
    assert_eq!(connection.transmit_backlog(), 0);
}

#[test]
fn a_unicast_goes_to_the_private_group() {
    let mut connection = connection();
    connection
        .command(GcsCommand::Unicast {
            to: member("#you#n2"),
            service: Service::Fifo,
            message_type: -3,
            body: Bytes::from_static(b"psst"),
        })
        .unwrap();
    let Some(Request::Data(message)) = sent(&mut connection).pop() else {
        panic!("no data");
    };
    assert_eq!(
        message.into_multicast(),
        Multicast {
            destinations: vec![member("#you#n2").into()],
            service: Service::Fifo,
            self_delivery: SelfDelivery::Deliver,
            scope: Scope::Named,
            message_type: -3,
            body: Bytes::from_static(b"psst"),
        }
    );
}

#[test]
fn after_disconnect_nothing_comes_and_commands_come_back() {
    let mut connection = connection();
    connection.handle_bytes(&Delivery::SelfLeave { group: group() }.encode());
    connection.command(GcsCommand::Disconnect).unwrap();
    assert!(connection.is_closed());
    connection.handle_bytes(&Delivery::SelfLeave { group: group() }.encode());
    connection.handle_end_of_stream();
    assert_eq!(
        events(&mut connection),
        [GcsEvent::Closed(CloseReason::Disconnected)]
    );
    assert_eq!(sent(&mut connection), [Request::Disconnect]);
    let join = GcsCommand::Join(group());
    assert_eq!(
        connection.command(join.clone()),
        Err(Error::Closed(Box::new(join)))
    );
}

#[test]
fn a_stream_may_end_inside_a_message() {
    let mut connection = connection();
    let whole = Delivery::SelfLeave { group: group() }.encode();
    connection.handle_bytes(&[&whole[..], &whole[..20]].concat());
    connection.handle_end_of_stream();
    assert!(connection.command(GcsCommand::Join(group())).is_err());
    assert_eq!(
        events(&mut connection),
        [
            GcsEvent::SelfLeave { group: group() },
            GcsEvent::Closed(CloseReason::EndOfStream)
        ]
    );
}

#[test]
fn what_cannot_be_read_closes_once() {
    let mut connection = connection();
    connection.handle_bytes(&[0x80; 48]);
    connection.handle_bytes(&Delivery::SelfLeave { group: group() }.encode());
    let events = events(&mut connection);
    assert!(
        matches!(
            events.as_slice(),
            [GcsEvent::Closed(CloseReason::Decode(_))]
        ),
        "{events:?}"
    );
    assert_eq!(connection.buffered(), 0);
    assert_eq!(connection.poll_event(), None);
}

fn membership(members: &[&str], change: Change) -> Delivery {
    Delivery::Membership(MembershipMessage {
        group: group(),
        id: ViewId([1; 12]),
        members: members.iter().map(|name| member(name)).collect(),
        change,
    })
}

#[test]
fn transitional_sets() {
    let (a, b) = ("#a#n1", "#me#n1");
    let all = [a, b, "#z#n2"];
    let names = |list: &[&str]| list.iter().map(|name| member(name)).collect::<Vec<_>>();
    for (change, cause, set) in [
        (
            Change::Join(member(a)),
            Cause::Join(member(a)),
            names(&all[1..]),
        ),
        (Change::Join(me()), Cause::Join(me()), vec![me()]),
        (
            Change::Leave(member("#l#n1")),
            Cause::Leave(member("#l#n1")),
            names(&all),
        ),
        (
            Change::Disconnect(member("#l#n1")),
            Cause::Disconnect(member("#l#n1")),
            names(&all),
        ),
        (
            Change::Network {
                sets: vec![names(&all[2..]), names(&all[..2])],
                own: 1,
            },
            Cause::Network,
            names(&all[..2]),
        ),
    ] {
        let mut connection = connection();
        connection.handle_bytes(&membership(&all, change).encode());
        let Some(GcsEvent::Membership(got)) = connection.poll_event() else {
            panic!("no membership");
        };
        assert_eq!((got.view.cause, got.view.transitional_set), (cause, set));
        assert_eq!(got.view.members, names(&all));
    }
}

#[test]
fn memberships_without_their_receiver_are_refused() {
    let network = |own| Change::Network {
        sets: vec![vec![me()], vec![member("#a#n1")]],
        own,
    };
    for (delivery, what) in [
        (
            membership(&["#a#n1"], Change::Join(member("#a#n1"))),
            "members",
        ),
        (
            membership(&["#a#n1", "#me#n1"], network(1)),
            "transitional set",
        ),
    ] {
        let mut connection = connection();
        connection.handle_bytes(&delivery.encode());
        assert_eq!(
            events(&mut connection),
            [GcsEvent::Closed(CloseReason::Decode(
                DecodeError::ReceiverMissing {
                    what,
                    group: group(),
                    member: me()
                }
            ))]
        );
    }
}

#[test]
fn members_cannot_forge_memberships() {
    // A daemon that passes any type bits on, and a member that sets those of a membership.
    let multicast = Multicast::to_group(group(), Service::Agreed, 7, Bytes::from_static(b"x"));
    let mut frame = Delivery::Data {
        sender: member("#evil#n1"),
        message: DataMessage::from(multicast),
    }
    .to_frame(gcs_proto::gcs::ByteOrder::Little);
    frame.word |= 0x1100;
    let mut connection = connection();
    connection.handle_bytes(&frame.encode());
    let Some(GcsEvent::Message(message)) = connection.poll_event() else {
        panic!("no message");
    };
    assert_eq!(message.sender, member("#evil#n1"));
    assert_eq!(message.service, Service::Agreed);
    assert!(!connection.is_closed());
}

#[test]
fn a_refusal_mark_on_data_puts_nobody_out_of_step() {
    // Whether such a daemon adds the four bytes of a refusal is not known.
    for refused_word in [None, Some(0)] {
        let multicast = Multicast::to_group(group(), Service::Agreed, 7, Bytes::from_static(b"x"));
        let mut frame = Delivery::Data {
            sender: member("#evil#n1"),
            message: DataMessage::from(multicast),
        }
        .to_frame(gcs_proto::gcs::ByteOrder::Little);
        frame.word |= 0x40_0000;
        frame.refused_word = refused_word;
        let mut connection = connection();
        connection.handle_bytes(&frame.encode());
        assert_eq!(connection.poll_event(), None);
        connection.handle_bytes(&frame.encode());
        connection.handle_bytes(&Delivery::SelfLeave { group: group() }.encode());
        let came = events(&mut connection);
        let [GcsEvent::Message(one), GcsEvent::Message(other), left] = came.as_slice() else {
            panic!("{came:?}");
        };
        assert_eq!((one, &one.body[..]), (other, &b"x"[..]));
        assert_eq!(one.sender, member("#evil#n1"));
        assert_eq!(*left, GcsEvent::SelfLeave { group: group() });
        assert!(!connection.is_closed());
    }
}

#[test]
fn daemons_of_version_three_send_one_set() {
    let mut frame = membership(
        &["#a#n1", "#me#n1"],
        Change::Network {
            sets: vec![vec![me()]],
            own: 0,
        },
    )
    .to_frame(gcs_proto::gcs::ByteOrder::Big);
    frame.body = Bytes::from([&frame.body[..12], &frame.body[20..]].concat());
    for (version, readable) in [(Version::new(3, 17, 4), true), (Version::CURRENT, false)] {
        let mut connection = Connection::new(me(), version, BytesMut::new());
        connection.handle_bytes(&frame.encode());
        let event = connection.poll_event();
        match event {
            Some(GcsEvent::Membership(membership)) if readable => {
                assert_eq!(membership.view.transitional_set, [me()]);
            }
            Some(GcsEvent::Closed(CloseReason::Decode(_))) if !readable => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_connection_that_is_over_keeps_nothing_it_reads() {
    let mut ended = connection();
    ended
        .read_buffer()
        .extend_from_slice(&Delivery::SelfLeave { group: group() }.encode());
    ended.handle_end_of_stream();
    ended.read_buffer();
    assert_eq!(
        events(&mut ended),
        [
            GcsEvent::SelfLeave { group: group() },
            GcsEvent::Closed(CloseReason::EndOfStream)
        ],
        "what came before the end is not lost"
    );
    for _ in 0..3 {
        ended.read_buffer().extend_from_slice(&[0; 100]);
        assert_eq!(ended.buffered(), 100);
        assert_eq!(ended.poll_event(), None);
        assert_eq!(ended.poll_delivery(), None);
    }
}
