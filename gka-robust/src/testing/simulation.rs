//! Processes with drivers and applications in a network that an adversary cuts and heals.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use bytes::Bytes;
use cliques::{
    MemberId, NamedGroup, Protocol, Recipient, TokenKind, TokenService,
    gdh::Gdh,
    testing::signature::{TestSigner, TestVerifier},
};

use super::{
    Dice,
    branch::{Body, Branch, Delivery, LogEntry, Parcel, Position},
    oracle::Violation,
    symbolic::{Algebra, SymbolicGroup},
    trace::{End, Entry, Life, Record, TokenRecord, Trace},
};
use crate::{
    Algorithm, Cause, Config, Error, Fault, Input, Output, RobustDriver, SecureView, Transmission,
    View, ViewId,
};

/// Over which mathematical group the drivers run.
#[derive(Clone, Debug)]
pub enum Suite {
    /// Symbolic elements: fast, and keys can be looked into.
    Symbolic,
    /// A real group.
    Real(NamedGroup),
}

/// What a simulation is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seed of every decision.
    pub seed: u64,
    /// Mathematical group.
    pub suite: Suite,
    /// What is wrong with all drivers, if anything.
    pub fault: Option<Fault>,
}

impl Options {
    /// Correct drivers over symbolic elements.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            suite: Suite::Symbolic,
            fault: None,
        }
    }
}

/// What an application does at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Sends data and asks for refreshes now and then.
    Busy,
    /// Answers only.
    Quiet,
}

/// Why a component's next view differs.
#[derive(Clone, Debug)]
pub enum Change {
    /// This member started and joins.
    Join(MemberId),
    /// This member is gone, on purpose.
    Leave(MemberId),
    /// This member is gone.
    Disconnect(MemberId),
    /// The network changed.
    Network,
}

#[derive(Debug)]
struct Pending {
    branch: usize,
    transitional_set: Vec<MemberId>,
    cause: Cause,
}

/// A live process.
#[derive(Debug)]
struct Process {
    life: usize,
    driver: RobustDriver<Parcel>,
    branch: Option<usize>,
    position: Position,
    /// A membership that is to be taken.
    pending: Option<Pending>,
    /// Flush_Ok was given in this VS view.
    flushed: bool,
    /// A flush request was delivered in this VS view, and not answered.
    asked: bool,
    consent_due: bool,
    held: bool,
    /// The application does not answer by itself.
    withholds: bool,
    secure: Option<SecureView>,
    /// Keys of all epochs of the secure view. A FIFO message has no bound on how late it is, so
    /// the model forgets none.
    keys: Vec<Vec<u8>>,
    sent_in_view: u64,
}

/// Processes that can reach one another.
#[derive(Debug)]
struct Component {
    members: BTreeSet<MemberId>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Settled,
    /// Waits until all have flushed and have everything.
    Forming(Change),
    /// The view is there, and not taken by all.
    Installing {
        members: Vec<MemberId>,
    },
}

/// The simulation.
#[derive(Debug)]
pub struct Simulation {
    options: Options,
    dice: Dice,
    algebra: Arc<Algebra>,
    processes: BTreeMap<MemberId, Process>,
    branches: Vec<Branch>,
    components: Vec<Component>,
    trace: Trace,
    views: u64,
    parcels: u64,
    orders: u64,
    /// Tokens seen on the way, for replays.
    overheard: Vec<(MemberId, TokenKind, Bytes)>,
}

/// A member by name.
pub fn member(name: &str) -> MemberId {
    MemberId::try_from(name).expect("names of tests are legal")
}

impl Simulation {
    /// A world without processes.
    pub fn new(options: Options) -> Self {
        Self {
            dice: Dice::new(options.seed),
            options,
            algebra: Algebra::new(),
            processes: BTreeMap::new(),
            branches: Vec::new(),
            components: Vec::new(),
            trace: Trace::default(),
            views: 0,
            parcels: 0,
            orders: 0,
            overheard: Vec::new(),
        }
    }

    /// Dice of the simulation.
    pub const fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// What happened so far.
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The shares, if the suite is symbolic.
    pub fn algebra(&self) -> Option<&Algebra> {
        match self.options.suite {
            Suite::Symbolic => Some(&self.algebra),
            Suite::Real(_) => None,
        }
    }

    /// The driver of a live process.
    pub fn driver(&self, name: &MemberId) -> Option<&RobustDriver<Parcel>> {
        self.processes.get(name).map(|process| &process.driver)
    }

