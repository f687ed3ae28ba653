//! What recorded clients sent, fed to our side of a daemon; and our answers, compared with those
//! of the recorded daemon.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use gcs_proto::{
    codec::{DataMessage, Direction as Way, FrameDecoder, Request, word},
    error::{ConnectRefusal, DecodeError},
    gcs::{ByteOrder, Multicast, Scope, SelfDelivery},
    handshake::{
        ConnectRequest, DaemonHandshake, DaemonStep, MembershipMessages, Method, Priority, Version,
    },
    name::{MemberName, Name},
    service::Service,
};
use support::{
    Direction, connections, field, frames, load, mask_names, notes,
    notes::{Call, call},
};

/// What our side of a daemon made of a client's bytes.
#[derive(Debug, PartialEq)]
struct Served {
    steps: Vec<DaemonStep>,
    answers: Vec<u8>,
    requests: Vec<Request>,
    /// The same requests, encoded as they came.
    frames: Vec<Vec<u8>>,
}

/// Serves a client as the recorded daemon did: `outcome` is the private group it got or the
/// refusal.
fn serve<'a>(
    outcome: Result<&MemberName, ConnectRefusal>,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Served {
    let mut handshake = Some(DaemonHandshake::new());
    let mut decoder = FrameDecoder::new(Way::ToDaemon);
    let mut served = Served {
        steps: Vec::new(),
        answers: Vec::new(),
        requests: Vec::new(),
        frames: Vec::new(),
    };
    for piece in pieces {
        match &mut handshake {
            None => decoder.push(piece),
            Some(open) => {
                open.handle_bytes(piece).unwrap();
                while let Some(step) = open.poll_step() {
                    match (&step, outcome) {
                        (DaemonStep::Connect(_), _) => open.offer_methods(&[Method::Null]),
                        (DaemonStep::Authenticate { .. }, Ok(member)) => {
                            open.accept(Version::CURRENT, member);
                        }
                        (DaemonStep::Authenticate { .. }, Err(refusal)) => open.refuse(refusal),
                        (DaemonStep::Challenge, _) => panic!("no proof was offered"),
                        (DaemonStep::Refused(_), _) => {}
                    }
                    served.steps.push(step);
                    while let Some(bytes) = open.poll_transmit() {
                        served.answers.extend_from_slice(&bytes);
                    }
                }
                if open.is_accepted() {
                    let remaining = handshake.take().unwrap().into_remaining();
                    decoder = FrameDecoder::with_buffer(Way::ToDaemon, remaining);
                }
            }
        }
        while let Some(frame) = decoder.next_frame().unwrap() {
            served.frames.push(frame.encode().to_vec());
            let request = Request::decode(frame, outcome.unwrap()).unwrap();
            served.requests.push(request);
        }
    }
    assert_eq!(decoder.buffered(), 0);
    served
}

/// What the connect record must say, from the note of the call or known of a hand-made client.
fn expected_connect(conn: &str, notes: &[String]) -> ConnectRequest {
    let version = match conn {
        "old314" => Version::new(3, 14, 0),
        "old315" => Version::new(3, 15, 2),
        "old317" => Version::new(3, 17, 4),
        "new501" => Version::new(5, 0, 1),
        _ => Version::CURRENT,
    };
    let note = notes
        .iter()
        .find(|note| note.contains("_connect("))
        .map(|note| note.replace(['(', ',', ')'], " "))
        .unwrap_or_else(|| format!(" name='{conn}' priority=0 membership=1 "));
    let name = match field(&note, "name").unwrap() {
        "None" => None,
        // The C library cuts names to ten characters.
        name => Some(
            name.trim_matches('\'')
                .chars()
                .take(10)
                .collect::<String>()
                .parse()
                .unwrap(),
        ),
    };
    ConnectRequest {
        version,
        name,
        membership: match field(&note, "membership") {
            Some("0") => MembershipMessages::Unwanted,
            _ => MembershipMessages::Wanted,
        },
        priority: match field(&note, "priority") {
            Some("1") => Priority::High,
            _ => Priority::Normal,
        },
    }
}

fn data(
    service: Service,
    self_delivery: SelfDelivery,
    message_type: i16,
    destinations: &[&str],
    body: &[u8],
) -> Multicast {
    Multicast {
        destinations: destinations
            .iter()
            .map(|name| Name::new(name.as_bytes()).unwrap())
            .collect(),
        service,
        self_delivery,
        scope: Scope::Named,
        message_type,
        body: body.to_vec().into(),
    }
}

