//! What recorded daemons sent, given to our client; and what our client sends, compared with what
//! recorded clients sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use gcs_proto::{
    connection::Connection,
    error::{ConnectRefusal, Error},
    gcs::{CloseReason, GcsCommand, GcsEvent, Multicast, Refused, Scope, SelfDelivery},
    handshake::{ClientHandshake, ConnectOptions, MembershipMessages, Priority, Version},
    name::{MemberName, Name},
    service::Service,
};
use support::{
    Direction, Line, connections, field, frames, load, mask_names,
    notes::{Call, assert_received, call},
};

/// Connections of hand-made clients: their library version; they have no notes of receive calls.
const HAND_MADE: [(&str, Version); 7] = [
    ("old314", Version::new(3, 14, 0)),
    ("old315", Version::new(3, 15, 2)),
    ("old317", Version::new(3, 17, 4)),
    ("new501", Version::new(5, 0, 1)),
    ("bigend", Version::CURRENT),
    ("be", Version::CURRENT),
    ("forger", Version::CURRENT),
];

/// One connection of a capture.
struct Recorded {
    conn: String,
    options: ConnectOptions,
    /// Its private group, or the refusal.
    outcome: Result<MemberName, ConnectRefusal>,
    /// How many of the frames below are its handshake.
    handshake_frames: usize,
    to_daemon: Vec<Vec<u8>>,
    to_client: Vec<u8>,
    /// Whether the daemon's direction ended in the capture.
    ended: bool,
    notes: Vec<String>,
}

fn recorded(capture: &str) -> Vec<Recorded> {
    let lines = load(capture);
    connections(&lines)
        .into_iter()
        // Another library, without notes; `replay_wire` has it.
        .filter(|conn| conn != "java")
        .map(|conn| {
            let notes = support::notes(&lines, &conn);
            let hand_made = HAND_MADE.iter().find(|(name, _)| *name == conn);
            let (options, outcome) = match hand_made {
                Some((name, version)) => (
                    ConnectOptions::new()
                        .name(name.parse().unwrap())
                        .version(*version),
                    Ok(format!("#{name}#n1").parse().unwrap()),
                ),
                None => connect_note(&notes),
            };
            Recorded {
                handshake_frames: match conn.as_str() {
                    "old314" | "old315" => 1,
                    _ => 2,
                },
                options,
                outcome,
                to_daemon: frames(&lines, &conn, Direction::ToDaemon),
                to_client: frames(&lines, &conn, Direction::ToClient).concat(),
                ended: lines.iter().any(|line| {
                    matches!(line, Line::End { conn: end, direction: Direction::ToClient } if *end == conn)
                }),
                notes,
                conn,
            }
        })
        .collect()
}

/// Arguments and result of the connect call.
fn connect_note(notes: &[String]) -> (ConnectOptions, Result<MemberName, ConnectRefusal>) {
    let note = notes
        .iter()
        .find(|note| note.contains("_connect("))
        .unwrap()
        .replace(['(', ',', ')'], " ");
    let mut options = ConnectOptions::new()
        .priority(match field(&note, "priority") {
            Some("1") => Priority::High,
            _ => Priority::Normal,
        })
        .membership(match field(&note, "membership") {
            Some("0") => MembershipMessages::Unwanted,
            _ => MembershipMessages::Wanted,
        });
    let name = field(&note, "name").unwrap();
    if name != "None" {
        // The C library cuts names to ten characters.
        let name: String = name.trim_matches('\'').chars().take(10).collect();
        options = options.name(name.parse().unwrap());
    }
    let (_, result) = note.split_once(" -> ").unwrap();
    let outcome = match result.split(' ').next().unwrap() {
        "1" => Ok(result
            .split("private group '")
            .nth(1)
            .unwrap()
            .trim_end()
            .trim_end_matches('\'')
            .parse()
            .unwrap()),
        code => Err(ConnectRefusal::from_code(code.parse().unwrap())),
    };
    (options, outcome)
}

/// Our client, given what the daemon sent in pieces.
struct Replayed {
    sent: Vec<u8>,
    result: Result<Connection, Error>,
    events: Vec<GcsEvent>,
}

