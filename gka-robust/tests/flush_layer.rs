//! Drivers over the real flush layer of gcs-proto, which stands on the model of an engine that its
//! own tests use: extended virtual synchrony with FIFO messages that overtake, partitions, merges,
//! crashes and returns under the same name. The oracle is the same as for the model of the flush
//! service in `gka_robust::testing`, so what that one assumes of a flush service is tested here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[allow(dead_code, unreachable_pub)]
#[path = "../../gcs-proto/tests/flush_network/mod.rs"]
mod flush_network;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use cliques::{
    Protocol, ReceivedToken, Recipient, TokenKind, TokenService,
    testing::{
        rng::seeded,
        symbolic::{Algebra, SymbolicGroup},
    },
};
use flush_network::{Network, group};
use gcs_proto::{flush::FlushEvent, gcs::SelfDelivery, name::MemberName, service::Service};
use gka_robust::{
    Algorithm, Input, Output, Payload, SecureView, Transmission,
    testing::{
        Fault, FaultyDriver, Violation,
        oracle::{Subject, check_trace},
        trace::{DataSent, End, Entry, Life, TokenSent, Trace},
        trio::config_for,
    },
};
use rand_chacha::ChaCha20Rng;

/// Message type of user data; tokens have the numbers of their kinds.
const DATA: i16 = 1;

/// User data: its number, and the key it is sealed under.
#[derive(Clone, Debug)]
struct Sealed {
    id: u64,
    key: Vec<u8>,
}

impl Payload for Sealed {
    fn size(&self) -> usize {
        self.key.len()
    }
}

/// A member above its flush layer.
struct Member {
    driver: FaultyDriver<Sealed>,
    group: SymbolicGroup,
    joined: bool,
    /// Views so far: shares are numbered by them.
    views: u32,
    consent_due: bool,
    secure: Option<SecureView>,
    keys: Vec<Vec<u8>>,
    sent_in_view: u64,
    seen: BTreeMap<usize, u64>,
}

struct World {
    network: Network,
    fault: Option<Fault>,
    protocol: Protocol,
    algorithm: Algorithm,
    algebra: Arc<Algebra>,
    /// One for each process of the network, and a life of the trace.
    members: Vec<Member>,
    trace: Trace,
    orders: u64,
    rng: ChaCha20Rng,
}

/// The kind whose number is this message type.
fn kind_of(message_type: i16) -> Option<TokenKind> {
    let mut kinds = Protocol::all_kinds().into_iter();
    kinds.find(|kind| i32::from(kind.number()) == i32::from(message_type))
}

impl World {
    /// Processes on so many daemons, whose drivers have a fault, or none.
    fn new(
        protocol: Protocol,
        algorithm: Algorithm,
        seed: u64,
        daemons: usize,
        fault: Option<Fault>,
    ) -> Self {
        let mut world = Self {
            network: Network::new(seed, daemons),
            fault,
            protocol,
            algorithm,
            algebra: Algebra::new(),
            members: Vec::new(),
            trace: Trace::default(),
            orders: 0,
            rng: seeded(seed),
        };
        world.meet_processes();
        world
    }

    /// Gives a driver to each process that has none.
    fn meet_processes(&mut self) {
        for index in self.members.len()..self.network.processes.len() {
            let me = self.network.processes[index].name;
            let group = SymbolicGroup::new(self.algebra.clone(), index);
            let suite = self.protocol.member(group.clone(), me);
            let config = config_for(me, (self.protocol, self.algorithm));
            let driver = FaultyDriver::new(config, suite, self.fault).unwrap();
            self.trace.lives.push(Life {
                member: me,
                entries: Vec::new(),
                end: End::Running,
                stats: driver.stats().clone(),
            });
            self.members.push(Member {
                driver,
                group,
                joined: false,
                views: 0,
                consent_due: false,
                secure: None,
                keys: Vec::new(),
                sent_in_view: 0,
                seen: BTreeMap::new(),
            });
        }
    }

    fn note(&mut self, process: usize, entry: Entry) {
        self.trace.lives[process].entries.push(entry);
    }

