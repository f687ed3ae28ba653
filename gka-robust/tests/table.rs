//! The transition tables, row by row: basic and optimised algorithm, and the generic machine, with
//! FAILED and REFRESHING.
//!
//! A row reads: state | event | outcome | outputs | next state. Outcomes are `-` (handled), `imp`
//! (impossible, counted), `ign` (ignored, counted), `drop` (data dropped, counted), or the error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod common;

use bytes::Bytes;
use cliques::{
    Protocol, Recipient, TokenKind,
    gdh::Gdh,
    testing::symbolic::{Algebra, SymbolicGroup},
};
use common::{BASIC, Design, OPTIMIZED, Trio, config, describe, id, view};
use gka_robust::{Algorithm, Cause, Failure, FailureReason, Input, RobustDriver};

const ROWS: &str = "
S          | data            | -    | deliver                  | S
S          | early data      | -    |                          | S
S          | flush request   | -    | secure-flush-request     | S
S          | secure flush ok | no flush request is open |      | S
S          | signal          | -    | secure-signal            | S
S          | membership      | imp  |                          | S
S          | partial         | imp  |                          | S
S          | final           | imp  |                          | S
S          | fact-out        | imp  |                          | S
S          | key list        | imp  |                          | S
S          | refresh request | -    |                          | REFRESHING
S          | request refresh | -    | refresh-request to all   | S
S          | fail            | ign  |                          | S
S          | send            | -    |                          | S
S asked    | data            | -    | deliver                  | S
S asked    | early data      | drop | secure-signal            | S
S asked    | flush request   | imp  |                          | S
S asked    | secure flush ok | -    | flush-ok                 | CM
S asked    | signal          | -    | secure-signal            | S
S asked    | refresh request | ign  |                          | S
S asked    | request refresh | ign  |                          | S
S asked    | send            | -    |                          | S
S signal   | signal          | -    |                          | S
S signal   | early data      | drop |                          | S
S signal   | refresh request | ign  |                          | S
S signal   | flush request   | -    | secure-flush-request     | S
S given up | key list        | ign  |                          | S
S given up | data            | -    | deliver                  | S
S given up | send            | -    |                          | S
PT         | partial         | -    | partial-token to c       | FT
PT last    | partial         | -    | final-token to all       | FO
PT         | final           | imp  |                          | PT
PT         | fact-out        | imp  |                          | PT
PT         | key list        | imp  |                          | PT
PT         | refresh request | imp  |                          | PT
PT         | data            | imp  |                          | PT
PT         | early data      | imp  |                          | PT
PT         | flush request   | -    | flush-ok                 | CM
PT         | signal          | -    |                          | PT
PT         | membership      | imp  |                          | PT
PT         | secure flush ok | no flush request is open |      | PT
PT         | request refresh | group has no key yet |          | PT
PT         | send            | group has no key yet |          | PT
PT         | fail            | -    | failed x                 | FAILED
FT         | final           | -    | fact-out to c            | KL
FT         | partial         | imp  |                          | FT
FT         | fact-out        | imp  |                          | FT
FT         | key list        | imp  |                          | FT
FT         | refresh request | imp  |                          | FT
FT         | data            | imp  |                          | FT
FT         | early data      | imp  |                          | FT
FT         | flush request   | -    | flush-ok                 | CM
FT         | signal          | -    |                          | FT
FT         | membership      | imp  |                          | FT
FT         | secure flush ok | no flush request is open |      | FT
FT         | request refresh | group has no key yet |          | FT
FT         | send            | group has no key yet |          | FT
FT         | fail            | -    | failed x                 | FAILED
FO         | own final       | ign  |                          | FO
FO         | fact-out        | -    |                          | FO
FO one     | fact-out        | -    | key-list to all          | KL
FO         | partial         | imp  |                          | FO
FO         | final           | imp  |                          | FO
FO         | key list        | imp  |                          | FO
FO         | refresh request | imp  |                          | FO
FO         | data            | imp  |                          | FO
FO         | early data      | imp  |                          | FO
FO         | flush request   | -    | flush-ok                 | CM
FO         | signal          | -    |                          | FO
FO         | membership      | imp  |                          | FO
FO         | secure flush ok | no flush request is open |      | FO
FO         | request refresh | group has no key yet |          | FO
FO         | send            | group has no key yet |          | FO
FO         | fail            | -    | failed x                 | FAILED
KL         | key list        | -    | install 3 0              | S
KL controller | key list     | -    | install 3 0              | S
KL controller | own final    | ign  |                          | KL
KL         | partial         | imp  |                          | KL
KL         | final           | imp  |                          | KL
KL         | fact-out        | imp  |                          | KL
KL         | refresh request | imp  |                          | KL
KL         | data            | -    |                          | KL
KL         | early data      | -    |                          | KL
KL         | flush request   | -    | flush-ok                 | CM
KL         | signal          | -    |                          | KL
KL         | membership      | imp  |                          | KL
KL         | secure flush ok | no flush request is open |      | KL
KL         | request refresh | group has no key yet |          | KL
KL         | send            | group has no key yet |          | KL
KL         | fail            | -    | failed x                 | FAILED
KL signal  | key list        | ign  |                          | KL
KL signal  | refresh request | ign  |                          | KL
KL signal  | data            | drop |                          | KL
KL signal  | early data      | drop |                          | KL
KL signal  | flush request   | -    | flush-ok                 | CM
KL signal  | partial         | imp  |                          | KL
CM         | alone           | -    | install 1 0              | S
CM         | membership      | -    | partial-token to b       | FT
CM joining | membership      | -    |                          | PT
CM joining | stranger's view | imp  |                          | CM
CM         | data            | drop |                          | CM
CM         | early data      | drop |                          | CM
CM         | partial         | ign  |                          | CM
CM         | final           | ign  |                          | CM
CM         | fact-out        | ign  |                          | CM
CM         | key list        | ign  |                          | CM
CM         | refresh request | ign  |                          | CM
CM         | flush request   | imp  |                          | CM
CM         | signal          | -    |                          | CM
CM         | secure flush ok | flush permission was given already | | CM
CM         | request refresh | group has no key yet |          | CM
CM         | send            | group has no key yet |          | CM
CM         | fail            | ign  |                          | CM
CM flushed | data            | -    | deliver                  | CM
CM flushed | early data      | drop | secure-signal            | CM
CM flushed | key list        | ign  |                          | CM
CM flushed | flush request   | imp  |                          | CM
CM flushed | signal          | -    | secure-signal            | CM
CM flushed | secure flush ok | flush permission was given already | | CM
CM flushed | send            | flush permission was given, no sending until the next secure view | | CM
CM flushed | alone           | -    | secure-signal, install 1 0 | S
CM flushed | membership      | -    | partial-token to b       | FT
REFRESHING | key list        | -    | install 3 1              | S
REFRESHING | refresh request | ign  |                          | REFRESHING
REFRESHING | partial         | imp  |                          | REFRESHING
REFRESHING | final           | imp  |                          | REFRESHING
REFRESHING | fact-out        | imp  |                          | REFRESHING
REFRESHING | data            | -    | deliver                  | REFRESHING
REFRESHING | early data      | -    |                          | REFRESHING
REFRESHING | flush request   | -    | secure-flush-request     | S
REFRESHING | signal          | -    | secure-signal            | S
REFRESHING | secure flush ok | no flush request is open |      | REFRESHING
REFRESHING | request refresh | key is being refreshed |        | REFRESHING
REFRESHING | send            | key is being refreshed |        | REFRESHING
REFRESHING | membership      | imp  |                          | REFRESHING
REFRESHING | fail            | -    | failed x                 | FAILED
FAILED     | key list        | ign  |                          | FAILED
FAILED     | final           | ign  |                          | FAILED
FAILED     | data            | drop |                          | FAILED
FAILED     | early data      | drop |                          | FAILED
FAILED     | flush request   | -    | flush-ok                 | CM
FAILED     | signal          | -    |                          | FAILED
FAILED     | membership      | imp  |                          | FAILED
FAILED     | secure flush ok | no flush request is open |      | FAILED
FAILED     | request refresh | group has no key yet |          | FAILED
FAILED     | send            | group has no key yet |          | FAILED
FAILED     | fail            | -    |                          | FAILED
FAILED     | fail c          | -    | failed c                 | FAILED
FAILED refresh | data        | drop |                          | FAILED
FAILED refresh | signal      | -    | secure-signal            | FAILED
FAILED refresh | send        | group has no key yet |          | FAILED
";

