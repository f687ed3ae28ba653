//! A message bus that runs the members of one view, without a network.
//!
//! It guarantees what view synchrony guarantees and no more: tokens of one sender arrive in its order
//! (FIFO), AGREED ones in one order at all members, broadcasts also at their sender. Otherwise a seeded
//! schedule picks who receives what next, so FIFO tokens of different senders and AGREED ones interleave
//! differently at every member.

mod network;
mod notary;
mod serial;

use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};
use core::{fmt, time::Duration};
use std::{sync::OnceLock, time::Instant};

use rand_core::CryptoRng;

use self::network::{Network, Packet};
pub use self::{notary::Notary, serial::Serial};
use crate::{
    Change, Cost, Error, GroupSecret, KeyAgreement, MemberName, NamedGroup, Outgoing, Protocol,
    Recipient, Step, testing::rng::seeded,
};

/// In which order tokens are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Everything sent in one round before anything sent in reply, in order of sending.
    Rounds,
    /// Any order that the services permit, by the seed.
    Shuffled(u64),
}

/// A token as it went over the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Length of the chain of tokens that led to it, itself included.
    pub round: u64,
    /// Sender.
    pub from: MemberName,
    /// What it sent.
    pub token: Outgoing,
}

/// The result of a run over the bus.
#[derive(Debug, Default)]
pub struct Run {
    /// Secret of each member that completed.
    pub secrets: BTreeMap<MemberName, GroupSecret>,
    /// Tokens in order of sending.
    pub sent: Vec<Sent>,
    /// Work of each member in this run.
    pub costs: BTreeMap<MemberName, Cost>,
    /// Time that each member computed in this run, by the clock of the bus.
    pub times: BTreeMap<MemberName, Duration>,
    /// When each token had been made, along the longest chain that led to it.
    made: Vec<Serial>,
    /// When each member had done its last work so far.
    done: BTreeMap<MemberName, Serial>,
}

impl Run {
    /// Rounds of tokens.
    pub fn rounds(&self) -> u64 {
        self.sent.iter().map(|sent| sent.round).max().unwrap_or(0)
    }

    /// Sum of the members' costs.
    pub fn total(&self) -> Cost {
        let mut total = Cost::default();
        self.costs.values().for_each(|cost| total += *cost);
        total
    }

    /// Sum of the times that the members computed.
    pub fn total_time(&self) -> Duration {
        self.times.values().sum()
    }

    /// The critical path, up to the last computation of any member.
    pub fn serial(&self) -> Serial {
        let mut serial = Serial::default();
        self.done.values().for_each(|done| serial.wait_for(done));
        serial
    }

    /// Work that `member` did by itself, on the tokens with these numbers.
    fn work(&mut self, member: &MemberName, numbers: &[usize], cost: Cost, time: Duration) {
        *self.costs.entry(*member).or_default() += cost;
        *self.times.entry(*member).or_default() += time;
        let done = self.done.entry(*member).or_default();
        for number in numbers {
            done.wait_for(&self.made[*number]);
        }
        done.work(cost, time);
    }

    /// Takes what `member` answered in reply to the token with this number, if any.
    fn absorb(
        &mut self,
        member: &MemberName,
        trigger: Option<usize>,
        answer: Answer,
    ) -> Vec<usize> {
        let Answer { step, cost, time } = answer;
        *self.costs.entry(*member).or_default() += cost;
        *self.times.entry(*member).or_default() += time;
        let done = self.done.entry(*member).or_default();
        let mut round = 1;
        if let Some(number) = trigger {
            done.wait_for(&self.made[number]);
            round += self.sent[number].round;
        }
        done.work(cost, time);
        let mut numbers = Vec::with_capacity(step.send.len());
        for token in step.send {
            numbers.push(self.sent.len());
            self.made.push(*done);
            self.sent.push(Sent {
                round,
                from: *member,
                token,
            });
        }
        if let Some(secret) = step.secret {
            self.secrets.insert(*member, secret);
        }
        numbers
    }
}

/// What a machine answered and what that took.
struct Answer {
    step: Step,
    cost: Cost,
    time: Duration,
}

/// A delivery that is about to happen.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// Place of the token in [`Run::sent`].
    pub number: usize,
    /// The token.
    pub sent: &'a Sent,
    /// Receiver.
    pub to: &'a MemberName,
}

/// One of the bus's members.
struct Station {
    machine: Box<dyn KeyAgreement>,
    rng: Box<dyn CryptoRng + Send>,
}

impl Station {
    /// Calls the machine and measures what that takes.
    fn call(
        &mut self,
        clock: fn() -> Duration,
        call: impl FnOnce(&mut dyn KeyAgreement, &mut dyn CryptoRng) -> Result<Step, Error>,
    ) -> Result<Answer, (MemberName, Error)> {
        let start = clock();
        let step = call(self.machine.as_mut(), &mut *self.rng)
            .map_err(|error| (*self.machine.me(), error))?;
        let time = clock().saturating_sub(start);
        let cost = self.machine.take_cost();
        Ok(Answer { step, cost, time })
    }
}

/// Time since the first call.
fn monotonic() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// The members of a group and the bus between them.
pub struct Bus {
    stations: BTreeMap<MemberName, Station>,
    schedule: Schedule,
    network: Network,
    clock: fn() -> Duration,
    notary: Option<Notary>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("members", &self.stations.keys())
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

impl Bus {
    /// A bus without members.
    pub fn new(schedule: Schedule) -> Self {
        Self {
            stations: BTreeMap::new(),
            schedule,
            network: Network::new(schedule),
            clock: monotonic,
            notary: None,
        }
    }

