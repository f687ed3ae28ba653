//! Who is waited for: whoever sends something in an agreement has said before that others may be waiting
//! for it, and in a large group most members say that nobody is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::collections::VecDeque;

use cliques::{
    Change, KeyAgreement, MemberName, NamedGroup, Outgoing, Protocol, Recipient, Step, Survival,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

struct Party {
    machine: Box<dyn KeyAgreement>,
    complete: bool,
}

/// A group that grows by one member after the other.
struct Growth {
    parties: Vec<Party>,
    tokens: VecDeque<(usize, Outgoing)>,
    rng: ChaCha20Rng,
}

impl Growth {
    fn new() -> Self {
        Self {
            parties: Vec::new(),
            tokens: VecDeque::new(),
            rng: ChaCha20Rng::seed_from_u64(7),
        }
    }

    fn take(&mut self, place: usize, step: Step) {
        self.parties[place].complete |= step.secret.is_some();
        let tokens = step.send.into_iter().map(|token| (place, token));
        self.tokens.extend(tokens);
    }

    /// One more member joins; tells how many were not waited for when the agreement began.
    fn join(&mut self, protocol: Protocol) -> usize {
        let joined = name(self.parties.len());
        let machine = protocol.member(NamedGroup::Ristretto255, joined);
        let place = self.parties.len();
        let complete = false;
        self.parties.push(Party { machine, complete });
        let members: Vec<_> = (0..=place).map(name).collect();
        let mut aside = 0;
        for old in 0..place {
            let party = &mut self.parties[old];
            party.complete = false;
            let awaited = party.machine.is_awaited();
            aside += usize::from(!awaited);
            let step = party.machine.begin_join(joined, &mut self.rng);
            let step = step.unwrap();
            assert!(awaited || step.send.is_empty(), "{protocol}: {old} begins");
            self.take(old, step);
        }
        let change = match place {
            0 => Change::Found,
            _ => Change::Enter { members },
        };
        let step = self.parties[place].machine.begin(change, &mut self.rng);
        self.take(place, step.unwrap());
        while let Some((from, token)) = self.tokens.pop_front() {
            for to in 0..=place {
                if let Recipient::Member(member) = &token.to
                    && *member != name(to)
                {
                    continue;
                }
                let machine = &mut self.parties[to].machine;
                let awaited = machine.is_awaited();
                let step = machine.process(&name(from), token.kind, &token.body, &mut self.rng);
                let step = step.unwrap();
                assert!(
                    awaited || step.send.is_empty(),
                    "{protocol}, {} members: {to} sends behind {}",
                    place + 1,
                    token.kind
                );
                self.take(to, step);
            }
        }
        assert!(self.parties.iter().all(|party| party.complete));
        aside
    }
}

fn name(number: usize) -> MemberName {
    MemberName::try_from(format!("#m{number}#n1").as_str()).unwrap()
}

#[test]
fn whoever_sends_is_awaited() {
    for protocol in Protocol::ALL {
        let mut growth = Growth::new();
        for members in 1..=13_usize {
            let aside = growth.join(*protocol);
            if members > 2 {
                // Where nothing survives an event, all of them begin.
                let expected = match protocol.survival() {
                    Survival::Nothing => 0,
                    Survival::Completed | Survival::Everything => members - 2,
                };
                assert_eq!(aside, expected, "{protocol}, {members} members");
            }
        }
    }
}

#[test]
fn a_join_over_gdh_takes_two_tokens() {
    let mut growth = Growth::new();
    for _ in 0..3 {
        growth.join(Protocol::GDH);
    }
    let joined = name(3);
    let mut sent = 0;
    for party in &mut growth.parties {
        let step = party.machine.begin_join(joined, &mut growth.rng);
        sent += step.unwrap().send.len();
    }
    assert_eq!(sent, 1);
}
