//! Bytes that no honest peer sends: nothing panics, and memory stays bounded.
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
    codec::{Delivery, Direction as Way, FrameDecoder, Layout, Request},
    connection::Connection,
    error::{DecodeError, Error},
    gcs::{CloseReason, GcsEvent},
    handshake::{ClientHandshake, ConnectOptions, DaemonHandshake, DaemonStep, Method, Version},
    limits,
    name::MemberName,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use support::{Direction, connections, frames, load};

const CAPTURES: [&str; 6] = [
    "01-connect-accepted",
    "04-join-leave",
    "05-data-messages",
    "10-reject",
    "11-partition-merge-2",
    "19-big-endian",
];

fn session() -> MemberName {
    "#alice#n1".parse().unwrap()
}

/// Streams of one direction of all captures, without handshake.
fn streams(direction: Direction) -> Vec<Vec<u8>> {
    CAPTURES
        .iter()
        .flat_map(|capture| {
            let lines = load(capture);
            connections(&lines)
                .into_iter()
                .map(|conn| frames(&lines, &conn, direction)[1..].concat())
                .collect::<Vec<_>>()
        })
        .filter(|stream| !stream.is_empty())
        .collect()
}

/// Runs a connection on a stream. Drained after each piece it never keeps a whole message, and
/// closing is the last thing it does.
fn run_connection(version: Version, stream: &[u8], piece: usize) -> Vec<GcsEvent> {
    let mut connection = Connection::new(session(), version, BytesMut::new());
    let mut events = Vec::new();
    for bytes in stream.chunks(piece) {
        connection.handle_bytes(bytes);
        while let Some(event) = connection.poll_event() {
            events.push(event);
        }
        assert!(connection.buffered() < limits::LONGEST_DELIVERY);
    }
    connection.handle_end_of_stream();
    while let Some(event) = connection.poll_event() {
        events.push(event);
    }
    assert!(connection.is_closed());
    assert_eq!(connection.buffered(), 0);
    let closed = |event: &GcsEvent| matches!(event, GcsEvent::Closed(_));
    assert_eq!(events.iter().filter(|event| closed(event)).count(), 1);
    assert!(closed(events.last().unwrap()));
    events
}

fn run_client_handshake(version: Version, stream: &[u8], piece: usize) {
    let mut handshake = ClientHandshake::new(ConnectOptions::new().version(version));
    for bytes in stream.chunks(piece) {
        match handshake.handle_bytes(bytes) {
            // A length byte and what it counts, or an accept record, less one byte.
            Ok(None) => assert!(handshake.buffered() <= 127),
            Ok(Some(connection)) => {
                assert!(connection.buffered() <= bytes.len());
                assert!(connection.private_group().as_bytes().len() <= limits::MEMBER_NAME);
                break;
            }
            Err(_) => {
                assert_eq!(handshake.buffered(), 0);
                break;
            }
        }
    }
}

/// Returns the bytes left for messages, if the client got that far.
fn run_daemon_handshake(stream: &[u8], piece: usize) -> Option<BytesMut> {
    let mut handshake = DaemonHandshake::new();
    let mut rest = stream.chunks(piece);
    for bytes in &mut rest {
        if handshake.handle_bytes(bytes).is_err() {
            return None;
        }
        assert!(handshake.buffered() <= limits::HANDSHAKE_BUFFER);
        while let Some(step) = handshake.poll_step() {
            match step {
                DaemonStep::Connect(_) => handshake.offer_methods(&Method::ALL),
                DaemonStep::Challenge => handshake.challenge(&session(), b"why?").unwrap(),
                DaemonStep::Authenticate { methods } => {
                    assert_eq!(
                        handshake.proof().is_some(),
                        methods.contains(&Method::Proof)
                    );
                    assert!(!methods.is_empty());
                    assert!(methods.len() <= limits::AUTHENTICATION_METHODS);
                    handshake.accept(Version::CURRENT, &session());
                }
                DaemonStep::Refused(_) => {
                    assert_eq!(handshake.buffered(), 0);
                    return None;
                }
            }
            assert!(handshake.poll_transmit().is_some());
        }
        if handshake.is_accepted() {
            let mut remaining = handshake.into_remaining();
            rest.for_each(|bytes| remaining.extend_from_slice(bytes));
            return Some(remaining);
        }
    }
    None
}

fn run_requests(stream: &[u8], piece: usize) {
    let mut decoder = FrameDecoder::new(Way::ToDaemon);
    for bytes in stream.chunks(piece) {
        decoder.push(bytes);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    assert!(frame.names.len() <= limits::DESTINATIONS);
                    assert!(frame.body.len() <= limits::MESSAGE);
                    // Whatever passes as a request survives being sent again.
                    if let Ok(request) = Request::decode(frame, &session()) {
                        let mut again = FrameDecoder::new(Way::ToDaemon);
                        again.push(&request.encode(&session()));
                        let frame = again.next_frame().unwrap().unwrap();
                        assert_eq!(Request::decode(frame, &session()), Ok(request));
                    }
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
        assert!(decoder.buffered() < limits::HEADER + limits::MESSAGE);
    }
}

