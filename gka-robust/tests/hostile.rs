//! Hostile messages at any point of a run: truncated, changed, repeated, from another view, in
//! another's name, with a bad signature. They are counted and dropped, the state does not change,
//! the run completes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod common;

use bytes::Bytes;
use cliques::{
    Protocol, ReceivedToken, Recipient, TokenKind,
    group::{GroupExt as _, Ristretto255},
    testing::signature::TestVerifier,
};
use common::{BASIC, Design, OPTIMIZED, Trio, config, describe, id, view};
use gka_robust::{
    Algorithm, Cause, Config, FailureReason, Input, Output, RobustDriver, Stats,
    testing::{
        Options, Simulation, check,
        oracle::check_quiescent,
        simulation::{Traffic, member},
    },
};
use proptest::prelude::*;

const STATES: [&str; 9] = [
    "S",
    "PT",
    "FT",
    "FO",
    "FO one",
    "KL",
    "KL controller",
    "REFRESHING",
    "S asked",
];

/// Injects a token into each state; the counter that `counter` selects goes up by one, nothing else
/// changes, and the group ends up with one key.
fn dropped(
    what: &str,
    make: impl Fn(&mut Trio, &str) -> Input<Bytes>,
    counter: impl Fn(&Stats) -> u64,
    failures: u64,
) {
    for state in STATES {
        let (mut trio, who) = Trio::at(state);
        let before = trio.drivers[who].stats().clone();
        let named = trio.state(who);
        let input = make(&mut trio, who);
        let outputs = trio.handle(who, input).unwrap();
        let after = trio.drivers[who].stats().clone();
        assert_eq!(
            counter(&after),
            counter(&before) + 1,
            "{what} in {state}: {after:?}"
        );
        assert_eq!(
            after.token_drops.total(),
            before.token_drops.total() + 1,
            "{what} in {state}"
        );
        assert_eq!(
            after.tokens_accepted, before.tokens_accepted,
            "{what} in {state}"
        );
        assert_eq!(
            after.failures,
            before.failures + failures,
            "{what} in {state}"
        );
        assert_eq!(
            outputs.len() as u64,
            failures,
            "{what} in {state}: {outputs:?}"
        );
        assert_eq!(trio.state(who), named, "{what} in {state}");
        trio.run();
        let all_secure = ["a", "b", "c"]
            .iter()
            .all(|name| trio.state(name) == "SECURE");
        assert!(all_secure, "{what} in {state}");
        let keys: Vec<_> = trio.secrets.values().collect();
        assert!(
            keys.len() == 3 && keys.iter().all(|key| *key == keys[0]),
            "{what} in {state}"
        );
    }
}

/// A token of the present run with a valid signature of another member.
fn valid(trio: &Trio, who: &str) -> (&'static str, TokenKind, Bytes) {
    let sender = if who == "b" { "c" } else { "b" };
    let epoch = u32::from(trio.state(who) == "REFRESHING");
    match trio.forge(sender, Recipient::Group, cliques::gdh::KEY_LIST, epoch) {
        Input::Token { bytes, .. } => (sender, cliques::gdh::KEY_LIST, bytes),
        other => panic!("{other:?}"),
    }
}

fn token(sender: &str, kind: TokenKind, bytes: impl Into<Bytes>) -> Input<Bytes> {
    Input::Token {
        sender: id(sender),
        kind: Some(kind),
        bytes: bytes.into(),
    }
}

#[test]
fn truncated() {
    for cut in [0, 1, 4, 40, 100] {
        let make = |trio: &mut Trio, who: &str| {
            let (sender, kind, bytes) = valid(trio, who);
            token(
                sender,
                kind,
                bytes.slice(..bytes.len().saturating_sub(1).min(cut)),
            )
        };
        dropped("truncated", make, |stats| stats.token_drops.malformed, 0);
    }
    let longer = |trio: &mut Trio, who: &str| {
        let (sender, kind, bytes) = valid(trio, who);
        token(sender, kind, [&bytes[..], b"!"].concat())
    };
    dropped("longer", longer, |stats| stats.token_drops.malformed, 0);
}

