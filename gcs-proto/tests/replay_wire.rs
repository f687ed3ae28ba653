//! All recordings without their notes: what either side wrote is decoded, has the same meaning
//! however the stream is cut, and comes out the same when it is written again.
//!
//! The other replays compare with what libraries reported; this one leaves out no connection.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use bytes::BytesMut;
use gcs_proto::{
    codec::{Delivery, Direction as Way, FrameDecoder, Layout, Request},
    connection::Connection,
    error::{ConnectRefusal, Error},
    gcs::GcsEvent,
    handshake::{
        ClientHandshake, ConnectOptions, ConnectRequest, DaemonHandshake, DaemonStep, Method,
        Version,
    },
    name::{MemberName, PrivateName},
};
use support::{Direction, Line, complete, connections, frames, load, mask_names};

/// Bodies of capture 09.
fn large(at: usize) -> u8 {
    (7 * at + (at >> 8)) as u8
}

fn lines(capture: &str) -> Vec<Line> {
    complete(load(capture), large)
}

/// What a connect record says, read by hand.
fn connect_record(record: &[u8]) -> (Version, &[u8]) {
    let version = |patch| Version::new(record[0], record[1], patch);
    let (version, rest) = if version(0).has_patch() {
        (version(record[2]), &record[3..])
    } else {
        (version(0), &record[2..])
    };
    (version, &rest[2..])
}

/// Whether the exchange of this version has a list and a choice of methods.
fn chooses(version: Version) -> bool {
    version.negotiates_authentication()
}

/// The methods in a choice, read by hand.
fn choice(record: &[u8]) -> Vec<Method> {
    let names = record
        .chunks(30)
        .map(|slot| slot.split(|byte| *byte == 0).next().unwrap());
    names
        .take_while(|name| !name.is_empty())
        .filter_map(Method::from_name)
        .collect()
}

/// Options with which our client makes the same handshake.
fn options(to_daemon: &[Vec<u8>]) -> ConnectOptions {
    let (version, name) = connect_record(&to_daemon[0]);
    let flags = to_daemon[0][if version.has_patch() { 3 } else { 2 }];
    let mut options = ConnectOptions::new().version(version);
    if !name.is_empty() {
        options = options.name(PrivateName::new(name).unwrap());
    }
    if flags & 1 == 0 {
        options = options.membership(gcs_proto::handshake::MembershipMessages::Unwanted);
    }
    if flags >> 4 != 0 {
        options = options.priority(gcs_proto::handshake::Priority::High);
    }
    if chooses(version) {
        let mut methods = choice(&to_daemon[1]).into_iter();
        options = options.method(methods.next().unwrap());
        options = methods.fold(options, ConnectOptions::and_method);
    }
    options
}

/// Where to cut a stream in two: everywhere if it is short, else at a step that hits every place of
/// a header and of a slot in turn.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (1..length).step_by((length / 2_000) | 1)
}

type Heard = (Option<Connection>, Vec<GcsEvent>, Vec<u8>);

/// Our client on what the daemon wrote, in pieces; its events, and what it wrote.
fn client(options: ConnectOptions, pieces: &[&[u8]]) -> Result<Heard, Error> {
    let mut handshake = ClientHandshake::new(options);
    let mut connection: Option<Connection> = None;
    let mut events = Vec::new();
    for piece in pieces {
        match &mut connection {
            None => connection = handshake.handle_bytes(piece)?,
            Some(connection) => connection.handle_bytes(piece),
        }
        if let Some(connection) = &mut connection {
            events.extend(std::iter::from_fn(|| connection.poll_event()));
        }
    }
    let sent: Vec<_> = std::iter::from_fn(|| handshake.poll_transmit()).collect();
    Ok((connection, events, sent.concat()))
}

fn replay_client(conn: &str, to_daemon: &[Vec<u8>], to_client: &[Vec<u8>]) -> usize {
    let options = options(to_daemon);
    let (version, _) = connect_record(&to_daemon[0]);
    let records = if chooses(version) { 2 } else { 1 };
    let stream = to_client.concat();
    let (connection, events, sent) = client(options, &[&stream]).unwrap();
    assert_eq!(sent, to_daemon[..records].concat(), "{conn}: handshake");
    let mut connection = connection.unwrap();
    assert!(!connection.is_closed(), "{conn}: {events:?}");
    assert_eq!(connection.read_buffer().len(), 0, "{conn}");
    for at in cuts(stream.len()) {
        let (first, second) = stream.split_at(at);
        let (_, split, _) = client(options, &[first, second]).unwrap();
        assert_eq!(split, events, "{conn}: split at {at}");
    }
    let pieces: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(
        client(options, &pieces).unwrap().1,
        events,
        "{conn}: bytewise"
    );

    // Each delivery, written again by our side of a daemon.
    assert_eq!(events.len(), to_client.len() - records, "{conn}");
    for frame in &to_client[records..] {
        let mut decoder = FrameDecoder::new(Way::ToClient);
        decoder.push(frame);
        let read = decoder.next_frame().unwrap().unwrap();
        let hop = read.hop;
        assert_eq!(
            hex::encode(read.encode()),
            hex::encode(mask_names(frame)),
            "{conn}"
        );
        let delivery = Delivery::decode(read, Layout::Sets).unwrap();
        let again = delivery.to_frame(hop).encode();
        assert_eq!(
            hex::encode(&again),
            hex::encode(mask_names(frame)),
            "{conn}"
        );
        assert_eq!(
            delivery.encode(),
            again,
            "{conn}: daemons here are little-endian"
        );
        assert_eq!(
            delivery.encode_parts().into_parts().concat(),
            again,
            "{conn}"
        );
    }
    events.len()
}

