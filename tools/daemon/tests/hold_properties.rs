//! Operations held while the network changes, at random, checked by what members compare.
//!
//! - Released, they are told exactly as if they had never been held.
//! - Cut by a partition: members that stay together are told the same, in the same order; each id
//!   has one list of members; between the signal and the last membership every membership is one by
//!   the network with a signal behind it, and nobody hears of operations behind the gap.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use gcs_daemon::router::{CloseCause, Configuration, Cut, DaemonEntry, Output, Router, SessionId};
use gcs_proto::{
    codec::{Change, DataMessage, Delivery, MembershipMessage, Request},
    gcs::{Multicast, ViewId},
    handshake::MembershipMessages,
    name::{GroupName, MemberName},
    service::Service,
};
use proptest::prelude::*;

const DAEMONS: usize = 3;
const SESSIONS: usize = 7;
const GROUPS: [&str; 2] = ["g", "h"];
const SIDES: [&str; 4] = ["n0 | n1 n2", "n0 n1 | n2", "n0 | n1 | n2", "n0 n2 | n1"];

#[derive(Clone, Copy, Debug)]
enum Op {
    Join(usize, usize),
    Leave(usize, usize),
    Send(usize, usize),
    End(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let (session, group) = (0..SESSIONS, 0..GROUPS.len());
    prop_oneof![
        4 => (session.clone(), group.clone()).prop_map(|(s, g)| Op::Join(s, g)),
        2 => (session.clone(), group.clone()).prop_map(|(s, g)| Op::Leave(s, g)),
        6 => (session.clone(), group).prop_map(|(s, g)| Op::Send(s, g)),
        1 => session.prop_map(Op::End),
    ]
}

fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 0..most)
}

#[derive(Clone)]
struct World {
    router: Router,
    sessions: Vec<SessionId>,
    members: Vec<MemberName>,
    ended: Vec<bool>,
    told: BTreeMap<SessionId, Vec<Delivery>>,
    sent: u32,
}

impl World {
    fn new() -> Self {
        let entries = (0..DAEMONS).map(|position| DaemonEntry {
            name: format!("n{position}").parse().unwrap(),
            address: Configuration::default_address(position),
        });
        let mut router = Router::new(Configuration::new(entries.collect()).unwrap(), 1);
        let (mut sessions, mut members) = (Vec::new(), Vec::new());
        for number in 0..SESSIONS {
            let daemon = format!("n{}", number % DAEMONS).parse().unwrap();
            let name = Some(format!("s{number}").parse().unwrap());
            let (session, member) = router
                .reserve(&daemon, name, MembershipMessages::Wanted)
                .unwrap();
            router.connect(session);
            sessions.push(session);
            members.push(member);
        }
        Self {
            router,
            sessions,
            members,
            ended: vec![false; SESSIONS],
            told: BTreeMap::new(),
            sent: 0,
        }
    }

    fn apply(&mut self, op: Op) {
        let group = |group: usize| -> GroupName { GROUPS[group].parse().unwrap() };
        match op {
            Op::Join(session, name) => self
                .router
                .request(self.sessions[session], Request::Join(group(name))),
            Op::Leave(session, name) => self
                .router
                .request(self.sessions[session], Request::Leave(group(name))),
            Op::Send(session, name) => {
                self.sent += 1;
                let body = Bytes::copy_from_slice(&self.sent.to_be_bytes());
                let message = Multicast::to_group(group(name), Service::Agreed, 1, body);
                let message = Request::Data(DataMessage::from(message));
                self.router.request(self.sessions[session], message);
            }
            Op::End(session) => {
                self.ended[session] = true;
                self.router
                    .disconnect(self.sessions[session], CloseCause::EndOfStream);
            }
        }
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(output) = self.router.poll_output() {
            if let Output::Deliver { to, delivery } = output {
                for session in to {
                    self.told.entry(session).or_default().push(delivery.clone());
                }
            }
        }
    }

    fn told(&self, number: usize) -> &[Delivery] {
        self.told
            .get(&self.sessions[number])
            .map_or(&[], Vec::as_slice)
    }
}

/// What is told of one group, without what differs between the sets.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    View(ViewId, Vec<MemberName>, u8),
    Signal(ViewId),
    Message(Bytes),
    Left,
}

fn of_group(told: &[Delivery], group: &GroupName) -> Vec<Told> {
    told.iter()
        .filter_map(|delivery| match delivery {
            Delivery::Membership(message) if message.group == *group => Some(Told::View(
                message.id,
                message.members.clone(),
                match message.change {
                    Change::Join(_) => 0,
                    Change::Leave(_) => 1,
                    Change::Disconnect(_) => 2,
                    Change::Network { .. } => 3,
                },
            )),
            Delivery::Transition { group: other, id } if other == group => Some(Told::Signal(*id)),
            Delivery::SelfLeave { group: other } if other == group => Some(Told::Left),
            Delivery::Data { message, .. } if message.destinations == [(*group).into()] => {
                Some(Told::Message(message.body.clone()))
            }
            _ => None,
        })
        .collect()
}

