//! Who can know which key: invariants I20 and I21 of the notes on robust key agreement, section 8.

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};

use super::{cascades::with_maker, events};
use crate::{
    MemberName, Protocol,
    testing::{
        bus::{Schedule, Sent},
        symbolic::{Algebra, Knowledge, SymbolicGroup},
        world::{Maker, Past, World, members},
    },
};

/// Who could ever be a member.
const EVERYBODY: core::ops::RangeInclusive<usize> = 1..=9;

/// Each event once: whoever is not in a view cannot compute its key from all shares that he ever
/// drew and all tokens that were ever sent, before or after. That holds for those who left, for
/// those who came later, for all of them together, and for a listener who was never a member. The
/// members of the view can, which shows that this is no idle test.
///
/// Not for suites that encrypt the key by other means than exponentiation.
pub fn exclusion(protocol: Protocol) {
    let (mut world, algebra) = symbolic_world(protocol);
    events::each_once(&mut world);
    check_exclusion(world.past(), &[], &algebra);
}

/// [`exclusion`] in random events.
pub fn random_exclusion(protocol: Protocol, seed: u64, count: usize) {
    let (mut world, algebra) = symbolic_world(protocol);
    events::random(&mut world, seed, count);
    check_exclusion(world.past(), &[], &algebra);
}

/// Each event once: every key contains a share that each member of its view drew.
///
/// Not for suites in which one member chooses the key.
pub fn contribution(protocol: Protocol) {
    let (mut world, algebra) = symbolic_world(protocol);
    events::each_once(&mut world);
    let owners = owners();
    for past in world.past() {
        let shares = algebra.shares(past.secret.expose()).expect("a key");
        for member in &past.members {
            let contributed = shares
                .iter()
                .any(|share| algebra.owner(*share) == owners[member]);
            assert!(
                contributed,
                "{}: nothing of {member} in the key",
                past.event
            );
        }
    }
}

/// The number of each member as an owner of shares.
fn owners() -> BTreeMap<MemberName, usize> {
    members(EVERYBODY).into_iter().zip(EVERYBODY).collect()
}

/// [`exclusion`] in cascades, for suites that are self-stabilising: tokens of views that were cut off
/// are known to everybody as well.
pub fn cascading_exclusion(protocol: Protocol, seed: u64, changes: usize) {
    let (maker, algebra) = symbolic_maker(protocol);
    let cascades = with_maker(maker, seed, changes);
    check_exclusion(&cascades.past, &cascades.stray, &algebra);
}

fn symbolic_world(protocol: Protocol) -> (World, Arc<Algebra>) {
    let (maker, algebra) = symbolic_maker(protocol);
    let world = World::with_maker(maker, Schedule::Shuffled(5), 7);
    (world, algebra)
}

fn symbolic_maker(protocol: Protocol) -> (Maker, Arc<Algebra>) {
    let algebra = Algebra::new();
    let (shared, owners) = (algebra.clone(), owners());
    let maker = move |me: MemberName| {
        let group = SymbolicGroup::new(shared.clone(), owners[&me]);
        protocol.member(group, me)
    };
    (Box::new(maker), algebra)
}

fn check_exclusion(past: &[Past], stray: &[Sent], algebra: &Arc<Algebra>) {
    let owners = owners();
    let mut listener = Knowledge::new(algebra);
    for token in past.iter().flat_map(|past| &past.sent).chain(stray) {
        listener.learn(&token.token.body);
    }
    let mut alone: BTreeMap<&MemberName, Knowledge> = owners
        .iter()
        .map(|(member, owner)| {
            let mut knowledge = listener.clone();
            knowledge.learn_shares_of(*owner);
            (member, knowledge)
        })
        .collect();
    for past in past {
        let secret = past.secret.expose();
        assert!(!listener.reaches(secret), "{}: heard", past.event);
        for (member, knowledge) in &mut alone {
            assert_eq!(
                knowledge.reaches(secret),
                past.members.contains(member),
                "{}: {member} among {:?}",
                past.event,
                past.members
            );
        }
        let outside: Vec<_> = owners
            .iter()
            .filter(|(member, _)| !past.members.contains(member))
            .collect();
        let mut together = listener.clone();
        for (_, owner) in outside {
            together.learn_shares_of(*owner);
        }
        assert!(!together.reaches(secret), "{}: together", past.event);
    }
}