#[test]
fn mis_signed() {
    let make = |trio: &mut Trio, who: &str| {
        let (sender, kind, bytes) = valid(trio, who);
        let mut bytes = bytes.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        token(sender, kind, bytes)
    };
    dropped(
        "bad signature",
        make,
        |stats| stats.token_drops.bad_signature,
        1,
    );
}

#[test]
fn changed_body() {
    let make = |trio: &mut Trio, who: &str| {
        let (sender, kind, bytes) = valid(trio, who);
        let mut bytes = bytes.to_vec();
        let body = bytes.len() - 60;
        bytes[body] ^= 0x40;
        token(sender, kind, bytes)
    };
    let counter = |stats: &Stats| stats.token_drops.bad_signature + stats.token_drops.malformed;
    for state in ["PT", "KL"] {
        let (mut trio, who) = Trio::at(state);
        let input = make(&mut trio, who);
        let before = counter(trio.drivers[who].stats());
        trio.handle(who, input).unwrap();
        assert_eq!(counter(trio.drivers[who].stats()), before + 1);
    }
}

#[test]
fn in_anothers_name() {
    let make = |trio: &mut Trio, who: &str| {
        let (sender, kind, bytes) = valid(trio, who);
        let other = ["a", "b", "c"]
            .into_iter()
            .find(|name| *name != sender)
            .unwrap();
        token(other, kind, bytes)
    };
    dropped(
        "another's token",
        make,
        |stats| stats.token_drops.sender_mismatch,
        0,
    );
}

/// What this member has sent needs no verification when it comes back, what only says that it is from
/// this member does.
#[test]
fn in_the_own_name() {
    dropped(
        "a token in the own name that was not sent",
        |trio, who| {
            let epoch = u32::from(trio.state(who) == "REFRESHING");
            match trio.forge(who, Recipient::Group, cliques::gdh::KEY_LIST, epoch) {
                Input::Token { bytes, .. } => {
                    let mut bytes = bytes.to_vec();
                    *bytes.last_mut().unwrap() ^= 1;
                    token(who, cliques::gdh::KEY_LIST, bytes)
                }
                other => panic!("{other:?}"),
            }
        },
        |stats| stats.token_drops.bad_signature,
        1,
    );
}

#[test]
fn of_a_stranger() {
    let make = |trio: &mut Trio, who: &str| {
        let epoch = u32::from(trio.state(who) == "REFRESHING");
        trio.forge("z", Recipient::Group, cliques::gdh::KEY_LIST, epoch)
    };
    dropped(
        "stranger's token",
        make,
        |stats| stats.token_drops.not_in_view,
        0,
    );
}

#[test]
fn redirected() {
    let make = |trio: &mut Trio, who: &str| {
        let epoch = u32::from(trio.state(who) == "REFRESHING");
        let sender = if who == "b" { "c" } else { "b" };
        let other = ["a", "b", "c"]
            .into_iter()
            .find(|name| *name != who)
            .unwrap();
        trio.forge(
            sender,
            Recipient::Member(id(other)),
            cliques::gdh::PARTIAL_TOKEN,
            epoch,
        )
    };
    dropped("for another", make, |stats| stats.token_drops.not_for_me, 0);
}

