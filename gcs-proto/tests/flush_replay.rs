//! Recorded conversations of the Flush library, replayed through our connection and flush layer.
//!
//! The replay makes the noted calls, delivers what had arrived when the recorded client sent the
//! message that the call caused, and what a noted receive needs for its event. It compares every
//! event and result with the notes, and every byte sent with the recording.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::collections::VecDeque;

use bytes::Bytes;
use gcs_proto::{
    codec::{Layout, MembershipBody},
    connection::Connection,
    error::Error,
    flush::{FlushEvent, FlushLayer, VsView},
    gcs::{ByteOrder, Cause, CloseReason, SelfDelivery},
    handshake::{ClientHandshake, ConnectOptions},
    name::{GroupName, MemberName},
    receive::view_body,
    service::Service,
};
use support::{Direction, Line, bytes_literal, field, list, load};

/// How received frames are cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Whole,
    Bytes,
    /// Each frame in two pieces, the first of this length.
    At(usize),
}

/// Signals of ours that the library swallowed, by the capture's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signals {
    AsNoted,
    MoreThanNoted,
}

struct Client {
    name: String,
    connection: Connection,
    layer: FlushLayer,
    frames: VecDeque<Vec<u8>>,
    cut: Cut,
    sent: Vec<Vec<u8>>,
    /// The last view taken.
    view: Option<VsView>,
    extra_signals: usize,
    signals: Signals,
}

impl Client {
    /// Passes the handshake with the recorded answers.
    fn connect(lines: &[Line], name: &str, cut: Cut, signals: Signals) -> Self {
        let mut frames: VecDeque<_> = support::frames(lines, name, Direction::ToClient).into();
        let mut handshake = ClientHandshake::new(ConnectOptions::default());
        let connection = loop {
            let frame = frames.pop_front().unwrap();
            if let Some(connection) = handshake.handle_bytes(&frame).unwrap() {
                break connection;
            }
        };
        let layer = FlushLayer::new(*connection.private_group());
        Self {
            name: name.to_owned(),
            connection,
            layer,
            frames,
            cut,
            sent: Vec::new(),
            view: None,
            extra_signals: 0,
            signals,
        }
    }

    fn carry_out(&mut self) {
        while let Some(command) = self.layer.poll_command() {
            self.connection.command(command).unwrap();
            // A message at a time, to compare it with that of the recording.
            let pieces = std::iter::from_fn(|| self.connection.poll_transmit());
            self.sent.push(pieces.collect::<Vec<_>>().concat());
        }
    }

    fn handle(&mut self, bytes: &[u8]) {
        self.connection.handle_bytes(bytes);
        while let Some(event) = self.connection.poll_event() {
            self.layer.handle_event(event);
            self.carry_out();
        }
    }

    /// Delivers the next frame; false when there is none.
    fn deliver(&mut self) -> bool {
        let Some(frame) = self.frames.pop_front() else {
            return false;
        };
        match self.cut {
            Cut::Whole => self.handle(&frame),
            Cut::Bytes => frame.iter().for_each(|byte| self.handle(&[*byte])),
            Cut::At(at) => {
                let (first, second) = frame.split_at(at.min(frame.len()));
                self.handle(first);
                self.handle(second);
            }
        }
        true
    }

    fn receive(&mut self) -> FlushEvent {
        loop {
            if let Some(event) = self.layer.poll_event() {
                return event;
            }
            assert!(self.deliver(), "{}: nothing left to receive", self.name);
        }
    }

