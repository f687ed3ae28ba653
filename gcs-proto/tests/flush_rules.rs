//! The rules of the flush layer one by one: events of the engine in, events and commands out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use bytes::Bytes;
use gcs_proto::{
    error::Error,
    flush::{FlushEvent, FlushLayer, View, ViewMessage},
    gcs::{
        ByteOrder, Capabilities, Cause, CloseReason, GcsCommand, GcsEvent, Membership, Message,
        Multicast, Refused, Scope, SelfDelivery, SignalTiming, ViewId,
    },
    limits,
    name::{GroupName, MemberName, Name},
    service::Service,
};

const OK: i16 = -32768;
const RECV: i16 = -32767;
const TAGGED: i16 = -32766;

fn m(name: &str) -> MemberName {
    format!("#{name}#n1").parse().unwrap()
}

fn ms(names: &[&str]) -> Vec<MemberName> {
    names.iter().map(|name| m(name)).collect()
}

fn g() -> GroupName {
    "g".parse().unwrap()
}

fn id(number: u8) -> ViewId {
    ViewId([number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, number])
}

/// The id as a little-endian author writes it.
fn written(number: u8) -> Vec<u8> {
    let bytes = id(number).0;
    bytes
        .chunks(4)
        .flat_map(|word| word.iter().rev().copied())
        .collect()
}

fn membership(number: u8, members: &[&str], cause: Cause, set: &[&str]) -> GcsEvent {
    GcsEvent::Membership(Membership {
        group: g(),
        id: id(number),
        members: ms(members),
        cause,
        transitional_set: ms(set),
    })
}

fn joined(number: u8, members: &[&str], who: &str) -> GcsEvent {
    let set: Vec<&str> = members.iter().copied().filter(|n| *n != who).collect();
    membership(number, members, Cause::Join(m(who)), &set)
}

fn left(number: u8, members: &[&str], who: &str) -> GcsEvent {
    membership(number, members, Cause::Leave(m(who)), members)
}

fn disconnected(number: u8, members: &[&str], who: &str) -> GcsEvent {
    membership(number, members, Cause::Disconnect(m(who)), members)
}

fn signal() -> GcsEvent {
    GcsEvent::TransitionalSignal { group: g() }
}

fn message(from: &str, service: Service, message_type: i16, body: &[u8]) -> Message {
    Message {
        sender: m(from),
        destinations: vec![g().into()],
        service,
        self_delivery: SelfDelivery::Deliver,
        scope: Scope::Named,
        message_type,
        order: ByteOrder::Little,
        body: Bytes::copy_from_slice(body),
    }
}

fn ok(from: &str, number: u8) -> GcsEvent {
    GcsEvent::Message(message(from, Service::Fifo, OK, &written(number)))
}

fn recv(from: &str, number: u8) -> GcsEvent {
    GcsEvent::Message(message(from, Service::Fifo, RECV, &written(number)))
}

fn data(from: &str, body: &[u8]) -> GcsEvent {
    GcsEvent::Message(message(from, Service::Agreed, 7, body))
}

fn tagged(from: &str, number: u8, body: &[u8]) -> GcsEvent {
    let body = [body, &[7, 0], &written(number)].concat();
    GcsEvent::Message(message(from, Service::Fifo, TAGGED, &body))
}

/// What came up, in short: enough to tell all events of these tests apart.
fn short(event: FlushEvent) -> String {
    match event {
        FlushEvent::View(view) => {
            let names = |members: &[MemberName]| {
                let all: Vec<_> = members.iter().map(brief).collect();
                all.join("")
            };
            let member = view.cause.member().map(brief).unwrap_or_default();
            format!(
                "view {} {} [{}] {}{member}",
                view.id.0[0],
                names(&view.members),
                names(&view.transitional_set),
                view.cause.as_str(),
            )
        }
        FlushEvent::FlushRequest { .. } => "request".into(),
        FlushEvent::TransitionalSignal { .. } => "signal".into(),
        FlushEvent::Message(message) => {
            assert_eq!(message.message_type, 7);
            format!("{}:{}", brief(&message.sender), text(&message.body))
        }
        FlushEvent::Private(message) => {
            format!("private {}:{}", brief(&message.sender), text(&message.body))
        }
        FlushEvent::SelfLeave { .. } => "self-leave".into(),
        FlushEvent::Refused(_) => "refused".into(),
        FlushEvent::Closed(reason) => format!("{reason:?}"),
    }
}

fn brief(name: &MemberName) -> String {
    let name = name.as_str().trim_start_matches('#');
    name.split('#').next().unwrap().to_owned()
}

fn text(body: &[u8]) -> String {
    String::from_utf8(body.to_vec()).unwrap()
}

/// A layer whose application takes every event at once.
struct Probe {
    layer: FlushLayer,
}