/// Our side of a daemon on what a client wrote, in pieces.
fn daemon(accept: &[u8], methods: &[Method], pieces: &[&[u8]]) -> (Vec<u8>, Vec<Request>) {
    let start = accept.iter().position(|byte| *byte == b'#').unwrap();
    let member = MemberName::new(&accept[start..]).unwrap();
    let mut handshake = Some(DaemonHandshake::new());
    let mut decoder = FrameDecoder::new(Way::ToDaemon);
    let mut answers = Vec::new();
    let mut requests = Vec::new();
    // As a daemon reads them: never far ahead of the handshake.
    for piece in pieces.iter().flat_map(|piece| piece.chunks(1 << 10)) {
        match &mut handshake {
            None => decoder.push(piece),
            Some(open) => {
                open.handle_bytes(piece).unwrap();
                while let Some(step) = open.poll_step() {
                    match step {
                        DaemonStep::Connect(ConnectRequest { .. }) => open.offer_methods(methods),
                        DaemonStep::Authenticate { .. } => open.accept(Version::CURRENT, &member),
                        DaemonStep::Challenge => panic!("no proof was offered"),
                        DaemonStep::Refused(refusal) => panic!("{refusal}"),
                    }
                    answers.extend(std::iter::from_fn(|| open.poll_transmit()).flatten());
                }
                if open.is_accepted() {
                    let remaining: BytesMut = handshake.take().unwrap().into_remaining();
                    decoder = FrameDecoder::with_buffer(Way::ToDaemon, remaining);
                }
            }
        }
        while let Some(frame) = decoder.next_frame().unwrap() {
            requests.push(Request::decode(frame, &member).unwrap());
        }
    }
    assert_eq!(decoder.buffered(), 0);
    (answers, requests)
}

fn replay_daemon(
    conn: &str,
    methods: &[Method],
    to_daemon: &[Vec<u8>],
    to_client: &[Vec<u8>],
) -> usize {
    let (version, _) = connect_record(&to_daemon[0]);
    let records = if chooses(version) { 2 } else { 1 };
    let accept = &to_client[records - 1];
    let stream = to_daemon.concat();
    let (answers, requests) = daemon(accept, methods, &[&stream]);
    assert_eq!(answers, to_client[..records].concat(), "{conn}: handshake");
    for at in cuts(stream.len()) {
        let (first, second) = stream.split_at(at);
        assert_eq!(
            daemon(accept, methods, &[first, second]).1,
            requests,
            "{conn}: {at}"
        );
    }
    let pieces: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(
        daemon(accept, methods, &pieces).1,
        requests,
        "{conn}: bytewise"
    );

    // Each request, written again by our client: little-endian, whatever it was.
    assert_eq!(requests.len(), to_daemon.len() - records, "{conn}");
    let start = accept.iter().position(|byte| *byte == b'#').unwrap();
    let member = MemberName::new(&accept[start..]).unwrap();
    for (request, frame) in requests.iter().zip(&to_daemon[records..]) {
        let again = request.encode(&member);
        if frame[0] & 0x80 == 0x80 {
            assert_eq!(
                hex::encode(&again),
                hex::encode(mask_names(frame)),
                "{conn}"
            );
        } else {
            assert_eq!(again.len(), frame.len(), "{conn}");
            let (_, read) = daemon(accept, methods, &[&to_daemon[..records].concat(), &again]);
            assert_eq!(&read[0], request, "{conn}");
        }
    }
    requests.len()
}

/// Replays these connections of a capture in both roles; tells how many deliveries and requests.
fn replay(capture: &str, conns: &[&str], methods: &[Method]) -> (usize, usize) {
    let lines = lines(capture);
    let mut counts = (0, 0);
    for conn in conns {
        let to_daemon = frames(&lines, conn, Direction::ToDaemon);
        let to_client = frames(&lines, conn, Direction::ToClient);
        counts.0 += replay_client(conn, &to_daemon, &to_client);
        counts.1 += replay_daemon(conn, methods, &to_daemon, &to_client);
    }
    counts
}

fn replay_all(capture: &str) -> (usize, usize) {
    let all = connections(&load(capture));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    replay(capture, &all, &[Method::Null])
}

#[test]
fn methods_offered_chosen_and_required() {
    let both = [Method::Null, Method::Ip];
    let counts = replay("03-connect-auth-methods", &["alice", "ip", "nullip"], &both);
    assert_eq!(counts, (0, 1));
}

