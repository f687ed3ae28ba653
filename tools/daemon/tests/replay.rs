//! Conversations recorded at 4.4.0 daemons, played to the router.
//!
//! What clients wrote goes in, in the order in which the recorded daemon carried it out; what comes
//! out for each connection is compared with what that daemon wrote, field by field. Times of
//! group ids depend on the run, so recorded and own times must only stand in a one-to-one
//! relation that keeps their order. The recorded daemon discarded what was queued for a client when it said
//! goodbye; so did not always write the last disconnects that we hand over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use gcs_daemon::{
    Command,
    router::{CloseCause, Configuration, DaemonEntry, Output, Router, SessionId},
};
use gcs_proto::{
    codec::{Direction, FrameDecoder, Request},
    handshake::{DaemonHandshake, DaemonStep, Method, Version},
    name::{DaemonName, MemberName},
};
use support::{
    Line,
    compare::{Times, daemon_of, frame, same_frame},
};

const BY_DISCONNECT: u32 = 0x1400;

/// How pieces of the stream reach the daemon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pieces {
    Frames,
    Bytes,
}

enum Stage {
    Handshake(DaemonHandshake, Option<(SessionId, MemberName)>),
    Session(SessionId, MemberName, FrameDecoder),
    Over,
}

struct Conn {
    daemon: DaemonName,
    stage: Stage,
    /// What the daemon wrote, as records of the handshake and frames.
    written: Vec<Vec<u8>>,
    said_goodbye: bool,
    closed: bool,
}

struct Replay {
    router: Router,
    conns: BTreeMap<String, Conn>,
    now: u32,
}

impl Replay {
    fn new(daemons: usize) -> Self {
        let entries = (0..daemons)
            .map(|position| DaemonEntry {
                name: format!("n{}", position + 1).parse().unwrap(),
                address: Configuration::default_address(position),
            })
            .collect::<Vec<_>>();
        assert_eq!(entries[0].address, Ipv4Addr::new(127, 0, 0, 11));
        Self {
            router: Router::new(Configuration::new(entries).unwrap(), 1_000),
            conns: BTreeMap::new(),
            now: 1_000,
        }
    }

    fn feed(&mut self, conn: &str, bytes: &[u8]) {
        let entry = self.conns.get_mut(conn).unwrap();
        match &mut entry.stage {
            Stage::Handshake(handshake, _) => handshake.handle_bytes(bytes).unwrap(),
            Stage::Session(_, _, decoder) => decoder.push(bytes),
            Stage::Over => return,
        }
        self.advance(conn);
    }

    fn advance(&mut self, conn: &str) {
        loop {
            let entry = self.conns.get_mut(conn).unwrap();
            match &mut entry.stage {
                Stage::Handshake(handshake, session) => {
                    let Some(step) = handshake.poll_step() else {
                        return;
                    };
                    match step {
                        DaemonStep::Connect(request) => {
                            *session = Some(
                                self.router
                                    .reserve(&entry.daemon, request.name, request.membership)
                                    .unwrap(),
                            );
                            handshake.offer_methods(&[Method::Null]);
                        }
                        DaemonStep::Authenticate { methods } => {
                            assert_eq!(methods, [Method::Null]);
                            let (id, member) = session.unwrap();
                            self.router.connect(id);
                            handshake.accept(Version::CURRENT, &member);
                        }
                        DaemonStep::Challenge => panic!("no proof was offered"),
                        DaemonStep::Refused(refusal) => panic!("{conn} refused: {refusal}"),
                    }
                    while let Some(record) = handshake.poll_transmit() {
                        entry.written.push(record.to_vec());
                    }
                    if handshake.is_accepted() {
                        let (id, member) = session.unwrap();
                        let decoder = FrameDecoder::new(Direction::ToDaemon);
                        entry.stage = Stage::Session(id, member, decoder);
                    }
                }
                Stage::Session(id, member, decoder) => {
                    let (id, member) = (*id, *member);
                    let request = match decoder.next_frame() {
                        Ok(None) => return,
                        Ok(Some(frame)) => Request::decode(frame, &member),
                        Err(error) => Err(error),
                    };
                    match request {
                        Ok(request) => {
                            entry.said_goodbye |= request == Request::Disconnect;
                            self.router.request(id, request);
                        }
                        Err(_) => self.router.disconnect(id, CloseCause::Illegal),
                    }
                    self.drain();
                }
                Stage::Over => return,
            }
        }
    }

    fn end(&mut self, conn: &str) {
        if let Stage::Session(id, ..) = self.conns[conn].stage {
            self.router.disconnect(id, CloseCause::EndOfStream);
            self.drain();
        }
    }