    /// Compares an event with the note of the library's receive.
    fn check_receive(&mut self, note: &str) {
        let mut event = self.receive();
        let service = field(note, "service").unwrap();
        if self.signals == Signals::MoreThanNoted
            && service != "TRANSITION"
            && matches!(event, FlushEvent::TransitionalSignal { .. })
        {
            self.extra_signals += 1;
            event = self.receive();
        }
        let sender = field(note, "sender").unwrap().trim_matches('\'');
        let groups = list(field(note, "groups").unwrap());
        let message_type: i16 = field(note, "mess_type").unwrap().parse().unwrap();
        let what = format!("{}: {note}\nours: {event:?}", self.name);
        match event {
            FlushEvent::FlushRequest { group } => {
                assert_eq!(
                    (service, sender),
                    ("FL_FLUSH_REQ", group.as_str()),
                    "{what}"
                );
            }
            FlushEvent::TransitionalSignal { group } => {
                assert_eq!((service, sender), ("TRANSITION", group.as_str()), "{what}");
            }
            FlushEvent::SelfLeave { group } => {
                assert_eq!(
                    (service, sender),
                    ("CAUSED_BY_LEAVE", group.as_str()),
                    "{what}"
                );
                self.view = None;
            }
            FlushEvent::View(view) => {
                assert_eq!(sender, view.group.as_str(), "{what}");
                assert_eq!(groups, texts(&view.view.members), "{what}");
                assert_eq!(message_type as usize, view.index, "{what}");
                self.check_view(note, service, &view);
                self.view = Some(view);
            }
            FlushEvent::Message(message) => {
                let mut expected: Vec<String> = message
                    .destinations
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                let mut services = service.split('|');
                assert_eq!(
                    services.next().unwrap().to_lowercase(),
                    message.service.as_str()
                );
                if services.any(|flag| flag == "FL_SUBGROUP_CAST") {
                    expected.push(message.group.to_string());
                }
                assert_eq!(groups, expected, "{what}");
                assert_eq!(sender, message.sender.as_str(), "{what}");
                assert_eq!(message_type, message.message_type, "{what}");
                self.check_content(note, message.order, &message.body);
            }
            FlushEvent::Private(message) => {
                assert_eq!(sender, message.sender.as_str(), "{what}");
                assert_eq!(groups[0], self.layer.me().as_str(), "{what}");
                assert_eq!(message_type, message.message_type, "{what}");
                let first = service.split('|').next().unwrap();
                assert_eq!(first.to_lowercase(), message.service.as_str());
                self.check_content(note, message.order, &message.body);
            }
            FlushEvent::Refused(_) | FlushEvent::Closed(_) => panic!("{what}"),
        }
        if self.signals == Signals::AsNoted {
            // All that one frame caused is there at once, as in the library.
            let more: usize = field(note, "more").unwrap().parse().unwrap();
            assert!(self.layer.queued_events() >= more, "{what}");
        }
    }

    fn check_content(&self, note: &str, order: ByteOrder, body: &Bytes) {
        let data = bytes_literal(field(note, "data").unwrap());
        assert_eq!(data, body.as_ref(), "{}: {note}", self.name);
        let mismatch = field(note, "endian_mismatch").unwrap();
        let expected = match order {
            ByteOrder::Little => "0",
            ByteOrder::Big => "1",
        };
        assert_eq!(mismatch, expected, "{}: {note}", self.name);
    }

    /// Id, cause and the names in the body: the changed member, or the transitional set.
    fn check_view(&self, note: &str, service: &str, view: &VsView) {
        let (_, body) = note.split_once("body{gid=(").unwrap();
        let (id, body) = body.split_once(')').unwrap();
        let mut words = id.split(',');
        let mut bytes = Vec::new();
        let first = words.next().unwrap().trim_start_matches("0x");
        bytes.extend(u32::from_str_radix(first, 16).unwrap().to_be_bytes());
        for word in words {
            bytes.extend(word.parse::<u32>().unwrap().to_be_bytes());
        }
        assert_eq!(view.view.id.0.as_slice(), bytes, "{note}");
        let ours = view_body(&view.view);
        assert_eq!(
            ours.len().to_string(),
            field(note, "ret").unwrap(),
            "{note}"
        );
        let ours = MembershipBody::decode(&ours, ByteOrder::Little, Layout::OneSet).unwrap();
        let (_, names) = body.split_once('[').unwrap();
        let names = list(names.trim_end_matches('}').trim_end_matches(']'));
        assert_eq!(
            (ours.id, texts(&ours.sets[0])),
            (view.view.id, names.clone()),
            "{note}"
        );
        let previous = self.view.as_ref().map_or_else(
            || vec![self.layer.me().to_string()],
            |view| texts(&view.view.members),
        );
        let (cause, set) = match view.view.cause {
            Cause::Join(member) => {
                assert_eq!(names, [member.as_str()], "{note}");
                ("CAUSED_BY_JOIN", previous)
            }
            Cause::Leave(member) | Cause::Disconnect(member) => {
                assert_eq!(names, [member.as_str()], "{note}");
                let stays = |name: &String| name != member.as_str();
                let set = previous.into_iter().filter(stays).collect();
                match view.view.cause {
                    Cause::Leave(_) => ("CAUSED_BY_LEAVE", set),
                    _ => ("CAUSED_BY_DISCONNECT", set),
                }
            }
            Cause::Network => ("CAUSED_BY_NETWORK", names),
        };
        assert_eq!(service, format!("{cause}|REG_MEMB"), "{note}");
        assert_eq!(texts(&view.view.transitional_set), set, "{note}");
    }

