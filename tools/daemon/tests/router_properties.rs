//! Random operations on the router, checked step by step against a model that knows only who is
//! in which group at which daemon, and which daemons reach each other.
//!
//! After each step every message that came out is decoded from its bytes and must be one
//! that the model predicts: who gets it, with which members, in which sets, in which order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use gcs_daemon::router::{
    CloseCause, Configuration, DaemonEntry, Output, Partition, Router, SessionId,
};
use gcs_proto::{
    codec::{Change, DataMessage, Delivery, Direction, FrameDecoder, Layout, Request},
    gcs::{Multicast, Scope, SelfDelivery, ViewId},
    handshake::MembershipMessages,
    name::{DaemonName, GroupName, MemberName, Name},
    service::Service,
};
use proptest::prelude::*;

const DAEMONS: usize = 4;
const GROUPS: [&str; 3] = ["a", "b", "zz"];

#[derive(Clone, Debug)]
enum Op {
    Connect(usize, u8, MembershipMessages),
    Join(usize, usize),
    Leave(usize, usize),
    End(usize, CloseCause),
    Send(usize, Vec<usize>, Vec<usize>, SelfDelivery),
    Partition([usize; DAEMONS]),
    Heal,
    Stop(usize),
    Start(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let any_session = 0..16_usize;
    let group = 0..GROUPS.len();
    prop_oneof![
        3 => (0..DAEMONS, 0..6_u8, prop_oneof![
            4 => Just(MembershipMessages::Wanted),
            1 => Just(MembershipMessages::Unwanted),
        ]).prop_map(|(daemon, name, notices)| Op::Connect(daemon, name, notices)),
        6 => (any_session.clone(), group.clone()).prop_map(|(s, g)| Op::Join(s, g)),
        2 => (any_session.clone(), group.clone()).prop_map(|(s, g)| Op::Leave(s, g)),
        1 => (any_session.clone(), prop_oneof![
            Just(CloseCause::Disconnected), Just(CloseCause::EndOfStream)
        ]).prop_map(|(s, cause)| Op::End(s, cause)),
        4 => (
            any_session.clone(),
            prop::collection::vec(group, 0..3),
            prop::collection::vec(any_session, 0..2),
            prop_oneof![Just(SelfDelivery::Deliver), Just(SelfDelivery::Discard)],
        ).prop_map(|(s, groups, members, own)| Op::Send(s, groups, members, own)),
        3 => prop::array::uniform4(0..3_usize).prop_map(Op::Partition),
        2 => Just(Op::Heal),
        1 => (0..DAEMONS).prop_map(Op::Stop),
        1 => (0..DAEMONS).prop_map(Op::Start),
    ]
}

fn daemon_name(daemon: usize) -> DaemonName {
    format!("n{daemon}").parse().unwrap()
}

fn group_name(group: usize) -> GroupName {
    GROUPS[group].parse().unwrap()
}

#[derive(Clone, Debug)]
struct Client {
    daemon: usize,
    member: MemberName,
    notices: MembershipMessages,
    groups: BTreeSet<GroupName>,
    /// Last view of each group it is in.
    views: BTreeMap<GroupName, (ViewId, Vec<MemberName>)>,
}

struct World {
    router: Router,
    clients: BTreeMap<SessionId, Client>,
    /// Side of each running daemon.
    sides: BTreeMap<usize, usize>,
    sent: u64,
}

impl World {
    fn new() -> Self {
        let entries = (0..DAEMONS)
            .map(|position| DaemonEntry {
                name: daemon_name(position),
                // Not in the order of the configuration, to tell the two orders apart.
                address: Configuration::default_address(100 - position),
            })
            .collect();
        Self {
            router: Router::new(Configuration::new(entries).unwrap(), 7),
            clients: BTreeMap::new(),
            sides: (0..DAEMONS).map(|daemon| (daemon, 0)).collect(),
            sent: 0,
        }
    }

    fn pick(&self, number: usize) -> Option<SessionId> {
        let ids: Vec<_> = self.clients.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[number % ids.len()])
    }

    /// Members of a group that a daemon reaches, in order.
    fn members(
        &self,
        sides: &BTreeMap<usize, usize>,
        from: usize,
        group: &GroupName,
    ) -> Vec<SessionId> {
        let mut members: Vec<_> = self
            .clients
            .iter()
            .filter(|(_, client)| {
                client.groups.contains(group) && sides.get(&client.daemon) == sides.get(&from)
            })
            .map(|(id, client)| ((client.daemon, client.member), *id))
            .collect();
        members.sort();
        members.into_iter().map(|(_, id)| id).collect()
    }

