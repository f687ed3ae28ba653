//! Recorded conversations whose order of requests has to be found.
//!
//! A recording has the order of the frames of each connection, and only about that of frames of
//! different connections. The order in which the recorded daemon carried requests out shows in what
//! it wrote: here the requests are carried out in an order, near that of the file, in which every
//! connection is told exactly what it was told then. Identifiers' times may differ, nothing else.
//!
//! | recording | what it covers |
//! |---|---|
//! | 09 | messages at the borders of fragments, of 100,000 and of 143,119 bytes; ours also takes 144,000 |
//! | 10 | refused connection, join, leave, messages to groups and sessions, SELF_DISCARD, big-endian |
//! | 14 to 18 | the traffic of the flush layer: joins, subsets, cascades, partitions, foreign members |
//! | 23 | clients that receive into too small buffers, of which the daemon sees nothing |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use gcs_daemon::{
    Command,
    access::{AccessPolicy, ClosurePolicy, Decision, Origin, PermitAll, Question, User},
    router::{CloseCause, Configuration, DaemonEntry, Output, Router, SessionId},
};
use gcs_proto::{
    codec::{Direction, FrameDecoder, Request},
    error::ConnectRefusal,
    handshake::{DaemonHandshake, DaemonStep, Method, Version},
    name::{DaemonName, MemberName},
};
use support::{
    Line,
    compare::{Times, daemon_of, is_same_frame},
};

/// Orders tried before a recording is given up.
const STEPS: usize = 20_000;

/// What is still to be carried out, one line of the recording.
#[derive(Clone, Debug)]
enum Step {
    Request(Request),
    Illegal,
    End,
    Control(String),
}

/// A connection whose handshake is done.
struct Conn {
    session: SessionId,
    expected: Vec<Vec<u8>>,
}

/// How far an attempt has come.
#[derive(Clone)]
struct Attempt {
    router: Router,
    times: Times,
    now: u32,
    /// Frames that each connection was told.
    told: BTreeMap<String, usize>,
    /// Steps carried out, of each connection and of the network.
    done: BTreeMap<String, usize>,
}

struct Recording {
    conns: BTreeMap<String, Conn>,
    /// In the order of the file, with the connection or `!!`.
    steps: Vec<(String, Step)>,
}

fn router(daemons: usize, policy: Arc<dyn AccessPolicy>) -> Router {
    let entries = (0..daemons)
        .map(|position| DaemonEntry {
            name: format!("n{}", position + 1).parse().unwrap(),
            address: Configuration::default_address(position),
        })
        .collect::<Vec<_>>();
    Router::with_policy(Configuration::new(entries).unwrap(), policy, 1_000)
}

/// The handshake of a connection: its records are compared, and the session is the answer; none if
/// it was refused.
fn shake(
    router: &mut Router,
    daemon: &DaemonName,
    sent: &[Vec<u8>],
    recorded: &[Vec<u8>],
) -> Option<(SessionId, MemberName)> {
    let mut handshake = DaemonHandshake::new();
    let mut written = Vec::new();
    let mut session = None;
    for record in sent {
        handshake.handle_bytes(record).unwrap();
        while let Some(step) = handshake.poll_step() {
            match step {
                DaemonStep::Connect(request) => {
                    let reserved = router
                        .reserve(daemon, request.name, request.membership)
                        .unwrap();
                    session = Some(reserved);
                    handshake.offer_methods(&[Method::Null]);
                }
                DaemonStep::Authenticate { .. } => {
                    let (id, member) = session.unwrap();
                    match router.connect_as(id, Origin::Tcp([127, 0, 0, 1].into()), None) {
                        Ok(()) => handshake.accept(Version::CURRENT, &member),
                        Err(refusal) => {
                            router.disconnect(id, CloseCause::EndOfStream);
                            session = None;
                            handshake.refuse(refusal);
                        }
                    }
                }
                DaemonStep::Challenge => panic!("no proof was offered"),
                DaemonStep::Refused(refusal) => panic!("refused: {refusal}"),
            }
        }
        while let Some(record) = handshake.poll_transmit() {
            written.push(record.to_vec());
        }
    }
    assert_eq!(written, recorded);
    session
}