/// What the big-endian client asked for; it was written by hand, and so is this expectation.
fn big_endian_calls() -> Vec<Call> {
    let send = |multicast: Multicast| {
        Call::Send(notes::Send {
            service: multicast.service,
            self_delivery: multicast.self_delivery,
            drop_receive: false,
            destinations: multicast.destinations,
            message_type: multicast.message_type,
            body: multicast.body.to_vec(),
        })
    };
    let all = SelfDelivery::Deliver;
    vec![
        Call::Join("g".parse().unwrap()),
        send(data(
            Service::Agreed,
            all,
            0x1234,
            &["g"],
            b"\0\0\0* int in big-endian body",
        )),
        send(data(Service::Fifo, all, -2, &["g"], b"type -2")),
        send(data(Service::Safe, all, 0, &["g"], b"")),
        send(data(
            Service::Agreed,
            SelfDelivery::Discard,
            1,
            &["g", "h"],
            b"multi",
        )),
        send(data(Service::Agreed, all, 0x1234, &["g"], b"mixed")),
        Call::Leave("g".parse().unwrap()),
        Call::Disconnect,
    ]
}

fn assert_request(request: &Request, call: &Call, order: ByteOrder) {
    match (request, call) {
        (Request::Join(group), Call::Join(wanted)) => assert_eq!(group, wanted),
        (Request::Leave(group), Call::Leave(wanted)) => assert_eq!(group, wanted),
        (Request::Disconnect, Call::Disconnect) => {}
        (Request::Data(message), Call::Send(send)) => {
            assert_eq!(message.word.service(), send.service);
            assert_eq!(message.word.self_delivery(), send.self_delivery);
            assert_eq!(message.word.scope(), Scope::Named);
            let upper = if send.drop_receive { 0x0100_0000 } else { 0 };
            assert_eq!(message.word.bits() & word::UPPER, upper);
            assert_eq!(message.hint.message_type(), send.message_type);
            assert_eq!(message.hint.order(), order);
            assert_eq!(message.destinations, send.destinations);
            assert_eq!(message.body, send.body);
        }
        (request, call) => panic!("{request:?} for {call:?}"),
    }
}

fn replay_capture(capture: &str, requests: usize) {
    let lines = load(capture);
    let mut compared = 0;
    for conn in connections(&lines) {
        let notes = notes(&lines, &conn);
        let to_daemon = frames(&lines, &conn, Direction::ToDaemon);
        let to_client = frames(&lines, &conn, Direction::ToClient);
        let chooses = !matches!(conn.as_str(), "old314" | "old315");
        let (handshake_in, handshake_out) = if chooses { (2, 2) } else { (1, 1) };
        let accept = &to_client[handshake_out - 1];
        // The private group ends every accept record.
        let start = accept.iter().position(|byte| *byte == b'#');
        let member = start.map(|at| MemberName::new(&accept[at..]).unwrap());
        let outcome = member.as_ref().ok_or(ConnectRefusal::Authentication);

        let bytes = to_daemon.concat();
        let served = serve(outcome, std::iter::once(bytes.as_slice()));
        assert_eq!(
            served.steps,
            [
                DaemonStep::Connect(expected_connect(&conn, &notes)),
                DaemonStep::Authenticate {
                    methods: vec![Method::Null]
                },
            ],
            "{conn}"
        );
        assert_eq!(
            served.answers,
            to_client[..handshake_out].concat(),
            "{conn}: answers"
        );
        let (calls, order) = if matches!(conn.as_str(), "bigend") {
            (big_endian_calls(), ByteOrder::Big)
        } else {
            let calls: Vec<Call> = notes.iter().filter_map(|note| call(note)).collect();
            (calls, ByteOrder::Little)
        };
        let recorded = &to_daemon[handshake_in..];
        if conn == "be" {
            let refused = data(
                Service::Agreed,
                SelfDelivery::Deliver,
                0x9a02_u16 as i16,
                &["g1"],
                b"big endian refused",
            );
            let Request::Data(message) = served.requests[0].clone() else {
                panic!("{:?}", served.requests);
            };
            assert_eq!(message.into_multicast(), refused);
        } else {
            assert_eq!(served.requests.len(), calls.len(), "{conn}");
            for (request, call) in served.requests.iter().zip(&calls) {
                assert_request(request, call, order);
            }
        }
        let masked: Vec<Vec<u8>> = recorded.iter().map(|frame| mask_names(frame)).collect();
        assert_eq!(served.frames, masked, "{conn}: encoded as it came");
        compared += recorded.len();

        let bytewise = serve(outcome, bytes.chunks(1));
        assert_eq!(bytewise, served, "{conn}: bytewise");
        for at in 1..bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(
                serve(outcome, [first, second].into_iter()),
                served,
                "{conn}: split at {at}"
            );
        }
        for request in &served.requests {
            assert_again(request, outcome.unwrap());
        }
    }
    assert_eq!(compared, requests, "requests of {capture}");
}