    /// Makes a noted call and compares its result; false for calls that we do not offer.
    fn check_call(&mut self, note: &str) -> bool {
        let (call, result) = note.rsplit_once(" -> ").unwrap();
        let result: i32 = result.split(' ').next().unwrap().parse().unwrap();
        let (function, arguments) = call.split_once('(').unwrap_or((call, ""));
        let Some(done) = self.call(function, arguments) else {
            return false;
        };
        let code = done
            .as_ref()
            .map_or_else(|error| error.code().number(), |()| 0);
        assert_eq!(code, result.min(0), "{}: {note}\nours: {done:?}", self.name);
        self.carry_out();
        true
    }

    fn call(&mut self, function: &str, arguments: &str) -> Option<Result<(), Error>> {
        let layer = &mut self.layer;
        if function == "FL_disconnect" {
            return Some(layer.disconnect());
        }
        let quoted = |text: &str| text.trim_matches(['\'', '(', ')', ' ']).to_owned();
        match function {
            "FL_join" => return Some(layer.join(quoted(arguments).parse().unwrap())),
            "FL_leave" => return Some(layer.leave(quoted(arguments).parse().unwrap())),
            "FL_flush" => return Some(layer.flush_ok(quoted(arguments).parse().unwrap())),
            _ => {}
        }
        let mut parts = arguments.splitn(3, ", ");
        let mut flags = parts.next().unwrap().split('|');
        let service: Service = flags.next().unwrap().to_lowercase().parse().ok()?;
        let self_delivery = match flags.next() {
            None => SelfDelivery::Deliver,
            Some("SELF_DISCARD") => SelfDelivery::Discard,
            // A service word that our types cannot express.
            Some(_) => return None,
        };
        let group = quoted(parts.next().unwrap());
        let rest = format!(" {}", parts.next().unwrap());
        let message_type = field(&rest, "mess_type").unwrap().trim_end_matches(',');
        let message_type: i16 = message_type.parse().unwrap();
        let (_, data) = rest.rsplit_once(", b").unwrap();
        let body = Bytes::from(bytes_literal(&format!("b{}", data.trim_end_matches(')'))));
        let Ok(group) = group.parse::<GroupName>() else {
            let to: MemberName = group.parse().unwrap();
            return (function == "FL_multicast")
                .then(|| layer.private(to, service, message_type, body));
        };
        let members = |text: &str| -> Vec<MemberName> {
            let names = list(text);
            names.iter().map(|name| name.parse().unwrap()).collect()
        };
        Some(match function {
            "FL_multicast" => layer.multicast(group, service, self_delivery, message_type, body),
            "FL_unicast" => {
                let (receiver, _) = rest.split_once(',').unwrap();
                let receiver = quoted(receiver).parse().unwrap();
                layer.unicast(group, receiver, service, message_type, body)
            }
            "FL_subgroupcast" => {
                if self_delivery == SelfDelivery::Discard {
                    return None;
                }
                let (receivers, _) = rest.split_once(']').unwrap();
                let receivers = members(receivers.trim_start());
                layer.subset(group, &receivers, service, message_type, body)
            }
            other => panic!("unknown call {other}"),
        })
    }

    /// Delivers what had arrived before the next message was sent; `arrived` counts that for each
    /// message of the recording.
    fn deliver_arrived(&mut self, arrived: &[usize], all: usize) {
        while let Some(arrived) = arrived.get(self.sent.len()) {
            if all - self.frames.len() >= *arrived || !self.deliver() {
                break;
            }
        }
    }

    /// Delivers until as much is sent as was recorded, for what the library did on its own while a
    /// receive returned nothing.
    fn deliver_until_sent(&mut self, count: usize) {
        while self.sent.len() < count && self.deliver() {}
    }
}

