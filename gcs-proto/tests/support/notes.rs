//! Notes of a capture as typed expectations.

use gcs_proto::{
    gcs::{
        ByteOrder, Cause, GcsEvent, Membership, Message, Refused, Scope, SelfDelivery, View, ViewId,
    },
    name::{GroupName, MemberName, Name},
    service::Service,
};

use super::{bytes_literal, field, list};

/// A message that a client library was asked to send.
#[derive(Clone, Debug)]
pub struct Send {
    /// Service.
    pub service: Service,
    /// Whether SELF_DISCARD was given.
    pub self_delivery: SelfDelivery,
    /// Whether the receive option DROP_RECV was given, which travels without meaning anything.
    pub drop_receive: bool,
    /// Destinations.
    pub destinations: Vec<Name>,
    /// Message type.
    pub message_type: i16,
    /// Content.
    pub body: Vec<u8>,
}

/// A call that made the client library send something.
#[derive(Clone, Debug)]
pub enum Call {
    /// Join.
    Join(GroupName),
    /// Leave.
    Leave(GroupName),
    /// Multicast.
    Send(Send),
    /// Disconnect.
    Disconnect,
}

/// The call that a note tells of, unless the library refused it or it sent nothing.
pub fn call(note: &str) -> Option<Call> {
    let (call, result) = note.rsplit_once(" -> ")?;
    if result.starts_with('-') || !call.starts_with("SP_") {
        return None;
    }
    let (name, arguments) = call.split_once('(').unwrap_or((call, ""));
    let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
    Some(match name {
        "SP_join" => Call::Join(arguments.trim_matches('\'').parse().unwrap()),
        "SP_leave" => Call::Leave(arguments.trim_matches('\'').parse().unwrap()),
        "SP_disconnect" => Call::Disconnect,
        "SP_multicast" | "SP_multigroup_multicast" => Call::Send(send(arguments)),
        "SP_connect" | "SP_receive" | "SP_poll" => return None,
        other => panic!("unknown call {other}"),
    })
}

fn send(arguments: &str) -> Send {
    let (flags, rest) = arguments.split_once(", ").unwrap();
    let (destinations, rest) = rest.split_once(", mess_type=").unwrap();
    let (message_type, body) = rest.split_once(", ").unwrap();
    let (service, self_delivery, drop_receive) = service(flags);
    Send {
        service,
        self_delivery,
        drop_receive,
        destinations: names(destinations),
        message_type: message_type.parse().unwrap(),
        body: match body.strip_suffix(" bytes") {
            Some(count) => (0..count.parse::<usize>().unwrap())
                .map(|i| i as u8)
                .collect(),
            None => bytes_literal(body),
        },
    }
}

/// Service, self-discard and receive option of `AGREED|SELF_DISCARD|DROP_RECV`.
fn service(flags: &str) -> (Service, SelfDelivery, bool) {
    let mut found = None;
    let mut self_delivery = SelfDelivery::Deliver;
    let mut drop_receive = false;
    for flag in flags.split('|') {
        match flag {
            "SELF_DISCARD" => self_delivery = SelfDelivery::Discard,
            "DROP_RECV" => drop_receive = true,
            "REJECT" => {}
            name => {
                let service: Service = name.to_lowercase().parse().unwrap();
                assert_eq!(found.replace(service), None, "{flags}");
            }
        }
    }
    (found.unwrap(), self_delivery, drop_receive)
}

fn names<T: TryFrom<Name>>(text: &str) -> Vec<T> {
    list(text)
        .iter()
        .map(|name| {
            T::try_from(Name::new(name.as_bytes()).unwrap())
                .ok()
                .unwrap()
        })
        .collect()
}

fn text<'a>(note: &'a str, key: &str) -> &'a str {
    field(note, key)
        .unwrap_or_else(|| panic!("no {key} in {note}"))
        .trim_matches('\'')
}

/// Compares an event with what the library returned for the same message to the client `me`.
pub fn assert_received(event: &GcsEvent, note: &str, me: &MemberName) {
    let flags: Vec<&str> = text(note, "service").split('|').collect();
    let has = |flag| flags.contains(&flag);
    if has("REJECT") {
        assert_refused(event, note, me);
    } else if has("REG_MEMB") {
        assert_membership(event, note, me);
    } else if has("TRANSITION") {
        let group = text(note, "sender").parse().unwrap();
        assert_eq!(*event, GcsEvent::TransitionalSignal { group }, "{note}");
        assert_eq!(text(note, "ret"), "12");
    } else if has("CAUSED_BY_LEAVE") {
        let group = text(note, "sender").parse().unwrap();
        assert_eq!(*event, GcsEvent::SelfLeave { group }, "{note}");
    } else {
        assert_message(event, note);
    }
}

