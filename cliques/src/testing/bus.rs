//! A message bus that runs the members of one view, without a network.
//!
//! It delivers what view synchrony promises and not more: tokens of one sender arrive in its order
//! (FIFO), AGREED ones in one order at all members, broadcasts also at their sender. Apart from
//! that a seeded schedule picks who receives what next, so FIFO tokens of different senders and
//! AGREED ones interleave differently at every member.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::fmt;

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng};

use crate::{
    Change, Cost, Error, GroupSecret, KeyAgreement, MemberId, NamedGroup, Outgoing, Protocol,
    Recipient, Step, TokenService, testing::rng::seeded,
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
    pub from: MemberId,
    /// What it sent.
    pub token: Outgoing,
}

/// What a run over the bus came to.
#[derive(Debug, Default)]
pub struct Run {
    /// Secret of each member that completed.
    pub secrets: BTreeMap<MemberId, GroupSecret>,
    /// Tokens in order of sending.
    pub sent: Vec<Sent>,
    /// Work of each member in this run.
    pub costs: BTreeMap<MemberId, Cost>,
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
}

/// A delivery that is about to happen.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// Place of the token in [`Run::sent`].
    pub number: usize,
    /// The token.
    pub sent: &'a Sent,
    /// Receiver.
    pub to: &'a MemberId,
}

/// One of the bus's members.
struct Station {
    machine: Box<dyn KeyAgreement>,
    rng: Box<dyn CryptoRng + Send>,
}

/// Tokens on their way: per receiver and sender, in the sender's order.
type Queues = BTreeMap<(MemberId, MemberId), VecDeque<usize>>;

/// The members of a group and the bus between them.
pub struct Bus {
    stations: BTreeMap<MemberId, Station>,
    schedule: Schedule,
    order: ChaCha20Rng,
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
    /// A bus that nobody is on.
    pub fn new(schedule: Schedule) -> Self {
        let order = match schedule {
            Schedule::Rounds => seeded(0),
            Schedule::Shuffled(seed) => seeded(seed),
        };
        Self {
            stations: BTreeMap::new(),
            schedule,
            order,
        }
    }

    /// Adds a member, or puts a new machine in its place.
    pub fn add(&mut self, machine: Box<dyn KeyAgreement>, rng: Box<dyn CryptoRng + Send>) {
        self.stations
            .insert(machine.me().clone(), Station { machine, rng });
    }

    /// Adds members without a group, whose randomness depends on `seed` and their place.
    pub fn add_all(
        &mut self,
        protocol: Protocol,
        group: &NamedGroup,
        members: &[MemberId],
        seed: u64,
    ) {
        for (place, member) in (1..).zip(members) {
            let machine = protocol.member(*group, member.clone());
            let stream = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(place);
            self.add(machine, Box::new(seeded(stream)));
        }
    }

    /// The machine of a member.
    ///
    /// # Panics
    /// When it was not added.
    pub fn machine(&mut self, member: &MemberId) -> &mut dyn KeyAgreement {
        self.station(member).machine.as_mut()
    }

    /// Runs one change at these members until no token is on its way.
    ///
    /// # Errors
    /// The first error of any member, with its name.
    pub fn change(&mut self, changes: &[(MemberId, Change)]) -> Result<Run, (MemberId, Error)> {
        self.change_with(changes, |_, _, _| Flow::Go)
    }