#[test]
fn of_another_view_or_epoch() {
    let other_view = |trio: &mut Trio, who: &str| {
        let sender = if who == "b" { "c" } else { "b" };
        let current = trio.current.clone();
        trio.current = view(2, &["a", "b", "c"], &["a"], Cause::Network);
        let token = trio.forge(sender, Recipient::Group, cliques::gdh::KEY_LIST, 0);
        trio.current = current;
        token
    };
    dropped(
        "other view",
        other_view,
        |stats| stats.token_drops.wrong_epoch,
        0,
    );
    // The identifier of a view may repeat, its members tell it apart.
    let same_id = |trio: &mut Trio, who: &str| {
        let sender = if who == "b" { "c" } else { "b" };
        let current = trio.current.clone();
        trio.current = view(1, &["a", "c", "b"], &["a"], Cause::Network);
        let token = trio.forge(sender, Recipient::Group, cliques::gdh::KEY_LIST, 0);
        trio.current = current;
        token
    };
    dropped(
        "same id, other order",
        same_id,
        |stats| stats.token_drops.wrong_epoch,
        0,
    );
    let epoch =
        |trio: &mut Trio, _: &str| trio.forge("b", Recipient::Group, cliques::gdh::KEY_LIST, 7);
    for state in STATES {
        let (mut trio, who) = Trio::at(state);
        let input = epoch(&mut trio, who);
        trio.handle(who, input).unwrap();
        assert_eq!(trio.drivers[who].stats().token_drops.wrong_epoch, 1);
    }
}

#[test]
fn of_another_kind_than_the_transport_says() {
    let make = |trio: &mut Trio, who: &str| {
        let (sender, _, bytes) = valid(trio, who);
        token(sender, cliques::gdh::PARTIAL_TOKEN, bytes)
    };
    dropped(
        "other kind",
        make,
        |stats| stats.token_drops.kind_mismatch,
        0,
    );
}

#[test]
fn every_token_repeated_everywhere() {
    let mut trio = Trio::in_view();
    while !trio.flight.is_empty() {
        let (sender, to, kind, bytes) = trio.flight.remove(0);
        trio.handle(&to, token(&sender, kind, bytes)).unwrap();
        // Everything sent so far, to everybody, in the right name.
        for (sender, recipient, kind, bytes) in trio.sent.clone() {
            for name in ["a", "b", "c"] {
                let in_flight = trio
                    .flight
                    .iter()
                    .any(|(_, t, _, b)| t == name && *b == bytes);
                // What has not been delivered yet is no repetition.
                if in_flight
                    || !(recipient == Recipient::Group || recipient == Recipient::Member(id(name)))
                {
                    continue;
                }
                let state = trio.state(name);
                let before = trio.drivers[name].stats().token_drops.repeated;
                trio.handle(name, token(&sender, kind, bytes.clone()))
                    .unwrap();
                assert_eq!(trio.drivers[name].stats().token_drops.repeated, before + 1);
                assert_eq!(trio.state(name), state);
            }
        }
    }
    for name in ["a", "b", "c"] {
        assert_eq!(trio.state(name), "SECURE");
        assert_eq!(trio.drivers[name].stats().impossible, 0);
    }
}

#[test]
fn suite_mismatch_is_reported_once_and_ends_nothing() {
    let (mut trio, who) = Trio::at("FT");
    let sender = "b";
    let Input::Token { bytes, .. } =
        trio.forge(sender, Recipient::Group, cliques::gdh::FINAL_TOKEN, 0)
    else {
        panic!()
    };
    for attempt in 0..3 {
        let mut changed = bytes.to_vec();
        changed[1] = 77;
        let outputs = trio
            .handle(who, token(sender, cliques::gdh::FINAL_TOKEN, changed))
            .unwrap();
        match (attempt, outputs.first()) {
            (0, Some(Output::Failed(failure))) => {
                assert_eq!(failure.suspects, [id(sender)]);
                assert_eq!(failure.reason, FailureReason::SuiteMismatch("suite"));
            }
            (1 | 2, None) => {}
            other => panic!("{other:?}"),
        }
    }
    trio.run();
    assert_eq!(trio.state(who), "SECURE");
}

