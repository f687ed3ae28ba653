//! Members whose identity, configuration or conduct prevents a key: they are reported.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use cliques::{
    Protocol, ReceivedToken, Recipient,
    gdh::{FACTOR_OUT, FINAL_TOKEN, KEY_LIST, PARTIAL_TOKEN},
    group::{GroupExt as _, Ristretto255},
    testing::signature::TestVerifier,
};
use gka_robust::{
    Cause, Config, FailureReason, Input, Output, RobustDriver,
    testing::{
        OPTIMIZED,
        trio::{Trio, config, describe, id, token, view},
    },
};

#[test]
fn suite_mismatch_is_reported_once_and_ends_nothing() {
    let (mut trio, who) = Trio::at("FT");
    let sender = "b";
    let Input::Token { bytes, .. } = trio.forge(sender, Recipient::Group, FINAL_TOKEN, 0) else {
        panic!()
    };
    for attempt in 0..3 {
        let mut changed = bytes.to_vec();
        changed[1] = 77;
        let outputs = trio
            .handle(who, token(sender, FINAL_TOKEN, changed))
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
    let outputs = trio.deliver("b", PARTIAL_TOKEN);
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
        ("PT", PARTIAL_TOKEN, 0),
        ("FT", FINAL_TOKEN, 0),
        ("FO", FACTOR_OUT, 0),
        ("KL", KEY_LIST, 0),
        ("REFRESHING", KEY_LIST, 1),
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
    let Some(Input::Token { bytes, .. }) = trio.take("b", KEY_LIST) else {
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
    let list = trio.forge_body("c", Recipient::Group, KEY_LIST, 0, &body);
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
