//! The membership events that are measured, and how a group gets to the state before them.

use cliques::{
    Change, MemberName, Protocol, Survival,
    testing::{
        bus::{Bus, Run},
        world::World,
    },
};

/// A membership event of a group; n is the number of members that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The n-th member joins.
    Join,
    /// One of n members leaves: the one in the middle of the suite's own order, who is the controller
    /// of neither GDH nor CKD, and the average case of STR.
    Leave,
    /// Two groups of n / 2 become one.
    Merge,
    /// Every second one of n members is disconnected, in the suite's own order, because a network is
    /// not partitioned along a suite's structure.
    Partition,
    /// A new key among n members.
    Refresh,
    /// n members start over without their previous state, as the drivers do after a cascade.
    Restart,
}

impl Event {
    /// All events.
    pub(crate) const ALL: [Self; 6] = [
        Self::Join,
        Self::Leave,
        Self::Merge,
        Self::Partition,
        Self::Refresh,
        Self::Restart,
    ];

    /// Name in benchmarks.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Merge => "merge",
            Self::Partition => "partition",
            Self::Refresh => "refresh",
            Self::Restart => "restart",
        }
    }
}

/// A group that goes through one event repeatedly.
pub(crate) struct Scene {
    bus: Bus,
    event: Event,
    protocol: Protocol,
    /// All members, in the order of the membership that contains all of them.
    present: Vec<MemberName>,
    /// The two groups that merge.
    apart: Option<(Vec<MemberName>, Vec<MemberName>)>,
}

impl Scene {
    /// The members of `world`, who are one group, in the state before the event.
    pub(crate) fn new(
        world: World,
        protocol: Protocol,
        event: Event,
        present: Vec<MemberName>,
    ) -> Self {
        let mut scene = Self {
            bus: world.bus,
            event,
            protocol,
            present,
            apart: None,
        };
        match event {
            Event::Join => scene.lose_last(),
            Event::Merge => scene.part(),
            Event::Leave | Event::Partition | Event::Refresh | Event::Restart => {}
        }
        scene
    }

    /// Runs the event, and returns to the state before it.
    pub(crate) fn play(&mut self) -> Run {
        match self.event {
            Event::Join => {
                let run = self.join_last();
                self.lose_last();
                run
            }
            Event::Leave => {
                let order = self.order();
                let leaver = order[order.len() / 2];
                let gone = std::slice::from_ref(&leaver);
                let run = self.run(&World::changes(&self.present, gone, &[]));
                self.present.retain(|member| *member != leaver);
                self.present.push(leaver);
                self.join_last();
                run
            }
            Event::Merge => {
                let (stay, other) = self.apart.take().expect("two groups");
                let run = self.merge(&stay, &other);
                self.part();
                run
            }
            Event::Partition => {
                let (stay, gone) = self.sides();
                let run = self.run(&World::changes(&self.present, &gone, &[]));
                self.run(&World::changes(&self.present, &stay, &[]));
                self.merge(&stay, &gone);
                run
            }
            Event::Refresh => self.run(&World::changes(&self.present, &[], &[])),
            Event::Restart => {
                let (first, joined) = self.present.split_at(1);
                let restart = Change::Restart {
                    joined: joined.to_vec(),
                };
                let enter = Change::Enter {
                    members: self.present.clone(),
                };
                let changes: Vec<_> = first
                    .iter()
                    .map(|me| (*me, restart.clone()))
                    .chain(joined.iter().map(|me| (*me, enter.clone())))
                    .collect();
                self.run(&changes)
            }
        }
    }

    /// The members in the suite's own order.
    fn order(&mut self) -> Vec<MemberName> {
        let member = *self.present.first().expect("a member");
        self.bus.machine(&member).order().to_vec()
    }

    /// Every second member, and the others, in the order of the membership.
    fn sides(&mut self) -> (Vec<MemberName>, Vec<MemberName>) {
        let order = self.order();
        let stays = |member: &MemberName| {
            let place = order.iter().position(|other| other == member);
            place.is_some_and(|place| place % 2 == 0)
        };
        self.present.iter().cloned().partition(stays)
    }

    fn lose_last(&mut self) {
        if let Some((last, _)) = self.present.split_last() {
            let gone = [*last];
            self.run(&World::changes(&self.present, &gone, &[]));
        }
    }

    fn join_last(&mut self) -> Run {
        let (last, old) = self.present.split_last().expect("a member");
        let changes = World::changes(old, &[], std::slice::from_ref(last));
        self.run(&changes)
    }

    /// A partition, after which both sides continue.
    fn part(&mut self) {
        let (stay, gone) = self.sides();
        self.run(&World::changes(&self.present, &gone, &[]));
        self.run(&World::changes(&self.present, &stay, &[]));
        self.apart = Some((stay, gone));
    }

    /// Both sides merge. In GDH, CKD and BD the members of one side are new; STR and TGDH join the
    /// trees of both sides.
    fn merge(&mut self, stay: &[MemberName], other: &[MemberName]) -> Run {
        let mut changes = World::changes(stay, &[], other);
        let joins_trees = self.protocol.survival() == Survival::Everything;
        if joins_trees {
            changes.truncate(stay.len());
            let update = Change::Update {
                left: Vec::new(),
                joined: stay.to_vec(),
            };
            changes.extend(other.iter().map(|me| (*me, update.clone())));
        }
        self.present = stay.iter().chain(other).cloned().collect();
        self.run(&changes)
    }

    fn run(&mut self, changes: &[(MemberName, Change)]) -> Run {
        let run = self.bus.change(changes).expect("honest members");
        assert_eq!(run.secrets.len(), changes.len(), "a member has no key");
        run
    }
}
