//! VS views: when they are ready, and what is in them.

use sha2::{Digest, Sha256};

use super::*;

impl Simulation {
    /// Installs the views that are ready; says whether there was one.
    pub(super) fn install_views(&mut self) -> bool {
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

    pub(super) fn is_ready(&self, name: &MemberName) -> bool {
        let process = &self.processes[name];
        if process.pending.is_some() {
            return false;
        }
        process.branch.is_none_or(|branch| {
            process.flushed && self.branches[branch].drained(name, &process.position)
        })
    }

    pub(super) fn form_view(&mut self, index: usize) {
        let component = &self.components[index];
        let Phase::Forming(change) = &component.phase else {
            return;
        };
        let change = change.clone();
        let mut members: Vec<MemberName> = component.members.iter().cloned().collect();
        self.dice.shuffle(&mut members);

        let branch_of = |name: &MemberName| self.processes[name].branch;
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
        let view = self.name_view(&members);
        let lives = members
            .iter()
            .map(|name| self.processes[name].life)
            .collect();
        self.trace.views.insert(view, lives);
        let new = self.branches.len();
        let pending: Vec<_> = members
            .iter()
            .map(|name| {
                let together = match branch_of(name) {
                    None => [*name].into(),
                    Some(branch) => self.branches[branch].present.clone(),
                };
                let transitional_set = members
                    .iter()
                    .filter(|other| together.contains(*other))
                    .cloned()
                    .collect();
                (*name, transitional_set)
            })
            .collect();
        self.branches
            .push(Rc::new(Branch::new(view, members.clone())));
        for (name, transitional_set) in pending {
            live(&mut self.processes, &name).pending = Some(Pending {
                branch: new,
                transitional_set,
                cause,
                changes: self.changes,
            });
        }
        self.components[index].phase = Phase::Installing { members };
    }

    /// An identifier: a function of what the adversary has done and who is in the view, unlike that
    /// of any other view. Identifiers do not grow.
    fn name_view(&self, members: &[MemberName]) -> ViewId {
        let mut hash = Sha256::new();
        hash.update(self.changes.to_be_bytes());
        for member in members {
            hash.update(member.as_bytes());
            hash.update([0]);
        }
        let mut id = [0; 12];
        id.copy_from_slice(&hash.finalize()[..12]);
        ViewId(id)
    }

    /// Whether the members without `joiner` are all of one view.
    pub(super) fn directly_follows(
        &self,
        members: &[MemberName],
        joiner: Option<&MemberName>,
    ) -> bool {
        let old: BTreeSet<&MemberName> = members
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
    pub(super) fn directly_precedes(&self, members: &[MemberName], gone: &MemberName) -> bool {
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
}