    /// Measures computations with a clock of the caller's instead of the monotonic one, for
    /// example with the CPU time of the thread.
    pub fn set_clock(&mut self, clock: fn() -> Duration) {
        self.clock = clock;
    }

    /// Signs and verifies all tokens from now on. That is counted and measured as work of the
    /// members, along the critical path too.
    pub fn set_notary(&mut self, notary: Notary) {
        self.notary = Some(notary);
    }

    /// Adds a member, or puts a new machine in its place.
    pub fn add(&mut self, machine: Box<dyn KeyAgreement>, rng: Box<dyn CryptoRng + Send>) {
        self.stations
            .insert(*machine.me(), Station { machine, rng });
    }

    /// Adds members without a group, whose randomness depends on `seed` and their place.
    pub fn add_all(
        &mut self,
        protocol: Protocol,
        group: &NamedGroup,
        members: &[MemberName],
        seed: u64,
    ) {
        self.add_made(members, seed, |me| protocol.member(*group, me));
    }

    /// [`add_all`](Self::add_all) with machines made by the caller.
    pub fn add_made(
        &mut self,
        members: &[MemberName],
        seed: u64,
        make: impl Fn(MemberName) -> Box<dyn KeyAgreement>,
    ) {
        for (place, member) in (1..).zip(members) {
            let stream = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(place);
            self.add(make(*member), Box::new(seeded(stream)));
        }
    }

    /// The machine of a member.
    ///
    /// # Panics
    /// When it was not added.
    pub fn machine(&mut self, member: &MemberName) -> &mut dyn KeyAgreement {
        self.station(member).machine.as_mut()
    }

    /// Runs one change at these members until no token is on its way.
    ///
    /// # Errors
    /// The first error of any member, with its name.
    pub fn change(&mut self, changes: &[(MemberName, Change)]) -> Result<Run, (MemberName, Error)> {
        self.change_with(changes, |_, _, _| Flow::Go)
    }

    /// [`change`](Self::change), with a hook that is called before every delivery.
    ///
    /// # Errors
    /// The first error of any member, with its name.
    pub fn change_with(
        &mut self,
        changes: &[(MemberName, Change)],
        mut hook: impl FnMut(&mut dyn KeyAgreement, &Delivery<'_>, &mut dyn CryptoRng) -> Flow,
    ) -> Result<Run, (MemberName, Error)> {
        let view: Vec<MemberName> = changes.iter().map(|(member, _)| *member).collect();
        let clock = self.clock;
        let mut run = Run::default();
        self.network.clear();
        if let Some(notary) = &mut self.notary {
            notary.clear(&view);
        }
        for (member, change) in changes {
            let change = change.clone();
            let station = self.station(member);
            // Work done before the run, for example by hand, is not of this run.
            let _ = station.machine.take_cost();
            let answer = station.call(clock, |machine, rng| machine.begin(change, rng))?;
            let numbers = run.absorb(member, None, answer);
            self.send(&mut run, &view, &numbers);
        }
        while let Some(packet) = self.network.pop() {
            self.verify(&mut run, &packet);
            let Packet { number, to, .. } = packet;
            let mut sent = run.sent[number].clone();
            let station = self.station(&to);
            let delivery = Delivery {
                number,
                sent: &sent,
                to: &to,
            };
            match hook(station.machine.as_mut(), &delivery, &mut *station.rng) {
                Flow::Go => {}
                Flow::Instead(body) => sent.token.body = body,
                Flow::Stop => break,
            }
            let token = &sent.token;
            let answer = station.call(clock, |machine, rng| {
                machine.process(&sent.from, token.kind, &token.body, rng)
            })?;
            let numbers = run.absorb(&to, Some(number), answer);
            self.send(&mut run, &view, &numbers);
        }
        Ok(run)
    }

    /// Verifies a token that is about to be delivered, together with those of the same round that
    /// wait for the same receiver.
    fn verify(&mut self, run: &mut Run, packet: &Packet) {
        let Some(notary) = &mut self.notary else {
            return;
        };
        if notary.has_verified(packet.number, &packet.to) || packet.from == packet.to {
            return;
        }
        let round = run.sent[packet.number].round;
        let mut numbers = vec![packet.number];
        numbers.extend(self.network.waiting(&packet.to).filter(|number| {
            let sent = &run.sent[*number];
            sent.round == round
                && sent.from != packet.to
                && !notary.has_verified(*number, &packet.to)
        }));
        let start = (self.clock)();
        let cost = notary.verify(&packet.to, &numbers);
        let time = (self.clock)().saturating_sub(start);
        run.work(&packet.to, &numbers, cost, time);
    }

    /// Sends tokens.
    fn send(&mut self, run: &mut Run, view: &[MemberName], numbers: &[usize]) {
        for number in numbers {
            if let Some(notary) = &mut self.notary {
                let start = (self.clock)();
                let cost = notary.sign(*number, &run.sent[*number]);
                let time = (self.clock)().saturating_sub(start);
                let from = run.sent[*number].from;
                run.work(&from, &[], cost, time);
                run.made[*number] = run.done.get(&from).copied().unwrap_or_default();
            }
            let sent = &run.sent[*number];
            for to in view {
                match &sent.token.to {
                    Recipient::Member(member) if member != to => continue,
                    Recipient::Member(_) | Recipient::Group => {}
                }
                self.network.push(Packet {
                    number: *number,
                    from: sent.from,
                    to: *to,
                    service: sent.token.service,
                });
            }
        }
    }

    fn station(&mut self, member: &MemberName) -> &mut Station {
        self.stations
            .get_mut(member)
            .expect("a member that was added")
    }
}

/// What a hook answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The delivery happens.
    Go,
    /// The receiver is given this body instead.
    Instead(Vec<u8>),
    /// The run ends here, with tokens on their way: a view change.
    Stop,
}