    /// Live processes.
    pub fn live(&self) -> Vec<MemberId> {
        self.processes.keys().cloned().collect()
    }

    /// The components, as sets of members.
    pub fn components(&self) -> Vec<BTreeSet<MemberId>> {
        self.components
            .iter()
            .map(|component| component.members.clone())
            .collect()
    }

    /// Tokens on the wire so far: sender, kind, bytes.
    pub fn overheard(&self) -> &[(MemberId, TokenKind, Bytes)] {
        &self.overheard
    }

    // The adversary

    /// Starts a process and lets it join the component of `with`, or a component of its own.
    pub fn start(&mut self, name: &MemberId, with: Option<&MemberId>) {
        assert!(!self.processes.contains_key(name), "{name} lives");
        self.tell(format!("start {name}, with {with:?}"));
        let life = self.trace.lives.len();
        let config = Config {
            me: name.clone(),
            group: b"group".to_vec(),
            protocol: Protocol::Gdh,
            mathematical_group: match &self.options.suite {
                Suite::Symbolic => "ristretto255"
                    .parse()
                    .expect("a group of the default features"),
                Suite::Real(group) => group.clone(),
            },
            algorithm: Algorithm::Basic,
            signer: Arc::new(TestSigner::new(name.clone())),
            verifier: Arc::new(TestVerifier::new()),
            queue_bytes: crate::DEFAULT_QUEUE_BYTES,
            timestamp_window: None,
        };
        let mut driver = match &self.options.suite {
            Suite::Symbolic => {
                let group = SymbolicGroup::new(self.algebra.clone(), life);
                RobustDriver::with_suite(config, Box::new(Gdh::new(group, name.clone())))
            }
            Suite::Real(_) => RobustDriver::new(config),
        };
        if let Some(fault) = self.options.fault {
            driver.inject(fault);
        }
        self.trace.lives.push(Life {
            member: name.clone(),
            entries: Vec::new(),
            end: End::Running,
            stats: driver.stats().clone(),
        });
        let process = Process {
            life,
            driver,
            branch: None,
            position: Position::default(),
            pending: None,
            flushed: false,
            asked: false,
            consent_due: false,
            held: false,
            withholds: false,
            secure: None,
            keys: Vec::new(),
            sent_in_view: 0,
        };
        self.processes.insert(name.clone(), process);
        let mut members: BTreeSet<_> = with.map(|with| self.component_of(with)).unwrap_or_default();
        members.insert(name.clone());
        self.reconfigure(members, Change::Join(name.clone()));
    }

    /// Ends a process.
    pub fn end(&mut self, name: &MemberId, change: Change) {
        self.tell(format!("end {name}: {change:?}"));
        let mut members = self.component_of(name);
        self.close_life(name);
        members.remove(name);
        self.components.iter_mut().for_each(|component| {
            component.members.remove(name);
        });
        self.components
            .retain(|component| !component.members.is_empty());
        if !members.is_empty() {
            self.reconfigure(members, change);
        }
    }

    fn close_life(&mut self, name: &MemberId) {
        if let Some(mut process) = self.processes.remove(name) {
            let life = &mut self.trace.lives[process.life];
            life.end = End::Gone;
            life.stats = process.driver.stats().clone();
            process.driver.reset();
        }
    }

    /// Makes `members`, wherever they are, one component.
    pub fn gather(&mut self, members: BTreeSet<MemberId>) {
        self.tell(format!("gather {members:?}"));
        let left_over: Vec<BTreeSet<MemberId>> = self
            .components
            .iter()
            .filter(|component| !component.members.is_disjoint(&members))
            .map(|component| component.members.difference(&members).cloned().collect())
            .collect();
        self.reconfigure(members, Change::Network);
        for rest in left_over
            .into_iter()
            .filter(|rest: &BTreeSet<_>| !rest.is_empty())
        {
            self.reconfigure(rest, Change::Network);
        }
    }

    /// Cuts off `side` from the component it is part of.
    pub fn cut(&mut self, side: &BTreeSet<MemberId>) {
        let Some(first) = side.first() else { return };
        let whole = self.component_of(first);
        let rest: BTreeSet<_> = whole.difference(side).cloned().collect();
        self.tell(format!("cut {side:?} | {rest:?}"));
        self.reconfigure(side.clone(), Change::Network);
        if !rest.is_empty() {
            self.reconfigure(rest, Change::Network);
        }
    }