    /// [`change`](Self::change), with a hook that is called before every delivery.
    ///
    /// # Errors
    /// The first error of any member, with its name.
    pub fn change_with(
        &mut self,
        changes: &[(MemberId, Change)],
        hook: impl FnMut(&mut dyn KeyAgreement, &Delivery<'_>, &mut dyn CryptoRng) -> Flow,
    ) -> Result<Run, (MemberId, Error)> {
        let mut steps = Vec::new();
        for (member, change) in changes {
            let station = self.station(member);
            let step = station
                .machine
                .begin(change.clone(), &mut *station.rng)
                .map_err(|error| (member.clone(), error))?;
            steps.push((member.clone(), step));
        }
        self.run(steps, hook)
    }

    /// Runs until no token is on its way, from first steps that were made by hand.
    ///
    /// # Errors
    /// The first error of any member, with its name.
    pub fn run(
        &mut self,
        first: Vec<(MemberId, Step)>,
        mut hook: impl FnMut(&mut dyn KeyAgreement, &Delivery<'_>, &mut dyn CryptoRng) -> Flow,
    ) -> Result<Run, (MemberId, Error)> {
        let view: Vec<MemberId> = first.iter().map(|(member, _)| member.clone()).collect();
        let mut run = Run::default();
        let mut queues = Queues::new();
        let mut agreed: BTreeMap<MemberId, VecDeque<usize>> = BTreeMap::new();
        for (member, step) in first {
            take(&mut run, &mut queues, &mut agreed, &view, &member, step, 1);
        }
        while let Some((to, from)) = self.pick(&run, &queues, &agreed) {
            let Some(number) = queues
                .get_mut(&(to.clone(), from))
                .and_then(VecDeque::pop_front)
            else {
                break;
            };
            if let Some(order) = agreed.get_mut(&to).filter(|o| o.front() == Some(&number)) {
                order.pop_front();
            }
            let Some(sent) = run.sent.get(number).cloned() else {
                break;
            };
            let station = self.station(&to);
            let delivery = Delivery {
                number,
                sent: &sent,
                to: &to,
            };
            match hook(station.machine.as_mut(), &delivery, &mut *station.rng) {
                Flow::Go => {}
                Flow::Stop => break,
            }
            let step = station
                .machine
                .process(
                    &sent.from,
                    sent.token.kind,
                    &sent.token.body,
                    &mut *station.rng,
                )
                .map_err(|error| (to.clone(), error))?;
            take(
                &mut run,
                &mut queues,
                &mut agreed,
                &view,
                &to,
                step,
                sent.round + 1,
            );
        }
        for member in &view {
            let cost = self.station(member).machine.take_cost();
            run.costs.insert(member.clone(), cost);
        }
        Ok(run)
    }

    /// Who receives from whom next.
    fn pick(
        &mut self,
        run: &Run,
        queues: &Queues,
        agreed: &BTreeMap<MemberId, VecDeque<usize>>,
    ) -> Option<(MemberId, MemberId)> {
        let ready: Vec<_> = queues
            .iter()
            .filter_map(|(pair, queue)| {
                let number = *queue.front()?;
                let sent = run.sent.get(number)?;
                let deliverable = match sent.token.service {
                    TokenService::Fifo => true,
                    TokenService::Agreed => agreed.get(&pair.0)?.front() == Some(&number),
                };
                deliverable.then_some((number, pair))
            })
            .collect();
        match self.schedule {
            Schedule::Rounds => ready.iter().min().map(|(_, pair)| (*pair).clone()),
            Schedule::Shuffled(_) => {
                let count = u64::try_from(ready.len()).ok().filter(|count| *count > 0)?;
                let index = usize::try_from(self.order.next_u64() % count).ok()?;
                ready.get(index).map(|(_, pair)| (*pair).clone())
            }
        }
    }

    fn station(&mut self, member: &MemberId) -> &mut Station {
        self.stations
            .get_mut(member)
            .expect("a member that was added")
    }
}

/// What a hook wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The delivery happens.
    Go,
    /// The run ends here, with tokens on their way: a view change.
    Stop,
}

/// Puts what a step sends on its way.
fn take(
    run: &mut Run,
    queues: &mut Queues,
    agreed: &mut BTreeMap<MemberId, VecDeque<usize>>,
    view: &[MemberId],
    from: &MemberId,
    step: Step,
    round: u64,
) {
    for token in step.send {
        let number = run.sent.len();
        for to in view {
            match &token.to {
                Recipient::Member(member) if member != to => continue,
                Recipient::Member(_) | Recipient::Group => {}
            }
            queues
                .entry((to.clone(), from.clone()))
                .or_default()
                .push_back(number);
            match token.service {
                TokenService::Agreed => agreed.entry(to.clone()).or_default().push_back(number),
                TokenService::Fifo => {}
            }
        }
        run.sent.push(Sent {
            round,
            from: from.clone(),
            token,
        });
    }
    if let Some(secret) = step.secret {
        run.secrets.insert(from.clone(), secret);
    }
}
