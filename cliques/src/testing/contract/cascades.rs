//! Cascades: agreements cut off by view changes, again and again.
//!
//! For suites of which [everything](crate::Survival::Everything) survives a cut. Nine processes
//! join, crash, split and merge at any point of an agreement. The tokens of a view have one order;
//! when the view ends, those who move on together have been delivered the same tokens of it, but
//! others of the same view may have been delivered fewer or more.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use std::format;

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use subtle::ConstantTimeEq;

use crate::{
    Change, GroupSecret, KeyAgreement, MemberName, NamedGroup, Protocol, Step,
    testing::{
        bus::Sent,
        rng::seeded,
        world::{Maker, Past, members},
    },
};

/// Who can ever be there.
const PROCESSES: core::ops::RangeInclusive<usize> = 1..=9;

/// What cascades came to.
#[derive(Debug, Default)]
pub struct Cascades {
    /// Views in which a key was agreed on.
    pub(super) past: Vec<Past>,
    /// Tokens of views in which none was.
    pub(super) stray: Vec<Sent>,
    /// Number of views that were cut off.
    interrupted: usize,
}

impl Cascades {
    /// Views in which a key was agreed on.
    pub const fn completed(&self) -> usize {
        self.past.len()
    }

    /// Views that ended before.
    pub const fn interrupted(&self) -> usize {
        self.interrupted
    }
}

/// Runs random cascades of that many view changes. In every view that completes there is one key,
/// which was never seen before; who is delivered the same tokens completes at the same one; and
/// every view that is left in peace completes.
///
/// # Panics
/// Where that does not hold.
pub fn cascades(protocol: Protocol, group: &NamedGroup, seed: u64, changes: usize) -> Cascades {
    let group = *group;
    with_maker(
        Box::new(move |me| protocol.member(group, me)),
        seed,
        changes,
    )
}

/// [`cascades`] of machines that the caller makes.
pub(super) fn with_maker(maker: Maker, seed: u64, changes: usize) -> Cascades {
    let mut net = Net {
        maker,
        chance: Chance(seeded(seed)),
        processes: BTreeMap::new(),
        views: Vec::new(),
        result: Cascades::default(),
        made: seed,
    };
    for _ in 0..changes {
        net.change();
        let patience = net.chance.below(60);
        for _ in 0..net.chance.below(patience) {
            net.something();
        }
        if net.chance.one_in(4) {
            net.settle();
            net.refresh();
        }
    }
    net.settle();
    for view in core::mem::take(&mut net.views) {
        net.end(view);
    }
    net.result
}

/// Random decisions.
struct Chance(ChaCha20Rng);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(1);
        usize::try_from(self.0.next_u64() % n).unwrap_or(0)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// A process that is up.
struct Process {
    machine: Box<dyn KeyAgreement>,
    rng: ChaCha20Rng,
}

/// A view and its tokens.
struct View {
    members: Vec<MemberName>,
    /// Tokens that are ordered, of which each member was delivered a prefix.
    sequence: Vec<Sent>,
    delivered: BTreeMap<MemberName, usize>,
    /// Tokens that are not ordered yet.
    unordered: Vec<Sent>,
    /// After how many tokens the view completes, and the key.
    complete: Option<(usize, GroupSecret)>,
    done: BTreeSet<MemberName>,
}

struct Net {
    maker: Maker,
    chance: Chance,
    processes: BTreeMap<MemberName, Process>,
    views: Vec<View>,
    result: Cascades,
    made: u64,
}

impl View {
    fn new(members: Vec<MemberName>) -> Self {
        Self {
            delivered: members.iter().map(|member| (*member, 0)).collect(),
            members,
            sequence: Vec::new(),
            unordered: Vec::new(),
            complete: None,
            done: BTreeSet::new(),
        }
    }

    /// Takes what a member answers after so many tokens.
    fn take(&mut self, member: &MemberName, after: usize, step: Step) {
        self.unordered
            .extend(step.send.into_iter().map(|token| Sent {
                round: 1,
                from: *member,
                token,
            }));
        let Some(secret) = step.secret else {
            return;
        };
        assert!(self.done.insert(*member), "{member} completes twice");
        match &self.complete {
            None => self.complete = Some((after, secret)),
            Some((first, agreed)) => {
                assert_eq!(*first, after, "{member} completes elsewhere");
                assert!(
                    bool::from(agreed.ct_eq(&secret)),
                    "{member} has another key"
                );
            }
        }
    }

    /// Who was not delivered everything.
    fn behind(&self) -> Vec<MemberName> {
        self.delivered
            .iter()
            .filter(|(_, count)| **count < self.sequence.len())
            .map(|(member, _)| *member)
            .collect()
    }

    fn deliver(&mut self, processes: &mut BTreeMap<MemberName, Process>, member: &MemberName) {
        let count = self.delivered.get_mut(member).expect("a member");
        let sent = self.sequence[*count].clone();
        *count += 1;
        let after = *count;
        let Process { machine, rng } = processes.get_mut(member).expect("a process");
        let step = machine
            .process(&sent.from, sent.token.kind, &sent.token.body, rng)
            .unwrap_or_else(|error| {
                panic!("{member}: {} of {}: {error}", sent.token.kind, sent.from)
            });
        self.take(member, after, step);
        if let Some((complete, _)) = &self.complete {
            assert_eq!(
                *complete <= after,
                self.done.contains(member),
                "{member} after {after} tokens, complete after {complete}"
            );
        }
    }