#[test]
fn unknown_identity_is_reported() {
    let mut trio = Trio::new();
    let verifier = TestVerifier::new().without(id("a"));
    let config = Config {
        verifier: std::sync::Arc::new(verifier),
        ..config("b")
    };
    trio.drivers
        .insert("b".into(), RobustDriver::new(config).unwrap());
    let joint = trio.current.clone();
    for name in ["a", "b", "c"] {
        trio.handle(name, Input::Membership(joint.clone())).unwrap();
    }
    let outputs = trio.deliver("b", cliques::gdh::PARTIAL_TOKEN);
    assert!(matches!(
        outputs.as_slice(),
        [Output::Failed(failure)] if failure.reason == FailureReason::UnknownIdentity
    ));
    assert_eq!(trio.state("b"), "WAIT_FOR_PARTIAL_TOKEN");
}

#[test]
fn insider_ends_the_run_until_the_next_membership() {
    // State, kind of the token awaited there, epoch.
    for (state, kind, epoch) in [
        ("PT", cliques::gdh::PARTIAL_TOKEN, 0),
        ("FT", cliques::gdh::FINAL_TOKEN, 0),
        ("FO", cliques::gdh::FACTOR_OUT, 0),
        ("KL", cliques::gdh::KEY_LIST, 0),
        ("REFRESHING", cliques::gdh::KEY_LIST, 1),
    ] {
        let (mut trio, who) = Trio::at(state);
        let sender = match (who, kind) {
            ("a", _) => "c",
            ("b", _) => "a",
            _ => "b",
        };
        let input = trio.forge(sender, Recipient::Group, kind, epoch);
        let outputs = trio.handle(who, input).unwrap();
        let described: Vec<String> = outputs.iter().map(describe).collect();
        assert_eq!(described, [format!("failed {sender}")], "{state}");
        assert_eq!(trio.state(who), "FAILED");
        // The honest token comes too late.
        trio.run();
        assert_eq!(trio.state(who), "FAILED");
        let outputs = trio.handle(who, Input::FlushRequest).unwrap();
        assert_eq!(
            outputs.iter().map(describe).collect::<Vec<_>>(),
            ["flush-ok"]
        );
        let next = view(2, &[who], &[who], Cause::Disconnect(id(sender)));
        trio.handle(who, Input::Membership(next)).unwrap();
        assert_eq!(trio.state(who), "SECURE");
    }
}

/// A key list is bad where only a later controller needs it: the agreement that needs it ends, and its
/// author is named.
#[test]
fn what_nobody_needed_before_is_blamed_on_its_author() {
    let (mut trio, _) = Trio::at_of("KL", OPTIMIZED);
    let Some(Input::Token { bytes, .. }) = trio.take("b", cliques::gdh::KEY_LIST) else {
        panic!("the key list is on its way");
    };
    let received = ReceivedToken::decode(&bytes, Protocol::GDH).unwrap();
    let mut body = received
        .verify(&TestVerifier::default())
        .unwrap()
        .body()
        .to_vec();
    // How many, then the name of `a` with its length; even and small, but no point.
    let element = body.get_mut(5..37).unwrap();
    let none = (2..=254_u8)
        .step_by(2)
        .find(|low| {
            element.fill(0);
            element[0] = *low;
            Ristretto255::new().decode(element).is_err()
        })
        .unwrap();
    assert_ne!(none, 0);
    let list = trio.forge_body("c", Recipient::Group, cliques::gdh::KEY_LIST, 0, &body);
    trio.handle("b", list).unwrap();
    assert_eq!(trio.state("b"), "SECURE");
    trio.handle("b", Input::FlushRequest).unwrap();
    trio.handle("b", Input::SecureFlushOk).unwrap();
    let without = view(2, &["a", "b"], &["a", "b"], Cause::Leave(id("c")));
    let outputs = trio.handle("b", Input::Membership(without)).unwrap();
    let described: Vec<String> = outputs.iter().map(describe).collect();
    assert_eq!(described, ["secure-signal", "failed c"]);
    assert_eq!(trio.state("b"), "FAILED");
    trio.handle("b", Input::FlushRequest).unwrap();
    let alone = view(3, &["b"], &["b"], Cause::Leave(id("a")));
    trio.handle("b", Input::Membership(alone)).unwrap();
    assert_eq!(trio.state("b"), "SECURE");
}