/// What the optimised algorithm does otherwise: SJ, M, and what precedes and follows them.
const OPTIMIZED_ROWS: &str = "
SJ         | alone           | -    | install 1 0              | S
SJ         | membership      | -    | partial-token to b       | FT
SJ joining | membership      | -    |                          | PT
SJ joining | stranger's view | imp  |                          | SJ
SJ         | data            | imp  |                          | SJ
SJ         | early data      | imp  |                          | SJ
SJ         | partial         | imp  |                          | SJ
SJ         | final           | imp  |                          | SJ
SJ         | fact-out        | imp  |                          | SJ
SJ         | key list        | imp  |                          | SJ
SJ         | refresh request | imp  |                          | SJ
SJ         | flush request   | imp  |                          | SJ
SJ         | signal          | imp  |                          | SJ
SJ         | secure flush ok | flush permission was given already | | SJ
SJ         | request refresh | group has no key yet |          | SJ
SJ         | send            | group has no key yet |          | SJ
SJ         | fail            | ign  |                          | SJ
S asked    | secure flush ok | -    | flush-ok                 | M
M          | alone           | -    | secure-signal, install 1 0 | S
M          | membership      | -    |                          | KL
M controller | membership    | -    | key-list to all          | KL
M          | b left          | -    | secure-signal            | KL
M controller | b left        | -    | secure-signal, key-list to all | KL
M          | c left          | -    | secure-signal            | KL
M          | j joined        | -    |                          | KL
M controller | j joined      | -    | join-token to j          | KL
M          | j came for b    | -    | secure-signal            | FT
M controller | j came for b  | -    | secure-signal, partial-token to j | FT
M          | j is chosen     | -    |                          | PT
M controller | j is chosen   | -    |                          | PT
M          | all came back   | -    | secure-signal, partial-token to b | FT
M controller | all came back | -    | secure-signal            | PT
M          | data            | -    | deliver                  | M
M          | early data      | drop | secure-signal            | M
M          | partial         | imp  |                          | M
M          | final           | imp  |                          | M
M          | fact-out        | imp  |                          | M
M          | key list        | imp  |                          | M
M given up | key list        | ign  |                          | M
M          | refresh request | ign  |                          | M
M          | flush request   | imp  |                          | M
M          | signal          | -    | secure-signal            | M
M          | secure flush ok | flush permission was given already | | M
M          | request refresh | group has no key yet |          | M
M          | send            | flush permission was given, no sending until the next secure view | | M
M          | fail            | ign  |                          | M
CM interrupted | alone       | -    | install 1 0              | S
CM interrupted | membership  | -    | partial-token to b       | FT
CM interrupted | j is chosen | -    |                          | PT
CM interrupted | key list    | ign  |                          | CM
CM interrupted | flush request | imp |                         | CM
";