impl Probe {
    fn new(me: &str) -> Self {
        let mut probe = Self {
            layer: FlushLayer::new(m(me)),
        };
        probe.layer.join(g()).unwrap();
        assert_eq!(probe.commands(), ["join"]);
        probe
    }

    /// A member of the confirmed view 1 of these members, in which it was the last to come.
    fn steady(me: &str, members: &[&str]) -> Self {
        let mut probe = Self::new(me);
        probe.give(membership(1, members, Cause::Join(m(me)), &[me]), &[]);
        for member in members {
            probe.layer.handle_event(ok(member, 1));
        }
        let view = format!("view 1 {} [{me}] join{me}", members.join(""));
        assert_eq!(probe.events(), [view]);
        assert_eq!(probe.commands(), ["ok 1", "recv 1"]);
        for member in members {
            probe.give(recv(member, 1), &[]);
        }
        probe
    }

    fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.layer.poll_event())
            .map(short)
            .collect()
    }

    fn commands(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.layer.poll_command())
            .map(|command| match command {
                GcsCommand::Join(_) => "join".into(),
                GcsCommand::Leave(_) => "leave".into(),
                GcsCommand::Disconnect => "disconnect".into(),
                GcsCommand::Unicast { to, body, .. } => {
                    format!("private {}:{}", brief(&to), text(&body))
                }
                GcsCommand::Multicast(sent) => {
                    let number = sent.body.get(3).copied().unwrap_or_default();
                    match sent.message_type {
                        OK => format!("ok {number}"),
                        RECV => format!("recv {number}"),
                        TAGGED => format!("tagged {}", sent.service),
                        _ => format!("plain {}", sent.service),
                    }
                }
            })
            .collect()
    }

    /// Handles an event of the engine and compares what comes up.
    fn give(&mut self, event: GcsEvent, expected: &[&str]) {
        self.layer.handle_event(event);
        assert_eq!(self.events(), expected);
    }

    fn send(&mut self, service: Service) -> Result<(), Error> {
        let body = Bytes::from_static(b"x");
        self.layer
            .multicast(g(), service, SelfDelivery::Deliver, 7, body)
    }

    /// Sends with a service and tells how it went out.
    fn sent(&mut self, service: Service) -> String {
        self.send(service).unwrap();
        self.commands().remove(0)
    }
}

#[test]
fn joiner_flushes_by_itself_and_sees_nothing_before_its_view() {
    let mut a = Probe::new("a");
    a.give(joined(1, &["a", "b"], "a"), &[]);
    assert_eq!(a.commands(), ["ok 1"]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "b"]));
    a.give(data("b", b"old view"), &[]);
    a.give(signal(), &[]);
    a.give(ok("b", 1), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a"]));
    assert_eq!(a.layer.view(&g()), None);
    // The signal came while the view was pending, so it is given as soon as there is a view.
    a.give(ok("a", 1), &["view 1 ab [a] joina", "signal"]);
    assert_eq!(a.commands(), ["recv 1"]);
    let view = a.layer.view(&g()).unwrap();
    assert_eq!((view.index, view.members.len()), (0, 2));
    assert_eq!(a.layer.missing_flush(&g()), []);
    assert_eq!(a.layer.stats().outsiders, 1);
}

#[test]
fn first_view_by_network_has_the_receiver_alone_in_its_set() {
    let mut a = Probe::new("a");
    a.give(
        membership(1, &["a", "b", "c"], Cause::Network, &["a", "b"]),
        &[],
    );
    for member in ["a", "b"] {
        a.give(ok(member, 1), &[]);
    }
    a.give(ok("c", 1), &["view 1 abc [a] network"]);
}

#[test]
fn a_join_asks_every_member_once() {
    let mut a = Probe::steady("a", &["a"]);
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    assert_eq!(a.commands(), [""; 0]);
    a.give(ok("b", 2), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a"]));
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.give(ok("a", 2), &["view 2 ab [a] joinb"]);
    assert_eq!(a.commands(), ["recv 2"]);
}

#[test]
fn a_leave_gives_request_then_signal() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(left(2, &["a"], "b"), &["request", "signal"]);
    // At most one signal in a view.
    a.give(signal(), &[]);
    a.give(data("b", b"from one who has left"), &[]);
    a.layer.flush_ok(g()).unwrap();
    // The engine's signal came while view 2 was pending: it is given there again.
    a.give(ok("a", 2), &["view 2 a [a] leaveb", "signal"]);
}

#[test]
fn a_partition_gives_the_signal_at_its_place() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(signal(), &["signal"]);
    a.give(data("c", b"behind"), &["c:behind"]);
    let network = membership(2, &["a", "b"], Cause::Network, &["a", "b"]);
    a.give(network, &["request"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 2), &[]);
    a.give(ok("a", 2), &["view 2 ab [ab] network"]);
}