    fn give(&mut self, process: usize, input: Input<Sealed>) -> Result<(), gka_robust::Error> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let driver = &mut self.members[process].driver;
            driver.handle(input, 1_000, &mut self.rng)?;
            while let Some(output) = self.members[process].driver.poll_output() {
                inputs.extend(self.output(process, output));
            }
        }
        self.trace.lives[process].stats = self.members[process].driver.stats().clone();
        Ok(())
    }

    /// Acts on an output; returns what is to be given to the driver again.
    fn output(&mut self, process: usize, output: Output<Sealed>) -> Option<Input<Sealed>> {
        let member = &mut self.members[process];
        match output {
            Output::Send(token) => self.send_token(process, token),
            Output::FlushOk => {
                self.note(process, Entry::FlushOk);
                self.network.processes[process]
                    .layer
                    .flush_ok(group())
                    .unwrap();
                self.network.carry_out(process);
            }
            Output::Install { view, secret } => {
                let key = secret.expose().to_vec();
                if view.epoch == 0 {
                    member.keys.clear();
                    member.sent_in_view = 0;
                    member.seen.clear();
                }
                member.keys.push(key.clone());
                member.secure = Some(view.clone());
                self.note(process, Entry::Install { view, key });
            }
            Output::SecureFlushRequest => {
                member.consent_due = true;
                self.note(process, Entry::SecureFlushRequest);
            }
            Output::SecureTransitionalSignal => self.note(process, Entry::SecureSignal),
            Output::Deliver(data) if member.keys.contains(&data.key) => {
                let record = &self.trace.data[&data.id];
                member.seen.insert(record.life, record.index + 1);
                self.note(process, Entry::Delivered(data.id));
            }
            Output::Deliver(data) => {
                assert!(member.driver.keeps_early_data(), "cannot open {}", data.id);
                return Some(Input::EarlyData(data));
            }
            Output::Failed(failure) => panic!("{failure:?}"),
        }
        None
    }

    fn send_token(&mut self, process: usize, token: Transmission) {
        let service = match token.service {
            TokenService::Fifo => Service::Fifo,
            TokenService::Agreed => Service::Agreed,
        };
        let epoch = ReceivedToken::decode(&token.bytes, self.protocol)
            .unwrap()
            .epoch();
        let layer = &mut self.network.processes[process].layer;
        let view = layer.view(&group()).unwrap().clone();
        self.trace.tokens.push(TokenSent {
            life: process,
            view: view.view.id,
            kind: token.kind,
            run: epoch * u32::from(token.kind != TokenKind::REFRESH_REQUEST),
            to: token.to.clone(),
            round: 0,
        });
        let kind = token.kind.number() as i16;
        let body = Bytes::from(token.bytes);
        match &token.to {
            Recipient::Group => {
                layer.multicast(group(), service, SelfDelivery::Deliver, kind, body)
            }
            Recipient::Member(to) => {
                let to = *to;
                layer.unicast(group(), to, service, kind, body)
            }
        }
        .unwrap();
        self.network.carry_out(process);
    }

    fn send_data(&mut self, process: usize) {
        let agreed = self.network.random.chance(50);
        let member = &mut self.members[process];
        let (Ok(()), Some(secure)) = (member.driver.send_permission(), &member.secure) else {
            return;
        };
        let number = self.trace.data.len() as u64;
        let key = member.keys.last().unwrap();
        let body = [&number.to_be_bytes(), key.as_slice()].concat();
        let service = if agreed {
            Service::Agreed
        } else {
            Service::Fifo
        };
        self.network.processes[process]
            .layer
            .multicast(group(), service, SelfDelivery::Deliver, DATA, body.into())
            .unwrap();
        self.trace.data.insert(
            number,
            DataSent {
                life: process,
                view: secure.view.id,
                index: member.sent_in_view,
                order: agreed.then_some(self.orders),
                behind: member.seen.clone(),
            },
        );
        self.orders += 1;
        member.sent_in_view += 1;
        self.note(process, Entry::Sent(number));
        self.network.carry_out(process);
    }

    /// The driver takes an event of its flush layer; false when there is none.
    fn take(&mut self, process: usize) -> bool {
        let state = &mut self.network.processes[process];
        if !state.alive {
            return false;
        }
        let Some(event) = state.layer.poll_event() else {
            return false;
        };
        let input = match event {
            FlushEvent::View(installed) => {
                let view = installed.view;
                let member = &mut self.members[process];
                member.views += 1;
                let shares = member.views << 10;
                member.group.number_from(shares);
                let state = member.driver.state_name();
                let entry = Entry::Membership {
                    view: view.clone(),
                    state,
                    shares,
                };
                self.note(process, entry);
                Input::Membership(view)
            }
            FlushEvent::FlushRequest { .. } => {
                self.note(process, Entry::FlushRequest);
                Input::FlushRequest
            }
            FlushEvent::TransitionalSignal { .. } => {
                self.note(process, Entry::Signal);
                Input::TransitionalSignal
            }
            FlushEvent::Message(message) if message.message_type == DATA => {
                let (number, key) = message.body.split_at(8);
                let data = Sealed {
                    id: u64::from_be_bytes(number.try_into().unwrap()),
                    key: key.to_vec(),
                };
                match self.members[process].keys.contains(&data.key) {
                    true => Input::Data(data),
                    false => Input::EarlyData(data),
                }
            }
            FlushEvent::Message(message) => Input::Token {
                sender: message.sender,
                kind: kind_of(message.message_type),
                bytes: message.body,
            },
            FlushEvent::SelfLeave { .. }
            | FlushEvent::Private(_)
            | FlushEvent::Refused(_)
            | FlushEvent::Closed(_) => unreachable!("nobody leaves in good order here"),
        };
        self.give(process, input).unwrap();
        true
    }

    fn permit(&mut self, process: usize) -> bool {
        let due = core::mem::take(&mut self.members[process].consent_due);
        if due && self.network.processes[process].alive {
            self.note(process, Entry::SecureFlushOk);
            self.give(process, Input::SecureFlushOk).unwrap();
            return true;
        }
        false
    }

    fn crash(&mut self, process: usize) {
        if self.network.processes[process].alive {
            self.network.crash(process);
            self.trace.lives[process].end = End::Gone;
            self.meet_processes();
        }
    }

    fn step(&mut self) {
        let process = self.network.random.below(self.members.len());
        match self.network.random.below(100) {
            0..50 => drop(self.network.deliver(process)),
            50..80 => drop(self.take(process)),
            80..88 => drop(self.permit(process)),
            88..94 => {
                if self.network.processes[process].alive {
                    self.send_data(process);
                }
            }
            94 => {
                if self.network.processes[process].alive {
                    // May be refused.
                    drop(self.give(process, Input::RequestRefresh));
                }
            }
            95..98 => {
                if self.network.processes[process].alive {
                    self.members[process].joined = true;
                    self.network.join(process);
                }
            }
            98 => self.network.reconfigure_at_random(),
            _ => {
                if self.network.random.chance(40) {
                    self.crash(process);
                }
            }
        }
    }

    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 100_000, "I22: does not come to rest");
            let mut busy = false;
            for process in 0..self.members.len() {
                busy |= self.network.deliver(process);
                busy |= self.take(process);
                busy |= self.permit(process);
            }
            if !busy {
                return;
            }
        }
    }

    /// What is wrong, and how many keys were installed.
    fn check(&self) -> (Vec<Violation>, usize) {
        let mut found = check_trace(&Subject {
            trace: &self.trace,
            algebra: Some(&self.algebra),
            protocol: self.protocol,
            algorithm: self.algorithm,
        });
        for (process, member) in self.members.iter().enumerate() {
            if !self.network.processes[process].alive || !member.joined {
                continue;
            }
            let driver = &member.driver;
            let (now, names) = self.network.members_of(process);
            let expected: BTreeSet<MemberName> = names.into_iter().collect();
            let arrived = driver.secure_view().is_some_and(|secure| {
                let members: BTreeSet<MemberName> = secure.view.members.iter().cloned().collect();
                secure.view.id.0 == now.0 && members == expected
            });
            if driver.state_name() != "SECURE" || !arrived {
                found.push(Violation {
                    invariant: "I22",
                    message: format!("process {process} ended in {}", driver.state_name()),
                });
            }
        }
        let installed = |entry: &&Entry| matches!(entry, Entry::Install { .. });
        let entries = self.trace.lives.iter().flat_map(|life| &life.entries);
        (found, entries.filter(installed).count())
    }
}

