//! GDH: arbitrary tokens in every state. No panic; a refused token changes nothing.
//!
//! Input: one byte for the state, then tokens: kind, sender, length, body.
#![no_main]

use cliques::{
    Change, KeyAgreement, MemberId, Protocol, TokenKind,
    testing::{rng::seeded, world::members},
};
use libfuzzer_sys::fuzz_target;

/// A member in one of the states that wait for something.
fn machine(state: u8) -> Box<dyn KeyAgreement> {
    let mut rng = seeded(1);
    let group = "toy17".parse().expect("the group of tests");
    let all = members(1..=3);
    let me = all[usize::from(state) % 3].clone();
    let mut machine = Protocol::Gdh.member(group, me.clone());
    let others: Vec<MemberId> = all.iter().filter(|name| **name != me).cloned().collect();
    let change = match state / 3 % 2 {
        0 => Change::Enter { members: all },
        _ => Change::Restart { joined: others },
    };
    machine
        .begin(change, &mut rng)
        .map(drop)
        .expect("a legal change");
    machine
}

fuzz_target!(|bytes: &[u8]| {
    let Some((state, mut rest)) = bytes.split_first() else {
        return;
    };
    let mut machine = machine(*state);
    let mut rng = seeded(2);
    while let [kind, sender, len, tail @ ..] = rest {
        let (body, next) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = next;
        let kind = TokenKind::ALL[usize::from(*kind) % TokenKind::ALL.len()];
        let sender = members([usize::from(*sender) % 5]).remove(0);
        let before = format!("{machine:?}");
        if machine.process(&sender, kind, body, &mut rng).is_err() {
            assert_eq!(format!("{machine:?}"), before);
        }
    }
});