/// The generic machine, over BD.
const GENERIC_ROWS: &str = "
CM         | alone           | -    | install 1 0              | S
CM         | membership      | -    | blinded-share to all     | R
CM         | suite           | ign  |                          | CM
R          | suite           | -    |                          | R
R          | refresh request | imp  |                          | R
R          | data            | -    |                          | R
R          | early data      | -    |                          | R
R          | flush request   | -    | flush-ok                 | CM
R          | signal          | -    |                          | R
R          | membership      | imp  |                          | R
R          | secure flush ok | no flush request is open |      | R
R          | request refresh | group has no key yet |          | R
R          | send            | group has no key yet |          | R
R          | fail            | -    | failed x                 | FAILED
R signal   | suite           | ign  |                          | R
R signal   | refresh request | ign  |                          | R
R signal   | data            | drop |                          | R
R signal   | early data      | drop |                          | R
R signal   | flush request   | -    | flush-ok                 | CM
S          | suite           | ign  |                          | S
S          | refresh request | -    | blinded-share to all     | REFRESHING
S asked    | secure flush ok | -    | flush-ok                 | CM
S asked    | suite           | ign  |                          | S
REFRESHING | suite           | -    |                          | REFRESHING
REFRESHING | refresh request | ign  |                          | REFRESHING
REFRESHING | data            | -    | deliver                  | REFRESHING
REFRESHING | flush request   | -    | secure-flush-request     | S
REFRESHING | signal          | -    | secure-signal            | S
S given up | suite           | ign  |                          | S
FAILED     | suite           | ign  |                          | FAILED
";