#[test]
fn who_left_and_came_back_is_in_the_view_but_not_in_the_set() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    let network = membership(2, &["a", "b", "c"], Cause::Network, &["a", "c"]);
    a.give(network, &["request", "signal"]);
    a.give(data("b", b"from another time"), &[]);
    a.layer.flush_ok(g()).unwrap();
    for member in ["b", "c"] {
        a.give(ok(member, 2), &[]);
    }
    a.give(ok("a", 2), &["view 2 abc [ac] network"]);
    a.give(data("b", b"new"), &["b:new"]);
}

#[test]
fn tags_only_for_weak_services_in_an_unsettled_view() {
    let mut a = Probe::new("a");
    a.give(joined(1, &["a", "b"], "a"), &[]);
    a.give(ok("b", 1), &[]);
    a.give(ok("a", 1), &["view 1 ab [a] joina"]);
    a.commands();
    let strong = [Service::Causal, Service::Agreed, Service::Safe];
    let weak = [Service::Unreliable, Service::Reliable, Service::Fifo];
    let check = |a: &mut Probe, kind: &str| {
        for service in strong {
            assert_eq!(a.sent(service), format!("plain {service}"));
        }
        for service in weak {
            assert_eq!(a.sent(service), format!("{kind} {service}"));
        }
    };
    check(&mut a, "tagged");
    a.give(recv("a", 1), &[]);
    check(&mut a, "tagged");
    a.give(recv("b", 1), &[]);
    check(&mut a, "plain");
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    check(&mut a, "tagged");
    assert_eq!(a.layer.stats().tagged_sent, 9);
}

#[test]
fn subsets_carry_their_group_and_are_tagged_alike() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    let body = Bytes::from_static(b"x");
    let receivers = ms(&["c", "b", "c"]);
    a.layer
        .subset(g(), &receivers, Service::Fifo, 7, body.clone())
        .unwrap();
    a.give(left(2, &["a", "b"], "c"), &["request", "signal"]);
    // Judged by the original members: whoever has left gets nothing, without notice.
    a.layer
        .unicast(g(), m("c"), Service::Fifo, 7, body.clone())
        .unwrap();
    a.layer.subset(g(), &[], Service::Agreed, 7, body).unwrap();
    let mut sent = std::iter::from_fn(|| a.layer.poll_command()).map(|command| match command {
        GcsCommand::Multicast(sent) => sent,
        other => panic!("{other:?}"),
    });
    let mut slot = vec![0; 32];
    slot[0] = b'g';
    let first = sent.next().unwrap();
    let names: Vec<Name> = receivers.iter().map(|name| (*name).into()).collect();
    assert_eq!(first.destinations, names);
    assert_eq!((first.scope, first.message_type), (Scope::Subset, 7));
    assert_eq!(first.body.as_ref(), [&b"x"[..], &slot].concat());
    let second = sent.next().unwrap();
    assert_eq!((second.scope, second.message_type), (Scope::Subset, TAGGED));
    let tag = [&b"x"[..], &[7, 0], &written(1), &slot].concat();
    assert_eq!(second.body.as_ref(), tag);
    assert_eq!(sent.next().unwrap().destinations, []);
}

#[test]
fn received_subsets_belong_to_their_reference_group() {
    let mut a = Probe::steady("a", &["a", "b"]);
    let subset = |body: &[u8], reference: &[u8], message_type| {
        let mut slot = [0; 32];
        slot[..reference.len()].copy_from_slice(reference);
        let body = [body, &slot[..]].concat();
        let mut message = message("b", Service::Fifo, message_type, &body);
        message.scope = Scope::Subset;
        message.destinations = vec![m("c").into(), m("a").into()];
        GcsEvent::Message(message)
    };
    a.give(subset(b"hello", b"g", 7), &["b:hello"]);
    let tag = [&b"tagged"[..], &[7, 0], &written(1)].concat();
    a.give(subset(&tag, b"g", TAGGED), &["b:tagged"]);
    a.give(subset(b"hello", b"other", 7), &[]);
    a.give(subset(b"mine", b"#a#n1", 7), &["private b:mine"]);
    // An acknowledgement is for all or for nobody.
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.give(subset(&written(2), b"g", OK), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "b", "c"]));
    let mut short = message("b", Service::Fifo, 7, &[b'g'; 31]);
    short.scope = Scope::Subset;
    a.give(GcsEvent::Message(short), &[]);
    assert_eq!(a.layer.stats().malformed, 2);
    assert_eq!(a.layer.stats().unknown_group, 1);
}