    /// Orders one of the tokens that are not.
    fn order(&mut self, chance: &mut Chance) {
        if !self.unordered.is_empty() {
            let next = chance.below(self.unordered.len());
            self.sequence.push(self.unordered.remove(next));
        }
    }
}

impl Net {
    /// One token is ordered or delivered somewhere.
    fn something(&mut self) {
        let place = self.chance.below(self.views.len());
        let Some(view) = self.views.get_mut(place) else {
            return;
        };
        let behind = view.behind();
        if behind.is_empty() || self.chance.one_in(4) {
            view.order(&mut self.chance);
        } else {
            let member = &behind[self.chance.below(behind.len())];
            view.deliver(&mut self.processes, member);
        }
    }

    /// Everything is delivered: all views must complete.
    fn settle(&mut self) {
        for view in &mut self.views {
            loop {
                let behind = view.behind();
                match behind.is_empty() {
                    true if view.unordered.is_empty() => break,
                    true => view.order(&mut self.chance),
                    false => {
                        let member = &behind[self.chance.below(behind.len())];
                        view.deliver(&mut self.processes, member);
                    }
                }
            }
            assert_eq!(
                view.done.len(),
                view.members.len(),
                "a quiet view completes"
            );
        }
    }

    /// A view that has settled gets a new key.
    fn refresh(&mut self) {
        let place = self.chance.below(self.views.len());
        if place >= self.views.len() {
            return;
        }
        let old = self.views.swap_remove(place);
        let mut view = View::new(old.members.clone());
        self.end(old);
        for member in view.members.clone() {
            let Process { machine, rng } = self.processes.get_mut(&member).expect("a process");
            let step = machine.refresh(rng).expect("a refresh");
            view.take(&member, 0, step);
        }
        self.views.push(view);
    }

    /// Processes crash and come back, and the network takes another shape.
    fn change(&mut self) {
        let all = members(PROCESSES);
        let mut shape: Vec<Vec<MemberName>> = Vec::new();
        shape.resize_with(1 + self.chance.below(3), Vec::new);
        for process in all {
            let up = match self.processes.contains_key(&process) {
                true => !self.chance.one_in(8),
                false => self.chance.one_in(2),
            };
            if up {
                let place = self.chance.below(shape.len());
                shape[place].push(process);
            } else {
                self.processes.remove(&process);
            }
        }
        // Those who go on together are delivered the same tokens of the old view.
        let mut together: BTreeMap<MemberName, (Vec<MemberName>, Vec<MemberName>)> =
            BTreeMap::new();
        for mut old in core::mem::take(&mut self.views) {
            for _ in 0..self.chance.below(3) {
                old.order(&mut self.chance);
            }
            for new in &shape {
                let moving: Vec<MemberName> = old
                    .members
                    .iter()
                    .filter(|member| new.contains(member) && self.processes.contains_key(*member))
                    .copied()
                    .collect();
                let most = moving.iter().map(|member| old.delivered[member]).max();
                let Some(most) = most else {
                    continue;
                };
                let cut = most + self.chance.below(old.sequence.len() - most + 1);
                for member in &moving {
                    while old.delivered[member] < cut {
                        old.deliver(&mut self.processes, member);
                    }
                    together.insert(*member, (old.members.clone(), moving.clone()));
                }
            }
            self.end(old);
        }
        for new in shape {
            self.begin(new, &together);
        }
    }

    /// The members of a view are told of it.
    fn begin(
        &mut self,
        members: Vec<MemberName>,
        together: &BTreeMap<MemberName, (Vec<MemberName>, Vec<MemberName>)>,
    ) {
        let mut view = View::new(members);
        for member in view.members.clone() {
            let change = match together.get(&member) {
                Some((old, moving)) => {
                    let not_moving = |of: &[MemberName]| -> Vec<MemberName> {
                        of.iter()
                            .filter(|it| !moving.contains(it))
                            .cloned()
                            .collect()
                    };
                    Change::Resume {
                        left: not_moving(old),
                        joined: not_moving(&view.members),
                    }
                }
                None if view.members.len() == 1 => Change::Found,
                None => Change::Enter {
                    members: view.members.clone(),
                },
            };
            let process = self.processes.entry(member).or_insert_with(|| {
                self.made = self
                    .made
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .wrapping_add(1);
                Process {
                    machine: (self.maker)(member),
                    rng: seeded(self.made),
                }
            });
            let step = process
                .machine
                .begin(change, &mut process.rng)
                .unwrap_or_else(|error| panic!("{member}: {error}"));
            view.take(&member, 0, step);
        }
        if !view.members.is_empty() {
            self.views.push(view);
        }
    }

    /// A view is over: keeps what came of it.
    fn end(&mut self, view: View) {
        let mut sent = view.sequence;
        sent.extend(view.unordered);
        let Some((_, secret)) = view.complete else {
            self.result.interrupted += 1;
            self.result.stray.extend(sent);
            return;
        };
        for past in &self.result.past {
            assert!(!bool::from(past.secret.ct_eq(&secret)), "a key comes back");
        }
        self.result.past.push(Past {
            event: format!("view {:?}", view.members),
            members: view.members,
            secret,
            sent,
        });
    }
}