/// What carrying on changes in the generic machine, over CKD.
const INCREMENTAL_ROWS: &str = "
SJ         | alone           | -    | install 1 0              | S
SJ         | membership      | -    | old-controller to all    | R
SJ joining | membership      | -    |                          | R
SJ         | suite           | imp  |                          | SJ
S asked    | secure flush ok | -    | flush-ok                 | M
M          | membership      | -    | enciphered-key to all    | R
M          | b left          | -    | secure-signal, enciphered-key to all | R
M controller | b left        | -    | secure-signal            | R
M          | j joined        | -    | old-controller to j      | R
M          | j is chosen     | -    |                          | R
M          | suite           | ign  |                          | M
M          | data            | -    | deliver                  | M
M          | flush request   | imp  |                          | M
";

fn short(state: &str) -> &str {
    match state {
        "SECURE" => "S",
        "WAIT_FOR_PARTIAL_TOKEN" => "PT",
        "WAIT_FOR_FINAL_TOKEN" => "FT",
        "COLLECT_FACT_OUTS" => "FO",
        "WAIT_FOR_KEY_LIST" => "KL",
        "WAIT_FOR_CASCADING_MEMBERSHIP" => "CM",
        "WAIT_FOR_MEMBERSHIP" => "M",
        "WAIT_FOR_SELF_JOIN" => "SJ",
        "RUNNING" => "R",
        other => other,
    }
}

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
        cliques::bd::BLINDED_SHARE
    } else {
        cliques::ckd::KEY
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
        "partial" => token(trio, who, cliques::gdh::PARTIAL_TOKEN, other, run),
        "own final" => token(trio, who, cliques::gdh::FINAL_TOKEN, who, run),
        "final" => {
            let forged = trio.forge(other, Recipient::Group, cliques::gdh::FINAL_TOKEN, run);
            match state {
                "FT" => {
                    trio.deliver("b", cliques::gdh::PARTIAL_TOKEN);
                    trio.deliver("c", cliques::gdh::PARTIAL_TOKEN);
                    trio.take(who, cliques::gdh::FINAL_TOKEN).unwrap()
                }
                _ => forged,
            }
        }
        "fact-out" => {
            if state == "FO" {
                trio.deliver("b", cliques::gdh::FINAL_TOKEN);
            }
            token(trio, who, cliques::gdh::FACTOR_OUT, other, run)
        }
        "key list" => token(trio, who, cliques::gdh::KEY_LIST, other, run),
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

#[test]
fn early_data_comes_right_after_the_key() {
    let (mut trio, who) = Trio::at("KL");
    for number in 0..3_u8 {
        trio.handle(who, Input::EarlyData(Bytes::copy_from_slice(&[number])))
            .unwrap();
    }
    let outputs = trio.deliver(who, cliques::gdh::KEY_LIST);
    let described: Vec<String> = outputs.iter().map(describe).collect();
    assert_eq!(described, ["install 3 0", "deliver", "deliver", "deliver"]);
}

#[test]
fn early_data_overtakes_even_the_request_for_the_refresh() {
    let (mut trio, who) = Trio::at("S");
    trio.handle(who, Input::EarlyData(Bytes::from_static(b"ahead")))
        .unwrap();
    trio.handle("b", Input::RequestRefresh).unwrap();
    trio.deliver("c", TokenKind::REFRESH_REQUEST);
    trio.deliver(who, TokenKind::REFRESH_REQUEST);
    let outputs = trio.deliver(who, cliques::gdh::KEY_LIST);
    let described: Vec<String> = outputs.iter().map(describe).collect();
    assert_eq!(described, ["install 3 1", "deliver"]);
}

#[test]
fn early_data_is_dropped_when_the_key_does_not_come() {
    for event in [Input::FlushRequest, Input::TransitionalSignal] {
        for state in ["KL", "REFRESHING", "S"] {
            let (mut trio, who) = Trio::at(state);
            trio.handle(who, Input::EarlyData(Bytes::from_static(b"early")))
                .unwrap();
            trio.handle(who, event.clone()).unwrap();
            assert_eq!(
                trio.drivers[who].stats().data_drops.discarded,
                1,
                "{state} {event:?}"
            );
        }
    }
}

#[test]
fn queue_of_early_data_is_bounded() {
    let (mut trio, who) = Trio::at("KL");
    let message = Bytes::from(vec![0; 1 << 16]);
    for _ in 0..40 {
        trio.handle(who, Input::EarlyData(message.clone())).unwrap();
    }
    let stats = trio.drivers[who].stats();
    assert_eq!((stats.data_queued, stats.data_drops.overflow), (15, 25));
}

#[test]
fn cause_is_network_if_a_view_lies_between() {
    let (mut trio, _) = Trio::at("S");
    let cause = |outputs: &[gka_robust::Output<Bytes>]| match outputs.last() {
        Some(gka_robust::Output::Install { view, .. }) => view.view.cause,
        other => panic!("{other:?}"),
    };
    let flush = |trio: &mut Trio| {
        trio.handle("a", Input::FlushRequest).unwrap();
        trio.handle("a", Input::SecureFlushOk).unwrap();
    };
    flush(&mut trio);
    let alone = view(2, &["a"], &["a"], Cause::Leave(id("b")));
    let outputs = trio.handle("a", Input::Membership(alone)).unwrap();
    assert_eq!(cause(&outputs), Cause::Leave(id("b")));
    flush(&mut trio);
    let joined = view(3, &["a", "j"], &["a"], Cause::Join(id("j")));
    trio.handle("a", Input::Membership(joined)).unwrap();
    trio.handle("a", Input::FlushRequest).unwrap();
    let alone = view(4, &["a"], &["a"], Cause::Leave(id("j")));
    let outputs = trio.handle("a", Input::Membership(alone)).unwrap();
    assert_eq!(cause(&outputs), Cause::Network);
}

#[test]
fn reset_forgets_everything() {
    let (mut trio, who) = Trio::at("S");
    let driver = trio.drivers.get_mut(who).unwrap();
    driver.reset();
    assert_eq!(short(driver.state_name()), "CM");
    assert!(driver.view().is_none() && driver.secure_view().is_none());
    assert!(driver.controller().is_none() && driver.poll_output().is_none());
    assert!(driver.send_permission().is_err());
    let again = view(9, &["a"], &["a"], Cause::Join(id("a")));
    let outputs = trio.handle(who, Input::Membership(again)).unwrap();
    let described: Vec<String> = outputs.iter().map(describe).collect();
    assert_eq!(described, ["install 1 0"]);
}

/// A membership erases what the view before it left behind, not only what replaces it.
#[test]
fn shares_do_not_outlive_their_view() {
    let algebra = Algebra::new();
    let group = SymbolicGroup::new(algebra, 0);
    let suite = Gdh::new(group.clone(), id("a"));
    let mut trio = Trio::new();
    let driver = RobustDriver::with_suite(config("a"), Box::new(suite)).unwrap();
    trio.drivers.insert("a".into(), driver);
    let alone = view(1, &["a"], &["a"], Cause::Join(id("a")));
    trio.handle("a", Input::Membership(alone)).unwrap();
    assert_eq!((short(trio.state("a")), group.alive().len()), ("S", 1));
    trio.handle("a", Input::FlushRequest).unwrap();
    trio.handle("a", Input::SecureFlushOk).unwrap();
    assert_eq!(group.alive().len(), 1);
    let joint = view(2, &["b", "a"], &["a"], Cause::Network);
    trio.handle("a", Input::Membership(joint)).unwrap();
    assert_eq!((short(trio.state("a")), group.alive().len()), ("PT", 0));
    trio.handle("a", Input::FlushRequest).unwrap();
    let joint = view(3, &["a", "b"], &["a"], Cause::Network);
    trio.handle("a", Input::Membership(joint)).unwrap();
    assert_eq!((short(trio.state("a")), group.alive().len()), ("FT", 1));
    trio.drivers.get_mut("a").unwrap().reset();
    assert_eq!(group.alive().len(), 0);
}
