//! Changes of the network: who stays together, and what is still delivered.

use std::collections::BTreeSet;

use gcs_proto::gcs::{Cause, GcsEvent, Membership, View};

use super::{Component, Entry, Group, Network, Op, group, view_id};

impl Network {
    /// Moves every daemon to the component that `place` names.
    pub fn reconfigure(&mut self, place: &[usize]) {
        let old_place = std::mem::replace(&mut self.place, place.to_vec());
        let old = std::mem::take(&mut self.components);
        let changes = self.path[0].len();
        for (path, place) in self.path.iter_mut().zip(place) {
            path.push(*place);
        }
        let count = place.iter().max().unwrap() + 1;
        self.clock += 2;
        for new in 0..count {
            // The groups of those who stay together, and whether they have lost somebody.
            let mut parts: Vec<(Group, bool)> = Vec::new();
            for (number, component) in old.iter().enumerate() {
                let stay: BTreeSet<usize> = (0..self.processes.len())
                    .filter(|process| {
                        let daemon = self.processes[*process].daemon;
                        place[daemon] == new && old_place[daemon] == number
                    })
                    .collect();
                if !stay.is_empty() {
                    let pair = ((self.clock - 1) << 16) | ((number << 8) | new) as u64;
                    parts.push(self.transition(component, &stay, pair));
                }
            }
            let members: BTreeSet<usize> = parts
                .iter()
                .flat_map(|(part, _)| part.members.iter().copied())
                .collect();
            let filled = parts.iter().filter(|(part, _)| !part.members.is_empty());
            let changed = parts.iter().any(|(_, lost)| *lost) || filled.clone().count() > 1;
            let kept = filled.clone().next().map(|(part, _)| part.id);
            let id = match kept {
                Some(id) if !changed => id,
                Some(_) | None => (
                    (self.clock << 16) | new as u64,
                    u32::from(!members.is_empty()),
                ),
            };
            if changed {
                for (part, _) in &parts {
                    for member in &part.members {
                        let event = GcsEvent::Membership(Membership {
                            group: group(),
                            view: View {
                                id: view_id(id),
                                members: self.names(&members),
                                cause: Cause::Network,
                                transitional_set: self.names(&part.members),
                            },
                        });
                        self.processes[*member]
                            .backlog
                            .push_back((changes + 1, event));
                    }
                }
            }
            self.components.push(Component {
                log: Vec::new(),
                states: vec![Group {
                    members,
                    id,
                    era: (self.clock << 16) | new as u64,
                }],
            });
        }
        for process in &mut self.processes {
            process.position = 0;
            process.delivered = 0;
            process.ahead.clear();
        }
    }

    /// Finishes the log of `component` for those who stay together; `pair` is the first half of
    /// the ids of changes in between.
    fn transition(
        &mut self,
        component: &Component,
        stay: &BTreeSet<usize>,
        pair: u64,
    ) -> (Group, bool) {
        let least = stay.iter().map(|m| self.processes[*m].delivered).max();
        let least = least.unwrap_or(0);
        let cut = least + self.random.below(component.log.len() - least + 1);
        let changes = self.path[0].len();
        for (index, entry) in component.log[..cut].iter().enumerate() {
            self.finish(entry, index, stay, changes - 1);
        }
        let mut state = component.states[cut].clone();
        state.era = pair;
        let unreachable: BTreeSet<usize> = state.members.difference(stay).copied().collect();
        if !unreachable.is_empty() {
            state.id = (pair, 1);
            for member in state.members.intersection(stay) {
                let signal = GcsEvent::TransitionalSignal { group: group() };
                self.processes[*member].backlog.push_back((changes, signal));
            }
        }
        let mut gap = false;
        for (index, entry) in component.log.iter().enumerate().skip(cut) {
            let foreign = !stay.contains(&entry.op.process());
            gap |= foreign && (!matches!(entry.op, Op::Send(..)) || self.random.chance(30));
            if foreign && gap {
                continue;
            }
            let entry = Entry {
                op: entry.op.clone(),
                events: self.apply(&entry.op, &mut state, &unreachable),
            };
            self.finish(&entry, index, stay, changes);
        }
        state.members.retain(|member| stay.contains(member));
        (state, !unreachable.is_empty())
    }

    fn finish(&mut self, entry: &Entry, index: usize, stay: &BTreeSet<usize>, changes: usize) {
        for (process, events) in &entry.events {
            let state = &mut self.processes[*process];
            if stay.contains(process) && index >= state.position && !state.ahead.contains(&index) {
                let events = events.iter().map(|event| (changes, event.clone()));
                state.backlog.extend(events);
            }
        }
    }
}