/// For each message that `name` sent after its handshake, what had arrived before.
fn arrivals(lines: &[Line], name: &str) -> Vec<usize> {
    let mut arrived = 0;
    let mut all = Vec::new();
    for line in lines {
        match line {
            Line::Frame {
                conn, direction, ..
            } if conn == name => match direction {
                Direction::ToClient => arrived += 1,
                Direction::ToDaemon => all.push(arrived),
            },
            Line::Frame { .. } | Line::Truncated { .. } | Line::End { .. } | Line::Note { .. } => {}
        }
    }
    all.into_iter().skip(2).collect()
}

fn texts(names: &[MemberName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Clears the bytes behind the end of names, which the library does not initialise.
fn clean(mut frame: Vec<u8>) -> Vec<u8> {
    let count = u32::from_le_bytes(frame[36..40].try_into().unwrap()) as usize;
    for start in std::iter::once(4).chain((0..count).map(|index| 48 + 32 * index)) {
        let slot = &mut frame[start..start + 32];
        let end = slot.iter().position(|byte| *byte == 0).unwrap_or(32);
        slot[end..].fill(0);
    }
    frame
}

/// Replays one connection; returns the number of signals that the library did not report.
fn replay(lines: &[Line], name: &str, cut: Cut, signals: Signals) -> usize {
    let mut client = Client::connect(lines, name, cut, signals);
    let mut arrived = arrivals(lines, name);
    let all = support::frames(lines, name, Direction::ToClient).len();
    let recorded = support::frames(lines, name, Direction::ToDaemon);
    // Connect record and choice of method come first.
    let mut recorded: Vec<Vec<u8>> = recorded.into_iter().skip(2).map(clean).collect();
    for line in lines.iter().filter(|line| line.conn() == Some(name)) {
        match line {
            Line::Note { text, .. } if text.starts_with("FL_connect") => {}
            Line::Note { text, .. } if text.starts_with("FL_receive") => {
                client.check_receive(text);
            }
            Line::Note { text, .. } => {
                if text.starts_with("FL_disconnect") {
                    // The last frame recorded is the disconnect itself.
                    client.deliver_until_sent(recorded.len() - 1);
                }
                let sends = !text.contains("-> -");
                if sends {
                    client.deliver_arrived(&arrived, all);
                }
                if !client.check_call(text) && sends {
                    // Something that we do not offer.
                    recorded.remove(client.sent.len());
                    arrived.remove(client.sent.len());
                }
            }
            Line::Frame { .. } | Line::Truncated { .. } | Line::End { .. } => {}
        }
    }
    let sent: Vec<Vec<u8>> = client.sent.iter().cloned().map(clean).collect();
    for (number, (ours, theirs)) in sent.iter().zip(&recorded).enumerate() {
        let (ours, theirs) = (hex::encode(ours), hex::encode(theirs));
        assert_eq!(ours, theirs, "message {number} of {name}");
    }
    assert_eq!(sent.len(), recorded.len(), "sent by {name}");
    let closed = client.connection.poll_event();
    client.layer.handle_event(closed.expect("disconnected"));
    // Not received any more by the recorded client: others left.
    let mut rest: Vec<FlushEvent> = std::iter::from_fn(|| client.layer.poll_event()).collect();
    let closed = FlushEvent::Closed(CloseReason::Disconnected);
    assert_eq!(rest.pop(), Some(closed));
    let others_left = |event: &FlushEvent| {
        matches!(
            event,
            FlushEvent::FlushRequest { .. } | FlushEvent::TransitionalSignal { .. }
        )
    };
    assert!(rest.iter().all(others_left), "{rest:?}");
    assert_eq!(client.layer.stats().malformed, 0);
    client.extra_signals
}

/// Replays every client of a capture in every cut; returns the number of signals missing in it.
fn replay_all(capture: &str, clients: &[&str], signals: Signals) -> usize {
    let lines = load(capture);
    let longest = lines.iter().map(|line| match line {
        Line::Frame { bytes, .. } => bytes.len(),
        Line::Truncated { .. } | Line::End { .. } | Line::Note { .. } => 0,
    });
    let longest = longest.max().unwrap();
    let cuts = [Cut::Whole, Cut::Bytes].into_iter();
    let mut extra = Vec::new();
    for cut in cuts.chain((1..longest).map(Cut::At)) {
        let missing = clients
            .iter()
            .map(|client| replay(&lines, client, cut, signals));
        extra.push(missing.sum());
    }
    assert!(extra.iter().all(|missing: &usize| *missing == extra[0]));
    extra[0]
}

#[test]
fn capture_14_basic() {
    replay_all("14-flush-basic", &["alice", "bob"], Signals::AsNoted);
}

#[test]
fn capture_15_subgroup() {
    replay_all(
        "../flush_captures/15-flush-subgroup",
        &["alice", "bob", "carol"],
        Signals::AsNoted,
    );
}

#[test]
fn capture_16_cascade() {
    let clients = ["alice", "bob", "carol", "dave", "carol2", "carol3", "dave2"];
    replay_all("16-flush-cascade", &clients, Signals::AsNoted);
}

/// The library swallows the signal of a partition when no change is pending. There is one such
/// partition in this recording, seen by three members, and the later ones that it does signal.
#[test]
fn capture_17_partition() {
    let missing = replay_all(
        "../flush_captures/17-flush-partition",
        &["a1", "b1", "c1"],
        Signals::MoreThanNoted,
    );
    assert_eq!(missing, 3);
}

#[test]
fn capture_18_handmade_peers() {
    replay_all(
        "../flush_captures/18-flush-handmade-peers",
        &["alice"],
        Signals::AsNoted,
    );
}

/// Two runs of the example program of the library, by what was typed; what it printed is not
/// recorded, so the kinds of events stand here.
#[test]
fn capture_22_flush_user() {
    let lines = load("22-flush_user");
    for (user, expected) in [
        (
            "user1",
            &[
                "view 1",
                "request",
                "view 2",
                "hello\n",
                "only you\n",
                "request",
                "signal",
                "view 1",
            ][..],
        ),
        ("user2", &["view 2", "hello\n", "left"]),
    ] {
        let longest = support::frames(&lines, user, Direction::ToClient)
            .iter()
            .map(Vec::len)
            .max();
        let cuts = [Cut::Whole, Cut::Bytes].into_iter();
        for cut in cuts.chain((1..longest.unwrap()).map(Cut::At)) {
            replay_typed(&lines, user, cut, expected);
        }
    }
}

fn replay_typed(lines: &[Line], user: &str, cut: Cut, expected: &[&str]) {
    let mut client = Client::connect(lines, user, cut, Signals::AsNoted);
    let recorded = support::frames(lines, user, Direction::ToDaemon);
    let recorded: Vec<Vec<u8>> = recorded.into_iter().skip(2).map(clean).collect();
    let notes = support::notes(lines, user);
    let mut typed = notes
        .iter()
        .filter_map(|note| Some(note.strip_prefix("typed: '")?.trim_end_matches('\'')));
    let mut seen = Vec::new();
    while let Some(line) = typed.next() {
        let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
        let group = || argument.parse::<GroupName>().unwrap();
        let mut text = || Bytes::from(format!("{}\n", typed.next().unwrap()));
        let layer = &mut client.layer;
        match command {
            "j" => layer.join(group()).unwrap(),
            "f" => layer.flush_ok(group()).unwrap(),
            "l" => layer.leave(group()).unwrap(),
            "s" => {
                let to_all = SelfDelivery::Deliver;
                layer
                    .multicast(group(), Service::Safe, to_all, 1, text())
                    .unwrap();
            }
            "g" => {
                assert_eq!(text(), "1\n", "number of receivers");
                let receiver = text();
                let receiver = MemberName::new(receiver.trim_ascii_end()).unwrap();
                layer
                    .unicast(group(), receiver, Service::Safe, 0, text())
                    .unwrap();
            }
            "r" => seen.push(match client.receive() {
                FlushEvent::View(view) => format!("view {}", view.view.members.len()),
                FlushEvent::FlushRequest { .. } => "request".to_owned(),
                FlushEvent::TransitionalSignal { .. } => "signal".to_owned(),
                FlushEvent::Message(message) => String::from_utf8(message.body.to_vec()).unwrap(),
                FlushEvent::SelfLeave { .. } => "left".to_owned(),
                other => panic!("{other:?}"),
            }),
            "q" => {
                client.deliver_until_sent(recorded.len() - 1);
                client.layer.disconnect().unwrap();
            }
            other => panic!("{user} typed {other}"),
        }
        client.carry_out();
    }
    assert_eq!(seen, expected, "{user}, {cut:?}");
    let sent: Vec<Vec<u8>> = client.sent.into_iter().map(clean).collect();
    assert_eq!(sent, recorded, "sent by {user}, {cut:?}");
}
