//! GDH.

use cliques::Protocol;

use super::{cost, found, group_of, number};

const GDH: Protocol = Protocol::GDH;

#[test]
fn founding() {
    assert_eq!(cost(&found(GDH)), [0, 0, 0, 1, 1]);
}

#[test]
fn join() {
    for size in 1..=32 {
        let run = group_of(GDH, size, 1).join();
        let n = number(size);
        let expected = [4, n + 1, 2, 3 * n + 2, n + 3];
        assert_eq!(cost(&run), expected, "n = {n}");
    }
}

#[test]
fn merge() {
    for size in 1..=32 {
        for added in [1, 2, 3, 7] {
            let run = group_of(GDH, size, added).join();
            let (n, m) = (number(size), number(added));
            let expected = [m + 3, n + 2 * m - 1, 2, 3 * n + 4 * m - 2, n + 2 * m + 1];
            assert_eq!(cost(&run), expected, "n = {n}, m = {m}");
        }
    }
}

#[test]
fn leave() {
    for size in 3..=32 {
        for leaver in [0, size / 2, size - 1] {
            let run = group_of(GDH, size, 0).leave(&[leaver]);
            let n = number(size);
            assert_eq!(cost(&run), [1, 0, 1, 2 * n - 3, n - 1], "n = {n}");
        }
    }
}

#[test]
fn refresh() {
    for size in 2..=32 {
        let run = group_of(GDH, size, 0).refresh();
        let n = number(size);
        assert_eq!(cost(&run), [1, 0, 1, 2 * n - 1, n], "n = {n}");
    }
}

#[test]
fn loss_of_all_others_costs_one_exponentiation_and_no_message() {
    let run = group_of(GDH, 4, 0).leave(&[1, 2, 3]);
    assert_eq!(run.secrets.len(), 1);
    assert_eq!(cost(&run), [0, 0, 0, 1, 1]);
}

#[test]
fn a_key_list_is_a_count_with_names_and_elements() {
    let run = group_of(GDH, 3, 2).join();
    let list = &run.sent.last().expect("a key list").token.body;
    assert_eq!(list.len(), 2 + 5 * (2 + 3 + 3));
}
