//! Changes by the adversary: starts, crashes, partitions and merges.

use super::*;
use crate::testing::trio::config_for;

impl Simulation {
    /// Starts a process and lets it join the component of `with`, or a component of its own.
    pub fn start(&mut self, name: &MemberName, with: Option<&MemberName>) {
        assert!(!self.processes.contains_key(name), "{name} lives");
        self.count_change(format!("start {name}, with {with:?}"));
        let life = self.trace.lives.len();
        let design = (self.options.protocol, self.options.algorithm);
        let mut config = config_for(*name, design);
        if let Suite::Real(group) = &self.options.suite {
            config.mathematical_group = (*group).into();
        }
        let fault = self.options.fault;
        let (tape, driver) = match &self.options.suite {
            Suite::Symbolic => {
                let (tape, suite) = Tape::record(&self.algebra, config.protocol, name, life, fault);
                (Some(tape), FaultyDriver::new(config, suite, fault))
            }
            Suite::Real(_) => {
                let driver = RobustDriver::new(config);
                (
                    None,
                    driver.map(|driver| FaultyDriver::around(*name, driver, fault)),
                )
            }
        };
        let driver = driver.expect("options name an algorithm of their suite");
        self.trace.lives.push(Life {
            member: *name,
            entries: Vec::new(),
            end: End::Running,
            stats: driver.stats().clone(),
        });
        let process = Process {
            life,
            tape,
            driver,
            branch: None,
            position: Position::default(),
            pending: None,
            flushed: false,
            asked: false,
            held: false,
            round: 0,
            application: Application::default(),
        };
        self.processes.insert(*name, Rc::new(process));
        let mut members: BTreeSet<_> = with.map(|with| self.component_of(with)).unwrap_or_default();
        members.insert(*name);
        self.reconfigure(members, Change::Join(*name));
    }

    /// Ends a process.
    pub fn end(&mut self, name: &MemberName, change: Change) {
        self.count_change(format!("end {name}: {change:?}"));
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

    pub(super) fn close_life(&mut self, name: &MemberName) {
        if let Some(process) = self.processes.remove(name) {
            let life = &mut self.trace.lives[process.life];
            life.end = End::Gone;
            life.stats = process.driver.stats().clone();
        }
    }

    /// Makes `members`, wherever they are, one component.
    pub fn gather(&mut self, members: BTreeSet<MemberName>) {
        self.count_change(format!("gather {members:?}"));
        let left_over: Vec<BTreeSet<MemberName>> = self
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
    pub fn cut(&mut self, side: &BTreeSet<MemberName>) {
        let Some(first) = side.first() else { return };
        let whole = self.component_of(first);
        let rest: BTreeSet<_> = whole.difference(side).cloned().collect();
        self.count_change(format!("cut {side:?} | {rest:?}"));
        self.reconfigure(side.clone(), Change::Network);
        if !rest.is_empty() {
            self.reconfigure(rest, Change::Network);
        }
    }

    pub(super) fn component_of(&self, name: &MemberName) -> BTreeSet<MemberName> {
        self.components
            .iter()
            .find(|component| component.members.contains(name))
            .map(|component| component.members.clone())
            .unwrap_or_default()
    }

    /// The members become a component, which works at its next view from here on.
    pub(super) fn reconfigure(&mut self, members: BTreeSet<MemberName>, change: Change) {
        // A view that some of those who go on together have, all of them get.
        for index in 0..self.components.len() {
            let Phase::Installing { members: listed } = &self.components[index].phase else {
                continue;
            };
            let together: Vec<MemberName> = listed
                .iter()
                .filter(|name| members.contains(*name))
                .cloned()
                .collect();
            let behind = |name: &&MemberName| self.processes[*name].pending.is_some();
            let some_have_it = !together.iter().all(|name| behind(&name));
            if some_have_it || self.dice.one_in(2) {
                continue;
            }
            for name in together {
                live(&mut self.processes, &name).pending = None;
            }
        }
        for component in &mut self.components {
            component.members.retain(|name| !members.contains(name));
        }
        self.components
            .retain(|component| !component.members.is_empty());

        // Those who are in one branch go on in one branch.
        let mut sides: BTreeMap<usize, BTreeSet<MemberName>> = BTreeMap::new();
        for name in &members {
            let process = &self.processes[name];
            let branch = process
                .pending
                .as_ref()
                .map(|pending| pending.branch)
                .or(process.branch);
            if let Some(branch) = branch {
                sides.entry(branch).or_default().insert(*name);
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
            self.branches.push(Rc::new(side));
            for name in &stay {
                let process = live(&mut self.processes, name);
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
}