/// Our encoding of a request means the same.
fn assert_again(request: &Request, session: &MemberName) {
    let mut decoder = FrameDecoder::new(Way::ToDaemon);
    decoder.push(&request.encode(session));
    let frame = decoder.next_frame().unwrap().unwrap();
    assert_eq!(frame.hop, ByteOrder::Little);
    assert_eq!(Request::decode(frame, session).as_ref(), Ok(request));
    if let Request::Data(message) = request {
        let again = DataMessage::from(message.clone().into_multicast());
        assert_eq!(
            again.clone().into_multicast(),
            message.clone().into_multicast()
        );
        assert_eq!(again.size(), message.size());
    }
}

#[test]
fn connections_accepted() {
    replay_capture("01-connect-accepted", 4);
}

#[test]
fn joins_and_leaves() {
    replay_capture("04-join-leave", 15);
}

#[test]
fn data_messages() {
    replay_capture("05-data-messages", 21);
}

#[test]
fn refusals() {
    replay_capture("10-reject", 14);
}

#[test]
fn partition_and_merge() {
    replay_capture("11-partition-merge-2", 15);
}

#[test]
fn private_messages() {
    replay_capture("07-private-message", 8);
}

#[test]
fn loss_and_gain_at_once() {
    replay_capture("12-partition-merge-3", 10);
}

#[test]
fn requests_with_a_forged_sender() {
    let lines = load("08-disconnect");
    let stream = frames(&lines, "forger", Direction::ToDaemon).concat();
    let mut decoder = FrameDecoder::new(Way::ToDaemon);
    // Behind connect record and choice of methods.
    decoder.push(&stream[5 + "forger".len() + 90..]);
    let session: MemberName = "#forger#n1".parse().unwrap();
    let join = decoder.next_frame().unwrap().unwrap();
    assert!(Request::decode(join, &session).is_ok());
    let forged = decoder.next_frame().unwrap().unwrap();
    assert_eq!(
        Request::decode(forged.clone(), &session),
        Err(DecodeError::ForeignSender {
            found: forged.name,
            session
        })
    );
}

/// Same refusals as the recorded daemon. Left out are the clients whose records came in pieces or
/// not at all: the recorded daemon closed those connections.
#[test]
fn refused_connections() {
    let lines = load("02-connect-rejected");
    for conn in [
        "alice", "dup", "hash", "space", "len11", "ver29", "ver128", "badauth", "noauth",
    ] {
        let mut daemon = DaemonHandshake::new();
        let mut answers = Vec::new();
        for record in frames(&lines, conn, Direction::ToDaemon).iter().take(2) {
            daemon.handle_bytes(record).unwrap();
            match daemon.poll_step() {
                Some(DaemonStep::Connect(_)) if conn == "dup" => {
                    daemon.refuse(ConnectRefusal::NotUnique);
                }
                Some(DaemonStep::Connect(_)) => daemon.offer_methods(&[Method::Null]),
                Some(DaemonStep::Authenticate { .. }) => {
                    daemon.accept(Version::CURRENT, &"#alice#n1".parse().unwrap());
                }
                Some(DaemonStep::Challenge) => panic!("no proof was offered"),
                Some(DaemonStep::Refused(_)) => {}
                None => panic!("{conn}: no step"),
            }
            while let Some(bytes) = daemon.poll_transmit() {
                answers.extend_from_slice(&bytes);
            }
        }
        let expected = frames(&lines, conn, Direction::ToClient).concat();
        assert_eq!(answers, expected, "{conn}");
        assert_eq!(daemon.is_accepted(), conn == "alice", "{conn}");
    }
}

#[test]
fn foreign_byte_order() {
    replay_capture("19-big-endian", 11);
}