#[test]
fn private_messages_bypass_views() {
    let mut a = Probe::new("a");
    let mut private = message("stranger", Service::Reliable, OK, b"any type");
    private.destinations = vec![m("a").into(), g().into()];
    a.give(
        GcsEvent::Message(private.clone()),
        &["private stranger:any type"],
    );
    private.destinations = vec![m("b").into(), m("a").into()];
    a.give(GcsEvent::Message(private.clone()), &[]);
    private.destinations.clear();
    a.give(GcsEvent::Message(private), &[]);
    let body = Bytes::from_static(b"hi");
    a.layer
        .private(m("b"), Service::Agreed, -32765, body.clone())
        .unwrap();
    assert_eq!(a.commands(), ["private b:hi"]);
    assert_eq!(
        a.layer.private(m("b"), Service::Agreed, TAGGED, body),
        Err(Error::IllegalMessageType(TAGGED))
    );
}

#[test]
fn tags_decide_between_now_later_and_never() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(tagged("b", 1, b"now"), &["b:now"]);
    a.give(joined(2, &["a", "b", "c", "d"], "d"), &["request"]);
    // Nobody can have installed view 2 before we have agreed to it.
    a.give(tagged("b", 2, b"too early"), &[]);
    a.layer.flush_ok(g()).unwrap();
    a.commands();
    a.give(tagged("b", 1, b"still"), &["b:still"]);
    a.give(tagged("b", 2, b"later"), &[]);
    a.give(tagged("d", 2, b"later too"), &[]);
    a.give(tagged("x", 2, b"outsider"), &[]);
    a.give(tagged("b", 9, b"never"), &[]);
    for member in ["d", "c", "b"] {
        a.give(ok(member, 2), &[]);
    }
    a.give(
        ok("a", 2),
        &["view 2 abcd [abc] joind", "b:later", "d:later too"],
    );
    a.give(tagged("b", 1, b"straggler"), &[]);
    let stats = a.layer.stats();
    assert_eq!(
        (stats.postponed, stats.stale_tags, stats.outsiders),
        (2, 3, 1)
    );
}

#[test]
fn foreign_byte_order_is_turned_round() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    let big = |message_type, body: &[u8]| {
        let mut message = message("b", Service::Fifo, message_type, body);
        message.order = ByteOrder::Big;
        GcsEvent::Message(message)
    };
    let body = [&b"big"[..], &[0, 7], &id(1).0].concat();
    a.give(big(TAGGED, &body), &["b:big"]);
    a.give(big(OK, &id(2).0), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "c"]));
    a.give(big(OK, &written(2)), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "c"]));
}

#[test]
fn short_internal_bodies_are_dropped() {
    let mut a = Probe::steady("a", &["a", "b"]);
    for message_type in [OK, RECV, TAGGED] {
        for length in [0, 1, 11] {
            let message = message("b", Service::Fifo, message_type, &vec![0; length]);
            a.give(GcsEvent::Message(message), &[]);
        }
    }
    assert_eq!(a.layer.stats().malformed, 9);
    // A tag must name a type that a user may have sent.
    let body = [&i16::to_le_bytes(RECV)[..], &written(1)].concat();
    a.give(
        GcsEvent::Message(message("b", Service::Fifo, TAGGED, &body)),
        &[],
    );
    assert_eq!(a.layer.stats().malformed, 10);
}

#[test]
fn acknowledgements_and_confirmations_of_strangers_or_twice_do_not_count() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    for member in ["a", "b", "b", "x", "y"] {
        a.give(ok(member, 2), &[]);
    }
    assert_eq!(a.layer.missing_flush(&g()), ms(&["c"]));
    assert_eq!(a.layer.stats().uncounted, 3);
    a.give(ok("c", 2), &["view 2 abc [ab] joinc"]);
    a.commands();
    for member in ["a", "b", "b", "x"] {
        a.give(recv(member, 2), &[]);
    }
    assert_eq!(a.sent(Service::Fifo), "tagged fifo");
    a.give(recv("c", 1), &[]);
    assert_eq!(a.sent(Service::Fifo), "tagged fifo");
    a.give(recv("c", 2), &[]);
    assert_eq!(a.sent(Service::Fifo), "plain fifo");
    assert_eq!(a.layer.stats().uncounted, 6);
    a.give(ok("b", 2), &[]);
    assert_eq!(a.layer.stats().uncounted, 7);
}

#[test]
fn confirmations_of_faster_members_count() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("a", 2), &[]);
    a.give(recv("b", 2), &[]);
    a.give(recv("x", 2), &[]);
    a.give(ok("b", 2), &[]);
    a.give(ok("c", 2), &["view 2 abc [ab] joinc"]);
    a.commands();
    a.give(recv("a", 2), &[]);
    assert_eq!(a.sent(Service::Fifo), "tagged fifo");
    a.give(recv("c", 2), &[]);
    assert_eq!(a.sent(Service::Fifo), "plain fifo");
}