    fn component_of(&self, name: &MemberId) -> BTreeSet<MemberId> {
        self.components
            .iter()
            .find(|component| component.members.contains(name))
            .map(|component| component.members.clone())
            .unwrap_or_default()
    }

    /// The members become a component, which works at its next view from here on.
    fn reconfigure(&mut self, members: BTreeSet<MemberId>, change: Change) {
        // A view that some of those who go on together have, all of them get.
        for index in 0..self.components.len() {
            let Phase::Installing { members: listed } = &self.components[index].phase else {
                continue;
            };
            let together: Vec<MemberId> = listed
                .iter()
                .filter(|name| members.contains(*name))
                .cloned()
                .collect();
            let behind = |name: &&MemberId| self.processes[*name].pending.is_some();
            let some_have_it = !together.iter().all(|name| behind(&name));
            if some_have_it || self.dice.one_in(2) {
                continue;
            }
            for name in together {
                self.processes.get_mut(&name).expect("live").pending = None;
            }
        }
        for component in &mut self.components {
            component.members.retain(|name| !members.contains(name));
        }
        self.components
            .retain(|component| !component.members.is_empty());

        // Those who are in one branch go on in one branch.
        let mut sides: BTreeMap<usize, BTreeSet<MemberId>> = BTreeMap::new();
        for name in &members {
            let process = &self.processes[name];
            let branch = process
                .pending
                .as_ref()
                .map(|pending| pending.branch)
                .or(process.branch);
            if let Some(branch) = branch {
                sides.entry(branch).or_default().insert(name.clone());
            }
        }
        let voluntary = match change {
            Change::Join(_) | Change::Leave(_) | Change::Disconnect(_) => true,
            Change::Network => false,
        };
        for (branch, stay) in sides {
            let start = Position::default();
            let positions: Vec<&Position> = stay
                .iter()
                .map(|name| match &self.processes[name] {
                    process if process.pending.is_some() => &start,
                    process => &process.position,
                })
                .collect();
            let needless = !voluntary && self.dice.one_in(2);
            let side = self.branches[branch].split(&stay, &positions, needless, &mut self.dice);
            let new = self.branches.len();
            self.branches.push(side);
            for name in &stay {
                let process = self.processes.get_mut(name).expect("live");
                match &mut process.pending {
                    Some(pending) => pending.branch = new,
                    None => process.branch = Some(new),
                }
            }
        }
        self.components.push(Component {
            members,
            phase: Phase::Forming(change),
        });
    }

    // Views

    /// Installs the views that are ready; says whether there was one.
    fn install_views(&mut self) -> bool {
        let mut any = false;
        for index in 0..self.components.len() {
            let component = &self.components[index];
            match &component.phase {
                Phase::Forming(_) if component.members.iter().all(|name| self.is_ready(name)) => {
                    self.form_view(index);
                    any = true;
                }
                Phase::Installing { members }
                    if members
                        .iter()
                        .all(|name| self.processes[name].pending.is_none()) =>
                {
                    self.components[index].phase = Phase::Settled;
                    any = true;
                }
                Phase::Forming(_) | Phase::Installing { .. } | Phase::Settled => {}
            }
        }
        any
    }

    fn is_ready(&self, name: &MemberId) -> bool {
        let process = &self.processes[name];
        if process.pending.is_some() {
            return false;
        }
        process.branch.is_none_or(|branch| {
            process.flushed && self.branches[branch].drained(name, &process.position)
        })
    }

    fn form_view(&mut self, index: usize) {
        let component = &self.components[index];
        let Phase::Forming(change) = &component.phase else {
            return;
        };
        let change = change.clone();
        let mut members: Vec<MemberId> = component.members.iter().cloned().collect();
        self.dice.shuffle(&mut members);

        let branch_of = |name: &MemberId| self.processes[name].branch;
        let cause = match change {
            Change::Join(joiner) if self.directly_follows(&members, Some(&joiner)) => {
                Cause::Join(joiner)
            }
            Change::Leave(gone) if self.directly_precedes(&members, &gone) => Cause::Leave(gone),
            Change::Disconnect(gone) if self.directly_precedes(&members, &gone) => {
                Cause::Disconnect(gone)
            }
            Change::Join(_) | Change::Leave(_) | Change::Disconnect(_) | Change::Network => {
                Cause::Network
            }
        };
        self.views += 1;
        // Identifiers do not grow.
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.views.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let view = ViewId(id);
        let new = self.branches.len();
        let pending: Vec<_> = members
            .iter()
            .map(|name| {
                let together = match branch_of(name) {
                    None => [name.clone()].into(),
                    Some(branch) => self.branches[branch].present.clone(),
                };
                let transitional_set = members
                    .iter()
                    .filter(|other| together.contains(*other))
                    .cloned()
                    .collect();
                (name.clone(), transitional_set)
            })
            .collect();
        self.branches.push(Branch::new(view, members.clone()));
        for (name, transitional_set) in pending {
            self.processes.get_mut(&name).expect("live").pending = Some(Pending {
                branch: new,
                transitional_set,
                cause: cause.clone(),
            });
        }
        self.components[index].phase = Phase::Installing { members };
    }

