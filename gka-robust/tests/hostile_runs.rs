//! Arbitrary inputs, and cascades under attack.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use bytes::Bytes;
use cliques::{Protocol, gdh::FINAL_TOKEN};
use gka_robust::{
    Algorithm, Cause, FailureReason, Input, Output,
    testing::{
        BASIC, Design, OPTIMIZED, Options, Simulation, check,
        oracle::check_quiescent,
        simulation::{Traffic, member},
        trio::{STATES, Trio, id, token, view},
    },
};
use proptest::prelude::*;

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
                Any::Bytes(bytes) => token("b", FINAL_TOKEN, bytes),
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
