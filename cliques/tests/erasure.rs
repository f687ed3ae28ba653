//! What members keep after an agreement, after one that was given up, and after a reset, counted in
//! exponents and secret elements that are alive.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::sync::Arc;

use cliques::{
    MemberName, Protocol,
    testing::{
        bus::{Flow, Schedule},
        symbolic::{Algebra, SymbolicGroup},
        world::{World, members},
    },
};

fn world(protocol: Protocol) -> (World, Arc<Algebra>, Vec<MemberName>) {
    let algebra = Algebra::new();
    let shared = algebra.clone();
    let maker = move |me| {
        let group = SymbolicGroup::new(shared.clone(), 0);
        protocol.member(group, me)
    };
    let mut world = World::with_maker(Box::new(maker), Schedule::Rounds, 1);
    let all = members(1..=4);
    world.add(&all);
    world.found(&all[..1]);
    world.update("growth", &all[..1], &[], &all[1..]);
    (world, algebra, all)
}

/// An agreement that is given up, at any point, leaves no secret behind, and another one as many as
/// the one before.
#[test]
fn given_up_agreements_leave_nothing() {
    for protocol in Protocol::ALL {
        for cut in 0.. {
            let (mut world, algebra, all) = world(*protocol);
            let before = (algebra.alive(), algebra.alive_secrets());
            let mut left = cut;
            let run = world
                .bus
                .change_with(&World::changes(&all, &[], &[]), |_, _, _| match left {
                    0 => Flow::Stop,
                    _ => {
                        left -= 1;
                        Flow::Go
                    }
                })
                .unwrap();
            if !run.secrets.is_empty() {
                break;
            }
            all.iter()
                .for_each(|member| world.bus.machine(member).abandon());
            let after = (algebra.alive(), algebra.alive_secrets());
            assert_eq!(after, before, "{protocol} after {cut} deliveries");
        }
    }
}

/// Refreshes do not pile up secrets.
#[test]
fn replaced_secrets_are_erased() {
    for protocol in Protocol::ALL {
        let (mut world, algebra, all) = world(*protocol);
        world.update("refresh", &all, &[], &[]);
        let before = (algebra.alive(), algebra.alive_secrets());
        for _ in 0..5 {
            world.update("refresh", &all, &[], &[]);
            let after = (algebra.alive(), algebra.alive_secrets());
            assert_eq!(after, before, "{protocol}");
        }
    }
}

/// BD keeps nothing at all between agreements.
#[test]
fn bd_keeps_no_secret() {
    let (_world, algebra, _) = world(Protocol::BD);
    assert_eq!((algebra.alive(), algebra.alive_secrets()), (0, 0));
}

#[test]
fn a_reset_erases_everything() {
    for protocol in Protocol::ALL {
        let (mut world, algebra, all) = world(*protocol);
        all.iter()
            .for_each(|member| world.bus.machine(member).reset());
        let alive = (algebra.alive(), algebra.alive_secrets());
        assert_eq!(alive, (0, 0), "{protocol}");
    }
}
