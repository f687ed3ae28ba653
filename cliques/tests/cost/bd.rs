//! BD.

use cliques::{Protocol, testing::bus::Run};

use super::{cost, found, group_of, number};

const BD: Protocol = Protocol::BD;

/// Whatever the event was, it is a full run of the n members that there are then.
fn check(run: &Run, n: u64) {
    assert_eq!(cost(run), [2, 0, 2 * n, 3 * n, 3], "n = {n}");
    for (member, cost) in &run.costs {
        let tests = if n == 2 { 1 } else { n + 1 };
        assert_eq!(
            [
                cost.fixed_base_exponentiations,
                cost.full_exponentiations,
                cost.inversions,
                cost.multiplications,
                cost.element_tests,
            ],
            [1, 2, 1, 2 * n, tests],
            "{member}, n = {n}"
        );
    }
}

#[test]
fn founding() {
    assert_eq!(cost(&found(BD)), [0, 0, 0, 2, 2]);
}

#[test]
fn join() {
    for size in 1..=32 {
        check(&group_of(BD, size, 1).join(), number(size) + 1);
    }
}

#[test]
fn merge() {
    for size in [1, 2, 3, 8, 16, 25] {
        for added in [2, 3, 7] {
            let run = group_of(BD, size, added).join();
            check(&run, number(size + added));
        }
    }
}

#[test]
fn leave() {
    for size in 3..=32 {
        for leaver in [0, size / 2, size - 1] {
            let run = group_of(BD, size, 0).leave(&[leaver]);
            check(&run, number(size) - 1);
        }
    }
}

#[test]
fn refresh() {
    for size in 2..=32 {
        check(&group_of(BD, size, 0).refresh(), number(size));
    }
}

#[test]
fn loss_of_all_others_needs_no_message() {
    let run = group_of(BD, 4, 0).leave(&[1, 2, 3]);
    assert_eq!(cost(&run), [0, 0, 0, 2, 2]);
}

#[test]
fn tokens_have_a_hash_and_an_element() {
    let run = group_of(BD, 3, 2).join();
    let lengths: Vec<_> = run.sent.iter().map(|sent| sent.token.body.len()).collect();
    assert_eq!(lengths, [[32 + 3; 5], [3; 5]].concat());
}
