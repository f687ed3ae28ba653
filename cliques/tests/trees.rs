//! Trees that fall apart and grow together, in components that all go on with what they have.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;

use cliques::{
    Change, MemberName, NamedGroup, Protocol,
    testing::{
        bus::{Run, Schedule},
        world::{World, members},
    },
};
use proptest::prelude::*;

/// Members who are to be together: any number of components, told apart by a number for each member.
fn components(all: &[MemberName], shape: &[usize]) -> Vec<Vec<MemberName>> {
    let numbers: BTreeSet<usize> = shape.iter().copied().collect();
    numbers
        .into_iter()
        .map(|number| {
            let of = all.iter().zip(shape).filter(|(_, it)| **it == number);
            of.map(|(member, _)| *member).collect()
        })
        .collect()
}

/// Takes the network from one shape to another. Returns how many trees each new component is of, with
/// the run.
fn reshape(
    world: &mut World,
    old: &[Vec<MemberName>],
    new: &[Vec<MemberName>],
) -> Vec<(usize, Run)> {
    let mut runs = Vec::new();
    for view in new {
        let mut trees = 0;
        let mut changes = Vec::new();
        for from in old {
            let (stay, left): (Vec<_>, Vec<_>) = from
                .iter()
                .cloned()
                .partition(|member| view.contains(member));
            if stay.is_empty() {
                continue;
            }
            trees += 1;
            let joined: Vec<_> = view
                .iter()
                .filter(|it| !stay.contains(it))
                .cloned()
                .collect();
            let change = Change::Update { left, joined };
            changes.extend(stay.into_iter().map(|member| (member, change.clone())));
        }
        runs.push((trees, world.run("reshape", &changes)));
    }
    runs
}

fn shapes() -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(0_usize..3, 9), 1..5)
}

/// Runs through the shapes, from nine lone members on, and hands each run to `check`.
fn through(
    protocol: Protocol,
    shapes: &[Vec<usize>],
    seed: u64,
    mut check: impl FnMut(usize, &Run) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let group: NamedGroup = "ristretto255".parse().unwrap();
    let mut world = World::new(protocol, &group, Schedule::Shuffled(seed), seed);
    let all = members(1..=9);
    world.add(&all);
    let mut now: Vec<Vec<MemberName>> = all.iter().map(|member| vec![*member]).collect();
    for lone in &now {
        world.found(lone);
    }
    for shape in shapes {
        let next = components(&all, shape);
        for (trees, run) in reshape(&mut world, &now, &next) {
            check(trees, &run)?;
        }
        now = next;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_event_of_str_takes_more_than_two_rounds(shapes in shapes(), seed: u64) {
        through(Protocol::STR, &shapes, seed, |trees, run| {
            let broadcasts = usize::try_from(run.total().broadcasts).unwrap();
            prop_assert!(run.rounds() <= 2);
            prop_assert!(broadcasts <= trees + usize::from(trees > 1));
            prop_assert_eq!(run.total().unicasts, 0);
            Ok(())
        })?;
    }

    #[test]
    fn rounds_of_tgdh_are_bounded_by_the_size_of_the_tree(shapes in shapes(), seed: u64) {
        through(Protocol::TGDH, &shapes, seed, |trees, run| {
            let members = run.secrets.len();
            let broadcasts = usize::try_from(run.total().broadcasts).unwrap();
            // Each token but the first of a tree brings a key that was missing; there are n - 2 that
            // can be, in a tree of n members.
            prop_assert!(broadcasts <= trees + members.saturating_sub(2));
            prop_assert!(usize::try_from(run.rounds()).unwrap() <= members.max(1));
            prop_assert_eq!(run.total().unicasts, 0);
            Ok(())
        })?;
    }
}