#[test]
fn acknowledgement_may_overtake_its_membership() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(ok("b", 2), &[]);
    a.give(ok("x", 2), &[]);
    a.give(left(2, &["a", "b"], "x"), &["request"]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a"]));
}

#[test]
fn early_acknowledgements_are_bounded_and_the_oldest_goes() {
    let mut a = Probe::steady("a", &["a", "b"]);
    let made_up = |number: u16| {
        let mut body = written(2);
        body[4..6].copy_from_slice(&number.to_le_bytes());
        GcsEvent::Message(message("x", Service::Fifo, OK, &body))
    };
    a.give(ok("b", 2), &[]);
    for number in 1..limits::UNKNOWN_CHANGES as u16 {
        a.give(made_up(number), &[]);
    }
    a.give(ok("b", 3), &[]);
    assert_eq!(a.layer.stats().expired, 1);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "b", "c"]));
    a.layer.flush_ok(g()).unwrap();
    a.give(left(3, &["a", "b"], "c"), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a"]));
}

#[test]
fn two_joins_stay_two_views() {
    let mut a = Probe::steady("a", &["a"]);
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    a.give(joined(3, &["a", "b", "c"], "c"), &[]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.give(ok("b", 2), &[]);
    a.give(ok("c", 3), &[]);
    a.give(ok("a", 2), &["view 2 ab [a] joinb", "request"]);
    // No confirmation: the view is to be replaced already.
    assert_eq!(a.commands(), [""; 0]);
    assert_eq!(a.sent(Service::Fifo), "tagged fifo");
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 3"]);
    a.give(ok("b", 3), &[]);
    a.give(ok("a", 3), &["view 3 abc [ab] joinc"]);
}

#[test]
fn a_change_without_a_lost_members_acknowledgement_is_merged_into_the_next() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(joined(2, &["a", "b", "c", "d"], "d"), &["request"]);
    a.give(disconnected(3, &["a", "c", "d"], "b"), &["signal"]);
    assert_eq!(a.layer.stats().collapsed, 1);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 3"]);
    // Acknowledgements of the dropped change are harmless.
    a.give(ok("c", 2), &[]);
    for member in ["c", "d"] {
        a.give(ok(member, 3), &[]);
    }
    a.give(ok("a", 3), &["view 3 acd [ac] network"]);
}

#[test]
fn who_acknowledged_and_died_still_gets_its_view() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.give(ok("c", 2), &[]);
    a.give(disconnected(3, &["a", "b"], "c"), &[]);
    assert_eq!(a.layer.stats().collapsed, 0);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 2), &[]);
    a.give(ok("a", 2), &["view 2 abc [ab] joinc", "request", "signal"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(data("c", b"gone"), &[]);
    a.give(ok("b", 3), &[]);
    a.give(ok("a", 3), &["view 3 ab [ab] disconnectc"]);
}

/// Rule 3: whoever leaves behind a view's own membership stays in its set.
#[test]
fn transitional_set_is_taken_at_the_place_of_the_membership() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(
        membership(2, &["a", "b", "c", "d"], Cause::Network, &["a", "b", "c"]),
        &["request"],
    );
    for member in ["b", "c", "d"] {
        a.give(ok(member, 2), &[]);
    }
    a.give(disconnected(3, &["a", "b", "d"], "c"), &["signal"]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.give(
        ok("a", 2),
        &["view 2 abcd [abc] network", "request", "signal"],
    );
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 3), &[]);
    a.give(ok("d", 3), &[]);
    a.give(ok("a", 3), &["view 3 abd [abd] disconnectc"]);
}

/// Rule 3: leavers of dropped changes count for the change they are merged into, also when that
/// one was pending before.
#[test]
fn dropped_changes_pass_on_who_was_gone() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(left(2, &["a", "b"], "c"), &["request", "signal"]);
    a.give(joined(3, &["a", "b", "d"], "d"), &[]);
    // b has acknowledged change 3, but not 2: only possible for a faulty member, and still safe.
    a.give(ok("b", 3), &[]);
    a.give(ok("d", 3), &[]);
    a.give(disconnected(4, &["a", "d"], "b"), &[]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 3"]);
    a.give(
        ok("a", 3),
        &["view 3 abd [ab] network", "request", "signal"],
    );
}

#[test]
fn a_replaced_change_is_agreed_without_a_second_request() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.give(tagged("c", 2, b"cannot be: nobody has installed it"), &[]);
    a.give(disconnected(3, &["a", "c"], "b"), &["signal"]);
    assert_eq!(a.commands(), ["ok 3"]);
    a.give(ok("a", 2), &[]);
    a.give(ok("c", 3), &[]);
    a.give(ok("a", 3), &["view 3 ac [a] network"]);
}