const DESIGNS: [(Protocol, Algorithm); 9] = [
    (Protocol::GDH, Algorithm::Basic),
    (Protocol::GDH, Algorithm::Optimized),
    (Protocol::GDH, Algorithm::Restart),
    (Protocol::BD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Incremental),
    (Protocol::STR, Algorithm::Incremental),
    (Protocol::TGDH, Algorithm::Restart),
    (Protocol::TGDH, Algorithm::Incremental),
];

/// Random cascades with a listener that repeats, changes and misdirects everything it hears (I27).
#[test]
fn cascades_under_attack_keep_all_properties() {
    let mut dropped = 0;
    for seed in 0..270 {
        let (protocol, algorithm) = DESIGNS[seed as usize % DESIGNS.len()];
        let mut simulation = Simulation::new(Options::of(protocol, algorithm, seed));
        let names = ["p0", "p1", "p2", "p3"].map(member);
        for name in &names {
            let with = simulation.live().first().cloned();
            simulation.start(name, with.as_ref());
        }
        for round in 0..4 {
            for _ in 0..60 {
                simulation.step(Traffic::Busy);
                attack(&mut simulation);
            }
            let mut side = names.to_vec();
            simulation.dice().shuffle(&mut side);
            simulation.gather(side.into_iter().take(1 + round).collect());
        }
        assert!(simulation.settle());
        let mut found = check(&simulation);
        // Attacks are counted, by design.
        found.retain(|violation| violation.invariant != "I17");
        found.extend(check_quiescent(&simulation));
        assert!(
            found.is_empty(),
            "{algorithm} {protocol}, seed {seed}: {found:?}"
        );
        dropped += simulation
            .trace()
            .lives
            .iter()
            .map(|life| life.stats.token_drops.total())
            .sum::<u64>();
    }
    assert!(dropped > 270 * 50, "{dropped} tokens dropped only");
}

fn attack(simulation: &mut Simulation) {
    let live = simulation.live();
    let victim = live[simulation.dice().below(live.len())];
    let heard = simulation.overheard().len();
    if heard == 0 {
        return;
    }
    let (sender, kind, bytes) = {
        let index = simulation.dice().below(heard);
        simulation.overheard()[index].clone()
    };
    let mut bytes = bytes.to_vec();
    let mut sender = sender;
    match simulation.dice().below(4) {
        0 => bytes.truncate(simulation.dice().below(bytes.len())),
        1 => {
            let index = simulation.dice().below(bytes.len());
            bytes[index] ^= 1 << simulation.dice().below(8);
        }
        2 => {
            let other = live[simulation.dice().below(live.len())];
            if other == sender {
                return;
            }
            sender = other;
        }
        // A replay, but not of what is still on its way: that would be delivery ahead of its
        // sender's order, which is the flush service's to prevent.
        _ => {
            let current = simulation.driver(&victim).and_then(|driver| driver.view());
            let same =
                current.is_some_and(|view| bytes.windows(12).any(|window| window == view.id.0));
            if same {
                return;
            }
        }
    }
    let input = Input::Token {
        sender,
        kind: Some(kind),
        bytes: bytes.into(),
    };
    simulation.give(&victim, input);
}

#[derive(Clone, Debug)]
enum Any {
    View(u8, Vec<u8>),
    Request,
    Signal,
    Data(u8),
    Early(u8),
    FlushOk,
    Refresh,
    Fail,
    Token(usize),
    Bytes(Vec<u8>),
    Reset,
}

fn any_input() -> impl Strategy<Value = Any> {
    prop_oneof![
        3 => (any::<u8>(), proptest::collection::vec(0..6_u8, 0..6)).prop_map(|(id, members)| Any::View(id, members)),
        4 => Just(Any::Request),
        2 => Just(Any::Signal),
        2 => any::<u8>().prop_map(Any::Data),
        2 => any::<u8>().prop_map(Any::Early),
        4 => Just(Any::FlushOk),
        3 => Just(Any::Refresh),
        1 => Just(Any::Fail),
        8 => any::<usize>().prop_map(Any::Token),
        2 => proptest::collection::vec(any::<u8>(), 0..200).prop_map(Any::Bytes),
        1 => Just(Any::Reset),
    ]
}