fn replay<'a>(of: &Recorded, pieces: impl Iterator<Item = &'a [u8]>) -> Replayed {
    let mut handshake = ClientHandshake::new(of.options);
    let mut sent = Vec::new();
    let mut drain = |handshake: &mut ClientHandshake| {
        while let Some(bytes) = handshake.poll_transmit() {
            sent.extend_from_slice(&bytes);
        }
    };
    drain(&mut handshake);
    let mut connection = None;
    let mut events = Vec::new();
    for piece in pieces {
        match &mut connection {
            None => match handshake.handle_bytes(piece) {
                Ok(made) => connection = made,
                Err(error) => {
                    drain(&mut handshake);
                    return Replayed {
                        sent,
                        result: Err(error),
                        events,
                    };
                }
            },
            Some(connection) => connection.handle_bytes(piece),
        }
        drain(&mut handshake);
        if let Some(connection) = &mut connection {
            events.extend(std::iter::from_fn(|| connection.poll_event()));
        }
    }
    let mut connection = connection.expect("daemon sent a whole handshake");
    if of.ended {
        connection.handle_end_of_stream();
        events.extend(std::iter::from_fn(|| connection.poll_event()));
    }
    assert_eq!(connection.buffered(), 0, "{}", of.conn);
    Replayed {
        sent,
        result: Ok(connection),
        events,
    }
}

/// Compares with the notes; gives the number of receive calls compared.
fn check(of: &Recorded, replayed: &Replayed) -> usize {
    assert_eq!(
        replayed.sent,
        of.to_daemon[..of.handshake_frames].concat(),
        "{}: handshake",
        of.conn
    );
    let me = match (&of.outcome, &replayed.result) {
        (Ok(me), Ok(connection)) => {
            assert_eq!(connection.private_group(), me);
            assert_eq!(connection.is_closed(), of.ended);
            me
        }
        (Err(refusal), result) => {
            assert_eq!(result.as_ref().err(), Some(&Error::Refused(*refusal)));
            return 0;
        }
        (Ok(_), Err(error)) => panic!("{}: {error}", of.conn),
    };
    let mut events = replayed.events.as_slice();
    if of.ended {
        let (last, rest) = events.split_last().unwrap();
        assert_eq!(*last, GcsEvent::Closed(CloseReason::EndOfStream));
        events = rest;
    }
    let received: Vec<&String> = of
        .notes
        .iter()
        .filter(|note| note.starts_with("SP_receive -> ret=") && !note.contains("ret=-"))
        .collect();
    // A client may have disconnected before it took everything.
    assert!(received.len() <= events.len(), "{}", of.conn);
    for (event, note) in events.iter().zip(&received) {
        assert_received(event, note, me);
    }
    received.len()
}

fn replay_capture(capture: &str, receive_calls: usize) {
    let mut compared = 0;
    for of in recorded(capture) {
        let whole = replay(&of, std::iter::once(of.to_client.as_slice()));
        compared += check(&of, &whole);
        let bytewise = replay(&of, of.to_client.chunks(1));
        assert_eq!(bytewise.events, whole.events, "{}: bytewise", of.conn);
        check(&of, &bytewise);
        for at in 1..of.to_client.len() {
            let (first, second) = of.to_client.split_at(at);
            let split = replay(&of, [first, second].into_iter());
            assert_eq!(split.events, whole.events, "{}: split at {at}", of.conn);
            assert_eq!(split.sent, whole.sent, "{}: split at {at}", of.conn);
        }
    }
    assert_eq!(compared, receive_calls, "receive calls of {capture}");
}

/// Makes the calls of the notes on our connection and compares its frames with the recorded ones.
fn resend_capture(capture: &str, requests: usize) {
    let mut compared = 0;
    for of in recorded(capture) {
        let calls: Vec<Call> = of.notes.iter().filter_map(|note| call(note)).collect();
        if calls.is_empty() {
            continue;
        }
        let recorded = &of.to_daemon[2..];
        assert_eq!(calls.len(), recorded.len(), "{}", of.conn);
        let mut connection = Connection::new(
            of.outcome.unwrap(),
            Version::CURRENT,
            bytes::BytesMut::new(),
        );
        for (call, frame) in calls.into_iter().zip(recorded) {
            let mut expected = mask_names(frame);
            let mut closes = false;
            let command = match call {
                Call::Join(group) => GcsCommand::Join(group),
                Call::Leave(group) => GcsCommand::Leave(group),
                Call::Disconnect => {
                    closes = true;
                    GcsCommand::Disconnect
                }
                Call::Send(send) => {
                    if send.drop_receive {
                        assert_eq!(expected[3], 0x81);
                        expected[3] = 0x80;
                    }
                    GcsCommand::Multicast(Multicast {
                        destinations: send.destinations,
                        service: send.service,
                        self_delivery: send.self_delivery,
                        scope: Scope::Named,
                        message_type: send.message_type,
                        body: send.body.into(),
                    })
                }
            };
            connection.command(command.clone()).unwrap();
            let sent = connection.poll_transmit().unwrap();
            assert_eq!(hex::encode(&sent), hex::encode(expected), "{command:?}");
            assert_eq!(connection.poll_transmit(), None);
            assert_eq!(connection.transmit_backlog(), 0);
            assert_eq!(connection.is_closed(), closes);
            compared += 1;
        }
    }
    assert_eq!(compared, requests, "requests of {capture}");
}

