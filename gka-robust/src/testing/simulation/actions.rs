//! All that can happen next, for an exploration.

use core::hash::{Hash, Hasher};
use std::collections::hash_map::DefaultHasher;

use super::*;
use crate::testing::dice::Script;

/// Something that can happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A process takes its next view.
    Take(MemberName),
    /// The next entry of the common order is delivered to a process.
    DeliverLog(MemberName),
    /// The next FIFO message of the second is delivered to the first.
    DeliverFifo(MemberName, MemberName),
    /// An application answers its secure flush request.
    Permit(MemberName),
    /// An application asks for a refresh.
    Refresh(MemberName),
    /// These become one component, what is left of theirs others.
    Gather(BTreeSet<MemberName>),
    /// A process crashes.
    Crash(MemberName),
    /// A process joins the component of another, or a new one.
    Start(MemberName, Option<MemberName>),
}

impl Simulation {
    /// What processes can do.
    pub fn moves(&self) -> Vec<Action> {
        let mut moves = Vec::new();
        for (name, process) in &self.processes {
            if process.pending.is_some() {
                moves.push(Action::Take(*name));
                continue;
            }
            if process.application.consent_due {
                moves.push(Action::Permit(*name));
            }
            if let Some(branch) = process.branch {
                let deliveries = self.branches[branch].deliveries(name, &process.position);
                moves.extend(deliveries.into_iter().map(|delivery| match delivery {
                    Delivery::Log => Action::DeliverLog(*name),
                    Delivery::Fifo(sender) => Action::DeliverFifo(*name, sender),
                }));
            }
        }
        moves
    }

    /// What the adversary can do with processes of these names: cut, heal, crash, start.
    pub fn changes(&self, names: &[MemberName]) -> Vec<Action> {
        let live = self.live();
        let mut changes: Vec<Action> = (1..1_usize << live.len())
            .map(|bits| {
                let side = live.iter().enumerate();
                let side = side.filter(|(place, _)| bits >> place & 1 == 1);
                Action::Gather(side.map(|(_, name)| *name).collect())
            })
            .collect();
        if live.len() > 1 {
            changes.extend(live.iter().cloned().map(Action::Crash));
        }
        for name in names.iter().filter(|name| !live.contains(name)) {
            changes.push(Action::Start(*name, None));
            let firsts = self.components.iter().filter_map(|c| c.members.first());
            changes.extend(firsts.map(|with| Action::Start(*name, Some(*with))));
        }
        changes
    }

    /// What follows from an action, once for each way in which the network can carry it out.
    pub fn outcomes(&self, action: &Action) -> Vec<Self> {
        let mut outcomes = Vec::new();
        let mut script = Some(Script::default());
        while let Some(next) = script {
            let mut outcome = self.clone();
            outcome.dice.follow(next);
            outcome.perform(action);
            while outcome.install_views() {}
            script = outcome.dice.next_script();
            outcomes.push(outcome);
        }
        outcomes
    }

    fn perform(&mut self, action: &Action) {
        self.tell(format!("{action:?}"));
        match action {
            Action::Take(name) => self.take_membership(name),
            Action::DeliverLog(name) => self.deliver(name, &Delivery::Log),
            Action::DeliverFifo(name, sender) => self.deliver(name, &Delivery::Fifo(*sender)),
            Action::Permit(name) => self.permit(name),
            Action::Refresh(name) => {
                self.request_refresh(name);
            }
            Action::Gather(members) => self.gather(members.clone()),
            Action::Crash(name) => self.end(name, Change::Disconnect(*name)),
            Action::Start(name, with) => self.start(name, with.as_ref()),
        }
    }

    /// A hash of everything that what can happen next depends on, and of what the oracle remembers
    /// of the past: the present secure view of each process, and everything about views that
    /// somebody is still in.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.changes.hash(&mut hasher);
        for component in &self.components {
            component.members.hash(&mut hasher);
            match &component.phase {
                Phase::Settled => 0.hash(&mut hasher),
                Phase::Forming(change) => (1, change).hash(&mut hasher),
                Phase::Installing { members } => (2, members).hash(&mut hasher),
            }
        }
        let mut current: BTreeSet<ViewId> = BTreeSet::new();
        for (name, process) in &self.processes {
            name.hash(&mut hasher);
            let Process {
                life,
                tape,
                driver,
                branch,
                position,
                pending,
                flushed,
                asked,
                held: _,
                // For the count of rounds only.
                round: _,
                application,
            } = &**process;
            let Application {
                consent_due,
                withholds: _,
                // The driver has it.
                secure: _,
                keys,
                past_keys: _,
                sent_in_view,
                seen,
            } = application;
            (life, position, flushed, asked, consent_due).hash(&mut hasher);
            (keys, sent_in_view, seen).hash(&mut hasher);
            driver.fingerprint(&mut hasher);
            if let Some(tape) = tape {
                tape.fingerprint(&mut hasher);
            }
            if let Some(pending) = pending {
                (&pending.transitional_set, &pending.cause, pending.changes).hash(&mut hasher);
            }
            let branches = [*branch, pending.as_ref().map(|pending| pending.branch)];
            for branch in branches.into_iter().flatten() {
                let branch = &*self.branches[branch];
                current.insert(branch.view);
                branch.hash(&mut hasher);
            }
        }
        self.hash_past(&current, &mut hasher);
        hasher.finish()
    }

    fn hash_past(&self, current: &BTreeSet<ViewId>, hasher: &mut DefaultHasher) {
        for life in &self.trace.lives {
            (&life.member, life.end == End::Running).hash(hasher);
            let of_view =
                |entry: &&Entry| matches!(entry, Entry::Install { view, .. } if view.epoch == 0);
            let stay = match life.end {
                End::Running => life
                    .entries
                    .iter()
                    .rposition(|entry| of_view(&entry))
                    .unwrap_or(0),
                End::Gone => life.entries.len(),
            };
            let mut previous: Option<ViewId> = None;
            for (place, entry) in life.entries.iter().enumerate() {
                let relevant = match entry {
                    Entry::Membership { view, .. } => current.contains(&view.id),
                    Entry::Install { view, .. } => current.contains(&view.view.id),
                    // Nothing else names a view.
                    _ => false,
                };
                if relevant || place >= stay {
                    (previous, entry).hash(hasher);
                }
                if let Entry::Install { view, .. } = entry {
                    previous = Some(view.view.id);
                }
            }
        }
        for token in self
            .trace
            .tokens
            .iter()
            .filter(|t| current.contains(&t.view))
        {
            (token.life, token.view, token.kind, token.run).hash(hasher);
            match &token.to {
                Recipient::Group => None,
                Recipient::Member(member) => Some(member),
            }
            .hash(hasher);
        }
    }
}
