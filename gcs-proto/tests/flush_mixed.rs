//! Bare groups beside view-synchronous ones under random histories: each group receives and sends
//! exactly what it would on a connection of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use gcs_proto::{
    error::Error,
    flush::{BareEvent, FlushEvent, FlushLayer},
    gcs::{
        ByteOrder, Cause, GcsCommand, GcsEvent, Membership, Message, Multicast, Refused, Scope,
        SelfDelivery, View, ViewId,
    },
    limits,
    name::{GroupName, MemberName, Name},
    service::Service,
};
use proptest::{collection::vec, prelude::*, sample::select};

const OK: i16 = -32768;
const RECV: i16 = -32767;
const TAGGED: i16 = -32766;

fn me() -> MemberName {
    "#a#n1".parse().unwrap()
}

fn members() -> [MemberName; 3] {
    [me(), "#b#n1".parse().unwrap(), "#c#n1".parse().unwrap()]
}

fn groups() -> [GroupName; 4] {
    ["g0", "g1", "g2", "g3"].map(|name| name.parse().unwrap())
}

/// What happens at one connection.
#[derive(Clone, Debug)]
enum Step {
    Join(GroupName),
    JoinBare(GroupName),
    Leave(GroupName),
    FlushOk(GroupName),
    Multicast(GroupName, Service, i16),
    Subset(GroupName, MemberName),
    MulticastBare(Multicast),
    Membership(GroupName, u8, Vec<MemberName>, Cause),
    /// An acknowledgement or a confirmation of the membership of this number.
    Internal(GroupName, MemberName, i16, u8),
    Message(MemberName, Multicast),
    Signal(GroupName),
    SelfLeave(GroupName),
    Refused(Refused),
}

fn group() -> impl Strategy<Value = GroupName> {
    select(groups().to_vec())
}

fn member() -> impl Strategy<Value = MemberName> {
    select(members().to_vec())
}

fn service() -> impl Strategy<Value = Service> {
    select(Service::ALL.to_vec())
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![6 => group().prop_map(Name::from), 1 => member().prop_map(Name::from)]
}

fn message_type() -> impl Strategy<Value = i16> {
    prop_oneof![4 => Just(7), 1 => select(vec![OK, RECV, TAGGED, -32765])]
}

/// The words of an id as a little-endian author writes them.
fn written(number: u8) -> [u8; 12] {
    [number; 12]
}

