//! A member that is driven by bytes: the body of a fuzz target, and inputs that reach deep states.
//!
//! ```text
//! input = selector (1), then tokens: kind (1), sender (1), length (1), body
//! ```
//!
//! The selector chooses suite, place among three members, and how the agreement starts. Kinds are
//! places in [`Protocol::all_kinds`], senders are numbers of members; both are taken modulo what there is.

use alloc::{boxed::Box, vec, vec::Vec};
use std::format;

use rand_chacha::ChaCha20Rng;

use crate::{
    Change, KeyAgreement, MemberName, NamedGroup, Protocol,
    testing::{
        bus::{Bus, Flow, Schedule},
        rng::seeded,
        world::members,
    },
};

/// Number of members.
const SIZE: usize = 3;
/// Changes that an agreement starts with.
const STARTS: usize = 3;

/// Selectors that differ in what they choose.
pub fn selectors() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).take(Protocol::ALL.len() * SIZE * STARTS)
}

/// How an agreement of three members starts.
struct Start {
    protocol: Protocol,
    all: Vec<MemberName>,
    /// Place of the member under test.
    place: usize,
    /// What each member is told; those who have a group already found it before.
    changes: Vec<Change>,
    founded: bool,
}

impl Start {
    fn new(selector: u8) -> Self {
        let selector = usize::from(selector);
        let protocol = Protocol::ALL[selector / (SIZE * STARTS) % Protocol::ALL.len()];
        let all = members(1..=SIZE);
        let enter = Change::Enter {
            members: all.clone(),
        };
        let joined = all[1..].to_vec();
        let first = match selector / SIZE % STARTS {
            0 => Change::Restart { joined },
            1 => Change::Update {
                left: Vec::new(),
                joined,
            },
            // Nobody starts; in suites where all do it is as good as any other way.
            _ => enter.clone(),
        };
        Self {
            founded: matches!(first, Change::Update { .. }),
            changes: vec![first, enter.clone(), enter],
            protocol,
            all,
            place: selector % SIZE,
        }
    }

    /// A member as it is before the change, and its generator.
    fn member(&self, place: usize) -> (Box<dyn KeyAgreement>, ChaCha20Rng) {
        let group = "toy17".parse::<NamedGroup>().expect("the group of tests");
        let mut machine = self.protocol.member(group, self.all[place]);
        let mut rng = seeded(1 + u64::try_from(place).expect("few members"));
        if place == 0 && self.founded {
            let _ = machine
                .begin(Change::Found, &mut rng)
                .expect("a legal change");
        }
        (machine, rng)
    }
}

/// Runs a member on an input.
///
/// # Panics
/// When a token that was refused has changed it.
pub fn suite_bodies(bytes: &[u8]) {
    let Some((selector, mut rest)) = bytes.split_first() else {
        return;
    };
    let start = Start::new(*selector);
    let (mut machine, mut rng) = start.member(start.place);
    let change = start.changes[start.place].clone();
    let _ = machine.begin(change, &mut rng).expect("a legal change");
    let kinds = Protocol::all_kinds();
    while let [kind, sender, len, tail @ ..] = rest {
        let (body, next) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = next;
        let kind = kinds[usize::from(*kind) % kinds.len()];
        let sender = members([usize::from(*sender) % (SIZE + 2)]).remove(0);
        let before = format!("{machine:?}");
        if machine.process(&sender, kind, body, &mut rng).is_err() {
            assert_eq!(format!("{machine:?}"), before, "{kind} of {sender}");
        }
    }
}

/// An input with the tokens of an honest run.
pub fn seed(selector: u8) -> Vec<u8> {
    let start = Start::new(selector);
    let mut bus = Bus::new(Schedule::Rounds);
    for place in 0..SIZE {
        let (machine, rng) = start.member(place);
        bus.add(machine, Box::new(rng));
    }
    let changes: Vec<_> = start.all.iter().cloned().zip(start.changes).collect();
    let mut input = vec![selector];
    let kinds = Protocol::all_kinds();
    let run = bus.change_with(&changes, |_, delivery, _| {
        if *delivery.to == start.all[start.place] {
            let sent = delivery.sent;
            let kind = kinds.iter().position(|k| *k == sent.token.kind);
            let sender = start.all.iter().position(|name| *name == sent.from);
            for number in [
                kind,
                sender.map(|place| place + 1),
                Some(sent.token.body.len()),
            ] {
                let byte = number.and_then(|number| u8::try_from(number).ok());
                input.push(byte.expect("a short token"));
            }
            input.extend(&sent.token.body);
        }
        Flow::Go
    });
    run.expect("an honest run");
    input
}
