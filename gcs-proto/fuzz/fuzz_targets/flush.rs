//! A flush layer whose engine, peers and application do anything, a step a byte.
#![no_main]

use std::collections::BTreeSet;

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
use libfuzzer_sys::fuzz_target;

/// Reads choices off the input; zeros when it is used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((byte, rest)) => {
                self.0 = rest;
                *byte
            }
            None => 0,
        }
    }

    fn group(&mut self) -> GroupName {
        let text: &[u8] = if self.byte() % 4 == 0 { b"h" } else { b"g" };
        GroupName::new(text).expect("legal")
    }

    fn id(&mut self) -> ViewId {
        ViewId([self.byte() % 8; 12])
    }

    fn service(&mut self) -> Service {
        Service::ALL[usize::from(self.byte()) % 6]
    }

    /// The members whose bits are set.
    fn members(&mut self) -> Vec<MemberName> {
        let bits = self.byte();
        (0..8)
            .filter(|bit| bits >> bit & 1 == 1)
            .map(member)
            .collect()
    }

    fn message(&mut self) -> Message {
        let group = self.group();
        let sender = member(self.byte() % 8);
        let id = self.id();
        let order = if self.byte() % 2 == 0 {
            ByteOrder::Little
        } else {
            ByteOrder::Big
        };
        let kind = self.byte();
        let mut body = vec![7; usize::from(kind >> 5)];
        let mut scope = Scope::Named;
        let mut destination = Name::from(group);
        let message_type = match kind % 8 {
            0..3 => i16::MIN,
            3 => i16::MIN + 1,
            4 | 5 => {
                body.extend_from_slice(&[1, 1]);
                i16::MIN + 2
            }
            6 => i16::from(self.byte()),
            _ => {
                destination = member(self.byte() % 8).into();
                0
            }
        };
        if kind % 8 < 6 {
            body.extend_from_slice(&id.0);
        }
        if self.byte() % 8 == 0 {
            scope = Scope::Subset;
            body.extend_from_slice(Name::from(group).slot());
        }
        Message {
            sender,
            destinations: vec![destination],
            service: self.service(),
            self_delivery: SelfDelivery::Deliver,
            scope,
            message_type,
            order,
            body: body.into(),
        }
    }

    fn membership(&mut self) -> Membership {
        let changed = member(self.byte() % 8);
        Membership {
            group: self.group(),
            view: View {
                id: self.id(),
                cause: match self.byte() % 4 {
                    0 => Cause::Join(changed),
                    1 => Cause::Leave(changed),
                    2 => Cause::Disconnect(changed),
                    _ => Cause::Network,
                },
                members: self.members(),
                transitional_set: self.members(),
            },
        }
    }
}

fn groups() -> [GroupName; 2] {
    ["g", "h"].map(|name| name.parse().expect("legal"))
}

fn member(number: u8) -> MemberName {
    MemberName::new(format!("#m{number}#n1").as_bytes()).expect("legal")
}

fuzz_target!(|data: &[u8]| {
    let me = member(0);
    let mut layer = FlushLayer::new(me);
    let mut choices = Choices(data);
    let mut asked = BTreeSet::new();
    let mut closed = false;
    while !choices.0.is_empty() {
        let body = Bytes::from_static(b"x");
        match choices.byte() % 16 {
            0..5 => layer.handle_event(GcsEvent::Message(choices.message())),
            5 | 6 => layer.handle_event(GcsEvent::Membership(choices.membership())),
            7 => {
                let group = choices.group();
                layer.handle_event(GcsEvent::TransitionalSignal { group });
            }
            8 => {
                let group = choices.group();
                layer.handle_event(match choices.byte() % 4 {
                    0 => GcsEvent::Refused(Refused::Join(group)),
                    1 => GcsEvent::Refused(Refused::Leave(group)),
                    _ => GcsEvent::SelfLeave { group },
                });
            }
            9 => drop(layer.join(choices.group())),
            10 => drop(layer.flush_ok(choices.group())),
            11 => {
                let (group, service) = (choices.group(), choices.service());
                drop(layer.multicast(group, service, SelfDelivery::Deliver, 1, body));
            }
            12 => {
                let (group, service) = (choices.group(), choices.service());
                let receivers = choices.members();
                drop(layer.subset(group, &receivers, service, 1, body));
            }
            13 if choices.byte() % 4 == 0 => drop(layer.leave(choices.group())),
            14 if choices.byte() % 2 == 0 => drop(layer.join_bare(choices.group())),
            14 => {
                let message = choices.message();
                let sent = Multicast {
                    destinations: message.destinations,
                    service: message.service,
                    self_delivery: message.self_delivery,
                    scope: message.scope,
                    message_type: message.message_type,
                    body: message.body,
                };
                let named = sent.destinations.first().copied();
                let into_view = groups()
                    .into_iter()
                    .any(|group| layer.view(&group).is_some() && named == Some(Name::from(group)));
                assert!(layer.multicast_bare(sent).is_err() || !into_view);
            }
            _ => match layer.poll_event() {
                Some(FlushEvent::View(view)) => {
                    assert!(!closed);
                    assert_eq!(view.view.members.get(view.index), Some(&me));
                    assert!(view.view.transitional_set.contains(&me));
                    asked.remove(&view.group);
                }
                Some(FlushEvent::FlushRequest { group }) => assert!(asked.insert(group)),
                Some(FlushEvent::SelfLeave { group }) => drop(asked.remove(&group)),
                Some(FlushEvent::Message(message)) => {
                    assert!(message.message_type >= limits::LOWEST_FLUSH_USER_TYPE);
                }
                Some(FlushEvent::Closed(reason)) => {
                    assert!(matches!(reason, CloseReason::Limit(_)));
                    closed = true;
                }
                Some(
                    FlushEvent::TransitionalSignal { .. }
                    | FlushEvent::Private(_)
                    | FlushEvent::Refused(_),
                )
                | None => {}
            },
        }
        while let Some(bare) = layer.poll_bare_event() {
            assert!(!closed && layer.view(&bare.group).is_none());
        }
        // Our own messages come back at once, as a daemon that orders them first would have it.
        while let Some(command) = layer.poll_command() {
            let GcsCommand::Multicast(sent) = command else {
                continue;
            };
            assert!(sent.body.len() + 32 * sent.destinations.len() <= limits::SAFE_MESSAGE);
            if sent
                .destinations
                .iter()
                .any(|name| name.is_private() && name != me.as_name())
            {
                continue;
            }
            layer.handle_event(GcsEvent::Message(Message {
                sender: me,
                destinations: sent.destinations,
                service: sent.service,
                self_delivery: sent.self_delivery,
                scope: sent.scope,
                message_type: sent.message_type,
                order: ByteOrder::Little,
                body: sent.body,
            }));
        }
    }
});