    /// Whether the members without `joiner` are all of one view.
    fn directly_follows(&self, members: &[MemberId], joiner: Option<&MemberId>) -> bool {
        let old: BTreeSet<&MemberId> = members
            .iter()
            .filter(|name| Some(*name) != joiner)
            .collect();
        let joiner_is_new = joiner.is_none_or(|name| self.processes[name].branch.is_none());
        let branches: BTreeSet<_> = old
            .iter()
            .map(|name| self.processes[*name].branch)
            .collect();
        joiner_is_new
            && match branches.first() {
                None => true,
                Some(Some(branch)) if branches.len() == 1 => {
                    self.branches[*branch]
                        .members
                        .iter()
                        .collect::<BTreeSet<_>>()
                        == old
                }
                Some(_) => false,
            }
    }

    /// Whether the members with `gone` are all of one view.
    fn directly_precedes(&self, members: &[MemberId], gone: &MemberId) -> bool {
        let branches: BTreeSet<_> = members
            .iter()
            .map(|name| self.processes[name].branch)
            .collect();
        match branches.first() {
            Some(Some(branch)) if branches.len() == 1 => {
                let before: BTreeSet<_> = self.branches[*branch].members.iter().collect();
                let mut now: BTreeSet<_> = members.iter().collect();
                now.insert(gone) && before == now
            }
            Some(_) | None => false,
        }
    }

    // Steps

    /// One random step of some process; false if nobody can do anything.
    pub fn step(&mut self, traffic: Traffic) -> bool {
        if self.install_views() {
            return true;
        }
        let mut names: Vec<MemberId> = self.processes.keys().cloned().collect();
        self.dice.shuffle(&mut names);
        names
            .iter()
            .any(|name| !self.processes[name].held && self.step_of(name, traffic))
    }

    /// One random step of one process; false if it has nothing to do.
    pub fn step_of(&mut self, name: &MemberId, traffic: Traffic) -> bool {
        let process = &self.processes[name];
        if traffic == Traffic::Busy && process.pending.is_none() {
            if self.dice.one_in(6) && self.send_data(name, None) {
                return true;
            }
            if self.dice.one_in(60) && self.request_refresh(name) {
                return true;
            }
        }
        let process = &self.processes[name];
        let mut deliveries = match (&process.pending, process.branch) {
            (Some(_), _) => {
                self.take_membership(name);
                return true;
            }
            (None, None) => Vec::new(),
            (None, Some(branch)) => self.branches[branch].deliveries(name, &process.position),
        };
        // The application may take its time.
        if process.consent_due
            && !process.withholds
            && (deliveries.is_empty() || self.dice.one_in(4))
        {
            self.permit(name);
            return true;
        }
        if deliveries.is_empty() {
            return false;
        }
        let chosen = deliveries.swap_remove(self.dice.below(deliveries.len()));
        self.deliver(name, &chosen);
        true
    }

    /// Steps until nothing is left to do; false if that takes too long.
    pub fn settle(&mut self) -> bool {
        (0..200_000).any(|_| !self.step(Traffic::Quiet))
    }

    /// Keeps a process from doing anything, or lets it go on.
    pub fn hold(&mut self, name: &MemberId, held: bool) {
        self.processes.get_mut(name).expect("live").held = held;
    }

    /// Keeps an application from answering secure flush requests, or lets it answer.
    pub fn withhold(&mut self, name: &MemberId, withholds: bool) {
        self.processes.get_mut(name).expect("live").withholds = withholds;
    }