/// Rule 2: a signal marks the installed view and every pending one.
#[test]
fn signal_while_a_change_is_pending_comes_again_behind_its_view() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.give(signal(), &["signal"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(tagged("b", 2, b"postponed"), &[]);
    a.give(ok("c", 2), &[]);
    a.give(ok("b", 2), &[]);
    let expected = ["view 2 abc [ab] joinc", "signal", "b:postponed"];
    a.give(ok("a", 2), &expected);
    a.give(signal(), &[]);
    // The next view is a new one.
    a.give(joined(3, &["a", "b", "c", "d"], "d"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    for member in ["b", "c", "d"] {
        a.give(ok(member, 3), &[]);
    }
    a.give(ok("a", 3), &["view 3 abcd [abc] joind"]);
    a.give(signal(), &["signal"]);
}

/// Rule 6: calls are judged by what the caller has taken.
#[test]
fn calls_are_judged_by_the_last_event_taken() {
    let mut a = Probe::steady("a", &["a"]);
    let state = |result: Result<(), Error>| match result {
        Err(Error::IllegalState { call, .. }) => call,
        other => panic!("{other:?}"),
    };
    a.layer.handle_event(joined(2, &["a", "b"], "b"));
    // The request waits: it cannot be answered, and sending goes on.
    assert_eq!(state(a.layer.flush_ok(g())), "flush");
    a.send(Service::Agreed).unwrap();
    assert_eq!(a.events(), ["request"]);
    a.send(Service::Agreed).unwrap();
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(state(a.layer.flush_ok(g())), "flush");
    assert_eq!(state(a.send(Service::Agreed)), "multicast");
    a.layer.handle_event(ok("b", 2));
    a.layer.handle_event(ok("a", 2));
    a.layer.handle_event(joined(3, &["a", "b", "c"], "c"));
    assert_eq!(a.layer.queued_events(), 2);
    // Installed, but the caller does not know: a message would be meant for the old view.
    assert_eq!(state(a.send(Service::Agreed)), "multicast");
    assert_eq!(a.layer.view(&g()).unwrap().id, id(1));
    assert!(matches!(a.layer.poll_event(), Some(FlushEvent::View(_))));
    assert_eq!(a.layer.view(&g()).unwrap().id, id(2));
    a.send(Service::Agreed).unwrap();
    assert_eq!(state(a.layer.flush_ok(g())), "flush");
    assert_eq!(a.events(), ["request"]);
    a.layer.flush_ok(g()).unwrap();
}

#[test]
fn illegal_calls_name_what_is_wrong_and_send_nothing() {
    let mut a = Probe::steady("a", &["a", "b"]);
    let other: GroupName = "other".parse().unwrap();
    let body = Bytes::from_static(b"x");
    assert_eq!(a.layer.join(g()), Err(Error::IllegalGroup(g())));
    assert_eq!(a.layer.leave(other), Err(Error::IllegalGroup(other)));
    assert_eq!(a.layer.flush_ok(other), Err(Error::IllegalGroup(other)));
    let multicast = |layer: &mut FlushLayer, group, message_type, body: Bytes| {
        let deliver = SelfDelivery::Deliver;
        layer.multicast(group, Service::Agreed, deliver, message_type, body)
    };
    assert_eq!(
        multicast(&mut a.layer, other, 1, body.clone()),
        Err(Error::IllegalGroup(other))
    );
    // Types are looked at first.
    assert_eq!(
        multicast(&mut a.layer, other, TAGGED, body.clone()),
        Err(Error::IllegalMessageType(TAGGED))
    );
    assert_eq!(
        a.layer.unicast(g(), m("x"), Service::Agreed, 1, body),
        Err(Error::IllegalReceiver(m("x")))
    );
    let room = limits::SAFE_MESSAGE - 32;
    assert_eq!(
        multicast(&mut a.layer, g(), 1, vec![0; room + 1].into()),
        Err(Error::Limit {
            what: "size of message, destinations and flush overhead",
            value: limits::SAFE_MESSAGE + 1,
            max: limits::SAFE_MESSAGE,
        })
    );
    assert_eq!(a.commands(), [""; 0]);
    multicast(&mut a.layer, g(), 1, vec![0; room].into()).unwrap();
    let receivers = vec![m("b"); limits::ROUTED_DESTINATIONS + 1];
    let result = a
        .layer
        .subset(g(), &receivers, Service::Agreed, 1, Bytes::new());
    assert!(matches!(
        result,
        Err(Error::Limit {
            value: 44,
            max: 43,
            ..
        })
    ));
    let subset = vec![0; room - 31];
    let result = a
        .layer
        .unicast(g(), m("b"), Service::Agreed, 1, subset.into());
    assert!(matches!(result, Err(Error::Limit { .. })));
    // The tag counts as well.
    a.give(left(2, &["a"], "b"), &["request", "signal"]);
    a.commands();
    let send = |layer: &mut FlushLayer, size| {
        let body = vec![0; size].into();
        layer.multicast(g(), Service::Fifo, SelfDelivery::Discard, 1, body)
    };
    assert!(send(&mut a.layer, room - 13).is_err());
    send(&mut a.layer, room - 14).unwrap();
    assert_eq!(a.commands(), ["tagged fifo"]);
}

#[test]
fn bounds_of_another_engine() {
    let capabilities = Capabilities {
        strongest_service: Service::Agreed,
        signal: SignalTiming::Late,
        destinations: 1,
        message: 40,
    };
    let mut layer = FlushLayer::with_capabilities(m("a"), &capabilities);
    let private = |layer: &mut FlushLayer, length| {
        layer.private(m("b"), Service::Fifo, 0, vec![0; length].into())
    };
    private(&mut layer, 8).unwrap();
    assert!(private(&mut layer, 9).is_err());
}

#[test]
fn leaving_member_gets_events_but_takes_no_part() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.layer.leave(g()).unwrap();
    assert_eq!(a.commands(), ["leave"]);
    let gone = Err(Error::IllegalGroup(g()));
    assert_eq!(a.layer.leave(g()), gone);
    assert_eq!(a.layer.flush_ok(g()), gone);
    assert_eq!(a.send(Service::Agreed), gone);
    assert_eq!(a.layer.join(g()), gone);
    a.give(data("b", b"still"), &["b:still"]);
    a.give(disconnected(3, &["a", "c"], "b"), &["signal"]);
    assert_eq!(a.commands(), [""; 0]);
    a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
    assert_eq!(a.layer.view(&g()), None);
    a.give(data("c", b"late"), &[]);
    a.layer.join(g()).unwrap();
    assert_eq!(a.commands(), ["join"]);
    a.give(joined(1, &["a"], "a"), &[]);
    a.give(ok("a", 1), &["view 1 a [a] joina"]);
}

#[test]
fn joiner_may_leave_before_its_first_view() {
    // Before the first membership.
    let mut a = Probe::new("a");
    a.layer.leave(g()).unwrap();
    a.give(joined(1, &["a", "b"], "a"), &[]);
    assert_eq!(a.commands(), ["leave"]);
    a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
    a.layer.join(g()).unwrap();
    // While a bare member holds up the view.
    a.give(joined(2, &["a", "b"], "a"), &[]);
    assert_eq!(a.commands(), ["join", "ok 2"]);
    a.layer.leave(g()).unwrap();
    assert_eq!(a.commands(), ["leave"]);
    a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
}

#[test]
fn refused_requests_are_reported_and_undone() {
    let mut a = Probe::new("a");
    let refuse = |refused| GcsEvent::Refused(refused);
    a.give(refuse(Refused::Join(g())), &["refused"]);
    a.layer.join(g()).unwrap();
    a.give(joined(1, &["a"], "a"), &[]);
    a.give(ok("a", 1), &["view 1 a [a] joina"]);
    a.give(recv("a", 1), &[]);
    a.commands();
    // Refused to leave, it takes part again.
    a.layer.leave(g()).unwrap();
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    assert!(a.layer.flush_ok(g()).is_err());
    a.give(refuse(Refused::Leave(g())), &["refused"]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["leave", "ok 2"]);
    a.layer.leave(g()).unwrap();
    a.give(left(3, &["a"], "b"), &[]);
    assert_eq!(a.commands(), ["leave"]);
    a.give(refuse(Refused::Leave(g())), &["refused"]);
    assert_eq!(a.commands(), ["ok 3"]);
    a.give(ok("a", 3), &["view 3 a [a] network"]);
    // A message comes back as it was given.
    a.send(Service::Fifo).unwrap();
    let sent = std::iter::from_fn(|| a.layer.poll_command()).last();
    let Some(GcsCommand::Multicast(sent)) = sent else {
        panic!("{sent:?}");
    };
    assert_eq!(sent.message_type, TAGGED);
    a.layer.handle_event(refuse(Refused::Multicast(sent)));
    let given = Multicast::to_group(g(), Service::Fifo, 7, Bytes::from_static(b"x"));
    let back = FlushEvent::Refused(Refused::Multicast(given));
    assert_eq!(a.layer.poll_event(), Some(back));
}

#[test]
fn too_much_postponed_closes_the_connection() {
    for (size, count) in [
        (1, limits::POSTPONED_MESSAGES),
        (1 << 20, limits::POSTPONED_BYTES >> 20),
    ] {
        let mut a = Probe::steady("a", &["a", "b"]);
        a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
        a.layer.flush_ok(g()).unwrap();
        a.commands();
        let body = vec![b'x'; size - 32_usize.min(size - 1)];
        for _ in 0..count {
            a.give(tagged("b", 2, &body), &[]);
        }
        a.layer.handle_event(tagged("b", 2, &body));
        let events = a.events();
        assert_eq!(events.len(), 1);
        assert!(events[0].starts_with("Limit("), "{events:?}");
        assert_eq!(a.commands(), ["disconnect"]);
        a.give(ok("c", 2), &[]);
        a.give(GcsEvent::Closed(CloseReason::Disconnected), &[]);
        assert!(matches!(a.layer.join(g()), Err(Error::Closed(_))));
        assert_eq!(a.layer.view(&g()), None);
    }
}

#[test]
fn too_many_pending_changes_close_the_connection() {
    let mut a = Probe::steady("a", &["a"]);
    for number in 0..=limits::PENDING_CHANGES as u32 {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        a.layer.handle_event(GcsEvent::Membership(Membership {
            group: g(),
            id: ViewId(bytes),
            members: ms(&["a"]),
            cause: Cause::Network,
            transitional_set: ms(&["a"]),
        }));
    }
    let closed = r#"Limit("pending changes of a group")"#;
    assert_eq!(a.events(), ["request", closed]);
    assert_eq!(a.commands(), ["disconnect"]);
}

#[test]
fn commands_come_back_from_a_closed_connection() {
    let mut a = Probe::steady("a", &["a"]);
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    a.layer
        .handle_event(GcsEvent::Closed(CloseReason::EndOfStream));
    let closed = |result: Result<(), Error>| match result {
        Err(Error::Closed(command)) => *command,
        other => panic!("{other:?}"),
    };
    let GcsCommand::Multicast(lost) = closed(a.layer.flush_ok(g())) else {
        panic!();
    };
    assert_eq!(lost.message_type, OK);
    assert!(matches!(
        closed(a.send(Service::Agreed)),
        GcsCommand::Multicast(_)
    ));
    assert_eq!(closed(a.layer.leave(g())), GcsCommand::Leave(g()));
    assert_eq!(closed(a.layer.disconnect()), GcsCommand::Disconnect);
    assert_eq!(a.events(), ["EndOfStream"]);
    assert_eq!(a.send(Service::Agreed), Err(Error::IllegalGroup(g())));
    assert_eq!(a.commands(), [""; 0]);
}

#[test]
fn illegal_memberships_change_nothing() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(membership(2, &["b", "c"], Cause::Network, &["b"]), &[]);
    a.give(membership(2, &["a", "b", "b"], Cause::Network, &["a"]), &[]);
    a.give(joined(1, &["a", "b", "c"], "c"), &[]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &[]);
    assert_eq!(a.layer.stats().illegal_memberships, 4);
    // An engine that forgets us in our own set does not put us out of it.
    a.give(membership(3, &["a", "b"], Cause::Network, &["b"]), &[]);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 3), &[]);
    a.give(ok("a", 3), &["view 3 ab [ab] network"]);
}