fn assert_message(event: &GcsEvent, note: &str) {
    let GcsEvent::Message(message) = event else {
        panic!("{event:?} for {note}");
    };
    let (service, self_delivery, _) = service(text(note, "service"));
    let destinations: Vec<Name> = match field(note, "groups").unwrap() {
        // Counted, not listed.
        list if list.ends_with(" names]") => message.destinations.clone(),
        list => names(list),
    };
    assert_eq!(destinations.len().to_string(), text(note, "num_groups"));
    let expected = Message {
        sender: text(note, "sender").parse().unwrap(),
        destinations,
        service,
        self_delivery,
        scope: Scope::Named,
        message_type: text(note, "mess_type").parse().unwrap(),
        // The library ran on a little-endian machine.
        order: match text(note, "endian_mismatch") {
            "0" => ByteOrder::Little,
            "1" => ByteOrder::Big,
            other => panic!("endian_mismatch {other}"),
        },
        body: message.body.clone(),
    };
    assert_eq!(*message, expected, "{note}");
    assert_body(&message.body, note);
}

/// The body as far as the note has it; the length always.
fn assert_body(body: &[u8], note: &str) {
    assert_eq!(body.len().to_string(), text(note, "ret"), "{note}");
    match field(note, "data") {
        None => assert!(body.is_empty(), "{note}"),
        Some(data) => {
            let data = bytes_literal(data);
            assert_eq!(body[..data.len()], data, "{note}");
            assert_eq!(note.ends_with("..."), data.len() < body.len(), "{note}");
        }
    }
}

fn assert_refused(event: &GcsEvent, note: &str, me: &MemberName) {
    let GcsEvent::Refused(refused) = event else {
        panic!("{event:?} for {note}");
    };
    assert_eq!(text(note, "sender"), me.as_str());
    let mut returned: Vec<Name> = names(field(note, "groups").unwrap());
    assert_eq!(returned.pop().as_ref(), Some(me.as_name()), "{note}");
    let group = || GroupName::try_from(returned[0]).unwrap();
    match text(note, "service") {
        "CAUSED_BY_JOIN|REJECT" => assert_eq!(*refused, Refused::Join(group())),
        "CAUSED_BY_LEAVE|REJECT" => assert_eq!(*refused, Refused::Leave(group())),
        flags => {
            let Refused::Multicast(multicast) = refused else {
                panic!("{refused:?} for {note}");
            };
            let (service, self_delivery, _) = service(flags);
            assert_eq!(multicast.service, service, "{note}");
            assert_eq!(multicast.self_delivery, self_delivery, "{note}");
            assert_eq!(multicast.destinations, returned, "{note}");
            assert_eq!(
                multicast.message_type.to_string(),
                text(note, "mess_type"),
                "{note}"
            );
            assert_body(&multicast.body, note);
        }
    }
}

fn assert_membership(event: &GcsEvent, note: &str, me: &MemberName) {
    let GcsEvent::Membership(membership) = event else {
        panic!("{event:?} for {note}");
    };
    let members: Vec<MemberName> = names(field(note, "groups").unwrap());
    assert_eq!(members.len().to_string(), text(note, "num_groups"));
    let index = members.iter().position(|member| member == me).unwrap();
    assert_eq!(index.to_string(), text(note, "mess_type"), "{note}");
    let (own, sets) = sets(note);
    let changed = sets[0][0];
    let (cause, transitional_set) = match text(note, "service") {
        "CAUSED_BY_JOIN|REG_MEMB" => (
            Cause::Join(changed),
            if changed == *me {
                vec![*me]
            } else {
                let mut others = members.clone();
                others.retain(|member| *member != changed);
                others
            },
        ),
        "CAUSED_BY_LEAVE|REG_MEMB" => (Cause::Leave(changed), members.clone()),
        "CAUSED_BY_DISCONNECT|REG_MEMB" => (Cause::Disconnect(changed), members.clone()),
        "CAUSED_BY_NETWORK|REG_MEMB" => (Cause::Network, sets[own].clone()),
        other => panic!("service {other}"),
    };
    let expected = Membership {
        group: text(note, "sender").parse().unwrap(),
        view: View {
            id: view_id(note),
            members,
            cause,
            transitional_set,
        },
    };
    assert_eq!(*membership, expected, "{note}");
}

/// `gid=(0x7f00000b,1795336862,1)` as the three big-endian words of a view id.
pub fn view_id(note: &str) -> ViewId {
    let (_, rest) = note.split_once("gid=(").unwrap();
    let (id, _) = rest.split_once(')').unwrap();
    let mut bytes = [0; 12];
    for (slot, word) in bytes.chunks_exact_mut(4).zip(id.split(',')) {
        let word: u32 = match word.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).unwrap(),
            None => word.parse().unwrap(),
        };
        slot.copy_from_slice(&word.to_be_bytes());
    }
    ViewId(bytes)
}

/// `my_off=68 vs0@0[a,b] vs1@68[c,d]` as index of the own set, and all sets.
fn sets(note: &str) -> (usize, Vec<Vec<MemberName>>) {
    let offset = text(note, "my_off");
    let mut own = None;
    let mut sets = Vec::new();
    while let Some((_, rest)) = note.split_once(&format!(" vs{}@", sets.len())) {
        let (start, rest) = rest.split_once('[').unwrap();
        let (members, _) = rest.split_once(']').unwrap();
        if start == offset {
            own = Some(sets.len());
        }
        sets.push(names(members));
    }
    assert_eq!(sets.len().to_string(), text(note, "nvs"));
    (own.unwrap(), sets)
}
