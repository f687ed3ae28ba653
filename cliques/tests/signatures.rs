//! Signatures on the bus: one for each token, verified by each receiver (performance table of the
//! key agreement notes, section 9.2).
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use cliques::{
    Group, NamedGroup, Protocol, Signer,
    group::GroupVisitor,
    testing::{
        bus::{Notary, Run, Schedule},
        signature::{TestSigner, TestVerifier},
        world::{World, members},
    },
};

struct Name;

impl GroupVisitor for Name {
    type Output = String;

    fn visit<G: Group>(self, group: G) -> String {
        group.name().into()
    }
}

/// The join of one member to `n`, signed.
fn join(protocol: Protocol, schedule: Schedule, n: usize) -> Run {
    let group: NamedGroup = "toy17".parse().unwrap();
    let (mut world, all) = World::grown(protocol, &group, schedule, n);
    let new = members([n + 1]);
    world.add(&new);
    let signer = |me: &cliques::MemberName| Box::new(TestSigner::new(*me)) as Box<dyn Signer>;
    let signers: BTreeMap<_, _> = all.iter().chain(&new).map(|me| (*me, signer(me))).collect();
    let verifier = Box::new(TestVerifier::new());
    let notary = Notary::new(protocol, &group.with(Name), signers, verifier);
    world.bus.set_notary(notary);
    world.update("join", &all, &[], &new)
}

#[test]
fn gdh_join() {
    for n in [2, 3, 8] {
        let run = join(Protocol::GDH, Schedule::Rounds, n);
        let n = u64::try_from(n).unwrap();
        let (total, serial) = (run.total(), run.serial());
        assert_eq!(total.signatures, n + 3);
        // Two broadcasts to n others each, n + 1 tokens to one member.
        assert_eq!(total.verifications, 3 * n + 1);
        assert_eq!(serial.cost().signatures, 4);
        assert_eq!(serial.cost().verifications, n + 3);
    }
}

#[test]
fn a_signature_is_verified_once_by_each_receiver_in_any_order_of_delivery() {
    let all = |run: &Run| (run.total().signatures, run.total().verifications);
    for seed in 0..20 {
        let run = join(Protocol::GDH, Schedule::Shuffled(seed), 5);
        assert_eq!(all(&run), (8, 16));
    }
}