#[test]
fn groups_do_not_disturb_each_other() {
    let mut a = Probe::steady("a", &["a"]);
    let h: GroupName = "h".parse().unwrap();
    a.layer.join(h).unwrap();
    a.commands();
    a.layer.handle_event(GcsEvent::Membership(Membership {
        group: h,
        id: id(1),
        members: ms(&["a"]),
        cause: Cause::Join(m("a")),
        transitional_set: ms(&["a"]),
    }));
    let Some(GcsCommand::Multicast(sent)) = a.layer.poll_command() else {
        panic!();
    };
    assert_eq!(sent.destinations, [h.into()]);
    // The same id means nothing to the other group.
    a.give(ok("a", 1), &[]);
    let mut own = message("a", Service::Fifo, OK, &written(1));
    own.destinations = vec![h.into()];
    a.layer.handle_event(GcsEvent::Message(own));
    assert!(
        matches!(a.layer.poll_event(), Some(FlushEvent::View(View { group, .. })) if group == h)
    );
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    let body = Bytes::from_static(b"x");
    a.layer
        .multicast(h, Service::Agreed, SelfDelivery::Deliver, 1, body)
        .unwrap();
}

#[test]
fn messages_come_up_as_they_were_sent() {
    let mut a = Probe::steady("a", &["a", "b"]);
    let mut sent = message("b", Service::Safe, -32765, b"content");
    sent.order = ByteOrder::Big;
    sent.destinations = vec![g().into(), Name::new(b"h").unwrap()];
    a.layer.handle_event(GcsEvent::Message(sent.clone()));
    assert_eq!(
        a.layer.poll_event(),
        Some(FlushEvent::Message(ViewMessage {
            group: g(),
            sender: m("b"),
            destinations: sent.destinations,
            service: Service::Safe,
            message_type: -32765,
            order: ByteOrder::Big,
            body: sent.body,
        }))
    );
}