impl Recording {
    /// Reads a recording and leads all its handshakes.
    fn open(name: &str, router: &mut Router) -> Self {
        let lines = support::load(name);
        let frames = |conn: &str, to_client: bool| -> Vec<Vec<u8>> {
            lines
                .iter()
                .filter_map(|line| match line {
                    Line::ToClient(other, bytes) if to_client && other == conn => {
                        Some(bytes.clone())
                    }
                    Line::ToDaemon(other, bytes) if !to_client && other == conn => {
                        Some(bytes.clone())
                    }
                    _ => None,
                })
                .collect()
        };
        let mut recording = Self {
            conns: BTreeMap::new(),
            steps: Vec::new(),
        };
        let mut seen: BTreeMap<String, (usize, Option<MemberName>)> = BTreeMap::new();
        for line in &lines {
            match line {
                Line::ToDaemon(conn, bytes) => {
                    let (count, member) = seen.entry(conn.clone()).or_default();
                    *count += 1;
                    if *count == 1 {
                        let (sent, recorded) = (frames(conn, false), frames(conn, true));
                        let daemon = if recorded[1][0] == 1 {
                            daemon_of(&lines, conn)
                        } else {
                            "n1".parse().unwrap()
                        };
                        let session = shake(router, &daemon, &sent[..2], &recorded[..2]);
                        *member = session.map(|(_, member)| member);
                        if let Some((session, _)) = session {
                            let expected = recorded[2..].to_vec();
                            recording
                                .conns
                                .insert(conn.clone(), Conn { session, expected });
                        }
                    } else if *count > 2 {
                        let step = step(bytes, &member.unwrap());
                        recording.steps.push((conn.clone(), step));
                    }
                }
                Line::ClientEnds(conn) if recording.conns.contains_key(conn) => {
                    recording.steps.push((conn.clone(), Step::End));
                }
                Line::Control(command) => {
                    let step = Step::Control(command.clone());
                    recording.steps.push(("!!".to_owned(), step));
                }
                Line::ClientEnds(_) | Line::ToClient(..) | Line::DaemonEnds(_) => {}
            }
        }
        recording
    }

    /// Positions of the steps that may be next: the first one of each connection, near the front
    /// of the file first.
    fn candidates(&self, attempt: &Attempt) -> Vec<usize> {
        let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
        let mut candidates = Vec::new();
        for (position, (who, _)) in self.steps.iter().enumerate() {
            let passed = passed.entry(who).or_default();
            if *passed == attempt.done.get(who).copied().unwrap_or(0) {
                candidates.push(position);
            }
            *passed += 1;
        }
        candidates
    }

    /// Carries a step out; nothing if somebody is told what was not recorded.
    fn take(&self, mut attempt: Attempt, position: usize) -> Option<Attempt> {
        let (who, step) = &self.steps[position];
        let router = &mut attempt.router;
        match step {
            Step::Request(request) => router.request(self.conns[who].session, request.clone()),
            Step::Illegal => router.disconnect(self.conns[who].session, CloseCause::Illegal),
            Step::End => router.disconnect(self.conns[who].session, CloseCause::EndOfStream),
            Step::Control(command) => {
                attempt.now += 10;
                match command.parse().unwrap() {
                    Command::Partition(sides) => router.partition(&sides, attempt.now).unwrap(),
                    Command::Heal => router.heal(attempt.now),
                    other => panic!("{other:?} is in no capture"),
                }
            }
        }
        *attempt.done.entry(who.clone()).or_default() += 1;
        if ends(step)
            && attempt.told.get(who).copied().unwrap_or(0) < self.conns[who].expected.len()
        {
            return None;
        }
        while let Some(output) = attempt.router.poll_output() {
            let Output::Deliver { to, delivery } = output else {
                continue;
            };
            let ours = delivery.encode();
            for session in to {
                let (name, conn) = self
                    .conns
                    .iter()
                    .find(|(_, conn)| conn.session == session)
                    .unwrap();
                let told = attempt.told.entry(name.clone()).or_default();
                match conn.expected.get(*told) {
                    Some(recorded) if is_same_frame(&mut attempt.times, recorded, &ours) => {
                        *told += 1;
                    }
                    Some(_) => return None,
                    // The recorded daemon discarded what was queued for one who says goodbye.
                    None if self.is_leaving(&attempt.done, name) => {}
                    None => return None,
                }
            }
        }
        Some(attempt)
    }

    /// Whether nothing but the end of a connection is left.
    fn is_leaving(&self, done: &BTreeMap<String, usize>, name: &str) -> bool {
        let done = done.get(name).copied().unwrap_or(0);
        let mut left = self.steps.iter().filter(|(who, _)| who == name).skip(done);
        left.all(|(_, step)| ends(step))
    }