/// A stream with some of its bytes changed, removed or duplicated.
fn mutated(direction: Direction) -> impl Strategy<Value = Vec<u8>> {
    let streams = streams(direction);
    let flips = vec((any::<Index>(), any::<u8>()), 0..6);
    let cut = proptest::option::of((any::<Index>(), 1_usize..60));
    (any::<Index>(), flips, cut).prop_map(move |(which, flips, cut)| {
        let mut stream = which.get(&streams).clone();
        for (at, byte) in flips {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        if let Some((at, count)) = cut {
            let at = at.index(stream.len());
            let end = (at + count).min(stream.len());
            stream.drain(at..end);
        }
        stream
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes(stream in vec(any::<u8>(), 1..600), piece in 1_usize..200) {
        run_connection(Version::CURRENT, &stream, piece);
        run_connection(Version::new(3, 17, 4), &stream, piece);
        run_requests(&stream, piece);
        for version in [Version::CURRENT, Version::new(3, 15, 0), Version::new(3, 14, 0)] {
            run_client_handshake(version, &stream, piece);
        }
        run_daemon_handshake(&stream, piece);
    }

    #[test]
    fn headers_with_random_fields(
        marker in any::<bool>(),
        words in any::<[u32; 4]>(),
        shift in any::<[u8; 4]>(),
        tail in vec(any::<u8>(), 0..300),
    ) {
        // Shifted words are small now and then, so that messages become complete.
        let [word, groups, hint, length] =
            [0, 1, 2, 3].map(|i| words[i] >> (shift[i] % 32));
        let mut stream = if marker {
            (word | 0x8000_0080).to_le_bytes()
        } else {
            (word & !0x8000_0080).to_be_bytes()
        }
        .to_vec();
        stream.extend_from_slice(session().as_name().slot());
        for field in [groups, hint, length] {
            let bytes = if marker { field.to_le_bytes() } else { field.to_be_bytes() };
            stream.extend_from_slice(&bytes);
        }
        stream.extend_from_slice(&tail);
        run_connection(Version::CURRENT, &stream, 64);
        run_connection(Version::new(3, 17, 4), &stream, 64);
        run_requests(&stream, 64);
    }

    #[test]
    fn mutated_deliveries(stream in mutated(Direction::ToClient), piece in 1_usize..300) {
        run_connection(Version::CURRENT, &stream, piece);
        run_client_handshake(Version::new(3, 15, 0), &stream, piece);
        let offer = [&b"\x05NULL "[..], &stream].concat();
        run_client_handshake(Version::CURRENT, &offer, piece);
    }

    #[test]
    fn mutated_requests(stream in mutated(Direction::ToDaemon), piece in 1_usize..300) {
        let connect = [&b"\x04\x04\x00\x01\x05alice"[..], &stream].concat();
        if let Some(remaining) = run_daemon_handshake(&connect, piece) {
            run_requests(&remaining, piece);
        }
        run_requests(&stream, piece);
    }

    #[test]
    fn any_frame_as_a_delivery(frame in strategies::frame()) {
        let word = frame.word;
        match Delivery::decode(frame.clone(), Layout::Sets) {
            // Service bits make data of it, so that nobody forges memberships.
            Ok(Delivery::Data { .. }) => prop_assert!(word & 0x3f != 0),
            Ok(_) => prop_assert_eq!(word & 0x3f, 0),
            Err(_) => {}
        }
        let _ = Delivery::decode(frame, Layout::OneSet);
    }
}

#[test]
fn an_endless_membership_is_refused_before_its_body() {
    let mut header = b"\x80\x18\x00\x80".to_vec();
    header.extend_from_slice(session().as_name().slot());
    header.extend_from_slice(&[0xff, 0xff, 0x01, 0, 0x80, 0, 0, 0x80, 0, 0, 0, 0]);
    let events = run_connection(Version::CURRENT, &header, 48);
    assert_eq!(
        events,
        [GcsEvent::Closed(CloseReason::Decode(
            DecodeError::TooLarge {
                what: "number of names",
                value: 0x1_ffff,
                max: limits::MEMBERS
            }
        ))]
    );
}

#[test]
fn input_that_is_never_drained_closes_the_connection() {
    // A membership of the largest size that never becomes complete, then anything.
    let mut connection = Connection::new(session(), Version::CURRENT, BytesMut::new());
    let chunk = vec![0x80; 1 << 20];
    let mut pushed = 0;
    while !connection.is_closed() {
        connection.handle_bytes(&chunk);
        pushed += chunk.len();
        assert!(connection.buffered() <= limits::RECEIVE_BUFFER);
        assert!(pushed < 2 * limits::RECEIVE_BUFFER);
    }
    assert_eq!(connection.buffered(), 0);
    assert_eq!(
        connection.poll_event(),
        Some(GcsEvent::Closed(CloseReason::Limit("receive buffer")))
    );
    assert_eq!(connection.poll_event(), None);
}

#[test]
fn a_client_that_never_waits_is_stopped() {
    let mut handshake = DaemonHandshake::new();
    handshake.handle_bytes(b"\x04\x04\x00\x01\x00").unwrap();
    assert!(matches!(
        handshake.poll_step(),
        Some(DaemonStep::Connect(_))
    ));
    let chunk = [0; 1024];
    let mut taken = 0;
    let error = loop {
        match handshake.handle_bytes(&chunk) {
            Ok(()) => taken += chunk.len(),
            Err(error) => break error,
        }
        assert!(taken <= limits::HANDSHAKE_BUFFER);
    };
    assert!(matches!(error, Error::Limit { .. }));
    assert_eq!(handshake.buffered(), taken);
}