/// What the daemon answered to those it refused, as our client takes it.
#[test]
fn refusals() {
    let codes = [
        ("dup", -6),
        ("hash", -5),
        ("space", -5),
        ("len11", -5),
        ("short", -5),
        ("extra", -5),
        ("ver29", -7),
        ("ver128", -7),
        ("badauth", -9),
        ("noauth", -9),
        ("split", -9),
    ];
    let lines = load("02-connect-rejected");
    let more = load("03-connect-auth-methods");
    let all = codes.map(|(conn, code)| (&lines, conn, code)).into_iter();
    for (lines, conn, code) in all.chain([(&more, "pword", -9), (&more, "denied", -9)]) {
        let answer = frames(lines, conn, Direction::ToClient).concat();
        for piece in [1, answer.len()] {
            let pieces: Vec<&[u8]> = answer.chunks(piece).collect();
            let refused = client(ConnectOptions::new(), &pieces).err();
            let expected = Error::Refused(ConnectRefusal::from_code(code));
            assert_eq!(refused, Some(expected), "{conn}");
        }
    }
    // Whoever stayed silent was closed without a word.
    assert!(frames(&lines, "silent", Direction::ToClient).is_empty());
}

/// Refusals of our side of a daemon to the clients of capture 03.
#[test]
fn refused_methods() {
    let lines = load("03-connect-auth-methods");
    for conn in ["pword", "denied"] {
        let mut daemon = DaemonHandshake::new();
        daemon.require_methods(&[Method::Ip]);
        let mut answers = Vec::new();
        for record in frames(&lines, conn, Direction::ToDaemon) {
            daemon.handle_bytes(&record).unwrap();
            match daemon.poll_step() {
                Some(DaemonStep::Connect(_)) => daemon.offer_methods(&[Method::Ip, Method::Null]),
                Some(DaemonStep::Authenticate { methods }) => {
                    assert_eq!(
                        methods,
                        [Method::Null, Method::Ip],
                        "required beside the choice"
                    );
                    daemon.refuse(ConnectRefusal::Authentication);
                }
                Some(DaemonStep::Challenge) => panic!("no proof was offered"),
                Some(DaemonStep::Refused(_)) => assert_eq!(conn, "pword", "not offered"),
                None => panic!("{conn}"),
            }
            answers.extend(std::iter::from_fn(|| daemon.poll_transmit()).flatten());
        }
        assert_eq!(
            answers,
            frames(&lines, conn, Direction::ToClient).concat(),
            "{conn}"
        );
    }
}

/// Clients that the recorded daemon disconnected because of how their records were cut; ours waits
/// until a record is complete.
#[test]
fn records_in_pieces() {
    let lines = load("02-connect-rejected");
    let accept = b"\x01\x04\x04\x00\x09#alice#n1";
    for conn in ["extra", "split"] {
        let stream = frames(&lines, conn, Direction::ToDaemon).concat();
        let stream: Vec<&[u8]> = stream.chunks(45).collect();
        let (answers, requests) = daemon(accept, &[Method::Null], &stream);
        assert_eq!(answers, [&b"\x05NULL "[..], accept].concat(), "{conn}");
        assert!(requests.is_empty());
    }
    let mut daemon = DaemonHandshake::new();
    let short = lines.iter().find_map(|line| match line {
        Line::Truncated { conn, start, .. } if conn == "short" => Some(start.clone()),
        _ => None,
    });
    daemon.handle_bytes(&short.unwrap()).unwrap();
    assert_eq!(daemon.poll_step(), None, "three of five bytes of the name");
    daemon.handle_bytes(b"zz").unwrap();
    assert!(matches!(daemon.poll_step(), Some(DaemonStep::Connect(_))));
}

#[test]
fn several_groups() {
    assert_eq!(replay_all("06-multigroup"), (14, 14));
}

#[test]
fn ends_of_sessions() {
    let conns = ["alice", "bob", "carol", "dave"];
    let counts = replay("08-disconnect", &conns, &[Method::Null]);
    assert_eq!(counts, (24, 9));
}

#[test]
fn large_messages() {
    assert_eq!(replay_all("09-large-messages"), (5, 7));
}

#[test]
fn transitional_period() {
    assert_eq!(replay_all("13-transitional-joins"), (75, 18));
}

#[test]
fn flush_members() {
    for (capture, counts) in [
        ("14-flush-basic", (28, 19)),
        ("../flush_captures/15-flush-subgroup", (56, 32)),
        ("16-flush-cascade", (134, 54)),
        ("../flush_captures/17-flush-partition", (109, 44)),
        ("../flush_captures/18-flush-handmade-peers", (63, 28)),
        ("22-flush_user", (20, 15)),
    ] {
        assert_eq!(replay_all(capture), counts, "{capture}");
    }
}

#[test]
fn java_and_example_clients() {
    assert_eq!(replay_all("20-java-client"), (10, 8));
    assert_eq!(replay_all("21-spuser"), (12, 9));
}

#[test]
fn short_buffers() {
    assert_eq!(replay_all("23-short-buffers"), (10, 9));
}