    /// Delivers the next entry of the log to a process, with what it comes behind; false if there
    /// is none.
    pub fn deliver_log(&mut self, name: &MemberId) -> bool {
        for _ in 0..10_000 {
            let process = &self.processes[name];
            let Some(branch) = process.branch else {
                return false;
            };
            let deliveries = self.branches[branch].deliveries(name, &process.position);
            if let Some(log) = deliveries.iter().find(|d| matches!(d, Delivery::Log)) {
                let log = log.clone();
                self.deliver(name, &log);
                return true;
            }
            let Some(first) = deliveries.first().cloned() else {
                return false;
            };
            self.deliver(name, &first);
        }
        false
    }

    fn take_membership(&mut self, name: &MemberId) {
        let shares = self.algebra.drawn();
        let process = self.processes.get_mut(name).expect("live");
        let Some(pending) = process.pending.take() else {
            return;
        };
        process.branch = Some(pending.branch);
        process.position = Position::default();
        process.flushed = false;
        process.asked = false;
        let branch = &self.branches[pending.branch];
        let view = View {
            id: branch.view,
            members: branch.members.clone(),
            transitional_set: pending.transitional_set,
            cause: pending.cause,
        };
        let state = process.driver.state_name();
        self.note(
            name,
            Entry::Membership {
                view: view.clone(),
                state,
                shares,
            },
        );
        self.feed(name, Input::Membership(view));
    }

    fn deliver(&mut self, name: &MemberId, delivery: &Delivery) {
        let process = self.processes.get_mut(name).expect("live");
        let branch = process
            .branch
            .expect("a process with deliveries has a branch");
        let Some(entry) = self.branches[branch].deliver(delivery, name, &mut process.position)
        else {
            return;
        };
        match entry {
            LogEntry::FlushRequest => {
                process.asked = true;
                self.note(name, Entry::FlushRequest);
                self.feed(name, Input::FlushRequest);
            }
            LogEntry::Signal => {
                self.note(name, Entry::Signal);
                self.feed(name, Input::TransitionalSignal);
            }
            LogEntry::Message(message) => {
                let in_view = self.branches[branch].view;
                match &message.body {
                    Body::Token { kind, bytes } => {
                        let before = self.processes[name].driver.stats().tokens_accepted;
                        let sender = message.sender.clone();
                        let kind = Some(*kind);
                        self.feed(
                            name,
                            Input::Token {
                                sender,
                                kind,
                                bytes: bytes.clone(),
                            },
                        );
                        let after = self.processes[name].driver.stats().tokens_accepted;
                        if after > before && message.view != in_view {
                            self.violation("I18", format!("{name} accepted a foreign token"));
                        }
                    }
                    Body::Data(parcel) => self.receive_data(name, parcel.clone()),
                }
            }
        }
    }

    fn receive_data(&mut self, name: &MemberId, parcel: Parcel) {
        let known = self.processes[name].keys.contains(&parcel.key);
        let input = if known {
            Input::Data(parcel)
        } else {
            Input::EarlyData(parcel)
        };
        self.feed(name, input);
    }

    /// Gives an arbitrary input to a process, as hostile tests do.
    pub fn feed(&mut self, name: &MemberId, input: Input<Parcel>) {
        let process = self.processes.get_mut(name).expect("live");
        let result = process.driver.handle(input, 1_000, self.dice.rng());
        if let Err(error) = result {
            self.violation("I17", format!("{name}: {error}"));
        }
        self.carry_out(name);
    }

    /// Feeds what an application asks; gives back its error.
    fn ask(&mut self, name: &MemberId, input: Input<Parcel>) -> Result<(), Error> {
        let process = self.processes.get_mut(name).expect("live");
        let result = process.driver.handle(input, 1_000, self.dice.rng());
        self.carry_out(name);
        result
    }

    fn carry_out(&mut self, name: &MemberId) {
        loop {
            let process = self.processes.get_mut(name).expect("live");
            let Some(output) = process.driver.poll_output() else {
                break;
            };
            self.output(name, output);
        }
        let process = &self.processes[name];
        self.trace.lives[process.life].stats = process.driver.stats().clone();
    }