/// States of other algorithms and suites to begin in.
const OTHERS: [(&str, Design); 15] = [
    ("SJ", OPTIMIZED),
    ("S", OPTIMIZED),
    ("M", OPTIMIZED),
    ("M controller", OPTIMIZED),
    ("CM interrupted", OPTIMIZED),
    ("R", (Protocol::BD, Algorithm::Restart)),
    ("S", (Protocol::CKD, Algorithm::Incremental)),
    ("R", (Protocol::CKD, Algorithm::Incremental)),
    ("M", (Protocol::CKD, Algorithm::Incremental)),
    ("S", (Protocol::STR, Algorithm::Incremental)),
    ("R", (Protocol::STR, Algorithm::Incremental)),
    ("M", (Protocol::STR, Algorithm::Incremental)),
    ("S", (Protocol::TGDH, Algorithm::Incremental)),
    ("R", (Protocol::TGDH, Algorithm::Incremental)),
    ("M", (Protocol::TGDH, Algorithm::Incremental)),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever comes, and in whatever order: no panic, errors for the application's calls only,
    /// and no token after Flush_Ok.
    #[test]
    fn arbitrary_inputs(
        state in 0..STATES.len() + OTHERS.len(),
        inputs in proptest::collection::vec(any_input(), 0..60),
    ) {
        let (state, design) = match state.checked_sub(STATES.len()) {
            None => (STATES[state], BASIC),
            Some(other) => OTHERS[other],
        };
        let (mut trio, who) = Trio::at_of(state, design);
        let mut flushed = false;
        for input in inputs {
            let input = match input {
                Any::View(number, members) => {
                    let names = ["a", "b", "c", "d", "e", "b"];
                    let members: Vec<_> = members.iter().map(|m| names[*m as usize]).collect();
                    // Those who came along: all of them, some, or others.
                    let together = match number % 4 {
                        0 => &members[..members.len() / 2],
                        1 => &names[..3],
                        _ => &members,
                    };
                    Input::Membership(view(number, &members, together, Cause::Network))
                }
                Any::Request => Input::FlushRequest,
                Any::Signal => Input::TransitionalSignal,
                Any::Data(byte) => Input::Data(Bytes::copy_from_slice(&[byte])),
                Any::Early(byte) => Input::EarlyData(Bytes::copy_from_slice(&[byte])),
                Any::FlushOk => Input::SecureFlushOk,
                Any::Refresh => Input::RequestRefresh,
                Any::Fail => Input::Fail(gka_robust::Failure::of(
                    id("c"),
                    FailureReason::BadSignature,
                )),
                Any::Token(index) if !trio.sent.is_empty() => {
                    let (sender, _, kind, bytes) = trio.sent[index % trio.sent.len()].clone();
                    token(&sender, kind, bytes)
                }
                Any::Token(_) => continue,
                Any::Bytes(bytes) => token("b", cliques::gdh::FINAL_TOKEN, bytes),
                Any::Reset => {
                    trio.drivers.get_mut(who).unwrap().reset();
                    flushed = false;
                    continue;
                }
            };
            let asked = matches!(input, Input::SecureFlushOk | Input::RequestRefresh);
            let installs = matches!(input, Input::Membership(_));
            let before = trio.drivers[who].stats().memberships;
            match trio.handle(who, input) {
                Ok(outputs) => {
                    if installs && trio.drivers[who].stats().memberships > before {
                        flushed = false;
                    }
                    for output in &outputs {
                        match output {
                            Output::Send(_) => prop_assert!(!flushed),
                            Output::FlushOk => flushed = true,
                            _ => {}
                        }
                    }
                }
                Err(error) => prop_assert!(asked, "{error}"),
            }
        }
    }
}
