//! The transition tables, row by row: basic and optimised algorithm, and the generic machine, with
//! FAILED and REFRESHING.
//!
//! The rows are in `tests/tables/`. A row reads: state | event | outcome | outputs | next state. Outcomes are `-` (handled), `imp`
//! (impossible, counted), `ign` (ignored, counted), `drop` (data dropped, counted), or the error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use bytes::Bytes;
use cliques::{
    Protocol, Recipient, TokenKind, bd, ckd,
    gdh::{FACTOR_OUT, FINAL_TOKEN, KEY_LIST, PARTIAL_TOKEN},
};
use gka_robust::{
    Algorithm, Cause, Failure, FailureReason, Input,
    testing::{
        BASIC, Design, OPTIMIZED,
        trio::{Trio, describe, id, short, view},
    },
};

const ROWS: &str = include_str!("tables/basic.txt");

/// What the optimised algorithm does otherwise: SJ, M, and what precedes and follows them.
const OPTIMIZED_ROWS: &str = include_str!("tables/optimized.txt");

/// The generic machine, over BD.
const GENERIC_ROWS: &str = include_str!("tables/generic.txt");

/// What carrying on changes in the generic machine, over CKD.
const INCREMENTAL_ROWS: &str = include_str!("tables/incremental.txt");

/// The valid token if there is one on its way, else one with a valid signature.
fn token(trio: &mut Trio, who: &str, kind: TokenKind, from: &str, epoch: u32) -> Input<Bytes> {
    let forged = trio.forge(from, Recipient::Group, kind, epoch);
    trio.take(who, kind).unwrap_or(forged)
}

fn left(members: &[&str], gone: &str) -> Input<Bytes> {
    Input::Membership(view(2, members, members, Cause::Leave(id(gone))))
}

fn input(trio: &mut Trio, who: &str, state: &str, event: &str) -> Option<Input<Bytes>> {
    let other = if who == "b" { "a" } else { "b" };
    let run = u32::from(matches!(state, "REFRESHING" | "S given up" | "M given up"));
    let suite = if trio.design.0 == Protocol::BD {
        bd::BLINDED_SHARE
    } else {
        ckd::KEY
    };
    Some(match event {
        "data" => Input::Data(Bytes::from_static(b"data")),
        "early data" => Input::EarlyData(Bytes::from_static(b"data")),
        "flush request" => Input::FlushRequest,
        "secure flush ok" => Input::SecureFlushOk,
        "signal" => Input::TransitionalSignal,
        "membership" => {
            Input::Membership(view(2, &["a", "b", "c"], &["a", "b", "c"], Cause::Network))
        }
        "alone" => Input::Membership(view(2, &[who], &[who], Cause::Network)),
        "stranger's view" => Input::Membership(view(2, &["a", "c"], &["a"], Cause::Network)),
        "b left" => left(&["a", "c"], "b"),
        "c left" => left(&["a", "b"], "c"),
        "j joined" => Input::Membership(view(
            2,
            &["a", "b", "c", "j"],
            &["a", "b", "c"],
            Cause::Join(id("j")),
        )),
        "j came for b" => Input::Membership(view(2, &["a", "c", "j"], &["a", "c"], Cause::Network)),
        "j is chosen" => Input::Membership(view(
            2,
            &["j", "a", "b", "c"],
            &["a", "b", "c"],
            Cause::Network,
        )),
        "all came back" => Input::Membership(view(2, &["a", "b", "c"], &[who], Cause::Network)),
        "suite" => token(trio, who, suite, other, run),
        "partial" => token(trio, who, PARTIAL_TOKEN, other, run),
        "own final" => token(trio, who, FINAL_TOKEN, who, run),
        "final" => {
            let forged = trio.forge(other, Recipient::Group, FINAL_TOKEN, run);
            match state {
                "FT" => {
                    trio.deliver("b", PARTIAL_TOKEN);
                    trio.deliver("c", PARTIAL_TOKEN);
                    trio.take(who, FINAL_TOKEN).unwrap()
                }
                _ => forged,
            }
        }
        "fact-out" => {
            if state == "FO" {
                trio.deliver("b", FINAL_TOKEN);
            }
            token(trio, who, FACTOR_OUT, other, run)
        }
        "key list" => token(trio, who, KEY_LIST, other, run),
        // Of an earlier epoch in REFRESHING: that of the key to be replaced.
        "refresh request" => trio.forge(other, Recipient::Group, TokenKind::REFRESH_REQUEST, 0),
        "request refresh" => Input::RequestRefresh,
        "fail" => {
            let culprit = if state == "FAILED" { "b" } else { "x" };
            Input::Fail(Failure::of(id(culprit), FailureReason::UnknownIdentity))
        }
        "fail c" => Input::Fail(Failure::of(id("c"), FailureReason::UnknownIdentity)),
        "send" => return None,
        other => panic!("no event {other}"),
    })
}

