//! The rules of the flush layer one by one: events of the engine in, events and commands out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod bare;
mod calls;
mod guarantees;
mod messages;
mod views;

use bytes::Bytes;
use gcs_proto::{
    error::Error,
    flush::{BareEvent, FlushEvent, FlushLayer, ViewMessage, VsView},
    gcs::{
        ByteOrder, Capabilities, Cause, CloseReason, GcsCommand, GcsEvent, Membership, Message,
        Multicast, Refused, Scope, SelfDelivery, SignalTiming, View, ViewId,
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
        view: View {
            id: id(number),
            members: ms(members),
            cause,
            transitional_set: ms(set),
        },
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

/// A short form of an event: enough to tell all events of these tests apart.
fn short(event: FlushEvent) -> String {
    match event {
        FlushEvent::View(view) => {
            let names = |members: &[MemberName]| {
                let all: Vec<_> = members.iter().map(brief).collect();
                all.join("")
            };
            let member = view.view.cause.member().map(brief).unwrap_or_default();
            format!(
                "view {} {} [{}] {}{member}",
                view.view.id.0[0],
                names(&view.view.members),
                names(&view.view.transitional_set),
                view.view.cause.as_str(),
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

    /// A member of the confirmed view 1 of these members, in which it was the last to join.
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

    /// Handles an event of the engine and compares the events that result.
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
