//! Recording 13: what falls between a transitional signal and the next membership.
//!
//! It is an excerpt of a group with hundreds of changes behind it, so the group is led to the
//! recorded id first. Then the recorded requests are held, in the order in which the recorded
//! daemon carried them out, and the network is cut in front of the first one. Everything that was
//! recorded from the signal on is compared field by field.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::collections::BTreeMap;

use gcs_daemon::router::{Configuration, Cut, DaemonEntry, Output, Router, SessionId};
use gcs_proto::{
    codec::{Direction, FrameDecoder, Request},
    handshake::MembershipMessages,
};
use support::{
    Line,
    compare::{Times, same_frame},
};

/// Index of the group's id when the network was cut.
const INDEX: u32 = 414;

/// Requests in the order of the recorded daemon, who and what: Join, Message, Leave.
const IN_TRANSITION: &str = "jJ kJ jM kM jL kL jJ kJ jM kM jL kL jJ jM jL";
const AFTERWARDS: &str = "jJ kJ jM kM jL kL jJ";

struct World {
    router: Router,
    sessions: BTreeMap<&'static str, SessionId>,
    /// Recorded requests, by who and what they are.
    requests: BTreeMap<String, Request>,
    told: BTreeMap<SessionId, Vec<Vec<u8>>>,
}

impl World {
    fn request(&mut self, who: &'static str, request: &Request) {
        self.router.request(self.sessions[who], request.clone());
    }

    fn all(&mut self, order: &str) {
        for what in order.split(' ') {
            let who = if what.starts_with('j') { "j1" } else { "k1" };
            let request = self.requests[what].clone();
            self.request(who, &request);
        }
    }

    fn collect(&mut self) {
        while let Some(output) = self.router.poll_output() {
            let Output::Deliver { to, delivery } = output else {
                panic!("{output:?}");
            };
            for session in to {
                let told = self.told.entry(session).or_default();
                told.push(delivery.encode().to_vec());
            }
        }
    }
}

fn world(lines: &[Line]) -> World {
    let entries = ["n1", "n2"].iter().enumerate().map(|(position, name)| {
        let address = Configuration::default_address(position);
        let name = name.parse().unwrap();
        DaemonEntry { name, address }
    });
    let mut router = Router::new(Configuration::new(entries.collect()).unwrap(), 1_000);
    let mut sessions = BTreeMap::new();
    for (name, daemon) in [("w1", "n1"), ("j1", "n1"), ("k1", "n1"), ("b1", "n2")] {
        let (daemon, wanted) = (daemon.parse().unwrap(), Some(name.parse().unwrap()));
        let (session, _) = router
            .reserve(&daemon, wanted, MembershipMessages::Wanted)
            .unwrap();
        router.connect(session);
        sessions.insert(name, session);
    }
    let mut requests = BTreeMap::new();
    for line in lines {
        let Line::ToDaemon(conn, bytes) = line else {
            continue;
        };
        let member = match conn.as_str() {
            "j1" => "#j1#n1",
            "k1" => "#k1#n1",
            _ => continue,
        };
        // Records of the handshake.
        if bytes.len() < 48 || bytes.starts_with(b"NULL") {
            continue;
        }
        let mut decoder = FrameDecoder::new(Direction::ToDaemon);
        decoder.push(bytes);
        let frame = decoder.next_frame().unwrap().unwrap();
        let request = Request::decode(frame, &member.parse().unwrap()).unwrap();
        let what = match &request {
            Request::Join(_) => 'J',
            Request::Data(_) => 'M',
            Request::Leave(_) => 'L',
            Request::Disconnect => panic!("nobody leaves in the excerpt"),
        };
        requests.insert(format!("{}{what}", &conn[..1]), request);
    }
    assert_eq!(requests.len(), 6);
    World {
        router,
        sessions,
        requests,
        told: BTreeMap::new(),
    }
}

#[test]
fn transitional_joins() {
    let lines = support::load("13-transitional-joins");
    let mut world = world(&lines);
    let join = world.requests["jJ"].clone();
    world.request("w1", &join);
    world.request("b1", &join);
    for _ in 0..(INDEX - 2) / 2 {
        world.all("jJ jL");
    }
    while world.router.poll_output().is_some() {}

    world.router.hold();
    world.all(IN_TRANSITION);
    assert!(world.router.poll_output().is_none(), "held");
    assert_eq!(world.router.held_count(), IN_TRANSITION.split(' ').count());
    let cut = Cut::default();
    world
        .router
        .partition_at(&"n1 | n2".parse().unwrap(), cut, 2_000)
        .unwrap();
    world.all(AFTERWARDS);
    world.collect();

    let mut times = Times::default();
    for who in ["w1", "j1", "k1"] {
        let recorded = lines.iter().filter_map(|line| match line {
            Line::ToClient(conn, bytes) if conn == who && bytes.len() >= 48 => Some(bytes),
            _ => None,
        });
        let recorded: Vec<_> = recorded.collect();
        let ours = &world.told[&world.sessions[who]];
        assert!(recorded.len() > 10 && recorded.len() <= ours.len(), "{who}");
        for (recorded, ours) in recorded.iter().zip(ours) {
            same_frame(&mut times, recorded, ours);
        }
    }
    // The one who was cut off: a signal, a membership without the others, and nothing of theirs.
    let alone = &world.told[&world.sessions["b1"]];
    assert_eq!(alone.len(), 2);
}