#[test]
fn connections_accepted() {
    replay_capture("01-connect-accepted", 0);
}

#[test]
fn joins_and_leaves() {
    replay_capture("04-join-leave", 15);
}

#[test]
fn data_messages() {
    replay_capture("05-data-messages", 30);
}

#[test]
fn refusals() {
    replay_capture("10-reject", 12);
}

#[test]
fn refused_message_of_a_big_endian_client() {
    let of = recorded("10-reject")
        .into_iter()
        .find(|of| of.conn == "be")
        .unwrap();
    let replayed = replay(&of, of.to_client.chunks(7));
    let refused = Refused::Multicast(Multicast {
        destinations: vec![Name::new(b"g1").unwrap()],
        service: Service::Agreed,
        self_delivery: SelfDelivery::Deliver,
        scope: Scope::Named,
        message_type: 0x9a02_u16 as i16,
        body: bytes::Bytes::from_static(b"big endian refused"),
    });
    assert_eq!(replayed.events[0], GcsEvent::Refused(refused));
}

#[test]
fn partition_and_merge() {
    replay_capture("11-partition-merge-2", 32);
}

#[test]
fn private_messages() {
    replay_capture("07-private-message", 3);
}

#[test]
fn ends_of_sessions() {
    replay_capture("08-disconnect", 23);
}

#[test]
fn loss_and_gain_at_once() {
    replay_capture("12-partition-merge-3", 72);
}

#[test]
fn several_groups() {
    replay_capture("06-multigroup", 13);
}

#[test]
fn foreign_byte_order() {
    replay_capture("19-big-endian", 9);
}

#[test]
fn beside_a_java_client() {
    replay_capture("20-java-client", 6);
}

/// What `w1` of the capture receives for a group during its partition: each change that is
/// ordered in the transitional period comes by NETWORK, with a signal of its own, and lists the
/// member that is cut off until the new membership of the network is there.
#[test]
fn changes_in_a_transitional_period() {
    let lines = load("13-transitional-joins");
    let mut handshake = ClientHandshake::new(ConnectOptions::new());
    let mut connection = None;
    let mut heard = Vec::new();
    for frame in frames(&lines, "w1", Direction::ToClient) {
        let Some(connection) = &mut connection else {
            connection = handshake.handle_bytes(&frame).unwrap();
            continue;
        };
        connection.handle_bytes(&frame);
        let events = std::iter::from_fn(|| connection.poll_event());
        heard.extend(events.filter_map(|event| match event {
            GcsEvent::Membership(membership) => {
                let names = |members: &[MemberName]| {
                    let names = members.iter().map(|name| &name.as_str()[1..3]);
                    names.collect::<Vec<_>>().join(" ")
                };
                Some(format!(
                    "{} {}: {} / {}",
                    membership.view.cause.as_str(),
                    u32::from_be_bytes(membership.view.id.0[8..].try_into().unwrap()),
                    names(&membership.view.members),
                    names(&membership.view.transitional_set),
                ))
            }
            GcsEvent::TransitionalSignal { .. } => Some("signal".to_owned()),
            GcsEvent::Message(_) => None,
            other => panic!("{other:?}"),
        }));
    }
    let expected = [
        "signal",
        "network 2: j1 w1 b1 / w1",
        "signal",
        "network 3: j1 k1 w1 b1 / j1 w1",
        "signal",
        "network 4: k1 w1 b1 / k1 w1",
        "signal",
        "network 5: w1 b1 / w1",
        "signal",
        "network 6: j1 w1 b1 / w1",
        "signal",
        "network 7: j1 k1 w1 b1 / j1 w1",
        "signal",
        "network 8: k1 w1 b1 / k1 w1",
        "signal",
        "network 9: w1 b1 / w1",
        "signal",
        "network 10: j1 w1 b1 / w1",
        "signal",
        "network 11: w1 b1 / w1",
        "signal",
        "network 1: w1 / w1",
        "join 2: j1 w1 / w1",
        "join 3: j1 k1 w1 / j1 w1",
        "leave 4: k1 w1 / k1 w1",
        "leave 5: w1 / w1",
        "join 6: j1 w1 / w1",
    ];
    assert_eq!(heard, expected);
}

#[test]
fn requests_are_those_of_the_c_library() {
    for (capture, requests) in [
        ("01-connect-accepted", 4),
        ("04-join-leave", 15),
        ("05-data-messages", 21),
        ("23-short-buffers", 9),
        ("07-private-message", 8),
        ("08-disconnect", 9),
        ("10-reject", 13),
        ("11-partition-merge-2", 15),
        ("12-partition-merge-3", 10),
        ("19-big-endian", 3),
    ] {
        resend_capture(capture, requests);
    }
}
