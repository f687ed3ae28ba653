//! Processes with drivers and applications in a network that an adversary cuts and heals.

mod actions;
mod adversary;
mod sending;
mod steps;
mod views;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    rc::Rc,
    string::String,
    sync::Arc,
    vec::Vec,
};

pub use actions::Action;
use bytes::Bytes;
use cliques::{
    MemberName, NamedGroup, Protocol, ReceivedToken, Recipient, TokenKind, TokenService,
    testing::symbolic::Algebra,
};

use super::{
    Dice,
    branch::{Body, Branch, Delivery, LogEntry, Parcel, Position},
    faults::{Fault, FaultyDriver},
    memory::{check_fresh_start, check_installed},
    suite::Tape,
    trace::{DataSent, End, Entry, Life, TokenSent, Trace, Violation},
};
use crate::{
    Algorithm, Cause, Error, Input, Output, RobustDriver, SecureView, Transmission, View, ViewId,
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
    /// Key agreement suite.
    pub protocol: Protocol,
    /// Algorithm.
    pub algorithm: Algorithm,
    /// Mathematical group.
    pub suite: Suite,
    /// What is wrong with all drivers, if anything.
    pub fault: Option<Fault>,
}

impl Options {
    /// Correct drivers of the basic algorithm over symbolic elements.
    pub const fn new(seed: u64) -> Self {
        Self::of(Protocol::GDH, Algorithm::Basic, seed)
    }

    /// Correct drivers over symbolic elements.
    pub const fn of(protocol: Protocol, algorithm: Algorithm, seed: u64) -> Self {
        Self {
            seed,
            protocol,
            algorithm,
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
#[derive(Clone, Debug, Hash)]
pub enum Change {
    /// This member started and joins.
    Join(MemberName),
    /// This member is gone, on purpose.
    Leave(MemberName),
    /// This member is gone.
    Disconnect(MemberName),
    /// The network changed.
    Network,
}

#[derive(Clone, Debug, Hash)]
struct Pending {
    branch: usize,
    transitional_set: Vec<MemberName>,
    cause: Cause,
    /// Changes by the adversary when the view was made.
    changes: u32,
}

/// A live process.
#[derive(Debug)]
struct Process {
    life: usize,
    /// How to copy the suite, if it is symbolic.
    tape: Option<Tape>,
    driver: FaultyDriver<Parcel>,
    branch: Option<usize>,
    position: Position,
    /// A membership that is to be taken.
    pending: Option<Pending>,
    /// Flush_Ok was given in this VS view.
    flushed: bool,
    /// A flush request was delivered in this VS view, and not answered.
    asked: bool,
    held: bool,
    /// Round of the latest token delivered in this VS view.
    round: usize,
    application: Application,
}

/// The application of a process.
#[derive(Clone, Debug, Default)]
struct Application {
    /// It was asked to permit a view change.
    consent_due: bool,
    /// It does not answer by itself.
    withholds: bool,
    secure: Option<SecureView>,
    /// Keys of all epochs of the secure view. A FIFO message has no bound on how late it is, so
    /// the model forgets none.
    keys: Vec<Vec<u8>>,
    /// All keys so far.
    past_keys: Vec<Vec<u8>>,
    sent_in_view: u64,
    /// Data delivered in the secure view, by the sender's life: the last one's index plus one.
    seen: BTreeMap<usize, u64>,
}

/// Where a token came from.
#[derive(Clone, Copy, Debug)]
struct Origin {
    view: ViewId,
    run: u32,
    round: usize,
}

/// Live processes by name.
type Processes = BTreeMap<MemberName, Rc<Process>>;

/// A live process, to be changed.
fn live<'a>(processes: &'a mut Processes, name: &MemberName) -> &'a mut Process {
    let process = processes.get_mut(name).expect("live");
    if Rc::get_mut(process).is_none() {
        *process = Rc::new(process.fork());
    }
    Rc::get_mut(process).expect("just made")
}

impl Process {
    /// A copy, around a copy of its suite.
    fn fork(&self) -> Self {
        let tape = self
            .tape
            .as_ref()
            .expect("symbolic suites only can be copied");
        let (tape, suite) = tape.replay();
        Self {
            life: self.life,
            tape: Some(tape),
            driver: self.driver.fork(suite),
            branch: self.branch,
            position: self.position.clone(),
            pending: self.pending.clone(),
            flushed: self.flushed,
            asked: self.asked,
            held: self.held,
            round: self.round,
            application: self.application.clone(),
        }
    }
}

/// Processes that can reach one another.
#[derive(Clone, Debug)]
struct Component {
    members: BTreeSet<MemberName>,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Settled,
    /// Waits until all have flushed and have everything.
    Forming(Change),
    /// The view is there, and not taken by all.
    Installing {
        members: Vec<MemberName>,
    },
}

/// The simulation. Clones part: what happens in one does not happen in the other. They are for
/// symbolic suites only.
#[derive(Clone, Debug)]
pub struct Simulation {
    options: Options,
    dice: Dice,
    algebra: Arc<Algebra>,
    /// Shared by simulations that have parted, until one of them changes them.
    processes: Processes,
    branches: Vec<Rc<Branch>>,
    components: Vec<Component>,
    trace: Trace,
    /// Changes by the adversary so far.
    changes: u32,
    parcels: u64,
    orders: u64,
    /// Tokens seen on the way, for replays.
    overheard: Rc<Vec<(MemberName, TokenKind, Bytes)>>,
    /// View, run and round in which each token was sent.
    origins: Rc<BTreeMap<Bytes, Origin>>,
}

/// A member by name.
pub fn member(name: &str) -> MemberName {
    MemberName::try_from(name).expect("names of tests are legal")
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
            changes: 0,
            parcels: 0,
            orders: 0,
            overheard: Rc::default(),
            origins: Rc::default(),
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

    /// The same, for tests of the oracle to doctor.
    pub const fn trace_mut(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// What it is made of.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The shares, if the suite is symbolic.
    pub fn algebra(&self) -> Option<&Arc<Algebra>> {
        match self.options.suite {
            Suite::Symbolic => Some(&self.algebra),
            Suite::Real(_) => None,
        }
    }

    /// The driver of a live process.
    pub fn driver(&self, name: &MemberName) -> Option<&RobustDriver<Parcel>> {
        self.processes.get(name).map(|process| &*process.driver)
    }

    /// Live processes.
    pub fn live(&self) -> Vec<MemberName> {
        self.processes.keys().cloned().collect()
    }

    /// The components, as sets of members.
    pub fn components(&self) -> Vec<BTreeSet<MemberName>> {
        self.components
            .iter()
            .map(|component| component.members.clone())
            .collect()
    }

    /// Tokens on the wire so far: sender, kind, bytes.
    pub fn overheard(&self) -> &[(MemberName, TokenKind, Bytes)] {
        &self.overheard
    }

    // Bookkeeping

    pub(super) fn note(&mut self, name: &MemberName, entry: Entry) {
        let life = self.processes[name].life;
        self.trace.lives[life].entries.push(entry);
    }

    pub(super) fn violation(&mut self, invariant: &'static str, message: String) {
        self.trace.violations.push(Violation { invariant, message });
    }

    /// Counts a change by the adversary.
    fn count_change(&mut self, what: String) {
        self.changes += 1;
        self.tell(what);
    }

    /// Notes what happens, for the story of a failure.
    pub fn tell(&mut self, what: String) {
        self.trace.story.push(what.into());
    }
}