#[test]
fn every_row_of_the_basic_algorithm() {
    every_row(ROWS, BASIC);
}

#[test]
fn every_row_of_the_optimised_algorithm() {
    // What both have, with M in the place of CM behind a secure view, and SJ before the first.
    let both: String = ROWS
        .lines()
        .filter(|row| !row.starts_with("CM") && !row.ends_with("| CM"))
        .map(|row| format!("{row}\n"))
        .collect();
    every_row(&both, OPTIMIZED);
    let interrupted: String = ROWS
        .lines()
        .filter(|row| {
            row.ends_with("| CM") && !row.starts_with("CM") && !row.starts_with("S asked")
        })
        .map(|row| format!("{row}\n"))
        .collect();
    every_row(&interrupted, OPTIMIZED);
    every_row(OPTIMIZED_ROWS, OPTIMIZED);
}

#[test]
fn every_row_of_the_generic_machine() {
    every_row(GENERIC_ROWS, (Protocol::BD, Algorithm::Restart));
    every_row(INCREMENTAL_ROWS, (Protocol::CKD, Algorithm::Incremental));
}

fn every_row(table: &str, design: Design) {
    let mut rows = 0;
    for row in table.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [state, event, outcome, outputs, next] = cells[..] else {
            panic!("row: {row}")
        };
        let (mut trio, who) = Trio::at_of(state, design);
        let input = input(&mut trio, who, state, event);
        let before = trio.drivers[who].stats().clone();
        let state_before = trio.state(who);
        let result = match input {
            Some(input) => trio.handle(who, input),
            None => trio.drivers[who].send_permission().map(|()| Vec::new()),
        };
        let after = trio.drivers[who].stats().clone();
        let counted = (
            after.impossible - before.impossible,
            after.ignored - before.ignored,
            after.token_drops.total() - before.token_drops.total(),
            after.data_drops.no_key - before.data_drops.no_key,
        );
        match (&result, outcome) {
            (Ok(_), "-") => assert_eq!(counted, (0, 0, 0, 0), "{row}"),
            (Ok(_), "ign") => assert_eq!(counted, (0, 1, 0, 0), "{row}"),
            (Ok(_), "drop") => assert_eq!(counted, (0, 0, 0, 1), "{row}"),
            (Ok(_), "imp") => {
                assert_eq!((counted.0, counted.1, counted.2), (1, 0, 0), "{row}");
            }
            (Err(error), text) => {
                assert_eq!(error.to_string(), text, "{row}");
                assert_eq!(state_before, trio.state(who), "{row}");
                assert_eq!(before, after, "{row}");
            }
            (Ok(_), text) => panic!("no error, but \"{text}\" expected: {row}"),
        }
        let given: Vec<String> = result.unwrap_or_default().iter().map(describe).collect();
        assert_eq!(given.join(", "), outputs, "{row}");
        assert_eq!(short(trio.state(who)), next, "{row}");
        rows += 1;
    }
    assert_eq!(
        rows,
        table.lines().filter(|line| line.contains('|')).count()
    );
    assert!(rows > 0);
}

#[test]
fn signal_before_and_after_the_flush_request() {
    for state in ["PT", "FT", "FO", "FO one", "KL", "KL controller", "FAILED"] {
        for order in [[true, false], [false, true]] {
            let (mut trio, who) = Trio::at(state);
            let outputs: Vec<String> = order
                .into_iter()
                .flat_map(|signal| {
                    let input = if signal {
                        Input::TransitionalSignal
                    } else {
                        Input::FlushRequest
                    };
                    trio.handle(who, input).unwrap()
                })
                .map(|output| describe(&output))
                .collect();
            assert_eq!(outputs, ["flush-ok"], "{state} {order:?}");
            assert_eq!(short(trio.state(who)), "CM", "{state} {order:?}");
        }
    }
}
