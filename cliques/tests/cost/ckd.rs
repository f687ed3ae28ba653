//! CKD, in both modes.

use cliques::Protocol;

use super::{cost, found, group_of, number};

const CKD: Protocol = Protocol::CKD;
const AEAD: Protocol = Protocol::CKD_AEAD;

#[test]
fn founding() {
    assert_eq!(cost(&found(CKD)), [0, 0, 0, 2, 2]);
    assert_eq!(cost(&found(AEAD)), [0, 0, 0, 1, 1]);
}

#[test]
fn join() {
    for size in 1..=32 {
        let n = number(size);
        let run = group_of(CKD, size, 1).join();
        assert_eq!(cost(&run), [3, 2, 1, 2 * n + 4, n + 5], "n = {n}");
        let run = group_of(AEAD, size, 1).join();
        assert_eq!(cost(&run), [3, 2, 1, 3, 3], "n = {n}");
    }
}

#[test]
fn merge() {
    for size in 1..=32 {
        for added in [2, 3, 7] {
            let (n, m) = (number(size), number(added));
            let run = group_of(CKD, size, added).join();
            let expected = [3, m, 2, 2 * n + 5 * m - 1, n + 2 * m + 3];
            assert_eq!(cost(&run), expected, "n = {n}, m = {m}");
            let run = group_of(AEAD, size, added).join();
            assert_eq!(cost(&run), [3, m, 2, 3 * m, m + 2], "n = {n}, m = {m}");
        }
    }
}

#[test]
fn leave() {
    for size in 3..=32 {
        let n = number(size);
        for leaver in [1, size / 2, size - 1] {
            let run = group_of(CKD, size, 0).leave(&[leaver]);
            assert_eq!(cost(&run), [1, 0, 1, 2 * n - 3, n], "n = {n}");
            let run = group_of(AEAD, size, 0).leave(&[leaver]);
            assert_eq!(cost(&run), [1, 0, 1, 0, 0], "n = {n}");
        }
    }
}

#[test]
fn leave_of_the_controller() {
    // One that is left alone needs no pairs; with one other it tells that one alone.
    for size in 4..=32 {
        let n = number(size);
        let run = group_of(CKD, size, 0).leave(&[0]);
        let expected = [3, n - 2, 2, 5 * n - 8, 2 * n + 1];
        assert_eq!(cost(&run), expected, "n = {n}");
        let run = group_of(AEAD, size, 0).leave(&[0]);
        assert_eq!(cost(&run), [3, n - 2, 2, 3 * n - 5, n + 1], "n = {n}");
    }
    assert_eq!(cost(&group_of(CKD, 3, 0).leave(&[0])), [3, 2, 1, 7, 7]);
}

#[test]
fn refresh() {
    for size in 2..=32 {
        let n = number(size);
        let run = group_of(CKD, size, 0).refresh();
        assert_eq!(cost(&run), [1, 0, 1, 2 * n - 1, n + 1], "n = {n}");
    }
}

#[test]
fn a_member_that_is_left_alone_still_tells_itself() {
    for places in [[1, 2, 3], [0, 2, 3]] {
        let run = group_of(CKD, 4, 0).leave(&places);
        let renewed = u64::from(places[0] == 0);
        assert_eq!(cost(&run), [1, 0, 1, 1 + renewed, 1 + renewed]);
    }
}

#[test]
fn keys_have_a_mode_and_an_entry_for_each_other_member() {
    let length = |protocol| {
        let run = group_of(protocol, 3, 2).join();
        run.sent.last().expect("a key").token.body.len()
    };
    assert_eq!(length(CKD), 1 + 2 + 4 * (2 + 3 + 3));
    assert_eq!(length(AEAD), 1 + 2 + 4 * (2 + 3 + 2 + 96));
}
