//! Whatever an engine, or a peer through it, sends: no panic, and memory stays bounded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use bytes::Bytes;
use gcs_proto::{
    flush::{FlushEvent, FlushLayer},
    gcs::{
        ByteOrder, Cause, CloseReason, GcsCommand, GcsEvent, Membership, Message, Multicast,
        Refused, Scope, SelfDelivery, View, ViewId,
    },
    limits,
    name::{GroupName, MemberName, Name},
    service::Service,
};
use proptest::{collection::vec, prelude::*, sample::select};

fn me() -> MemberName {
    "#a#n1".parse().unwrap()
}

/// Few names, so that they collide; the receiver's most often.
fn member() -> impl Strategy<Value = MemberName> {
    select(vec!["#a#n1", "#a#n1", "#a#n1", "#b#n1", "#c#n1", "~"]).prop_map(|n| n.parse().unwrap())
}

fn group() -> impl Strategy<Value = GroupName> {
    select(vec!["g", "g", "g", "h"]).prop_map(|name| name.parse().unwrap())
}

fn view_id() -> impl Strategy<Value = ViewId> {
    (0_u8..6).prop_map(|number| {
        let mut bytes = [0; 12];
        bytes[3] = number;
        ViewId(bytes)
    })
}

fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![
        member().prop_map(Cause::Join),
        member().prop_map(Cause::Leave),
        member().prop_map(Cause::Disconnect),
        Just(Cause::Network),
    ]
}

