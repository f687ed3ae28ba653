//! A network in memory for the examples, which delivers every token in one order to all members.
//!
//! A real program uses a group communication system with view synchrony, sends tokens in signed
//! envelopes (`cliques::Envelope`), and has a driver such as `gka-robust` for membership changes that
//! interrupt an agreement.

use std::{
    collections::{BTreeMap, VecDeque},
    error::Error,
};

use cliques::{Change, KeyAgreement, MemberName, Outgoing, Recipient};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use subtle::ConstantTimeEq;

/// The members by name.
pub(crate) struct Network<M: ?Sized = dyn KeyAgreement> {
    pub(crate) members: BTreeMap<MemberName, Box<M>>,
    rng: ChaCha20Rng,
}

impl<M: KeyAgreement + ?Sized> Network<M> {
    pub(crate) fn new(machines: impl IntoIterator<Item = Box<M>>) -> Self {
        let members = machines.into_iter();
        Self {
            members: members.map(|machine| (*machine.me(), machine)).collect(),
            // A real program uses the operating system's generator.
            rng: ChaCha20Rng::seed_from_u64(1),
        }
    }

    /// Tells these members of a change and delivers tokens until there are no more. Everybody then
    /// has the same group secret.
    pub(crate) fn agree(
        &mut self,
        what: &str,
        changes: &[(&MemberName, Change)],
    ) -> Result<(), Box<dyn Error>> {
        println!("{what}");
        let mut tokens = VecDeque::new();
        let mut secrets = Vec::new();
        for (name, change) in changes {
            let member = self.members.get_mut(*name).ok_or("no such member")?;
            let step = member.begin(change.clone(), &mut self.rng)?;
            tokens.extend(step.send.into_iter().map(|token| (*(*name), token)));
            secrets.extend(step.secret);
        }
        while let Some((sender, token)) = tokens.pop_front() {
            show(&sender, &token);
            // Broadcasts come back to their sender: that is when they take effect.
            for (name, _) in changes {
                match &token.to {
                    Recipient::Member(to) if to != *name => continue,
                    Recipient::Member(_) | Recipient::Group => {}
                }
                let member = self.members.get_mut(*name).ok_or("no such member")?;
                let step = member.process(&sender, token.kind, &token.body, &mut self.rng)?;
                tokens.extend(step.send.into_iter().map(|token| (*(*name), token)));
                secrets.extend(step.secret);
            }
        }

        let (first, rest) = secrets.split_first().ok_or("nobody has a secret")?;
        assert_eq!(secrets.len(), changes.len(), "everybody has a secret");
        assert!(rest.iter().all(|secret| bool::from(secret.ct_eq(first))));
        for (name, _) in changes {
            let member = self.members.get_mut(*name).ok_or("no such member")?;
            let cost = member.take_cost();
            println!("    {name}: exponentiations: {}", cost.exponentiations());
        }
        println!("    one secret at all {} of them", secrets.len());
        Ok(())
    }
}

impl<M: KeyAgreement + ?Sized> Network<M> {
    /// Alice founds a group, which Bob and Carol join.
    pub(crate) fn found_and_join(&mut self) -> Result<(), Box<dyn Error>> {
        let all = names();
        let [alice, bob, carol] = &all;
        self.agree("alice founds a group", &[(alice, Change::Found)])?;
        let update = Change::Update {
            left: Vec::new(),
            joined: vec![*bob, *carol],
        };
        let enter = Change::Enter {
            members: all.to_vec(),
        };
        self.agree(
            "bob and carol join",
            &[(alice, update), (bob, enter.clone()), (carol, enter)],
        )
    }

    /// Bob leaves.
    pub(crate) fn leave(&mut self) -> Result<(), Box<dyn Error>> {
        let [alice, bob, carol] = &names();
        let update = Change::Update {
            left: vec![*bob],
            joined: Vec::new(),
        };
        self.agree("bob leaves", &[(alice, update.clone()), (carol, update)])
    }
}

fn show(sender: &MemberName, token: &Outgoing) {
    let to = match &token.to {
        Recipient::Group => "all".to_owned(),
        Recipient::Member(name) => name.to_string(),
    };
    println!(
        "    {sender} -> {to}: {}, {} bytes",
        token.kind,
        token.body.len()
    );
}

/// The names of the examples.
pub(crate) fn names() -> [MemberName; 3] {
    ["alice", "bob", "carol"].map(|name| MemberName::try_from(name).expect("a short name"))
}
