//! A small world of members in several groups, with every event that a group can meet.

use alloc::{boxed::Box, vec, vec::Vec};
use core::fmt;
use std::{format, string::String};

use subtle::ConstantTimeEq;

use crate::{
    Change, GroupSecret, KeyAgreement, MathematicalGroup, MemberName, Protocol,
    testing::bus::{Bus, Run, Schedule, Sent},
};

/// Members `m01` .. with the given numbers.
pub fn members(numbers: impl IntoIterator<Item = usize>) -> Vec<MemberName> {
    numbers
        .into_iter()
        .map(|number| {
            MemberName::try_from(format!("m{number:02}").as_str()).expect("a legal identifier")
        })
        .collect()
}

/// Makes a member without a group, of the suite and over the mathematical group under test.
pub type Maker = Box<dyn Fn(MemberName) -> Box<dyn KeyAgreement> + Send>;

/// An event that is over.
#[derive(Debug)]
pub struct Past {
    /// What happened.
    pub event: String,
    /// Members afterwards.
    pub members: Vec<MemberName>,
    /// Their key.
    pub secret: GroupSecret,
    /// Tokens that it took.
    pub sent: Vec<Sent>,
}

/// Members on a bus, and all the secrets that they ever agreed on.
///
/// Each event is checked: all members complete, with one secret that was never seen before, and
/// with the same order and controller. Panics, with the event's name, where that does not hold.
pub struct World {
    /// The bus.
    pub bus: Bus,
    maker: Maker,
    past: Vec<Past>,
    seed: u64,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("bus", &self.bus)
            .field("past", &self.past)
            .finish_non_exhaustive()
    }
}

impl World {
    /// A world without members.
    pub fn new(
        protocol: Protocol,
        group: &(impl Into<MathematicalGroup> + Clone),
        schedule: Schedule,
        seed: u64,
    ) -> Self {
        let group: MathematicalGroup = group.clone().into();
        let maker = Box::new(move |me| protocol.member(group.clone(), me));
        Self::with_maker(maker, schedule, seed)
    }

    /// A world of machines that the caller makes.
    pub fn with_maker(maker: Maker, schedule: Schedule, seed: u64) -> Self {
        Self {
            bus: Bus::new(schedule),
            maker,
            past: Vec::new(),
            seed,
        }
    }

    /// Events so far.
    pub fn past(&self) -> &[Past] {
        &self.past
    }

    /// Adds members without a group, or resets those that are there.
    pub fn add(&mut self, members: &[MemberName]) {
        self.seed = self.seed.wrapping_add(1);
        self.bus.add_made(members, self.seed, &self.maker);
    }

    /// A group of `n` members that is complete: the first one founds it, the others merge.
    pub fn grown(
        protocol: Protocol,
        group: &(impl Into<MathematicalGroup> + Clone),
        schedule: Schedule,
        n: usize,
    ) -> (Self, Vec<MemberName>) {
        let mut world = Self::new(protocol, group, schedule, 1);
        let all = members(1..=n);
        world.add(&all);
        let (first, rest) = all.split_at(1);
        world.found(first);
        if !rest.is_empty() {
            world.update("growth", first, &[], rest);
        }
        (world, all)
    }

    /// A member founds a group.
    pub fn found(&mut self, member: &[MemberName]) -> Run {
        let changes: Vec<_> = member.iter().map(|me| (*me, Change::Found)).collect();
        self.run("found", &changes)
    }

    /// The changes of an event: `present` lose `left` and get `joined`.
    pub fn changes(
        present: &[MemberName],
        left: &[MemberName],
        joined: &[MemberName],
    ) -> Vec<(MemberName, Change)> {
        let stay = present.iter().filter(|member| !left.contains(member));
        let members: Vec<MemberName> = stay.clone().chain(joined).cloned().collect();
        let update = Change::Update {
            left: left.to_vec(),
            joined: joined.to_vec(),
        };
        let enter = Change::Enter { members };
        stay.map(|member| (*member, update.clone()))
            .chain(joined.iter().map(|member| (*member, enter.clone())))
            .collect()
    }

    /// An event; returns what it came to.
    pub fn update(
        &mut self,
        event: &str,
        present: &[MemberName],
        left: &[MemberName],
        joined: &[MemberName],
    ) -> Run {
        self.run(event, &Self::changes(present, left, joined))
    }

    /// The first member starts over, all others are new to it.
    pub fn restart(&mut self, members: &[MemberName]) -> Run {
        let (first, joined) = members.split_first().expect("a member");
        let mut changes = vec![(
            *first,
            Change::Restart {
                joined: joined.to_vec(),
            },
        )];
        changes.extend(joined.iter().map(|me| {
            (
                *me,
                Change::Enter {
                    members: members.to_vec(),
                },
            )
        }));
        self.run("restart", &changes)
    }

    /// Runs changes and checks what holds after every event.
    pub fn run(&mut self, event: &str, changes: &[(MemberName, Change)]) -> Run {
        let run = self
            .bus
            .change(changes)
            .unwrap_or_else(|(member, error)| panic!("{event}: {member}: {error}"));
        self.check(event, changes.iter().map(|(member, _)| member), &run);
        run
    }

    /// Checks that all of `members` completed with one new secret and the same roles.
    pub fn check<'a>(
        &mut self,
        event: &str,
        members: impl Iterator<Item = &'a MemberName>,
        run: &Run,
    ) {
        let mut agreed: Option<(&GroupSecret, Vec<MemberName>, Option<MemberName>)> = None;
        let mut present = Vec::new();
        for member in members {
            present.push(*member);
            let secret = run
                .secrets
                .get(member)
                .unwrap_or_else(|| panic!("{event}: {member} did not complete"));
            let machine = self.bus.machine(member);
            let order = machine.order().to_vec();
            assert!(
                order.contains(member),
                "{event}: {member} not in its own order"
            );
            let controller = machine.controller().cloned();
            match &agreed {
                None => agreed = Some((secret, order, controller)),
                Some((first, first_order, first_controller)) => {
                    assert_eq!(
                        *first_controller, controller,
                        "{event}: {member} sees another controller"
                    );
                    assert!(
                        bool::from(first.ct_eq(secret)),
                        "{event}: {member} has another key"
                    );
                    assert_eq!(*first_order, order, "{event}: {member} has another order");
                }
            }
        }
        let (secret, ..) = agreed.expect("an event has members");
        let seen = |past: &Past| bool::from(past.secret.ct_eq(secret));
        assert!(
            !self.past.iter().any(seen),
            "{event}: the key was in use before"
        );
        self.past.push(Past {
            event: event.into(),
            members: present,
            secret: GroupSecret::new(secret.expose().into()),
            sent: run.sent.clone(),
        });
    }
}