fn body() -> impl Strategy<Value = Bytes> {
    // Ids, tags and reference groups that make sense, and anything else.
    let id = |number: u8| [number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    prop_oneof![
        4 => (0_u8..6).prop_map(move |number| Bytes::copy_from_slice(&id(number))),
        4 => (any::<[u8; 2]>(), 0_u8..6).prop_map(move |(kind, number)| {
            Bytes::from([&b"text"[..], &kind, &id(number)].concat())
        }),
        2 => (vec(any::<u8>(), 0..20), 0_u8..6, select(vec![&b"g"[..], b"#a#n1", b"\xff"])).prop_map(
            move |(data, number, reference)| {
                let mut slot = [0; 32];
                slot[..reference.len()].copy_from_slice(reference);
                Bytes::from([&data[..], &[1, 0], &id(number), &slot].concat())
            }
        ),
        2 => vec(any::<u8>(), 0..64).prop_map(Bytes::from),
    ]
}

fn message_type() -> impl Strategy<Value = i16> {
    prop_oneof![
        5 => Just(-32768_i16),
        3 => Just(-32767_i16),
        3 => Just(-32766_i16),
        2 => any::<i16>(),
    ]
}

fn destination() -> impl Strategy<Value = Name> {
    let names = select(vec![
        &b"g"[..],
        b"g",
        b"g",
        b"h",
        b"#a#n1",
        b"",
        b"\x01\xff",
    ]);
    names.prop_map(|name| Name::new(name).unwrap())
}

fn multicast() -> impl Strategy<Value = Multicast> {
    let flags = (
        select(Service::ALL.to_vec()),
        select(vec![SelfDelivery::Deliver, SelfDelivery::Discard]),
        select(vec![
            Scope::Named,
            Scope::Named,
            Scope::Named,
            Scope::Subset,
        ]),
    );
    (vec(destination(), 0..3), flags, message_type(), body()).prop_map(
        |(destinations, (service, self_delivery, scope), message_type, body)| Multicast {
            destinations,
            service,
            self_delivery,
            scope,
            message_type,
            body,
        },
    )
}

fn message() -> impl Strategy<Value = GcsEvent> {
    let order = select(vec![ByteOrder::Little, ByteOrder::Little, ByteOrder::Big]);
    (member(), multicast(), order).prop_map(|(sender, sent, order)| {
        GcsEvent::Message(Message {
            sender,
            destinations: sent.destinations,
            service: sent.service,
            self_delivery: sent.self_delivery,
            scope: sent.scope,
            message_type: sent.message_type,
            order,
            body: sent.body,
        })
    })
}

fn membership() -> impl Strategy<Value = GcsEvent> {
    let names = || vec(member(), 0..4);
    (group(), view_id(), names(), cause(), names()).prop_map(
        |(group, id, mut members, cause, transitional_set)| {
            // Mostly legal lists, or nothing would ever be installed.
            members.sort();
            members.dedup();
            GcsEvent::Membership(Membership {
                group,
                view: View {
                    id,
                    members,
                    cause,
                    transitional_set,
                },
            })
        },
    )
}

fn event() -> impl Strategy<Value = GcsEvent> {
    prop_oneof![
        20 => message(),
        8 => membership(),
        2 => group().prop_map(|group| GcsEvent::TransitionalSignal { group }),
        1 => group().prop_map(|group| GcsEvent::SelfLeave { group }),
        1 => prop_oneof![
            group().prop_map(Refused::Join),
            group().prop_map(Refused::Leave),
            multicast().prop_map(Refused::Multicast),
        ]
        .prop_map(GcsEvent::Refused),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Event(GcsEvent),
    Take,
    FlushOk(GroupName),
    Join(GroupName),
    Leave(GroupName),
    Send(GroupName, Service, i16),
    Unicast(GroupName, MemberName),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => event().prop_map(Step::Event),
        6 => Just(Step::Take),
        3 => group().prop_map(Step::FlushOk),
        1 => group().prop_map(Step::Join),
        1 => group().prop_map(Step::Leave),
        2 => (group(), select(Service::ALL.to_vec()), any::<i16>())
            .prop_map(|(group, service, kind)| Step::Send(group, service, kind)),
        1 => (group(), member()).prop_map(|(group, to)| Step::Unicast(group, to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever comes, the layer goes on, its own messages come back to it or not, and what the
    /// application takes is never against its basic rules.
    #[test]
    fn anything_is_survived(steps in vec(step(), 0..300)) {
        let mut layer = FlushLayer::new(me());
        let mut sent = 0;
        let mut requested = std::collections::BTreeSet::new();
        for step in steps {
            let body = Bytes::from_static(b"x");
            match step {
                Step::Event(event) => layer.handle_event(event),
                Step::Take => match layer.poll_event() {
                    Some(FlushEvent::View(view)) => {
                        prop_assert_eq!(view.view.members.get(view.index), Some(&me()));
                        prop_assert!(view.view.transitional_set.contains(&me()));
                        requested.remove(&view.group);
                    }
                    Some(FlushEvent::FlushRequest { group }) => {
                        prop_assert!(requested.insert(group), "one request in a view");
                    }
                    Some(FlushEvent::Message(message)) => {
                        prop_assert!(message.message_type >= limits::LOWEST_FLUSH_USER_TYPE);
                    }
                    Some(FlushEvent::SelfLeave { group }) => {
                        requested.remove(&group);
                    }
                    Some(FlushEvent::Closed(reason)) => {
                        prop_assert!(matches!(reason, CloseReason::Limit(_)));
                    }
                    Some(
                        FlushEvent::TransitionalSignal { .. }
                        | FlushEvent::Private(_)
                        | FlushEvent::Refused(_),
                    )
                    | None => {}
                },
                Step::FlushOk(group) => {
                    let _ = layer.flush_ok(group);
                }
                Step::Join(group) => {
                    let _ = layer.join(group);
                }
                Step::Leave(group) => {
                    let _ = layer.leave(group);
                }
                Step::Send(group, service, kind) => {
                    let _ = layer.multicast(group, service, SelfDelivery::Deliver, kind, body);
                }
                Step::Unicast(group, to) => {
                    let _ = layer.unicast(group, to, Service::Fifo, 0, body);
                }
            }
            let mut own = Vec::new();
            while let Some(command) = layer.poll_command() {
                sent += 1;
                if let GcsCommand::Multicast(message) = command {
                    own.push(message);
                }
            }
            // Now and then our own messages come back, as they always would.
            if sent % 3 > 0 {
                for message in own {
                    layer.handle_event(GcsEvent::Message(Message {
                        sender: me(),
                        destinations: message.destinations,
                        service: message.service,
                        self_delivery: message.self_delivery,
                        scope: message.scope,
                        message_type: message.message_type,
                        order: ByteOrder::Little,
                        body: message.body,
                    }));
                }
            }
        }
    }
}

/// Large memberships that are never agreed on close the connection before they exhaust memory.
#[test]
fn members_in_pending_changes_are_bounded() {
    let mut layer = FlushLayer::new(me());
    let group: GroupName = "g".parse().unwrap();
    layer.join(group).unwrap();
    let mut members: Vec<MemberName> = (0..limits::MEMBERS - 1)
        .map(|number| format!("#m{number}#n1").parse().unwrap())
        .collect();
    members.push(me());
    for number in 0..32 {
        layer.handle_event(GcsEvent::Membership(Membership {
            group,
            view: View {
                id: ViewId([number; 12]),
                members: members.clone(),
                cause: Cause::Network,
                transitional_set: members.clone(),
            },
        }));
        if let Some(FlushEvent::Closed(reason)) = layer.poll_event() {
            assert_eq!(
                reason,
                CloseReason::Limit("members in pending changes of a group")
            );
            assert_eq!(number, 16);
            return;
        }
    }
    panic!("not closed");
}

/// Acknowledgements of made-up ids by made-up senders are dropped beyond a number.
#[test]
fn early_acknowledgements_are_bounded() {
    let mut layer = FlushLayer::new(me());
    let group: GroupName = "g".parse().unwrap();
    layer.handle_event(GcsEvent::Membership(Membership {
        group,
        view: View {
            id: ViewId([1; 12]),
            members: vec![me()],
            cause: Cause::Join(me()),
            transitional_set: vec![me()],
        },
    }));
    let total = 2 * limits::MEMBERS as u32;
    for number in 0..total {
        let id = [[9; 8].as_slice(), &(number % 100).to_le_bytes()].concat();
        layer.handle_event(GcsEvent::Message(Message {
            sender: format!("#m{number}#n1").parse().unwrap(),
            destinations: vec![group.into()],
            service: Service::Fifo,
            self_delivery: SelfDelivery::Deliver,
            scope: Scope::Named,
            message_type: -32768,
            order: ByteOrder::Little,
            body: id.into(),
        }));
    }
    assert!(layer.stats().expired >= 50, "{:?}", layer.stats());
    assert_eq!(layer.poll_event(), None);
}