    fn is_complete(&self, attempt: &Attempt) -> bool {
        self.conns
            .iter()
            .all(|(name, conn)| attempt.told.get(name).copied().unwrap_or(0) == conn.expected.len())
    }
}

/// Whether a step ends its session.
fn ends(step: &Step) -> bool {
    match step {
        Step::End | Step::Illegal => true,
        Step::Request(request) => matches!(request, Request::Disconnect),
        Step::Control(_) => false,
    }
}

fn step(bytes: &[u8], member: &MemberName) -> Step {
    let mut decoder = FrameDecoder::new(Direction::ToDaemon);
    decoder.push(bytes);
    let request = match decoder.next_frame() {
        Ok(Some(frame)) => Request::decode(frame, member),
        Ok(None) => panic!("half a frame of {member}"),
        Err(error) => Err(error),
    };
    request.map_or(Step::Illegal, Step::Request)
}

fn replay_with(name: &str, daemons: usize, policy: Arc<dyn AccessPolicy>) -> Router {
    let mut router = router(daemons, policy);
    let recording = Recording::open(name, &mut router);
    let first = Attempt {
        router,
        times: Times::default(),
        now: 1_000,
        told: BTreeMap::new(),
        done: BTreeMap::new(),
    };
    let mut open = vec![(first, 0)];
    let mut steps = 0;
    let mut farthest = 0;
    while let Some((attempt, tried)) = open.last_mut() {
        let taken: usize = attempt.done.values().sum();
        farthest = farthest.max(taken);
        if taken == recording.steps.len() {
            assert!(recording.is_complete(attempt), "{name}: not all was told");
            let attempt = attempt.clone();
            assert_eq!(attempt.router.group_count(), 0, "{name}: groups left");
            // In recording 09 the daemon ends a session of a client that does nothing wrong here.
            let left = recording.conns.keys().filter(|conn| {
                !recording
                    .steps
                    .iter()
                    .any(|(who, step)| who == *conn && ends(step))
            });
            assert_eq!(
                attempt.router.session_count(),
                left.count(),
                "{name}: sessions left"
            );
            return attempt.router;
        }
        let candidates = recording.candidates(attempt);
        let Some(position) = candidates.get(*tried) else {
            open.pop();
            continue;
        };
        *tried += 1;
        steps += 1;
        assert!(
            steps < STEPS,
            "{name}: no order found, {farthest} of {} steps fit",
            recording.steps.len()
        );
        if let Some(next) = recording.take(attempt.clone(), *position) {
            open.push((next, 0));
        }
    }
    panic!(
        "{name}: no order fits, {farthest} of {} steps do",
        recording.steps.len()
    );
}

fn replay(name: &str, daemons: usize) {
    replay_with(name, daemons, Arc::new(PermitAll));
}

#[test]
fn large_messages() {
    replay("09-large-messages", 1);
}

/// The policy that the daemon of recording 10 was modified to have.
fn policy_of_10(user: &User, question: Question<'_>) -> Decision {
    let denied = match question {
        Question::Connect => user.member.as_str() == "#banned#n1",
        Question::Join(group) => group.as_str().starts_with("deny"),
        Question::Leave(group) => group.as_str().starts_with("noleave"),
        // It looked at the type without regard to byte order: 666 swapped is meant as well.
        Question::SendToGroups(sending) => {
            [666, 666_i16.swap_bytes()].contains(&sending.message_type())
        }
        Question::SendPrivate(sending) => sending.message_type() == 667,
        _ => false,
    };
    if denied {
        Decision::Deny("recorded so")
    } else {
        Decision::Allow
    }
}

#[test]
fn reject() {
    replay_with("10-reject", 1, Arc::new(ClosurePolicy::new(policy_of_10)));
    assert_eq!(ConnectRefusal::Authentication.code(), -9);
}

#[test]
fn flush_basic() {
    replay("14-flush-basic", 1);
}

#[test]
fn flush_subgroup() {
    replay("15-flush-subgroup", 1);
}

#[test]
fn flush_cascade() {
    replay("16-flush-cascade", 1);
}

#[test]
fn flush_partition() {
    replay("17-flush-partition", 3);
}

#[test]
fn flush_handmade_peers() {
    replay("18-flush-handmade-peers", 1);
}

#[test]
fn short_buffers() {
    replay("23-short-buffers", 1);
}