    fn output(&mut self, name: &MemberId, output: Output<Parcel>) {
        let process = self.processes.get_mut(name).expect("live");
        match output {
            Output::Send(transmission) => self.send_token(name, transmission),
            Output::FlushOk => {
                let asked = core::mem::replace(&mut process.asked, false);
                process.flushed = true;
                self.note(name, Entry::FlushOk);
                if !asked {
                    self.violation("I16", format!("{name}: Flush_Ok without a request"));
                }
            }
            Output::Install { view, secret } => {
                let key = secret.expose().to_vec();
                if view.epoch == 0 {
                    process.keys.clear();
                    process.sent_in_view = 0;
                }
                process.keys.push(key.clone());
                process.secure = Some(view.clone());
                self.note(name, Entry::Install { view, key });
            }
            Output::SecureFlushRequest => {
                process.consent_due = true;
                self.note(name, Entry::SecureFlushRequest);
            }
            Output::SecureTransitionalSignal => self.note(name, Entry::SecureSignal),
            Output::Deliver(parcel) => {
                if process.keys.contains(&parcel.key) {
                    self.note(name, Entry::Delivered(parcel.id));
                } else if process.driver.keeps_early_data() {
                    // Ahead by more than one refresh.
                    self.feed(name, Input::EarlyData(parcel));
                } else {
                    self.violation("I5", format!("{name} cannot open message {}", parcel.id));
                }
            }
            Output::Failed(failure) => {
                self.tell(format!("{name}: {} of {}", failure.reason, failure.culprit));
            }
        }
    }

    // Sending

    fn send_token(&mut self, name: &MemberId, transmission: Transmission) {
        let Transmission {
            to,
            service,
            kind,
            bytes,
        } = transmission;
        let process = &self.processes[name];
        let Some(branch) = process.branch.filter(|_| !process.flushed) else {
            return self.violation("I15", format!("{name} sent {kind} after Flush_Ok"));
        };
        let bytes = Bytes::from(bytes);
        self.overheard.push((name.clone(), kind, bytes.clone()));
        self.trace.tokens.push(TokenRecord {
            life: process.life,
            view: self.branches[branch].view,
            kind,
            refresh: process.driver.state_name() == "REFRESHING"
                || kind == TokenKind::RefreshRequest,
            to: to.clone(),
        });
        let agreed = service == TokenService::Agreed;
        let body = Body::Token { kind, bytes };
        self.branches[branch].send(name, to, agreed, &process.position, body);
    }

    /// Lets an application send; a random service unless told. False if it may not.
    pub fn send_data(&mut self, name: &MemberId, service: Option<TokenService>) -> bool {
        let agreed = match service {
            Some(service) => service == TokenService::Agreed,
            None => self.dice.one_in(2),
        };
        let process = self.processes.get_mut(name).expect("live");
        let (Ok(()), Some(branch), Some(secure)) = (
            process.driver.send_permission(),
            process.branch,
            &process.secure,
        ) else {
            return false;
        };
        let id = self.parcels;
        let index = process.sent_in_view;
        process.sent_in_view += 1;
        self.parcels += 1;
        let order = agreed.then_some(self.orders);
        self.orders += 1;
        let parcel = Parcel {
            id,
            key: process.keys.last().cloned().unwrap_or_default(),
        };
        self.trace.data.insert(
            id,
            Record {
                life: process.life,
                view: secure.id,
                index,
                order,
            },
        );
        let flushed = process.flushed;
        let body = Body::Data(parcel);
        let process = &self.processes[name];
        self.branches[branch].send(name, Recipient::Group, agreed, &process.position, body);
        self.note(name, Entry::Sent(id));
        if flushed {
            self.violation("I15", format!("{name} sent data after Flush_Ok"));
        }
        true
    }

    /// Lets an application ask for a refresh; false if it may not.
    pub fn request_refresh(&mut self, name: &MemberId) -> bool {
        self.ask(name, Input::RequestRefresh).is_ok()
    }

    /// Lets the application answer, if it was asked.
    pub fn permit(&mut self, name: &MemberId) {
        let process = self.processes.get_mut(name).expect("live");
        if core::mem::replace(&mut process.consent_due, false) {
            self.note(name, Entry::SecureFlushOk);
            if let Err(error) = self.ask(name, Input::SecureFlushOk) {
                self.violation(
                    "I14",
                    format!("{name}: {error} after a secure flush request"),
                );
            }
        }
    }

    /// Whether the application owes an answer.
    pub fn consent_due(&self, name: &MemberId) -> bool {
        self.processes
            .get(name)
            .is_some_and(|process| process.consent_due)
    }

    // Bookkeeping

    fn note(&mut self, name: &MemberId, entry: Entry) {
        let life = self.processes[name].life;
        self.trace.lives[life].entries.push(entry);
    }

    fn violation(&mut self, invariant: &'static str, message: String) {
        self.trace.violations.push(Violation { invariant, message });
    }

    /// Notes a deed of the adversary.
    pub fn tell(&mut self, what: String) {
        self.trace.story.push(what.to_string());
    }
}