fn multicast() -> impl Strategy<Value = Multicast> {
    let body = prop_oneof![
        Just(b"hello".to_vec()),
        // As tagged for the view of this number.
        (0..6_u8).prop_map(|number| [&b"tagged\x07\x00"[..], &written(number)].concat()),
    ];
    let reference = proptest::option::weighted(0.3, name());
    (
        vec(name(), 0..5),
        service(),
        message_type(),
        body,
        reference,
    )
        .prop_map(
            |(destinations, service, message_type, mut body, reference)| {
                let scope = match reference {
                    None => Scope::Named,
                    Some(group) => {
                        body.extend_from_slice(group.slot());
                        Scope::Subset
                    }
                };
                Multicast {
                    destinations,
                    service,
                    self_delivery: SelfDelivery::Deliver,
                    scope,
                    message_type,
                    body: body.into(),
                }
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let some = vec(member(), 0..3).prop_map(|mut members| {
        members.push(me());
        members.sort();
        members.dedup();
        members
    });
    let cause = prop_oneof![
        member().prop_map(Cause::Join),
        member().prop_map(Cause::Leave),
        Just(Cause::Network),
    ];
    let refused = prop_oneof![
        group().prop_map(Refused::Join),
        group().prop_map(Refused::Leave),
        multicast().prop_map(Refused::Multicast),
    ];
    prop_oneof![
        4 => group().prop_map(Step::Join),
        4 => group().prop_map(Step::JoinBare),
        2 => group().prop_map(Step::Leave),
        4 => group().prop_map(Step::FlushOk),
        4 => (group(), service(), message_type()).prop_map(|(g, s, t)| Step::Multicast(g, s, t)),
        2 => (group(), member()).prop_map(|(g, m)| Step::Subset(g, m)),
        6 => multicast().prop_map(Step::MulticastBare),
        8 => (group(), 0..6_u8, some, cause).prop_map(|(g, n, m, c)| Step::Membership(g, n, m, c)),
        16 => (group(), member(), select(vec![OK, OK, RECV]), 0..6_u8)
            .prop_map(|(g, m, t, n)| Step::Internal(g, m, t, n)),
        12 => (member(), multicast()).prop_map(|(from, sent)| Step::Message(from, sent)),
        2 => group().prop_map(Step::Signal),
        2 => group().prop_map(Step::SelfLeave),
        2 => refused.prop_map(Step::Refused),
    ]
}

fn delivered(sender: MemberName, sent: Multicast) -> GcsEvent {
    GcsEvent::Message(Message {
        sender,
        destinations: sent.destinations,
        service: sent.service,
        self_delivery: sent.self_delivery,
        scope: sent.scope,
        message_type: sent.message_type,
        order: ByteOrder::Little,
        body: sent.body,
    })
}

/// The group that a subset cast names.
fn reference(body: &Bytes) -> Name {
    let slot = &body[body.len() - limits::NAME_SLOT..];
    let length = slot.iter().position(|byte| *byte == 0).unwrap();
    Name::new(&slot[..length]).unwrap()
}

/// The names that decide which groups a message is for.
fn addressed(scope: Scope, destinations: &[Name], body: &Bytes) -> Vec<Name> {
    match scope {
        Scope::Named => destinations.to_vec(),
        Scope::Subset => Vec::from([reference(body)]),
    }
}

/// The layer with groups of both kinds beside one that has the view-synchronous ones alone.
struct Pair {
    mixed: FlushLayer,
    pure: FlushLayer,
    /// Bare groups, and whether a membership has come.
    bare: BTreeMap<GroupName, bool>,
    /// Groups in which the other layer takes part.
    joined: BTreeSet<GroupName>,
    /// Groups of the other layer of which a membership has come.
    drawn_in: BTreeSet<GroupName>,
    covered: BTreeSet<&'static str>,
}

impl Pair {
    fn new() -> Self {
        Self {
            mixed: FlushLayer::new(me()),
            pure: FlushLayer::new(me()),
            bare: BTreeMap::new(),
            joined: BTreeSet::new(),
            drawn_in: BTreeSet::new(),
            covered: BTreeSet::new(),
        }
    }

    fn is_bare(&self, name: &Name) -> bool {
        GroupName::try_from(*name).is_ok_and(|group| self.bare.contains_key(&group))
    }

    /// Whether the other layer takes part in a group: joined, or joined by a membership that
    /// was not requested.
    fn is_joined(&self, group: &GroupName) -> bool {
        self.joined.contains(group) || self.drawn_in.contains(group)
    }

    /// Both do the same thing, with the same result.
    fn both(&mut self, call: impl Fn(&mut FlushLayer) -> Result<(), Error>) {
        let mixed = call(&mut self.mixed);
        assert_eq!(mixed, call(&mut self.pure));
        self.compare_commands(&[]);
    }

    /// The commands of the mixed layer are those of the other one, and then these.
    fn compare_commands(&mut self, more: &[GcsCommand]) {
        let mixed: Vec<_> = std::iter::from_fn(|| self.mixed.poll_command()).collect();
        let mut pure: Vec<_> = std::iter::from_fn(|| self.pure.poll_command()).collect();
        pure.extend_from_slice(more);
        assert_eq!(mixed, pure);
    }

    /// An event of the engine, with the bare groups that must report it and whether the
    /// other layer must.
    fn event(&mut self, event: GcsEvent, told: &[GroupName], others: bool) {
        self.mixed.handle_event(event.clone());
        if others {
            self.pure.handle_event(event.clone());
        }
        let bare: Vec<_> = std::iter::from_fn(|| self.mixed.poll_bare_event()).collect();
        let expected: Vec<_> = told
            .iter()
            .map(|group| BareEvent {
                group: *group,
                event: event.clone(),
            })
            .collect();
        assert_eq!(bare, expected);
        loop {
            let event = self.mixed.poll_event();
            assert_eq!(event, self.pure.poll_event());
            match event {
                None => break,
                Some(FlushEvent::View(view)) => {
                    self.joined.insert(view.group);
                    self.covered.insert("view");
                }
                Some(FlushEvent::SelfLeave { group }) => {
                    self.joined.remove(&group);
                }
                Some(FlushEvent::Refused(Refused::Join(group))) => {
                    if self.pure.view(&group).is_none() {
                        self.joined.remove(&group);
                    }
                }
                Some(FlushEvent::Message(_)) => {
                    self.covered.insert(match told {
                        [] => "view message",
                        [..] => "message of both kinds",
                    });
                }
                Some(_) => {}
            }
        }
        self.compare_commands(&[]);
        for group in groups() {
            assert_eq!(self.mixed.view(&group), self.pure.view(&group));
            let missing = self.mixed.missing_flush(&group);
            assert_eq!(missing, self.pure.missing_flush(&group));
        }
    }

    /// An event that is about one group.
    fn of_group(&mut self, group: GroupName, event: GcsEvent) {
        match self.bare.contains_key(&group) {
            true => self.event(event, &[group], false),
            false => self.event(event, &[], true),
        }
    }

    fn message(&mut self, sender: MemberName, sent: Multicast) {
        let named = addressed(sent.scope, &sent.destinations, &sent.body);
        let told: Vec<_> = self
            .bare
            .iter()
            .filter(|(group, member)| **member && named.contains(group.as_name()))
            .map(|(group, _)| *group)
            .collect();
        if !told.is_empty() {
            self.covered.insert("bare message");
        }
        if told.len() > 1 {
            self.covered.insert("bare message to several");
        }
        // What names a bare group first is nothing to the other layer, which would drop it.
        let others = !named.first().is_some_and(|first| self.is_bare(first));
        self.event(delivered(sender, sent), &told, others);
    }

    fn multicast_bare(&mut self, sent: Multicast) {
        let mut named = sent.destinations.clone();
        if sent.scope == Scope::Subset {
            named.push(reference(&sent.body));
        }
        let kept_out = groups()
            .iter()
            .any(|group| named.contains(group.as_name()) && self.is_joined(group));
        let only_bare = sent.scope == Scope::Named && named.iter().all(|name| self.is_bare(name));
        let result = self.mixed.multicast_bare(sent.clone());
        if kept_out {
            assert!(matches!(result, Err(Error::ViewSynchronous(_))));
            self.covered.insert("kept out of a view");
        } else if sent.message_type < limits::LOWEST_FLUSH_USER_TYPE && !only_bare {
            assert_eq!(result, Err(Error::IllegalMessageType(sent.message_type)));
        } else {
            assert_eq!(result, Ok(()));
            self.compare_commands(&[GcsCommand::Multicast(sent)]);
            return;
        }
        self.compare_commands(&[]);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(group) if self.bare.contains_key(&group) => {
                assert_eq!(self.mixed.join(group), Err(Error::IllegalGroup(group)));
                self.compare_commands(&[]);
            }
            Step::Join(group) => {
                self.both(|layer| layer.join(group));
                self.joined.insert(group);
            }
            Step::JoinBare(group) => {
                let result = self.mixed.join_bare(group);
                if self.is_joined(&group) || self.bare.contains_key(&group) {
                    assert_eq!(result, Err(Error::IllegalGroup(group)));
                    self.compare_commands(&[]);
                } else {
                    assert_eq!(result, Ok(()));
                    self.bare.insert(group, false);
                    self.compare_commands(&[GcsCommand::Join(group)]);
                }
            }
            Step::Leave(group) if self.bare.contains_key(&group) => {
                if self.mixed.leave(group).is_ok() {
                    self.compare_commands(&[GcsCommand::Leave(group)]);
                }
            }
            Step::Leave(group) => self.both(|layer| layer.leave(group)),
            Step::FlushOk(group) => self.both(|layer| layer.flush_ok(group)),
            Step::Multicast(group, service, message_type) => self.both(|layer| {
                let (deliver, body) = (SelfDelivery::Deliver, Bytes::from_static(b"hello"));
                layer.multicast(group, service, deliver, message_type, body)
            }),
            Step::Subset(group, receiver) => self.both(|layer| {
                let body = Bytes::from_static(b"hello");
                layer.unicast(group, receiver, Service::Fifo, 7, body)
            }),
            Step::MulticastBare(sent) => self.multicast_bare(sent),
            Step::Membership(group, number, members, cause) => {
                match self.bare.get_mut(&group) {
                    Some(member) => *member = true,
                    None => drop(self.drawn_in.insert(group)),
                }
                let membership = GcsEvent::Membership(Membership {
                    group,
                    view: View {
                        id: ViewId([number; 12]),
                        transitional_set: members.clone(),
                        members,
                        cause,
                    },
                });
                self.of_group(group, membership);
            }
            Step::Internal(group, sender, message_type, number) => {
                let body = Bytes::copy_from_slice(&written(number));
                let sent = Multicast::to_group(group, Service::Fifo, message_type, body);
                self.message(sender, sent);
            }
            Step::Message(sender, sent) => self.message(sender, sent),
            Step::Signal(group) => {
                self.of_group(group, GcsEvent::TransitionalSignal { group });
            }
            Step::SelfLeave(group) => {
                self.of_group(group, GcsEvent::SelfLeave { group });
                self.bare.remove(&group);
                self.drawn_in.remove(&group);
            }
            Step::Refused(Refused::Join(group)) => {
                self.of_group(group, GcsEvent::Refused(Refused::Join(group)));
                if self.bare.get(&group) == Some(&false) {
                    self.bare.remove(&group);
                }
            }
            Step::Refused(Refused::Leave(group)) => {
                self.of_group(group, GcsEvent::Refused(Refused::Leave(group)));
            }
            Step::Refused(Refused::Multicast(sent)) => {
                let told: Vec<_> = self
                    .bare
                    .keys()
                    .filter(|group| sent.destinations.contains(group.as_name()))
                    .copied()
                    .collect();
                let others = told.is_empty();
                self.event(GcsEvent::Refused(Refused::Multicast(sent)), &told, others);
            }
        }
        for group in groups() {
            assert_eq!(self.mixed.is_bare(&group), self.bare.contains_key(&group));
        }
    }
}

fn run(steps: Vec<Step>) -> BTreeSet<&'static str> {
    let mut pair = Pair::new();
    for step in steps {
        pair.step(step);
    }
    pair.covered
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_group_is_as_if_alone(steps in vec(step(), 0..120)) {
        run(steps);
    }
}

/// The histories must reach the cases that this test is about.
#[test]
fn histories_reach_what_they_are_for() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut covered = BTreeSet::new();
    for _ in 0..120 {
        let steps = vec(step(), 120).new_tree(&mut runner).unwrap().current();
        covered.extend(run(steps));
    }
    let expected = [
        "bare message",
        "bare message to several",
        "kept out of a view",
        "message of both kinds",
        "view",
        "view message",
    ];
    assert_eq!(covered.into_iter().collect::<Vec<_>>(), expected);
}
