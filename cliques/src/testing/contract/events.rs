//! Events that the contract is tried in.

use alloc::{vec, vec::Vec};

use rand_core::Rng;

use crate::{
    MemberName,
    testing::{
        rng::seeded,
        world::{World, members},
    },
};

/// Each event once, in a row.
pub(super) fn each_once(world: &mut World) {
    let of = |numbers: &[usize]| members(numbers.iter().copied());
    world.add(&members(1..=9));
    world.found(&of(&[1]));
    world.update("first join", &of(&[1]), &[], &of(&[2]));
    world.update("join", &of(&[1, 2]), &[], &of(&[3]));
    world.update("mass join", &of(&[1, 2, 3]), &[], &of(&[4, 5, 6]));
    let six = of(&[1, 2, 3, 4, 5, 6]);
    world.update("refresh", &six, &[], &[]);
    world.update("second refresh", &six, &[], &[]);
    world.update("leave of the newest", &six, &of(&[6]), &[]);
    world.update("leave of the oldest", &of(&[1, 2, 3, 4, 5]), &of(&[1]), &[]);
    world.update("leave of one between", &of(&[2, 3, 4, 5]), &of(&[4]), &[]);
    world.update("partition, one side", &of(&[2, 3, 5]), &of(&[3]), &[]);
    world.update("partition, other side", &of(&[2, 3, 5]), &of(&[2, 5]), &[]);
    world.update("merge back", &of(&[2, 5]), &[], &of(&[3]));
    world.add(&of(&[1, 4, 6]));
    world.update("leave with join", &of(&[2, 5, 3]), &of(&[2]), &of(&[1]));
    world.update(
        "leave of the newest with joins",
        &of(&[5, 3, 1]),
        &of(&[1]),
        &of(&[4, 6]),
    );
    world.update(
        "loss of all but one",
        &of(&[5, 3, 4, 6]),
        &of(&[5, 4, 6]),
        &[],
    );
    world.update("refresh alone", &of(&[3]), &[], &[]);
    world.update("merge with what was lost", &of(&[3]), &[], &of(&[4, 6, 5]));
    world.update(
        "member left and is back",
        &of(&[3, 4, 6, 5]),
        &of(&[4]),
        &of(&[4]),
    );

    let seven = of(&[4, 3, 9, 8, 5, 6, 7]);
    world.restart(&seven);
    world.update("first of three parts", &seven, &of(&[3, 8, 5, 6, 7]), &[]);
    world.update("second of three parts", &seven, &of(&[4, 9, 6, 7]), &[]);
    world.update("third of three parts", &seven, &of(&[4, 3, 9, 8, 5]), &[]);
    world.update(
        "merge of three groups",
        &of(&[3, 8, 5]),
        &[],
        &of(&[6, 7, 4, 9]),
    );
    world.update(
        "leave of several while two groups merge",
        &of(&[3, 8, 5, 6, 7, 4, 9]),
        &of(&[3, 6, 9]),
        &of(&[1, 2]),
    );
    world.update("refresh after it all", &of(&[8, 5, 7, 4, 1, 2]), &[], &[]);
    world.restart(&of(&[4]));
    world.found(&of(&[9]));
}

/// Random events on several components of one set of members.
pub(super) fn random(world: &mut World, seed: u64, count: usize) {
    let mut rng = seeded(seed);
    let mut below = move |n: usize| {
        usize::try_from(rng.next_u64() % u64::try_from(n.max(1)).unwrap_or(1)).unwrap_or(0)
    };
    let all = members(1..=6);
    world.add(&all);
    let mut outside = all.clone();
    let mut components: Vec<Vec<MemberName>> = Vec::new();
    for _ in 0..count {
        if components.is_empty() || below(8) == 0 {
            if let Some(founder) = outside.pop() {
                let component = vec![founder];
                world.found(&component);
                components.push(component);
            }
            continue;
        }
        let mut component = components.swap_remove(below(components.len()));
        match below(6) {
            0 => {
                world.update("refresh", &component, &[], &[]);
            }
            1 => {
                // A partition: both sides go on, or one is lost.
                let (gone, stay): (Vec<_>, Vec<_>) =
                    component.iter().cloned().partition(|_| below(2) == 0);
                if !stay.is_empty() && !gone.is_empty() {
                    world.update("partition", &component, &gone, &[]);
                    if below(2) == 0 {
                        world.update("partition, other side", &component, &stay, &[]);
                        components.push(gone);
                    } else {
                        world.add(&gone);
                        outside.extend(gone);
                    }
                    component = stay;
                }
            }
            2 => {
                let joined: Vec<_> = outside.split_off(outside.len() - below(outside.len() + 1));
                world.update("join", &component, &[], &joined);
                component.extend(joined);
            }
            3 if !components.is_empty() => {
                let other = components.swap_remove(below(components.len()));
                world.update("merge", &component, &[], &other);
                component.extend(other);
            }
            4 => {
                let at = below(component.len());
                component.rotate_left(at);
                world.restart(&component);
            }
            _ => {
                // Some leave while others join.
                let gone: Vec<_> = component
                    .iter()
                    .skip(1)
                    .filter(|_| below(2) == 0)
                    .cloned()
                    .collect();
                let joined: Vec<_> = outside.split_off(outside.len() - below(outside.len() + 1));
                world.update("leave with join", &component, &gone, &joined);
                component.retain(|member| !gone.contains(member));
                component.extend(joined);
                world.add(&gone);
                outside.extend(gone);
            }
        }
        components.push(component);
    }
}