/// The part of a conversation about a group from the last time its receiver came into it.
fn last_stay(told: &[Told], me: &MemberName) -> Option<Vec<Told>> {
    let start = told.iter().rposition(|told| *told == Told::Left);
    let stay = &told[start.map_or(0, |left| left + 1)..];
    let first = stay
        .iter()
        .position(|told| matches!(told, Told::View(_, members, _) if members.contains(me)))?;
    Some(stay[first..].to_vec())
}

fn check_sets(message: &MembershipMessage, me: &MemberName) {
    assert!(message.members.contains(me), "own view");
    if let Change::Network { sets, own } = &message.change {
        assert!(sets[*own].contains(me), "own set");
        let mut all: Vec<MemberName> = sets.concat();
        all.sort_unstable();
        let mut members = message.members.clone();
        members.sort_unstable();
        assert_eq!(all, members, "the sets divide the members");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_released_was_never_held(before in ops(15), held in ops(30), after in ops(10)) {
        let mut world = World::new();
        before.iter().for_each(|op| world.apply(*op));
        let mut other = world.clone();
        world.router.hold();
        let told = world.told.clone();
        held.iter().for_each(|op| world.apply(*op));
        prop_assert_eq!(&world.told, &told);
        world.router.release();
        world.collect();
        held.iter().for_each(|op| other.apply(*op));
        for op in after {
            world.apply(op);
            other.apply(op);
        }
        for number in 0..SESSIONS {
            // One that ended while things were held was told nothing more.
            if !world.ended[number] {
                prop_assert_eq!(world.told(number), other.told(number));
            }
        }
        prop_assert_eq!(world.router.group_count(), other.router.group_count());
        prop_assert_eq!(world.router.session_count(), other.router.session_count());
    }

    #[test]
    fn who_stays_together_is_told_the_same(
        before in ops(25),
        held in ops(30),
        prefix in 0..12_usize,
        seed in any::<u64>(),
        sides in 0..SIDES.len(),
        after in ops(10),
    ) {
        let mut world = World::new();
        before.iter().for_each(|op| world.apply(*op));
        world.router.hold();
        held.iter().for_each(|op| world.apply(*op));
        let sides = SIDES[sides];
        world
            .router
            .partition_at(&sides.parse().unwrap(), Cut { prefix, seed }, 9)
            .unwrap();
        world.collect();
        prop_assert_eq!(world.router.held_count(), 0);
        let cut_off: Vec<usize> = (0..SESSIONS).map(|number| world.told(number).len()).collect();
        after.iter().for_each(|op| world.apply(*op));

        let side = |number: usize| {
            let daemon = format!("n{}", number % DAEMONS);
            sides.split('|').position(|side| side.contains(&daemon)).unwrap()
        };
        for (number, cut_off) in cut_off.into_iter().enumerate() {
            let me = &world.members[number];
            for delivery in world.told(number) {
                if let Delivery::Membership(message) = delivery {
                    check_sets(message, me);
                }
            }
            for group in GROUPS {
                let group = group.parse().unwrap();
                let told = of_group(&world.told(number)[..cut_off], &group);
                // A signal is followed by a membership by the network, and all but the last one of
                // a change have a signal behind them.
                let mut open = false;
                for one in &told {
                    match one {
                        Told::Signal(_) => open = true,
                        Told::View(_, _, cause) => {
                            prop_assert!(!open || *cause == 3, "{told:?}");
                            open = false;
                        }
                        Told::Message(_) => {}
                        Told::Left => open = false,
                    }
                }
                prop_assert!(!open || world.ended[number], "no membership behind a signal: {told:?}");
            }
        }
        for group in GROUPS {
            let group: GroupName = group.parse().unwrap();
            let mut views: BTreeMap<(usize, ViewId), Vec<MemberName>> = BTreeMap::new();
            for one in 0..SESSIONS {
                let told = of_group(world.told(one), &group);
                // Ids come back only with a group that was empty; such runs say nothing here.
                let Some(mine) = last_stay(&told, &world.members[one]) else { continue };
                if world.ended[one] {
                    continue;
                }
                for other in one + 1..SESSIONS {
                    if side(other) != side(one) || world.ended[other] {
                        continue;
                    }
                    let theirs = of_group(world.told(other), &group);
                    let Some(theirs) = last_stay(&theirs, &world.members[other]) else { continue };
                    let still = |told: &[Told]| !told.contains(&Told::Left);
                    if still(&mine) && still(&theirs) {
                        // Whoever came in later was told the end of what the other was told.
                        let both = mine.len().min(theirs.len());
                        prop_assert_eq!(
                            &mine[mine.len() - both..],
                            &theirs[theirs.len() - both..]
                        );
                    }
                }
                if let Some(Told::View(id, members, _)) = mine
                    .iter()
                    .rev()
                    .find(|told| matches!(told, Told::View(..)))
                {
                    let first = views.entry((side(one), *id)).or_insert_with(|| members.clone());
                    prop_assert_eq!(&*first, members);
                }
            }
        }
    }
}