    fn names(&self, ids: &[SessionId]) -> Vec<MemberName> {
        ids.iter().map(|id| self.clients[id].member).collect()
    }

    /// All that came out, decoded, by receiver; and who was closed.
    fn outputs(&mut self) -> (BTreeMap<SessionId, Vec<Delivery>>, Vec<SessionId>) {
        let mut delivered: BTreeMap<SessionId, Vec<Delivery>> = BTreeMap::new();
        let mut closed = Vec::new();
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Deliver { to, delivery } => {
                    let mut decoder = FrameDecoder::new(Direction::ToClient);
                    decoder.push(&delivery.encode());
                    let frame = decoder.next_frame().unwrap().unwrap();
                    let decoded = Delivery::decode(frame, Layout::Sets).unwrap();
                    assert_eq!(decoded, delivery);
                    for session in to {
                        assert!(!closed.contains(&session), "output behind the end");
                        delivered.entry(session).or_default().push(decoded.clone());
                    }
                }
                Output::Close { session, .. } => closed.push(session),
            }
        }
        (delivered, closed)
    }

    /// Takes note of the views delivered; an id must be new to its receiver's view of the group.
    fn install(&mut self, delivered: &BTreeMap<SessionId, Vec<Delivery>>) {
        for (session, deliveries) in delivered {
            for delivery in deliveries {
                let Delivery::Membership(message) = delivery else {
                    continue;
                };
                let client = self.clients.get_mut(session).unwrap();
                let view = (message.id, message.members.clone());
                let before = client.views.insert(message.group, view);
                assert!(before.is_none_or(|(id, _)| id != message.id), "id stays");
            }
        }
        // All members that reach each other agree on id and list, and the list is the model's.
        for client in self.clients.values() {
            if client.notices == MembershipMessages::Unwanted {
                assert!(client.views.is_empty());
                continue;
            }
            for group in &client.groups {
                let members = self.members(&self.sides, client.daemon, group);
                let (id, list) = &client.views[group];
                assert_eq!(*list, self.names(&members));
                for other in members {
                    let other = &self.clients[&other];
                    if other.notices == MembershipMessages::Wanted {
                        assert_eq!(other.views[group].0, *id);
                    }
                }
            }
        }
    }

    /// What each told member of `group`, as reached from `daemon`, gets of a change by one member.
    fn expect_change(
        &self,
        daemon: usize,
        group: &GroupName,
        change: &Change,
        expected: &mut Expected,
    ) {
        let members = self.members(&self.sides, daemon, group);
        let names = self.names(&members);
        for id in members {
            if self.clients[&id].notices == MembershipMessages::Wanted {
                let told = (*group, change.clone(), names.clone());
                expected.entry(id).or_default().push(told);
            }
        }
    }

    fn connect(&mut self, daemon: usize, name: u8, notices: MembershipMessages) {
        let wanted = (name > 0).then(|| format!("s{name}").parse().unwrap());
        let reserved = self.router.reserve(&daemon_name(daemon), wanted, notices);
        let taken = wanted.is_some_and(|name| {
            let member = MemberName::of_session(&name, &daemon_name(daemon));
            self.clients.values().any(|client| client.member == member)
        });
        let running = self.sides.contains_key(&daemon);
        assert_eq!(reserved.is_ok(), running && !taken);
        if let Ok((id, member)) = reserved {
            self.router.connect(id);
            let client = Client {
                daemon,
                member,
                notices,
                groups: BTreeSet::new(),
                views: BTreeMap::new(),
            };
            assert!(self.clients.insert(id, client).is_none());
        }
        assert!(self.router.poll_output().is_none());
    }

    fn member_op(&mut self, id: SessionId, op: impl FnOnce(&mut Self, &mut Expected)) {
        let mut expected = Expected::new();
        op(self, &mut expected);
        let (delivered, closed) = self.outputs();
        let told: Expected = delivered
            .iter()
            .map(|(session, deliveries)| {
                let told = deliveries
                    .iter()
                    .map(|delivery| match delivery {
                        Delivery::Membership(message) => (
                            message.group,
                            message.change.clone(),
                            message.members.clone(),
                        ),
                        Delivery::SelfLeave { group } => {
                            assert_eq!(*session, id);
                            let own = self.clients[session].member;
                            (*group, Change::Leave(own), Vec::new())
                        }
                        other => panic!("{other:?}"),
                    })
                    .collect();
                (*session, told)
            })
            .collect();
        assert_eq!(told, expected);
        assert_eq!(closed.contains(&id), !self.clients.contains_key(&id));
        self.install(&delivered);
    }

    fn send(&mut self, id: SessionId, groups: &[usize], to: &[SessionId], own: SelfDelivery) {
        let mut targets = BTreeSet::new();
        let mut destinations: Vec<Name> = Vec::new();
        let daemon = self.clients[&id].daemon;
        for group in groups {
            destinations.push(group_name(*group).into());
            targets.extend(self.members(&self.sides, daemon, &group_name(*group)));
        }
        for other in to {
            let other_client = &self.clients[other];
            destinations.push(other_client.member.into());
            if self.sides.get(&other_client.daemon) == self.sides.get(&daemon) {
                targets.insert(*other);
            }
        }
        if own == SelfDelivery::Discard {
            targets.remove(&id);
        }
        self.sent += 1;
        let message = DataMessage::from(Multicast {
            destinations,
            service: Service::Safe,
            self_delivery: own,
            scope: Scope::Named,
            message_type: 3,
            body: Bytes::from(self.sent.to_be_bytes().to_vec()),
        });
        self.router.request(id, Request::Data(message.clone()));
        let (delivered, closed) = self.outputs();
        assert!(closed.is_empty());
        let sender = self.clients[&id].member;
        let copy = vec![Delivery::Data { sender, message }];
        let expected: BTreeMap<_, _> = targets.into_iter().map(|id| (id, copy.clone())).collect();
        assert_eq!(delivered, expected, "one copy to each target");
    }

    /// Checks all that a network change brought, given how things were before it.
    fn network(&mut self, old: &BTreeMap<usize, usize>, stopped: Option<usize>) {
        let (delivered, closed) = self.outputs();
        let gone: BTreeSet<SessionId> = self
            .clients
            .iter()
            .filter(|(_, client)| Some(client.daemon) == stopped)
            .map(|(id, _)| *id)
            .collect();
        assert_eq!(closed.iter().copied().collect::<BTreeSet<_>>(), gone);
        for (id, client) in &self.clients {
            let mut signals = Vec::new();
            let mut memberships = Vec::new();
            for delivery in delivered.get(id).into_iter().flatten() {
                match delivery {
                    Delivery::Transition { group, id } => {
                        assert!(memberships.is_empty(), "signals come first");
                        assert_eq!(client.views[group].0, *id, "id of the view being left");
                        signals.push(*group);
                    }
                    Delivery::Membership(message) => memberships.push(message.clone()),
                    other => panic!("{other:?}"),
                }
            }
            if gone.contains(id) || client.notices == MembershipMessages::Unwanted {
                assert!(signals.is_empty() && memberships.is_empty());
                continue;
            }
            let mut expected_signals = Vec::new();
            let mut expected_changes = Vec::new();
            for group in &client.groups {
                let before = self.members(old, client.daemon, group);
                let now = self.members(&self.sides, client.daemon, group);
                let lost = before.iter().any(|id| !now.contains(id));
                if lost {
                    expected_signals.push(*group);
                }
                if lost || now.iter().any(|id| !before.contains(id)) {
                    expected_changes.push(*group);
                }
            }
            assert_eq!(signals, expected_signals);
            let changed: Vec<_> = memberships.iter().map(|message| message.group).collect();
            assert_eq!(changed, expected_changes, "in the order of names");
            for message in &memberships {
                let now = self.members(&self.sides, client.daemon, &message.group);
                let Change::Network { sets, own } = &message.change else {
                    panic!("{message:?}");
                };
                assert_eq!(message.members, self.names(&now));
                // The sets divide the members by the side they come from.
                let mut origins = BTreeMap::<usize, Vec<SessionId>>::new();
                for id in &now {
                    let origin = old[&self.clients[id].daemon];
                    origins.entry(origin).or_default().push(*id);
                }
                let expected: BTreeSet<Vec<MemberName>> =
                    origins.values().map(|ids| self.names(ids)).collect();
                assert_eq!(sets.len(), expected.len());
                assert_eq!(sets.iter().cloned().collect::<BTreeSet<_>>(), expected);
                let mine = self.names(&origins[&old[&client.daemon]]);
                assert_eq!(sets[*own], mine);
            }
        }
        for id in gone {
            self.clients.remove(&id);
        }
        // Every receiver sees the sets in the same order.
        let mut orders: BTreeMap<(GroupName, ViewId), Vec<Vec<MemberName>>> = BTreeMap::new();
        for delivery in delivered.values().flatten() {
            if let Delivery::Membership(message) = delivery
                && let Change::Network { sets, .. } = &message.change
            {
                let order = orders.entry((message.group, message.id));
                assert_eq!(order.or_insert_with(|| sets.clone()), sets);
            }
        }
        self.install(&delivered);
    }

    fn topology(&self) -> BTreeSet<BTreeSet<DaemonName>> {
        let mut sides = BTreeMap::<usize, BTreeSet<DaemonName>>::new();
        for (daemon, side) in &self.sides {
            sides.entry(*side).or_default().insert(daemon_name(*daemon));
        }
        sides.into_values().collect()
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Connect(daemon, name, notices) => self.connect(daemon, name, notices),
            Op::Join(session, group) => {
                let Some(id) = self.pick(session) else { return };
                let group = group_name(group);
                self.member_op(id, |world, expected| {
                    world.router.request(id, Request::Join(group));
                    let client = world.clients.get_mut(&id).unwrap();
                    let (daemon, change) = (client.daemon, Change::Join(client.member));
                    if client.groups.insert(group) {
                        world.expect_change(daemon, &group, &change, expected);
                    }
                });
            }
            Op::Leave(session, group) => {
                let Some(id) = self.pick(session) else { return };
                let group = group_name(group);
                self.member_op(id, |world, expected| {
                    world.router.request(id, Request::Leave(group));
                    let client = world.clients.get_mut(&id).unwrap();
                    let (daemon, change) = (client.daemon, Change::Leave(client.member));
                    if client.groups.remove(&group) {
                        client.views.remove(&group);
                        if client.notices == MembershipMessages::Wanted {
                            let told = (group, change.clone(), Vec::new());
                            expected.entry(id).or_default().push(told);
                        }
                        world.expect_change(daemon, &group, &change, expected);
                    }
                });
            }
            Op::End(session, cause) => {
                let Some(id) = self.pick(session) else { return };
                self.member_op(id, |world, expected| {
                    world.router.disconnect(id, cause);
                    let client = world.clients.remove(&id).unwrap();
                    let change = Change::Disconnect(client.member);
                    for group in &client.groups {
                        world.expect_change(client.daemon, group, &change, expected);
                    }
                });
            }
            Op::Send(session, groups, to, own) => {
                let Some(id) = self.pick(session) else { return };
                let to: Vec<_> = to
                    .into_iter()
                    .filter_map(|number| self.pick(number))
                    .collect();
                self.send(id, &groups, &to, own);
            }
            Op::Partition(sides) => {
                let old = self.sides.clone();
                for (daemon, side) in &mut self.sides {
                    *side = sides[*daemon];
                }
                let partition = Partition::new(self.topology());
                self.router.partition(&partition, 7).unwrap();
                self.network(&old, None);
            }
            Op::Heal => {
                let old = self.sides.clone();
                self.sides.values_mut().for_each(|side| *side = 0);
                self.router.heal(7);
                self.network(&old, None);
            }
            Op::Stop(daemon) => {
                let old = self.sides.clone();
                let stopped = self.router.stop(&daemon_name(daemon), 7);
                assert_eq!(stopped.is_ok(), self.sides.remove(&daemon).is_some());
                if stopped.is_ok() {
                    self.network(&old, Some(daemon));
                }
            }
            Op::Start(daemon) => {
                let started = self.router.start(&daemon_name(daemon), 7);
                assert_eq!(started.is_err(), self.sides.contains_key(&daemon));
                // A side of its own.
                self.sides.entry(daemon).or_insert(10 + daemon);
                assert!(self.router.poll_output().is_none());
            }
        }
        let topology: BTreeSet<BTreeSet<DaemonName>> = self
            .router
            .topology()
            .sides
            .into_iter()
            .map(|side| side.into_iter().collect())
            .collect();
        assert_eq!(topology, self.topology());
        assert_eq!(self.router.session_count(), self.clients.len());
    }
}

type Expected = BTreeMap<SessionId, Vec<(GroupName, Change, Vec<MemberName>)>>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn router_does_what_the_model_predicts(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in ops {
            world.apply(op);
        }
    }
}