    fn control(&mut self, command: &str) {
        self.now += 10;
        match command.parse().unwrap() {
            Command::Partition(sides) => self.router.partition(&sides, self.now).unwrap(),
            Command::Heal => self.router.heal(self.now),
            Command::Stop(name) => self.router.stop(&name, self.now).unwrap(),
            other => panic!("{other:?} is in no capture"),
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Deliver { to, delivery } => {
                    let unique: BTreeSet<_> = to.iter().collect();
                    assert_eq!(unique.len(), to.len(), "one copy each");
                    for session in to {
                        self.conn_of(session)
                            .written
                            .push(delivery.encode().to_vec());
                    }
                }
                Output::Close { session, .. } => {
                    let conn = self.conn_of(session);
                    conn.stage = Stage::Over;
                    conn.closed = true;
                }
            }
        }
    }

    fn conn_of(&mut self, session: SessionId) -> &mut Conn {
        self.conns
            .values_mut()
            .find(|conn| matches!(conn.stage, Stage::Session(id, ..) if id == session))
            .expect("output for a session that is there")
    }
}

/// Plays a capture; `chosen` is the connection whose name the daemon chose.
fn replay(name: &str, daemons: usize, pieces: Pieces, chosen: Option<&str>) {
    let lines = support::load(name);
    let mut replay = Replay::new(daemons);
    for line in &lines {
        match line {
            Line::ToDaemon(conn, bytes) => {
                if !replay.conns.contains_key(conn) {
                    let fresh = Conn {
                        daemon: daemon_of(&lines, conn),
                        stage: Stage::Handshake(DaemonHandshake::new(), None),
                        written: Vec::new(),
                        said_goodbye: false,
                        closed: false,
                    };
                    replay.conns.insert(conn.clone(), fresh);
                }
                if chosen == Some(conn) && bytes.len() >= 48 && bytes.len() != 90 {
                    // Written with the name that the other daemon chose.
                    let Stage::Session(_, member, _) = replay.conns[conn].stage else {
                        panic!("{conn} is not connected");
                    };
                    assert_eq!(bytes[2], 4, "only a goodbye is recorded");
                    replay.feed(conn, &Request::Disconnect.encode(&member));
                    continue;
                }
                match pieces {
                    Pieces::Frames => replay.feed(conn, bytes),
                    Pieces::Bytes => bytes.chunks(1).for_each(|byte| replay.feed(conn, byte)),
                }
            }
            Line::ClientEnds(conn) => replay.end(conn),
            Line::Control(command) => replay.control(command),
            Line::ToClient(..) | Line::DaemonEnds(_) => {}
        }
    }

    let mut times = Times::default();
    for (conn, ours) in &replay.conns {
        let recorded: Vec<&Vec<u8>> = lines
            .iter()
            .filter_map(|line| match line {
                Line::ToClient(other, bytes) if other == conn => Some(bytes),
                _ => None,
            })
            .collect();
        assert!(
            recorded.len() <= ours.written.len(),
            "{name}: {conn} got {} of {} messages",
            ours.written.len(),
            recorded.len()
        );
        for (position, (recorded, ours)) in recorded.iter().zip(&ours.written).enumerate() {
            if recorded.len() >= 48 {
                same_frame(&mut times, recorded, ours);
            } else if chosen != Some(conn) || position == 0 {
                assert_eq!(*recorded, ours, "{name}: handshake of {conn}");
            } else {
                // Accept record with a name of our own choice: the parts before it.
                assert_eq!(recorded[..4], ours[..4]);
                assert_eq!(usize::from(ours[4]), ours.len() - 5);
                MemberName::new(&ours[5..]).unwrap();
            }
        }
        for surplus in &ours.written[recorded.len()..] {
            assert!(ours.said_goodbye, "{name}: surplus for {conn}");
            assert_eq!(
                frame(surplus).word,
                BY_DISCONNECT,
                "{name}: surplus for {conn}"
            );
        }
        let ended = lines.contains(&Line::DaemonEnds(conn.clone()));
        assert_eq!(ours.closed, ended, "{name}: end of {conn}");
    }
    assert_eq!(
        replay.router.session_count(),
        replay.conns.values().filter(|conn| !conn.closed).count()
    );
    assert_eq!(replay.router.group_count(), 0, "{name}: groups left");
}

fn both(name: &str, daemons: usize) {
    replay(name, daemons, Pieces::Frames, None);
    replay(name, daemons, Pieces::Bytes, None);
}

#[test]
fn connect_accepted() {
    replay("01-connect-accepted", 1, Pieces::Frames, Some("anon"));
    replay("01-connect-accepted", 1, Pieces::Bytes, Some("anon"));
}

#[test]
fn join_leave() {
    both("04-join-leave", 1);
}

#[test]
fn data_messages() {
    both("05-data-messages", 1);
}

#[test]
fn multigroup() {
    both("06-multigroup", 1);
}

#[test]
fn private_message() {
    both("07-private-message", 1);
}

#[test]
fn disconnect() {
    both("08-disconnect", 1);
}

#[test]
fn partition_merge_2() {
    both("11-partition-merge-2", 2);
}

#[test]
fn partition_merge_3() {
    both("12-partition-merge-3", 3);
}

#[test]
fn big_endian() {
    both("19-big-endian", 1);
}

#[test]
fn java_client() {
    both("20-java-client", 1);
}

#[test]
fn spuser() {
    both("21-spuser", 1);
}

#[test]
fn flush_user() {
    both("22-flush_user", 1);
}