fn run(
    protocol: Protocol,
    algorithm: Algorithm,
    seed: u64,
    fault: Option<Fault>,
) -> (Vec<Violation>, usize) {
    let mut world = World::new(protocol, algorithm, seed, 2 + (seed % 4) as usize, fault);
    for process in 0..world.members.len() {
        world.members[process].joined = true;
        world.network.join(process);
    }
    for _ in 0..600 {
        world.step();
    }
    world.settle();
    world.check()
}

fn runs(protocol: Protocol, algorithm: Algorithm, seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let mut installs = 0;
    for seed in seeds {
        let (found, installed) = run(protocol, algorithm, seed, None);
        let list: Vec<String> = found.iter().take(8).map(ToString::to_string).collect();
        let label = format!("{algorithm} {protocol}, seed {seed}");
        assert!(found.is_empty(), "{label}:\n{}", list.join("\n"));
        installs += installed as u64;
    }
    assert!(installs > 5 * count, "{installs} keys only");
}

/// This harness notices wrong drivers as well.
#[test]
fn faults_are_seen() {
    for (fault, invariant) in [
        (Fault::LocalChoice, "I22"),
        (Fault::SwallowSignal, "I13"),
        (Fault::KeepLeavers, "I9"),
        (Fault::KeepVsSignal, "I22"),
    ] {
        let seen = (0..40).any(|seed| {
            let (found, _) = run(Protocol::GDH, Algorithm::Basic, seed, Some(fault));
            found
                .iter()
                .any(|violation| violation.invariant == invariant)
        });
        assert!(seen, "{fault:?}: no {invariant} in 40 runs");
    }
}

#[test]
fn gdh() {
    runs(Protocol::GDH, Algorithm::Basic, 0..150);
    runs(Protocol::GDH, Algorithm::Optimized, 0..150);
}

#[test]
fn bd() {
    runs(Protocol::BD, Algorithm::Restart, 0..150);
}

#[test]
fn ckd() {
    runs(Protocol::CKD, Algorithm::Incremental, 0..150);
}

#[test]
fn str() {
    runs(Protocol::STR, Algorithm::Incremental, 0..150);
}

#[test]
fn tgdh() {
    runs(Protocol::TGDH, Algorithm::Incremental, 0..150);
}
